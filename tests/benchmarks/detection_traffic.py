"""Simulated traffic for the detection benchmark: counts of both colors a minute, for many runs at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolkit.analysis.policy import Metric

LOOKS = 60
PAST = 240
"""Minutes of the live side that are known from before the canary."""

Array = NDArray[np.float64]
SHARES, RATES, BASELINES = (0.01, 0.05, 0.25), (10, 50, 1000), (0.0001, 0.001, 0.01)
TOTAL = 0.0
"""Stands for a release that fails every request."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Minutes with `factor` times the rate: one begins with `chance` a minute and lasts `minutes` in the mean.

    own: each color has its own. clump: instead of that, bad requests come `clump` at a time in the mean.
    """

    chance: float = 0.0
    minutes: float = 1.0
    factor: float = 1.0
    own: bool = True
    clump: float = 0.0


KINDS = {
    "equal": (1.0, Bursts()),
    "x1.2": (1.2, Bursts()),
    "bursts shared": (1.0, Bursts(chance=0.03, minutes=2, factor=20, own=False)),
    "bursts own, a minute": (1.0, Bursts(chance=0.05, factor=20)),
    "bursts own, three minutes": (1.0, Bursts(chance=0.02, minutes=3, factor=10)),
    "clumps own": (1.0, Bursts(clump=5)),
    "x2": (2.0, Bursts()),
    "x3": (3.0, Bursts()),
    "x10": (10.0, Bursts()),
    "total": (TOTAL, Bursts()),
}
HEALTHY = ("equal", "x1.2", "bursts shared", "bursts own, a minute", "bursts own, three minutes", "clumps own")
BAD = ("x2", "x3", "x10", "total")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One cell of the benchmark: rate in requests a second, share of the canary, part of bad requests at baseline."""

    kind: str
    metric: Metric
    baseline: float
    rate: int
    share: float
    past: int = PAST

    @property
    def name(self) -> str:
        cell = f"{self.metric} {self.baseline * 100:g} % at {self.rate}/s, canary {self.share * 100:g} %"
        return f"{self.kind}: {cell}" + ("" if self.past else ", no past")

    @property
    def ratio(self) -> float:
        """How many times the baseline's rate the canary's is."""
        ratio = KINDS[self.kind][0]
        return 1 / self.baseline if ratio == TOTAL else ratio

    @property
    def healthy(self) -> bool:
        return self.kind in HEALTHY


def scenarios() -> Iterator[Scenario]:
    """All of them: errors at three baselines, latency at one, bursts at two, own bursts without a past at one."""
    for share in SHARES:
        for rate in RATES:
            for baseline in BASELINES:
                for kind in ("equal", "x1.2", *BAD):
                    yield Scenario(kind, Metric.ERRORS, baseline, rate, share)
            for baseline in BASELINES[1:]:
                for kind in HEALTHY[2:]:
                    yield Scenario(kind, Metric.ERRORS, baseline, rate, share)
            for kind in ("equal", "x1.2", *BAD):
                yield Scenario(kind, Metric.SLOW, BASELINES[-1], rate, share)
            for kind in HEALTHY[3:]:
                yield Scenario(kind, Metric.ERRORS, BASELINES[-1], rate, share, past=0)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts, one row a run, one column a minute; `past` is the live side alone, before."""

    new_requests: Array
    new: Array
    live_requests: Array
    live: Array
    past_requests: Array
    past: Array


def simulate(scenario: Scenario, runs: int, rng: np.random.Generator) -> Traffic:
    """Poisson requests, independently bad, except where the kind says otherwise."""
    bursts = KINDS[scenario.kind][1]
    a_minute = scenario.rate * 60
    new = rng.poisson(a_minute * scenario.share, (runs, LOOKS))
    live = rng.poisson(a_minute * (1 - scenario.share), (runs, LOOKS))
    past = rng.poisson(a_minute, (runs, scenario.past))
    factors = _factors(bursts, runs, scenario.past + LOOKS, rng)
    on_new = _factors(bursts, runs, LOOKS, rng) if bursts.own else factors[:, scenario.past :]
    base = scenario.baseline

    def bad(requests: NDArray[np.int64], rates: Array) -> Array:
        return _bad(requests, np.minimum(rates, 1), bursts.clump, rng)

    return Traffic(
        new.astype(float),
        bad(new, base * scenario.ratio * on_new),
        live.astype(float),
        bad(live, base * factors[:, scenario.past :]),
        past.astype(float),
        bad(past, base * factors[:, : scenario.past]),
    )


def _factors(bursts: Bursts, runs: int, minutes: int, rng: np.random.Generator) -> Array:
    """By how much the rate of each minute is multiplied; a stationary chain of two states."""
    if not bursts.chance:
        return np.ones((runs, minutes))
    stay, often = 1 - 1 / bursts.minutes, bursts.chance / (bursts.chance + 1 / bursts.minutes)
    on = np.empty((runs, minutes), dtype=bool)
    now = rng.random(runs) < often
    for minute in range(minutes):
        on[:, minute] = now
        now = rng.random(runs) < np.where(now, stay, bursts.chance)
    return np.where(on, bursts.factor, 1.0)


def _bad(requests: NDArray[np.int64], rates: Array, clump: float, rng: np.random.Generator) -> Array:
    if not clump:
        return rng.binomial(requests, rates).astype(float)
    clumps = rng.poisson(requests * rates / clump)
    # A sum of geometric sizes is negative binomial, plus one for each clump.
    more = rng.negative_binomial(np.maximum(clumps, 1), 1 / clump)
    return np.minimum(np.where(clumps > 0, clumps + more, 0), requests).astype(float)
