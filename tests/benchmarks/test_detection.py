"""The detection benchmark's own arithmetic: rivals, oracle, traffic, goals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.detection import judged, measure
from tests.benchmarks.detection_rules import (
    cloudwatch,
    mann_whitney,
    oracle,
    standardized,
    threshold_once,
    threshold_thrice,
)
from tests.benchmarks.detection_traffic import LOOKS, Scenario, Traffic, scenarios, simulate
from toolkit.analysis.policy import Metric


def one(new: list[float], live: list[float]) -> Traffic:
    """One run of minutes with 1,000 requests on each color."""
    requests = np.full((1, len(new)), 1000.0)
    nothing = np.zeros((1, 0))
    return Traffic(requests, np.array([new]), requests, np.array([live]), nothing, nothing)


@pytest.mark.parametrize(
    ("here", "there", "z"),
    [
        ([1.1, 2.2, 3.3], [0.5, 0.6, 0.7], (9 - 4.5 - 0.5) / math.sqrt(9 / 12 * 7)),
        ([1, 1, 2], [1, 2, 2], (3 - 4.5 + 0.5) / math.sqrt(9 / 12 * (7 - 48 / 30))),
        ([1, 1, 1], [1, 1, 1], 0),
    ],
)
def test_the_mann_whitney_statistic_is_that_of_the_textbook(here: list[float], there: list[float], z: float) -> None:
    assert standardized(np.array([here], dtype=float), np.array([there], dtype=float))[0] == pytest.approx(z)


def test_the_thresholds_alarm_where_they_should() -> None:
    series = [0.0, 20, 20, 0, 20, 0, 20, 20, 20, 0]
    traffic = one(series, series)
    found = [rule(traffic)[0] for rule in (threshold_once, threshold_thrice, cloudwatch)]
    assert found == [2, 9, 5]
    assert math.isinf(threshold_thrice(one([20.0, 20, 0] * 3, [0.0] * 9))[0])


def test_mann_whitney_needs_five_clear_minutes() -> None:
    series = [float(20 + minute) for minute in range(LOOKS)]
    assert mann_whitney(one(series, [each / 20 for each in series]))[0] == 5
    assert math.isinf(mann_whitney(one(series, series))[0])


def test_the_oracle_adds_up_likelihoods() -> None:
    each = 10 * math.log(2 / 1.25) - 15 * math.log(3 / 2.25)
    needed = math.ceil(math.log(200) / each)
    assert oracle(one([10.0] * 60, [5.0] * 60), 2, 1.25, 0.005)[0] == needed


@pytest.mark.parametrize("kind", ["equal", "x3", "bursts own, three minutes", "clumps own"])
def test_traffic_has_the_rates_it_should(kind: str) -> None:
    scenario = Scenario(kind, Metric.ERRORS, 0.01, 50, 0.25)
    traffic = simulate(scenario, 200, np.random.default_rng(1))
    assert traffic.new_requests.mean() == pytest.approx(750, rel=0.01)
    assert traffic.past_requests.mean() == pytest.approx(3000, rel=0.01)
    often = 0.02 / (0.02 + 1 / 3) * 9 + 1 if kind.startswith("bursts") else 1
    assert traffic.live.sum() / traffic.live_requests.sum() == pytest.approx(0.01 * often, rel=0.08)
    assert traffic.new.sum() / traffic.new_requests.sum() == pytest.approx(0.01 * often * scenario.ratio, rel=0.08)


def test_scenarios_have_names_of_their_own() -> None:
    names = [scenario.name for scenario in scenarios()]
    assert len(set(names)) == len(names) > 300


def test_a_scenario_measured_twice_is_the_same() -> None:
    scenario = Scenario("x10", Metric.ERRORS, 0.01, 10, 0.25)
    assert measure(scenario, 20, 1) == measure(scenario, 20, 1)
    assert measure(scenario, 20, 1)["median"]["ours"] <= 4


def row(kind: str, **figures: Any) -> dict[str, Any]:
    cell = {"metric": "errors", "baseline": 0.01, "rate": 50, "share": 0.05, "past": 240}
    return {"scenario": kind, "kind": kind, "healthy": "false_alarms" in figures} | cell | figures


def test_goals_that_are_missed_are_named() -> None:
    quiet = {"ours": 0.011, "mann-whitney": 0.0}
    fast = {"ours": 12.0, "oracle": 7.0, "mann-whitney": 11.0}
    goals = judged([row("equal", false_alarms=quiet), row("x3", median=fast)])
    assert not any(
        goals[name] for name in ("false_alarms_within_alpha", "near_the_oracle", "not_later_than_mann_whitney")
    )
    assert goals["missed"] == {"false_alarms": ["equal"], "oracle": ["x3"], "mann_whitney": ["x3"]}


def test_goals_that_are_met_leave_out_what_they_do_not_ask() -> None:
    noisy = {"ours": 0.01, "mann-whitney": 0.02}
    late = {"ours": None, "oracle": 30.0, "mann-whitney": 5.0}
    goals = judged([row("equal", false_alarms=noisy), row("x2", median=late)])
    assert goals["missed"] == {"false_alarms": [], "oracle": [], "mann_whitney": []}
