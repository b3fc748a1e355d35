"""Whether errors come one by one or in bursts, seen on the live side.

Bursts that both colors share cancel in the comparison of a minute. Bursts of one color alone do not, and the live
side is where they can be told from a bad release. From one minute to the next the rate r = y / n of independent
errors differs by no more than chance: (r − r′)² has mean q(1 − q)(1/n + 1/n′). The mean of the quotients over
neighbouring minutes is the dispersion φ, 1 for independent errors (von Neumann's successive differences; a slow drift
over the day cancels). Blocks of five minutes are compared likewise.
"""

from __future__ import annotations

import math

_SURE = 3.0
"""Standard errors by which φ must pass 1."""

_RELEVANT = 0.05
"""Coefficient of variation of the rates beyond chance, below which bursts cannot look like a regression."""

_SMALLEST = 1.3
"""φ up to here is left alone."""

_SCALES = (1, 5)
"""Minutes to a block. Bursts that last show between longer blocks, where minutes beside each other are alike."""


class Dispersion:
    """Takes in the live side's minutes, those before the rollout too, and says φ."""

    __slots__ = ("_scales", "minutes")

    def __init__(self) -> None:
        self._scales = [_Scale(length) for length in _SCALES]
        self.minutes = 0

    def add(self, minute: int, requests: float, bad: float) -> None:
        """Take in a minute with requests; minutes come in order."""
        self.minutes += 1
        for scale in self._scales:
            scale.add(minute, requests, bad)

    @property
    def phi(self) -> float:
        """The largest φ of all scales, at least 1."""
        return max(1.0, *(scale.phi for scale in self._scales))

    @property
    def bursts(self) -> bool:
        """Whether φ is above 1 beyond doubt, and by enough to matter."""
        return any(scale.bursts for scale in self._scales)


class _Scale:
    """φ between neighbouring blocks of `length` minutes; a block with a gap in it is left out."""

    __slots__ = ("_bad", "_begun", "_blocks", "_last", "_length", "_now", "_pairs", "_requests", "_squares")

    def __init__(self, length: int) -> None:
        self._length = length
        self._squares = self._bad = self._requests = 0.0
        self._pairs = self._blocks = 0
        self._begun: int | None = None
        self._now = (0.0, 0.0)
        self._last: tuple[int, float, float] | None = None

    def add(self, minute: int, requests: float, bad: float) -> None:
        if self._begun is None or minute - self._begun >= self._length:
            self._begun, self._now = minute, (0.0, 0.0)
        self._now = (self._now[0] + requests, self._now[1] + bad)
        if minute - self._begun == self._length - 1:
            self._close(self._begun, *self._now)
            self._begun = None

    def _close(self, begun: int, requests: float, bad: float) -> None:
        if self._last is not None and self._last[0] == begun - self._length:
            _, before, bad_before = self._last
            difference = bad / requests - bad_before / before
            self._squares += difference * difference / (1 / requests + 1 / before)
            self._pairs += 1
        self._last = (begun, requests, bad)
        self._requests += requests
        self._bad += bad
        self._blocks += 1

    @property
    def phi(self) -> float:
        """φ; 1 where there is nothing to estimate it from."""
        if not self._pairs or not 0 < self._bad < self._requests:
            return 1.0
        rate = self._bad / self._requests
        return self._squares / self._pairs / (rate * (1 - rate))

    @property
    def bursts(self) -> bool:
        """The variance of φ under independent errors is about (3 + 1/m) / pairs, m being a block's mean count."""
        phi = self.phi
        if phi <= _SMALLEST:
            return False
        mean = self._bad / self._blocks
        doubt = math.sqrt((3 + 1 / mean) / self._pairs)
        return phi > 1 + _SURE * doubt and (phi - 1) / mean > _RELEVANT**2
