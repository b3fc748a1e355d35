"""Notifications to an event bus: what a rule sends on, and what becomes of an event that is not taken."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.rollout.test_notification import a_notification
from tests.support.provision import CREDENTIALS, REGION, client
from tests.support.world import World
from toolkit.aws.eventbridge import LONGEST, EventBridgeSink
from toolkit.aws.session import Session
from toolkit.rollout.notification import Unsent, document
from toolkit.settings import AwsSettings

pytestmark = pytest.mark.lab


@pytest.fixture
def session(world: World, monkeypatch: pytest.MonkeyPatch) -> Session:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION, endpoint_url=world.lab.endpoint_url))


class Bus:
    """A bus with a rule that sends what is of ours, and an alert or not, to a queue."""

    def __init__(self, endpoint_url: str, **pattern: Any) -> None:
        self.name = f"bus-{uuid4().hex}"
        self._sqs, events = client(endpoint_url, "sqs"), client(endpoint_url, "events")
        self._queue = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        events.create_event_bus(Name=self.name)
        events.put_rule(
            Name="ours", EventBusName=self.name, EventPattern=json.dumps({"source": ["bluegreen"], **pattern})
        )
        events.put_targets(Rule="ours", EventBusName=self.name, Targets=[{"Id": "1", "Arn": arn}])

    def arrived(self) -> list[dict[str, Any]]:
        got = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"]) for each in got]


def test_an_event_arrives_whole_under_our_source(world: World, session: Session) -> None:
    bus = Bus(world.lab.endpoint_url)
    EventBridgeSink(session, bus.name).send(a_notification())
    (event,) = bus.arrived()
    assert event["detail"] == document(a_notification())
    assert (event["source"], event["detail-type"]) == ("bluegreen", "promoted")
    assert event["time"].startswith("2026-01-02T12:00:03")


def test_a_rule_can_ask_for_alerts_alone(world: World, session: Session) -> None:
    bus = Bus(world.lab.endpoint_url, detail={"severity": ["alert"]})
    EventBridgeSink(session, bus.name).send(a_notification())
    assert bus.arrived() == []


class Answering:
    """A session whose client answers PutEvents with this."""

    def __init__(self, **entry: str) -> None:
        self.entry = entry
        self.put: list[dict[str, Any]] = []

    def client(self, service: str, *, single: bool) -> Any:
        assert (service, single) == ("events", True)
        return self

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's word
        self.put += Entries
        return {"FailedEntryCount": 1 if self.entry else 0, "Entries": [self.entry]}


@pytest.mark.parametrize(
    ("code", "again", "refused"),
    [
        ("ThrottlingException", True, False),
        ("InternalFailure", True, False),
        ("MalformedDetail", False, True),
        ("NotAuthorizedForSourceException", False, False),
    ],
)
def test_a_call_that_is_in_order_with_an_event_that_is_not_taken_is_no_success(
    code: str, again: bool, refused: bool
) -> None:
    with pytest.raises(Unsent, match=f"{code}: because") as failed:
        EventBridgeSink(Answering(ErrorCode=code, ErrorMessage="because"), "ops").send(a_notification())  # type: ignore[arg-type]
    assert (failed.value.again, failed.value.refused) == (again, refused)


def test_one_too_large_is_cut() -> None:
    session = Answering()
    EventBridgeSink(session, "ops").send(a_notification(routes=10_000))  # type: ignore[arg-type]
    (put,) = session.put
    assert len(put["Detail"]) <= LONGEST
    assert json.loads(put["Detail"])["cut"]
    assert put["EventBusName"] == "ops"


def test_an_endpoint_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    session = Session(AwsSettings(region=REGION, endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(Unsent) as failed:
        EventBridgeSink(session, "default").send(a_notification())
    assert failed.value.again
