"""From what a load balancer counts to bad and slow requests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.rollout.metrics import MetricsWanted

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""What is asked for where slow requests cannot be counted."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Requests that a load balancer sent to one target group in one minute, and what the targets answered.

    requests: for which a target was chosen. connection_errors: connections to a target that could not be made.
    Source: "CloudWatch metrics for your Application Load Balancer", ELB user guide.
    """

    requests: int
    code_2xx: int = 0
    code_3xx: int = 0
    code_4xx: int = 0
    code_5xx: int = 0
    connection_errors: int = 0

    @property
    def by_targets(self) -> int:
        """Requests that a target answered."""
        return self.code_2xx + self.code_3xx + self.code_4xx + self.code_5xx


def errors_of(answered: Answered, wanted: MetricsWanted) -> int:
    """How many of the requests were bad: those that no target answered with 2xx, 3xx or 4xx; never more than all.

    A target that resets or times out is answered for by the load balancer, 502 or 504, which it counts for itself
    alone: the target group's count of 5xx has none of these. WebSockets are answered 101 and would seem bad too; where
    there may be any, what targets and connections reported is all that can be counted.
    """
    if wanted.websockets:
        bad = answered.code_5xx + answered.connection_errors
    else:
        bad = max(0, answered.requests - answered.code_2xx - answered.code_3xx - answered.code_4xx)
        if wanted.count_connection_errors:
            bad = max(bad, answered.connection_errors)  # most are among the bad ones, and none counts twice
    if wanted.count_4xx:
        bad += answered.code_4xx
    return min(bad, answered.requests)


def slow_of(percentiles: Mapping[float, float], answered: int, slow_over: float) -> int | None:
    """About how many of the `answered` requests took longer than `slow_over` seconds; None without percentiles.

    percentiles: percent -> seconds. Between two of them times are taken to lie evenly. What lies above the last one is
    not known, and counts only as far as the last one itself is slow.
    """
    if not percentiles:
        return None
    below, below_at = 0.0, 0.0
    for percent, seconds in sorted(percentiles.items()):
        if seconds > slow_over:
            within = max(0.0, slow_over - below_at) / (seconds - below_at)
            return round(answered * (1 - (below + (percent - below) * within) / 100))
        below, below_at = percent, seconds
    return 0


def unexplained(bad: int, target_5xx: int, balancer_5xx: int) -> int:
    """How many bad requests of both colors neither a target nor the load balancer answered with 5xx.

    Such are WebSockets (101), and clients that left before the answer (460).
    Source: "Troubleshoot your Application Load Balancers", ELB user guide.
    """
    return max(0, bad - target_5xx - balancer_5xx)
