"""Samples and simulated counts for the tests of the analysis."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator

from tests.data.make import poisson
from toolkit.analysis.judge import Analysis
from toolkit.analysis.policy import Policy
from toolkit.analysis.series import Counts, Sample
from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.traffic import Color

Both = tuple[int, int, int, int]
"""Requests and bad ones of green, requests and bad ones of blue."""


def minute(at: int, both: Both, *, split: str = "") -> list[Sample]:
    green, green_bad, blue, blue_bad = both
    return [Sample(at, Color.GREEN, green, green_bad, split=split), Sample(at, Color.BLUE, blue, blue_bad, split=split)]


def series(minutes: Iterable[Both]) -> list[Sample]:
    return [sample for at, both in enumerate(minutes) for sample in minute(at, both)]


def looks(minutes: Iterable[Both], policy: Policy | None = None, past: Iterable[Sample] = ()) -> Iterator[Verdict]:
    """The verdict at every minute; blue is live."""
    analysis = Analysis(policy or Policy(), Color.BLUE, past)
    for at, both in enumerate(minutes):
        yield analysis.look(minute(at, both), at)


def first_fail(minutes: Iterable[Both], policy: Policy | None = None, past: Iterable[Sample] = ()) -> float:
    for look, verdict in enumerate(looks(minutes, policy, past), start=1):
        if verdict.outcome is Outcome.FAIL:
            return look
    return math.inf


def traffic(
    chance: random.Random,
    *,
    a_minute: float = 3000,
    share: float = 0.25,
    rate: float = 0.01,
    ratio: float = 1.0,
    minutes: int = 60,
    own_bursts: float = 0.0,
    shared_bursts: float = 0.0,
) -> list[Both]:
    """own_bursts, shared_bursts: the chance that a minute of one color, or of both, has 20 times the rate."""
    found = []
    for _ in range(minutes):
        both = 20 if chance.random() < shared_bursts else 1
        green_rate, blue_rate = (rate * both * (20 if chance.random() < own_bursts else 1) for _ in range(2))
        green, blue = poisson(chance, a_minute * share), poisson(chance, a_minute * (1 - share))
        green_bad = min(green, poisson(chance, green * green_rate * ratio))
        found.append((green, green_bad, blue, min(blue, poisson(chance, blue * blue_rate))))
    return found


def counts(both: Both) -> Counts:
    return Counts(*both)
