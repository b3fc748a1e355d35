"""How long a canary needs: to see a regression, and to be sure that there is none.

The shipped evidence is fed with the counts to be expected, fractions and all, minute by minute. About half of the
rollouts need longer than that, half of them less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from toolkit.analysis.judge import SOONEST_PASS
from toolkit.analysis.policy import Policy
from toolkit.analysis.sequential import ORDINARY_SHARE, Evidence, Excess, Safety
from toolkit.analysis.series import Counts
from toolkit.errors import UsageError

LONGEST = 24 * 60
"""Minutes after which the answer is "not within a day"."""

_SOONEST_FAIL = 2
"""One minute is never enough to fail."""


@dataclass(frozen=True, slots=True)
class Power:
    """Minutes of settled data; None: not within LONGEST.

    detect: until a release `factor` times as bad fails. safe: until one that is as good as the live side passes.
    """

    detect: int | None
    safe: int | None


def power(policy: Policy, *, rate: float, share: float, baseline: float, factor: float) -> Power:
    """For one metric with its part of α.

    rate: requests a second, both colors together. share: the part of them that the new color gets, 0 to 1.
    baseline: the part of the live side's requests that is bad, 0 to 1. factor: how many times that the new color's is.

    Raises:
        UsageError: a number that cannot be.
    """
    if not 0 < rate <= 1e7:  # noqa: PLR2004 - beyond any load balancer
        raise UsageError(f"the rate is a number of requests a second above 0, not {rate:g}")
    if not 0 < share < 1:
        raise UsageError(f"the share is above 0 % and below 100 %, not {share * 100:g} %")
    if not 0 < baseline < 1:
        raise UsageError(f"the baseline is above 0 % and below 100 %, not {baseline * 100:g} %")
    if not 1 < factor < math.inf:
        raise UsageError(f"the factor is above 1, not {factor:g}")
    new, live = rate * 60 * share, rate * 60 * (1 - share)
    worse = Counts(new, new * min(1.0, baseline * factor), live, live * baseline)
    return Power(_detect(policy, worse), _safe(policy, Counts(new, new * baseline, live, live * baseline)))


def _detect(policy: Policy, minute: Counts) -> int | None:
    if minute.new / minute.new_requests <= policy.ratio * minute.live / minute.live_requests:
        return None
    evidence, level = Evidence(policy.ratio), -math.log(policy.share_of_alpha)
    excess = Excess(policy.excess)
    for minutes in range(1, LONGEST + 1):
        evidence.add(minute)
        shown = evidence.ordinary * ORDINARY_SHARE >= math.exp(level)
        if shown and minutes >= _SOONEST_FAIL and excess.log_evidence([minute] * minutes) >= level:
            return minutes
    return None


def _safe(policy: Policy, minute: Counts) -> int | None:
    safety = Safety(policy.safe_ratio, policy.safe_excess)
    for minutes in range(1, LONGEST + 1):
        safety.add(minute)
        if minutes >= SOONEST_PASS and safety.log_evidence() >= -math.log(policy.safe_alpha):
            return minutes
    return None
