"""The flow count, on botocore's stub: CloudWatch's answers in an order of its own, late, or none at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from tests.support.fakes import a_contract
from tests.support.provision import CREDENTIALS, REGION
from toolkit.aws.cloudwatch import Cloudwatch
from toolkit.aws.session import Session
from toolkit.errors import AccessDenied
from toolkit.rollout.ports import FlowCount
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

BALANCER = a_contract(network=True).load_balancer
GREEN = a_contract(network=True).target_groups[Color.GREEN]
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION))


@pytest.fixture
def stub(session: Session) -> Iterator[Stubber]:
    with Stubber(session.client("cloudwatch")) as stubber:
        yield stubber


def query(name: str, dimension: str, value: str) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/NetworkELB",
        "MetricName": "ActiveFlowCount",
        "Dimensions": [{"Name": dimension, "Value": value}],
    }
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}


def answer(stub: Stubber, **points: list[tuple[datetime, float]]) -> None:
    """Let the stub answer with these by query."""
    queries = [
        query("group", "TargetGroup", "targetgroup/web-green/1"),
        query("balancer", "LoadBalancer", "net/web/1"),
    ]
    results = [
        {"Id": name, "Timestamps": [at for at, _ in listed], "Values": [count for _, count in listed]}
        for name, listed in points.items()
    ]
    expected = {"MetricDataQueries": queries, "StartTime": ANY, "EndTime": ANY}
    stub.add_response("get_metric_data", {"MetricDataResults": results}, expected)


def test_the_latest_minute_counts_in_whatever_order_they_come(session: Session, stub: Stubber) -> None:
    minutes = [NOON, NOON + timedelta(minutes=2), NOON + timedelta(minutes=1)]
    answer(stub, group=list(zip(minutes, (5.0, 7.0, 9.0), strict=True)), balancer=[(NOON, 50.0)])
    assert Cloudwatch(session).active(BALANCER, GREEN) == FlowCount(7, minutes[1], of_group=True)


def test_where_the_group_has_none_the_load_balancers_count_is_told_as_such(session: Session, stub: Stubber) -> None:
    answer(stub, group=[], balancer=[(NOON, 50.0)])
    assert Cloudwatch(session).active(BALANCER, GREEN) == FlowCount(50, NOON, of_group=False)


def test_no_count_is_not_a_count_of_none(session: Session, stub: Stubber) -> None:
    answer(stub, group=[], balancer=[])
    assert Cloudwatch(session).active(BALANCER, GREEN) is None


def test_a_denied_read_is_an_error_of_ours(session: Session, stub: Stubber) -> None:
    stub.add_client_error("get_metric_data", "AccessDenied")
    with pytest.raises(AccessDenied, match="net/web/1"):
        Cloudwatch(session).active(BALANCER, GREEN)
