"""Evidence that may be looked at after every minute without inflating false alarms: e-processes on counts.

**One minute.** The new color has n₁ requests of which x are bad, the live one n₀ and y. Requests fail independently
with probabilities q₁ and q₀, which may be others in every minute. For ratios ρ ≠ r let p(ρ) = ρn₁ / (ρn₁ + n₀), the
part of the bad requests that falls to the new color where q₁ = ρq₀: given x + y, x is binomial with it, whatever the
baseline is. (Conditioning on the total to be rid of the baseline: Przyborowski and Wilenski, Biometrika 1940.
Watching releases continuously: Lindon, Sanden and Shirikian, KDD 2022, arXiv 2205.14762; for counts: Lindon and
Malek, NeurIPS 2022, arXiv 2011.03567.) The likelihood ratio of ρ against r is

    LR = aˣ bʸ    with  a = p(ρ) / p(r),  b = (1 − p(ρ)) / (1 − p(r)),  so that  r n₁ (a − 1) + n₀ (b − 1) = 0.

Its mean is (1 + q₁(a − 1))^n₁ (1 + q₀(b − 1))^n₀ ≤ exp(n₁q₁(a − 1) + n₀q₀(b − 1)), by 1 + z ≤ eᶻ. For ρ > r and q₁ ≤
r q₀ that is at most 1, and for ρ < r and q₁ ≥ r q₀ as well: LR is an e-value of the composite null hypothesis, for
binomial and for Poisson counts, without knowing q₀.

**Many minutes.** Products of e-values, each with mean ≤ 1 given the past, are a nonnegative supermartingale; so are
sums of such products whose starting weights add up to at most 1. By Ville's inequality it ever reaches 1/α with
probability α at most. Hence any number of looks, at any time, and p = 1 / (largest value so far).

**Bursts.** Errors cluster. Say that in each minute, whatever came before, the model above holds with probability 1 −
f at least, and anything at all happens otherwise. Then the mean of min(LR, c) is at most (1 − f) + f c, and

    min(LR, c) / ((1 − f) + f c)

is an e-value against every such contamination: a minute counts for less than 1/f, however bad it is (the censored
likelihood ratio of Huber, "A robust version of the probability ratio test", 1965). Several caps c are used at once,
each with a part of the starting weight. `Evidence` keeps two such mixtures side by side: `ordinary`, with f = 0.02 %,
and `bursty`, with f = 20 %, where a minute is little more than one block that went against the new color.
`dispersion` says whether the ordinary one is to be believed, `lasting` whether it rests on more than a burst.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from toolkit.analysis.series import Counts

ALTERNATIVES = ((1.3, 0.2), (1.75, 0.22), (2.6, 0.2), (4.5, 0.16), (8.5, 0.14), (30.0, 0.08))
"""Ratios put to the test, as multiples of the null hypothesis' ratio, and their weights."""

ORDINARY_BURSTS, BURSTY_BURSTS = 0.0002, 0.2
"""f: the part of the minutes in which anything may happen."""

ORDINARY_SHARE = 0.9
"""What of α the ordinary evidence gets; the bursty one gets the rest, so that both together keep to α."""

_ORDINARY_CAPS = ((8.0, 0.35), (150.0, 0.5), (3000.0, 0.15))
_BURSTY_CAPS = ((2.5, 0.5), (5.0, 0.5))
_FIRST, _SPLITS, _ROLLING = 0.88, 0.04, 0.08
"""Starting weights: of the first minute, of new splits (half as much for each next one), of every later minute."""

_ROLLING_CAP = 4.0
_ROLLING_SCALE = 60.0
_LARGEST = 1e100
"""Values are cut off here, far above any threshold, so that none becomes infinite."""


def _discount(cap: float, bursts: float) -> float:
    return 1 - bursts + bursts * cap


