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

BALANCER = a_contract(network=True).load_balancer
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


def answer(stub: Stubber, *points: tuple[datetime, float]) -> None:
    expected: dict[str, Any] = {
        "Namespace": "AWS/NetworkELB",
        "MetricName": "ActiveFlowCount",
        "Dimensions": [{"Name": "LoadBalancer", "Value": "net/web/1"}],
        "StartTime": ANY,
        "EndTime": ANY,
        "Period": 60,
        "Statistics": ["Maximum"],
    }
    datapoints = [{"Timestamp": at, "Maximum": count, "Unit": "Count"} for at, count in points]
    stub.add_response("get_metric_statistics", {"Label": "ActiveFlowCount", "Datapoints": datapoints}, expected)


def test_the_latest_minute_counts_in_whatever_order_they_come(session: Session, stub: Stubber) -> None:
    answer(stub, (NOON, 5.0), (NOON + timedelta(minutes=2), 7.0), (NOON + timedelta(minutes=1), 9.0))
    assert Cloudwatch(session).active(BALANCER) == FlowCount(7, NOON + timedelta(minutes=2))


def test_no_count_is_not_a_count_of_none(session: Session, stub: Stubber) -> None:
    answer(stub)
    assert Cloudwatch(session).active(BALANCER) is None


def test_a_denied_read_is_an_error_of_ours(session: Session, stub: Stubber) -> None:
    stub.add_client_error("get_metric_statistics", "AccessDenied")
    with pytest.raises(AccessDenied, match="net/web/1"):
        Cloudwatch(session).active(BALANCER)
