"""What an analysis is held to: false alarms, the smallest effects that matter, how evidence is weighed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from toolkit.errors import UsageError


class Metric(StrEnum):
    """What is counted of the requests of a minute."""

    ERRORS = "errors"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A plain limit: fail where the new color's rate (0 to 1) of a minute is above `limit`, `times` minutes in a row.

    Minutes with fewer than `minimum_requests` on the new color do not count, and do not end a row.
    """

    metric: Metric
    limit: float
    times: int = 1
    minimum_requests: int = 1

    def __post_init__(self) -> None:
        _held(0 <= self.limit < 1, f"a threshold is a rate from 0 to below 1, not {self.limit:g}")
        _held(self.times >= 1, f"a threshold is passed at least once, not {self.times} times")
        _held(self.minimum_requests >= 1, "a threshold needs at least one request")


@dataclass(frozen=True, slots=True)
class Policy:
    """How a release is judged.

    alpha: the chance of failing a release that is no worse than `ratio`, over all looks and metrics of a rollout.
    metrics: what is compared; each gets the same part of `alpha`. A metric that no sample has is no metric here.
    ratio, excess: the smallest effect worth stopping for. A release fails only where its rate is shown to be above
        `ratio` times the live side's, and also above the live side's rate plus `excess`.
    safe_ratio, safe_excess, safe_alpha: it passes where its rate is shown to be below `safe_ratio` times the live
        side's plus `safe_excess`, wrong in at most `safe_alpha` of the releases at that bound.
    sick: a live side with a rate above this is reported, and nothing passes beside it.
    stale_minutes: without a comparable minute among the last so many, nothing passes.
    compare: False leaves the decision to `thresholds` alone.
    thresholds: plain limits, besides or instead.
    """

    alpha: float = 0.01
    metrics: tuple[Metric, ...] = (Metric.ERRORS,)
    ratio: float = 1.25
    excess: float = 0.00001
    safe_ratio: float = 2.0
    safe_excess: float = 0.001
    safe_alpha: float = 0.05
    sick: float = 0.05
    stale_minutes: int = 5
    compare: bool = True
    thresholds: tuple[Threshold, ...] = ()

    def __post_init__(self) -> None:
        _held(0 < self.alpha < 1, f"alpha is a rate above 0 and below 1, not {self.alpha:g}")
        _held(0 < self.safe_alpha < 1, f"safe_alpha is a rate above 0 and below 1, not {self.safe_alpha:g}")
        _held(bool(self.metrics), "an analysis needs at least one metric")
        _held(len(set(self.metrics)) == len(self.metrics), "a metric is named once")
        _held(1 <= self.ratio < 100, f"ratio is at least 1 and below 100, not {self.ratio:g}")  # noqa: PLR2004
        _held(0 <= self.excess < 1, f"excess is a rate from 0 to below 1, not {self.excess:g}")
        _held(self.safe_ratio > 1, f"safe_ratio is above 1, not {self.safe_ratio:g}")
        _held(0 <= self.safe_excess < 1, f"safe_excess is a rate from 0 to below 1, not {self.safe_excess:g}")
        _held(0 < self.sick <= 1, f"sick is a rate above 0, not {self.sick:g}")
        _held(self.stale_minutes >= 1, "stale_minutes is at least 1")
        _held(self.compare or bool(self.thresholds), "without a comparison there must be a threshold")

    @property
    def share_of_alpha(self) -> float:
        """What of `alpha` each metric gets: false alarms of several metrics add up to `alpha` at most (Bonferroni)."""
        return self.alpha / len(self.metrics)


def _held(condition: bool, otherwise: str) -> None:
    if not condition:
        raise UsageError(otherwise)
