"""Bursts are told from chance, and a slow drift is neither."""

from __future__ import annotations

import random

import pytest

from tests.analysis.making import Both, traffic
from tests.data.make import poisson
from toolkit.analysis.dispersion import Dispersion


def seen(series: list[Both]) -> Dispersion:
    dispersion = Dispersion()
    for at, (_, _, requests, bad) in enumerate(series):
        dispersion.add(at, requests, bad)
    return dispersion


def test_independent_errors_are_seldom_called_bursts() -> None:
    rates = (0.0002, 0.002, 0.02)
    called = [seen(traffic(random.Random(seed), rate=rate, minutes=120)).bursts for seed in range(40) for rate in rates]
    assert sum(called) <= 3


@pytest.mark.parametrize("rate", [0.001, 0.01])
def test_bursts_are_called_so(rate: float) -> None:
    runs = [traffic(random.Random(seed), rate=rate, own_bursts=0.05, minutes=120) for seed in range(20)]
    with_bursts = [run for run in runs if any(bad > 8 * rate * blue for _, _, blue, bad in run)]
    assert len(with_bursts) > 15
    assert all(seen(run).bursts for run in with_bursts)


def test_bursts_of_several_minutes_are_called_so() -> None:
    dispersion = Dispersion()
    for at in range(120):
        dispersion.add(at, 3000, 60 if at // 10 % 4 == 0 else 30)
    assert dispersion.bursts


def test_a_drift_over_the_day_is_no_burst() -> None:
    dispersion = Dispersion()
    chance = random.Random(1)
    for at in range(600):
        rate = 0.01 * (1 + at / 300)
        dispersion.add(at, 3000, poisson(chance, 3000 * rate))
    assert not dispersion.bursts


def test_a_variation_that_cannot_look_like_a_regression_is_no_burst() -> None:
    dispersion = Dispersion()
    for at in range(120):
        dispersion.add(at, 10**7, 100_000 + (2000 if at % 2 else -2000))
    assert dispersion.phi > 10
    assert not dispersion.bursts


@pytest.mark.parametrize("minutes", [[], [(0, 100, 0)], [(0, 100, 0), (1, 100, 0)], [(0, 5, 5), (1, 5, 5)]])
def test_nothing_is_concluded_from_nothing(minutes: list[tuple[int, int, int]]) -> None:
    dispersion = Dispersion()
    for each in minutes:
        dispersion.add(*each)
    assert (dispersion.phi, dispersion.bursts) == (1.0, False)


def test_minutes_beyond_a_gap_are_not_compared() -> None:
    dispersion = Dispersion()
    dispersion.add(0, 1000, 1)
    dispersion.add(2, 1000, 500)
    assert dispersion.phi == 1
