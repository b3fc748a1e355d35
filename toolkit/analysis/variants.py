"""Two variants side by side: a rate of each with its interval, and the interval of their difference. Pure.

The interval of a rate is Wilson's score interval without continuity correction; that of the difference is Newcombe's
hybrid score interval (method 10), made of the two.
Source: R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods" (method
3) and "Interval estimation for the difference between independent proportions: comparison of eleven methods" (method
10), Statistics in Medicine 17 (1998), pages 857-872 and 873-890.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from toolkit.errors import UsageError

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: intervals of 95 %."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends, of a rate in 0 to 1 or of a difference in -1 to 1."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `of` requests.

    Raises:
        UsageError: counts that cannot be.
    """

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise UsageError(f"{self.count} of {self.of} is no rate")

    @property
    def value(self) -> float | None:
        """None without any request."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> Interval:
        """Wilson's; everything without any request."""
        if not self.of:
            return Interval(0.0, 1.0)
        share, square = self.count / self.of, Z * Z
        middle = (share + square / (2 * self.of)) / (1 + square / self.of)
        half = Z * sqrt(share * (1 - share) / self.of + square / (4 * self.of**2)) / (1 + square / self.of)
        low = 0.0 if self.count == 0 else max(0.0, middle - half)
        high = 1.0 if self.count == self.of else min(1.0, middle + half)
        return Interval(low, high)


@dataclass(frozen=True, slots=True)
class Difference:
    """The new variant's rate less the live one's."""

    new: Rate
    live: Rate

    @property
    def value(self) -> float | None:
        """None where one of them had no request."""
        if self.new.value is None or self.live.value is None:
            return None
        return self.new.value - self.live.value

    @property
    def interval(self) -> Interval:
        """Newcombe's; everything where one of them had no request."""
        if self.new.value is None or self.live.value is None:
            return Interval(-1.0, 1.0)
        new, live = self.new.interval, self.live.interval
        difference = self.new.value - self.live.value
        below = sqrt((self.new.value - new.low) ** 2 + (live.high - self.live.value) ** 2)
        above = sqrt((new.high - self.new.value) ** 2 + (self.live.value - live.low) ** 2)
        return Interval(max(-1.0, difference - below), min(1.0, difference + above))

    @property
    def is_told(self) -> bool:
        """Whether the requests there were tell the two apart."""
        return 0.0 not in self.interval
