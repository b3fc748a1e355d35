"""Whether evidence comes from a release that is bad, minute after minute, or from a burst on the new color.

A look at this comes after the evidence has sufficed, and can only hold a failure back; so it never adds a false alarm.

A burst of the new color's own is told from a bad release by coming and going. Evidence lasts where

- the new color's counts over all minutes, or over the last 8, 16 or 32, vary no more than chance makes them, or by less
  than 60 %, and those minutes suffice by themselves;
- or each of the last eight minutes is clearly worse by itself, however much worse; five, where the live side has been
  seen long enough to know that it has no bursts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from toolkit.analysis.sequential import ALTERNATIVES
from toolkit.analysis.series import Counts

KNOWN_AFTER = 60
"""Minutes of the live side after which its having no bursts is known."""

_CLEAR = math.log(5)
_RECENT = (8, 16, 32)
_IN_A_ROW, _IN_A_ROW_KNOWN = 8, 5
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
    in_a_row = _IN_A_ROW_KNOWN if known else _IN_A_ROW
    return (
        _even(seen)
        or any(len(seen) > last and _even(seen[-last:]) and _likely(seen[-last:], null) >= needed for last in _RECENT)
        or (len(seen) >= in_a_row and all(_clear(each, null) for each in seen[-in_a_row:]))
    )


def _clear(counts: Counts, null: float) -> bool:
    """Whether a bad release makes the minute five times as likely as equal colors do."""
    odds = counts.new_requests / counts.live_requests
    equal, total = math.log1p(odds), counts.new + counts.live
    ratios = [multiple * null for multiple, _ in ALTERNATIVES]
    best = max(counts.new * math.log(ratio) - total * (math.log1p(ratio * odds) - equal) for ratio in ratios)
    return best >= _CLEAR


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
