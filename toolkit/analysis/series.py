"""Samples of both colors, and the minutes in which they can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from toolkit.analysis.policy import Metric
from toolkit.errors import UsageError
from toolkit.traffic import Color

MINUTE = 60
LARGEST = 10**12
"""Requests of a minute beyond which a number is no count but a fault; floats are still exact there."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one color did in one minute.

    minute: a number that grows by one a minute, such as Unix time // 60. requests, errors, slow: counts; slow is None
    where latency is not measured. split: the split that was in force, in any spelling, the same for the same split.

    Raises:
        UsageError: counts that cannot be.
    """

    minute: int
    color: Color
    requests: int
    errors: int
    slow: int | None = None
    split: str = ""

    def __post_init__(self) -> None:
        for name, count in (("errors", self.errors), ("slow", self.slow)):
            if count is not None and not 0 <= count <= self.requests <= LARGEST:
                raise UsageError(
                    f"minute {self.minute} of {self.color} has {count} {name} in {self.requests} requests, "
                    "which cannot be"
                )

    def count(self, metric: Metric) -> int | None:
        return self.errors if metric is Metric.ERRORS else self.slow


@dataclass(frozen=True, slots=True)
class Counts:
    """One metric of one minute, both colors: how many of the requests were bad."""

    new_requests: float
    new: float
    live_requests: float
    live: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A minute in which both colors had requests under one split. Only such minutes are compared.

    Comparing within the minute and adding the evidence up is what keeps a changing split, and a changing load, from
    looking like a difference between the colors (Simpson's paradox).
    """

    minute: int
    split: str
    counts: Mapping[Metric, Counts]


def paired(new: Sample | None, live: Sample | None, metrics: Iterable[Metric]) -> Pair | None:
    """Both samples of a minute side by side; None where one is missing or had no request, or the splits differ."""
    if new is None or live is None or not new.requests or not live.requests or new.split != live.split:
        return None
    counts: dict[Metric, Counts] = {}
    for metric in metrics:
        here, there = new.count(metric), live.count(metric)
        if here is not None and there is not None:
            counts[metric] = Counts(new.requests, here, live.requests, there)
    return Pair(new.minute, new.split, counts)


def last_settled(now: float, settle_seconds: float) -> int:
    """The newest minute whose counts no longer grow: it ended `settle_seconds` ago or longer (Unix time // 60)."""
    return int((now - settle_seconds) // MINUTE) - 1


def first_warm(shifted: float, warmup_minutes: int) -> int:
    """The first minute to compare after a shift at Unix time `shifted`: the first whole one, past the warm-up."""
    return -int(-shifted // MINUTE) + warmup_minutes