class _Bet:
    """One alternative ratio with all its caps. Plain floats, because this is what runs for every minute."""

    __slots__ = ("_bursty", "_gain", "_ordinary", "_ratio", "_rolling", "_weight")

    def __init__(self, multiple: float, weight: float, null: float) -> None:
        self._ratio = multiple * null
        self._gain = math.log(multiple)
        self._weight = weight
        self._ordinary = [0.0] * len(_ORDINARY_CAPS)
        self._bursty = [0.0] * len(_BURSTY_CAPS)
        self._rolling = 0.0

    def start(self, mass: float) -> None:
        """Begin to bet here with everything, as at the start of a split."""
        for at, (_, weight) in enumerate(_ORDINARY_CAPS):
            self._ordinary[at] += mass * self._weight * weight
        for at, (_, weight) in enumerate(_BURSTY_CAPS):
            self._bursty[at] += mass * self._weight * weight

    def start_late(self, mass: float) -> None:
        """Begin to bet here that the release has become worse just now."""
        self._rolling += mass * self._weight

    def add(self, bad: float, total: float, odds: float, null_log: float) -> tuple[float, float]:
        """Take in a minute; return what the ordinary and the bursty bets are worth now."""
        logarithm = bad * self._gain - total * (math.log1p(self._ratio * odds) - null_log)
        value = math.exp(min(logarithm, _MOST))
        if value > 1:
            self._win(value)
        else:  # what loses reaches no cap; this is most minutes of a release that is well
            self._ordinary = [
                each * value / discount for each, (_, discount) in zip(self._ordinary, _ORDINARY, strict=True)
            ]
            self._bursty = [each * value / discount for each, (_, discount) in zip(self._bursty, _BURSTY, strict=True)]
            self._rolling *= value / _ROLLING_DISCOUNT
        return sum(self._ordinary) + self._rolling, sum(self._bursty)

    def _win(self, value: float) -> None:
        self._ordinary = [_held(each, value, *cap) for each, cap in zip(self._ordinary, _ORDINARY, strict=True)]
        self._bursty = [_held(each, value, *cap) for each, cap in zip(self._bursty, _BURSTY, strict=True)]
        self._rolling = _held(self._rolling, value, _ROLLING_CAP, _ROLLING_DISCOUNT)


def _held(before: float, value: float, cap: float, discount: float) -> float:
    return min(before * min(value, cap) / discount, _LARGEST)


_ORDINARY = tuple((cap, _discount(cap, ORDINARY_BURSTS)) for cap, _ in _ORDINARY_CAPS)
_BURSTY = tuple((cap, _discount(cap, BURSTY_BURSTS)) for cap, _ in _BURSTY_CAPS)
_ROLLING_DISCOUNT = _discount(_ROLLING_CAP, ORDINARY_BURSTS)
_MOST = math.log(max(cap for cap, _ in (*_ORDINARY_CAPS, *_BURSTY_CAPS))) + 1


class Evidence:
    """Evidence against "the new color's rate is at most `null` times the live one's", minute by minute.

    ordinary, bursty: the e-processes now. most_ordinary, most_bursty: the largest they have been.
    Most of the starting weight lies on the first minute: a release is bad from the start or not at all. Some lies on
    the first minute of each further split, and a little on every other minute, for what gets worse later.
    """

    __slots__ = ("_bets", "_minutes", "_null", "_splits", "bursty", "most_bursty", "most_ordinary", "ordinary")

    def __init__(self, null: float) -> None:
        self._null = null
        self._bets = [_Bet(multiple, weight, null) for multiple, weight in ALTERNATIVES]
        self._minutes = self._splits = 0
        self.ordinary = self.bursty = self.most_ordinary = self.most_bursty = 1.0

    def add(self, counts: Counts, *, new_split: bool = False) -> None:
        """Take in one minute. new_split: it is the first under another split than the minute before."""
        self._start(new_split=new_split)
        odds = counts.new_requests / counts.live_requests
        null_log = math.log1p(self._null * odds)
        bad, total = counts.new, counts.new + counts.live
        ordinary = bursty = 0.0
        for bet in self._bets:
            here, there = bet.add(bad, total, odds, null_log)
            ordinary += here
            bursty += there
        self.ordinary, self.bursty = ordinary, bursty
        self.most_ordinary = max(self.most_ordinary, ordinary)
        self.most_bursty = max(self.most_bursty, bursty)

    def _start(self, *, new_split: bool) -> None:
        if not self._minutes:
            for bet in self._bets:
                bet.start(_FIRST)
        else:
            late = _ROLLING * _ROLLING_SCALE / (_ROLLING_SCALE + self._minutes) ** 2
            for bet in self._bets:
                bet.start_late(late)
            if new_split:
                self._splits += 1
                for bet in self._bets:
                    bet.start(_SPLITS * 0.5**self._splits)
        self._minutes += 1


