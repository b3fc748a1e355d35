"""Metrics of the user's own: orders, logins, whatever tells a good release from a bad one."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.settings import OwnLimit
from toolkit.traffic import Color


def own_verdict(
    limit: OwnLimit, values: Mapping[tuple[int, Color], float], new: Color, first: int, until: int
) -> Verdict | None:
    """What one metric of the user's own says; None where it is within its limits, or not enough minutes have passed."""
    minutes = range(max(first, until - limit.minutes + 1), until + 1)
    if len(minutes) < limit.minutes:
        return None
    here = [values.get((minute, new)) for minute in minutes]
    if None in here:
        return Verdict(Outcome.INCONCLUSIVE, f"metric {limit.name} has no value of {new} in the newest minutes")
    there = [values.get((minute, new.other)) for minute in minutes]
    if all(_breaks(limit, value, live) for value, live in zip(here, there, strict=True)):
        told = ", ".join(f"{value:g}" for value in here if value is not None)
        beside = ", ".join("none" if live is None else f"{live:g}" for live in there)
        return Verdict(Outcome.FAIL, f"metric {limit.name}: {new} has {told}, {new.other} {beside}, {_bounds(limit)}")
    return None


def _breaks(limit: OwnLimit, value: float | None, live: float | None) -> bool:
    if value is None:
        return False
    return (
        (limit.above is not None and value > limit.above)
        or (limit.below is not None and value < limit.below)
        or (limit.times_live is not None and live is not None and value > limit.times_live * live)
    )


def _bounds(limit: OwnLimit) -> str:
    said = {"above": limit.above, "below": limit.below, "times the live color's": limit.times_live}
    bounds = " and ".join(
        f"{bound:g} {word}" if word.startswith("times") else f"{word} {bound:g}"
        for word, bound in said.items()
        if bound is not None
    )
    return f"bad is {bounds}, {limit.minutes} minutes in a row"
