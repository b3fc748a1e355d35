"""Whether evidence comes from a release that is bad, minute after minute, or from a burst on the new color.

A look at this comes after the evidence has sufficed, and can only hold a failure back; so it never adds a false alarm.

Where the live side has been seen long enough to know that it has no bursts, two bad minutes are enough. Where it has
not, a burst of the new color's own is told from a bad release by coming and going:

- its counts over all minutes, or over the last 8, 16 or 32, vary no more than chance makes them, or by less than 60 %,
  and those minutes suffice by themselves;
- or each of the last eight minutes is clearly worse by itself, however much worse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from toolkit.analysis.sequential import ALTERNATIVES
from toolkit.analysis.series import Counts

KNOWN_AFTER = 60
"""Minutes of the live side after which its having no bursts is known."""

_BURST = 0.2
"""The part of bursts that a bad minute is weighed against: it is worth ln(1/0.2) at most."""

_CLEAR = -math.log(_BURST)
_CALM = -math.log(1 - _BURST)
_ENOUGH = 2 * _CLEAR - 0.01
_RECENT = (8, 16, 32)
_SURE = 3.0
_VARIES = 0.6
_WINDOW = 240
"""Minutes looked back over at most."""


def lasting(minutes: Sequence[Counts], null: float, needed: float, *, known: bool) -> bool:
    """Whether the evidence lasts.

    null: the ratio that is tested against. needed: ln of the evidence that suffices. known: the live side was seen for
    KNOWN_AFTER minutes and has no bursts.
    """
    seen = minutes[-_WINDOW:]
    if len(seen) < 2:  # noqa: PLR2004 - one minute is never enough
        return False
    if known:
        return _run(seen, null) >= _ENOUGH
    return (
        _even(seen)
        or any(len(seen) > last and _even(seen[-last:]) and _likely(seen[-last:], null) >= needed for last in _RECENT)
        or (len(seen) >= _RECENT[0] and all(_worth(each, null) >= _CLEAR for each in seen[-_RECENT[0] :]))
    )


def _worth(counts: Counts, null: float) -> float:
    """The logarithm of how much likelier the minute is in a bad release than beside equal colors with bursts; cut."""
    odds = counts.new_requests / counts.live_requests
    equal, total = math.log1p(odds), counts.new + counts.live
    ratios = [multiple * null for multiple, _ in ALTERNATIVES]
    best = max(counts.new * math.log(ratio) - total * (math.log1p(ratio * odds) - equal) for ratio in ratios)
    return min(best + _CALM, _CLEAR)


def _run(minutes: Sequence[Counts], null: float) -> float:
    """The largest sum of what the newest minutes are worth (Page's cumulative sum)."""
    total = 0.0
    for each in minutes:
        total = max(0.0, total + _worth(each, null))
    return total


def _even(minutes: Sequence[Counts]) -> bool:
    """Whether the new color's counts vary no more than chance, or than 60 %, makes them.

    Compared with its own mean, not with the live side's counts: a live side that varies is called bursty before this.
    """
    bad, requests, size = sum(each.new for each in minutes), sum(each.new_requests for each in minutes), len(minutes)
    if not bad:
        return False
    rate = bad / requests
    if rate >= 1:
        return True
    mean = bad / size
    squares = sum((each.new - each.new_requests * rate) ** 2 / each.new_requests for each in minutes)
    phi = squares / (rate * (1 - rate)) / (size - 1)
    return phi <= 1 + _SURE * math.sqrt((2 + 1 / mean) / (size - 1)) or (phi - 1) / mean <= _VARIES**2


def _likely(minutes: Sequence[Counts], null: float) -> float:
    """The logarithm of the best bet on these minutes alone."""
    best = -math.inf
    for multiple, weight in ALTERNATIVES:
        value = math.log(weight)
        for each in minutes:
            odds = each.new_requests / each.live_requests
            shrink = math.log1p(multiple * null * odds) - math.log1p(null * odds)
            value += each.new * math.log(multiple) - (each.new + each.live) * shrink
        best = max(best, value)
    return best
