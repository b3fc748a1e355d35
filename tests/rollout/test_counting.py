"""Bad and slow requests, from what load balancers count."""

from __future__ import annotations

import random

import pytest

from toolkit.rollout.counting import PERCENTILES, Answered, errors_of, slow_of, unexplained
from toolkit.rollout.metrics import MetricsWanted


@pytest.mark.parametrize(
    ("answered", "errors"),
    [
        (Answered(100, code_2xx=100), 0),
        (Answered(100, code_2xx=40, code_3xx=30, code_4xx=30), 0),
        (Answered(100, code_2xx=90, code_5xx=10), 10),
        (Answered(100, code_2xx=90), 10),  # reset or timed out: the load balancer answered
        (Answered(100), 100),
        (Answered(100, code_2xx=101), 0),
        (Answered(0), 0),
    ],
)
def test_bad_is_what_was_answered_neither_2xx_nor_3xx_nor_4xx(answered: Answered, errors: int) -> None:
    assert errors_of(answered, MetricsWanted()) == errors


def test_websockets_are_no_errors_where_they_are_announced() -> None:
    sockets = Answered(100, code_2xx=20, code_5xx=3, connection_errors=2)
    assert errors_of(sockets, MetricsWanted()) == 80
    assert errors_of(sockets, MetricsWanted(websockets=True)) == 5


def test_a_connection_that_failed_counts_once() -> None:
    counted = MetricsWanted(count_connection_errors=True)
    assert errors_of(Answered(100, code_2xx=95, connection_errors=5), counted) == 5
    assert errors_of(Answered(100, code_2xx=100, connection_errors=5), counted) == 5  # another target answered
    assert errors_of(Answered(100, code_2xx=100, connection_errors=5), MetricsWanted()) == 0


def test_answers_4xx_are_errors_where_that_is_said() -> None:
    assert errors_of(Answered(100, code_2xx=90, code_4xx=8), MetricsWanted(count_4xx=True)) == 10


def percentiles_of(times: list[float]) -> dict[float, float]:
    ordered = sorted(times)
    return {percent: ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] for percent in PERCENTILES}


@pytest.mark.parametrize("slow_over", [0.1, 0.2, 0.3, 0.5])
def test_percentiles_tell_about_how_many_were_slow(slow_over: float) -> None:
    chance = random.Random(7)
    times = [chance.lognormvariate(-2, 0.5) for _ in range(20_000)]
    truth = sum(time > slow_over for time in times)
    told = slow_of(percentiles_of(times), len(times), slow_over)
    assert told is not None
    assert abs(told - truth) <= max(0.3 * truth, 0.01 * len(times))


def test_a_small_change_of_a_percentile_is_a_small_change_of_the_count() -> None:
    """One that stands at the objective must not make a release look five times worse."""
    counts = [
        slow_of({50.0: 0.1, 90.0: 0.2, 95.0: at, 99.0: 0.8, 99.9: 1.0}, 10_000, 0.5) for at in (0.499, 0.5, 0.501)
    ]
    assert counts[0] is not None
    assert all(count is not None and abs(count - counts[0]) <= 10 for count in counts)


@pytest.mark.parametrize(
    ("percentiles", "slow"),
    [
        ({}, None),
        ({50.0: 0.1, 99.9: 0.2}, 0),
        ({50.0: 2.0, 99.9: 2.0}, 875),  # below the median nothing is known
        ({50.0: 0.5, 99.9: 0.5}, 0),
    ],
    ids=["none", "all-quick", "all-slow", "at-the-objective"],
)
def test_beyond_the_percentiles_little_is_claimed(percentiles: dict[float, float], slow: int | None) -> None:
    assert slow_of(percentiles, 1000, 0.5) == slow


def test_unexplained_are_bad_requests_that_nobody_answered_5xx() -> None:
    assert unexplained(bad=40, target_5xx=4, balancer_5xx=6) == 30
    assert unexplained(bad=40, target_5xx=20, balancer_5xx=900) == 0  # of other services
