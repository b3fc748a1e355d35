"""The sentences of verdicts: what was counted, against what, and how sure it is."""

from __future__ import annotations

import math

from toolkit.analysis.comparison import Comparison, Totals
from toolkit.analysis.policy import Metric, Policy, Threshold
from toolkit.traffic import Color

_DOES = {Metric.ERRORS: "fails requests", Metric.SLOW: "is slow"}
_SMALLEST_P = 1e-6


def worse(metric: Metric, new: Color, comparison: Comparison, policy: Policy) -> str:
    """`green fails requests 9.8x as often as blue (31 of 3,020 against 57 of 57,190; p ≤ 0.0004 at any time, …)`."""
    alpha = f"{policy.alpha * 100:g} %"
    parts = len(policy.metrics)
    split = f"limit {policy.share_of_alpha:g}" + (f", {alpha} over {parts} metrics" if parts > 1 else "")
    return f"{_compared(metric, new, comparison.totals)}; p ≤ {probability(comparison.p)} at any time, {split})"


def undecided(metric: Metric, new: Color, comparison: Comparison, policy: Policy) -> str:
    """What is known while neither is shown, and what is in the way."""
    said = f"{_compared(metric, new, comparison.totals)}; p ≤ {probability(comparison.p)} at any time)"
    if comparison.too_small:
        return f"{said}, but not shown to be by more than {policy.excess * 100:g} % of its requests"
    if comparison.too_short:
        return f"{said}, which would do if it lasted, but a burst looks like this too"
    if comparison.dispersion.bursts:
        return (
            f"{said}; {new.other}'s own vary in bursts, {comparison.dispersion.phi:.1f} times as much as by chance, "
            "so every minute counts as one block"
        )
    return f"{said}: not shown to be worse, nor to be safe yet"


def safe(metric: Metric, new: Color, comparison: Comparison, policy: Policy) -> str:
    """Below which rate it is shown to be."""
    bound = f"{policy.safe_ratio:g}\u00d7 {new.other}'s rate plus {policy.safe_excess * 100:g} %"
    sure = f"wrong in at most {policy.safe_alpha * 100:g} %"
    return f"{_compared(metric, new, comparison.totals)}; below {bound}, {sure})"


def sick(metric: Metric, live: Color, totals: Totals) -> str:
    rate = totals.live / totals.live_requests * 100
    return (
        f"{live}, the live side, is sick itself: it {_DOES[metric]} {rate:.3g} % of the time "
        f"({_count(totals.live)} of {_count(totals.live_requests)}), which excuses nothing"
    )


def above(threshold: Threshold, new: Color, bad: float, requests: float) -> str:
    """A plain threshold that was passed."""
    row = "" if threshold.times == 1 else f", {threshold.times} minutes in a row"
    return (
        f"{new} {_DOES[threshold.metric]} {bad / requests * 100:.3g} % of the time ({_count(bad)} of "
        f"{_count(requests)} in the last minute), above the threshold of {threshold.limit * 100:g} %{row}"
    )


def probability(p: float) -> str:
    """Rounded up to one digit, so that what is printed holds."""
    if p >= 1:
        return "1"
    held = max(p, _SMALLEST_P)
    digits = -math.floor(math.log10(held))
    return f"{math.ceil(held * 10**digits - 1e-9) / 10**digits:.{digits}f}"


def _compared(metric: Metric, new: Color, totals: Totals) -> str:
    """The ratio and the counts, with the parenthesis left open."""
    counts = (
        f"({_count(totals.new)} of {_count(totals.new_requests)} against "
        f"{_count(totals.live)} of {_count(totals.live_requests)}"
    )
    if totals.ratio is not None:
        return f"{new} {_DOES[metric]} {_times(totals.ratio)} as often as {new.other} {counts}"
    if totals.new:
        return f"{new} {_DOES[metric]}, {new.other} not once {counts}"
    verb = "failed a request" if metric is Metric.ERRORS else "was slow"
    return f"neither color {verb} {counts}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}\u00d7" if ratio >= 100 else f"{ratio:.2g}\u00d7"  # noqa: PLR2004


def _count(number: float) -> str:
    return f"{number:,.0f}"