class Safety:
    """Evidence for "the new color's rate is below `ratio` times the live one's plus `excess`".

    The e-process of the opposite: for ρ < r the exponent above is at most −n₁s(1 − a) where q₁ ≥ r q₀ + s, so
    LR · exp(n₁s(1 − a)) is an e-value of "at least r q₀ + s". With no bad request at all it grows by exp(n₁s(1 − a)),
    so a service without errors becomes safe by its requests alone.
    """

    __slots__ = ("_excess", "_logs", "_ratio")

    _SUPPOSED = (0.02, 0.5, 1.0)
    """Ratios of a release that is well; the weights are equal."""

    def __init__(self, ratio: float, excess: float) -> None:
        self._ratio, self._excess = ratio, excess
        self._logs = [0.0] * len(self._SUPPOSED)

    def add(self, counts: Counts) -> None:
        odds = counts.new_requests / counts.live_requests
        bad, total = counts.new, counts.new + counts.live
        for at, supposed in enumerate(self._SUPPOSED):
            shrink = math.log1p(supposed * odds) - math.log1p(self._ratio * odds)
            gain = math.log(supposed / self._ratio)
            allowed = counts.new_requests * self._excess * (1 - math.exp(gain - shrink))
            self._logs[at] += bad * gain - total * shrink + allowed

    def log_evidence(self, dispersion: float = 1.0) -> float:
        """Ln of the e-process, each likelihood tempered by `dispersion` (≥ 1): what clumps of that size are worth."""
        logs = [value / dispersion for value in self._logs]
        return _log_of_sum(logs) - math.log(len(logs))


class Excess:
    """Evidence against "the new color's rate is at most the live one's plus `excess`".

    For ρ > 1 = r and q₁ ≤ q₀ + ε the exponent above is at most n₁ε(a − 1), so LR · exp(−n₁ε(a − 1)) is an e-value.
    It is asked for only where the ratio has been shown already, and catches up then: a release fails only where both
    are shown, so each may use the whole of its α.
    """

    __slots__ = ("_excess", "_logs", "_seen")

    def __init__(self, excess: float) -> None:
        self._excess, self._seen = excess, 0
        self._logs = [math.log(weight) for _, weight in ALTERNATIVES]

    def log_evidence(self, minutes: Sequence[Counts]) -> float:
        """The logarithm of the evidence; minutes: all so far, those of the last call first."""
        for each in minutes[self._seen :]:
            self._add(each)
        self._seen = len(minutes)
        return _log_of_sum(self._logs)

    def _add(self, counts: Counts) -> None:
        odds = counts.new_requests / counts.live_requests
        for at, (multiple, _) in enumerate(ALTERNATIVES):
            gain, shrink = math.log(multiple), math.log1p(multiple * odds) - math.log1p(odds)
            spent = counts.new_requests * self._excess * (math.exp(gain - shrink) - 1)
            self._logs[at] += counts.new * gain - (counts.new + counts.live) * shrink - spent


def _log_of_sum(logs: Sequence[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(value - top) for value in logs))
