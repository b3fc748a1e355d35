"""What may be asked of metrics, and what is refused before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.fakes import a_contract
from toolkit.errors import UsageError
from toolkit.rollout.metrics import MOST_METRICS, MetricsWanted, OwnMetric
from toolkit.traffic import Color


def a_metric(**words: Any) -> OwnMetric:
    given: dict[str, Any] = {"name": "orders", "namespace": "Shop", "metric": "Orders", "dimensions": {"C": "{color}"}}
    return OwnMetric(**(given | words))


def test_placeholders_are_filled_with_what_cloudwatch_knows_the_color_by() -> None:
    metric = a_metric(dimensions={"A": "x-{color}-y", "B": "{target_group}", "C": "{load_balancer}", "D": "plain"})
    assert metric.dimensions_of(a_contract(), Color.GREEN) == {
        "A": "x-green-y", "B": "targetgroup/web-green/1", "C": "app/web/1", "D": "plain",
    }  # fmt: skip


def test_one_value_may_hold_several_placeholders() -> None:
    metric = a_metric(dimensions={"A": "{color}/{target_group}"})
    assert metric.dimensions_of(a_contract(), Color.BLUE) == {"A": "blue/targetgroup/web-blue/1"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"name": "a name"}, "'a name' is no name for a metric"),
        ({"namespace": ""}, "lacks its namespace"),
        ({"metric": ""}, "lacks its namespace or its name"),
        ({"statistic": "Median"}, "no statistic 'Median'"),
        ({"statistic": "p101"}, "no statistic 'p101'"),
        ({"dimensions": {}}, "the same dimensions for both colors"),
        ({"dimensions": {"A": "{load_balancer}"}}, "the same dimensions for both colors"),
        ({"dimensions": {"A": "{colour}"}}, "the placeholder {colour}"),
        ({"dimensions": {"A": "{color}", "B": ""}}, "a dimension without a name or a value"),
        ({"dimensions": {f"D{index}": "{color}" for index in range(31)}}, "has 31 dimensions"),
    ],
)
def test_a_metric_that_could_not_be_read_for_each_color_is_refused(words: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint.replace("{", r"\{")):
        a_metric(**words)


@pytest.mark.parametrize("statistic", ["Sum", "SampleCount", "p99", "p99.9", "p100", "TC(0.5:)", "PR(:300)", "tm90"])
def test_cloudwatchs_statistics_are_taken(statistic: str) -> None:
    assert a_metric(statistic=statistic).statistic == statistic


@pytest.mark.parametrize("seconds", [0, -1, 0.0009, 3601])
def test_an_objective_that_no_request_could_be_held_to_is_refused(seconds: float) -> None:
    with pytest.raises(UsageError, match="cannot be slow over"):
        MetricsWanted(slow_over=seconds)


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two metrics have the same name"):
        MetricsWanted(own=(a_metric(), a_metric(metric="Others")))


def test_more_metrics_than_one_call_holds_are_refused() -> None:
    metrics = tuple(a_metric(name=f"m{index}") for index in range(MOST_METRICS + 1))
    assert len(MetricsWanted(own=metrics[1:]).own) == MOST_METRICS
    with pytest.raises(UsageError, match=f"{MOST_METRICS + 1} metrics are more"):
        MetricsWanted(own=metrics)
