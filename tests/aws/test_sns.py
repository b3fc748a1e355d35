"""Notifications to an SNS topic: what arrives in a queue behind it, and what AWS's refusals mean."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.rollout.test_notification import a_notification
from tests.support.provision import CREDENTIALS, REGION, client
from tests.support.world import World
from toolkit.aws.session import Session
from toolkit.aws.sns import LONGEST, SnsSink, unsent
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, CredentialsError, Throttled
from toolkit.rollout.notification import Unsent, document
from toolkit.settings import AwsSettings

pytestmark = pytest.mark.lab


@pytest.fixture
def session(world: World, monkeypatch: pytest.MonkeyPatch) -> Session:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION, endpoint_url=world.lab.endpoint_url))


class Topic:
    """A topic with a queue behind it."""

    def __init__(self, endpoint_url: str, suffix: str = "") -> None:
        self._sqs = client(endpoint_url, "sqs")
        name = f"notify-{uuid4().hex}"
        fifo = {"FifoQueue": "true"} if suffix else {}
        topic = {"FifoTopic": "true"} if suffix else {}
        self._queue = self._sqs.create_queue(QueueName=f"{name}{suffix}", Attributes=fifo)["QueueUrl"]
        sns = client(endpoint_url, "sns")
        self.arn: str = sns.create_topic(Name=f"{name}{suffix}", Attributes=topic)["TopicArn"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=arn)

    def arrived(self) -> list[dict[str, Any]]:
        got = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"]) for each in got]


def test_a_message_arrives_whole_with_attributes_to_filter_by(world: World, session: Session) -> None:
    topic = Topic(world.lab.endpoint_url)
    SnsSink(session, topic.arn).send(a_notification())
    (message,) = topic.arrived()
    assert json.loads(message["Message"]) == document(a_notification())
    assert message["Subject"] == "bluegreen: web promoted (info)"
    assert {name: each["Value"] for name, each in message["MessageAttributes"].items()} == {
        "service": "web",
        "event": "promoted",
        "severity": "info",
    }


def test_one_too_large_is_cut_and_taken(world: World, session: Session) -> None:
    topic = Topic(world.lab.endpoint_url)
    SnsSink(session, topic.arn).send(a_notification(routes=10_000))
    (message,) = topic.arrived()
    assert len(message["Message"]) <= LONGEST
    assert json.loads(message["Message"])["cut"]


def test_a_fifo_topic_keeps_the_order_of_a_service_and_drops_what_comes_twice(world: World, session: Session) -> None:
    topic = Topic(world.lab.endpoint_url, ".fifo")
    for _ in range(2):
        SnsSink(session, topic.arn).send(a_notification())
    assert len(topic.arrived()) == 1


def test_a_topic_that_is_missing_is_not_asked_again_until_somebody_mends_it(session: Session) -> None:
    with pytest.raises(Unsent, match="gone-topic") as failed:
        SnsSink(session, f"arn:aws:sns:{REGION}:123456789012:gone-topic").send(a_notification())
    assert (failed.value.again, failed.value.refused) == (False, False)
    assert isinstance(failed.value.__cause__, AwsError)


def test_an_endpoint_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    session = Session(AwsSettings(region=REGION, endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(Unsent) as failed:
        SnsSink(session, f"arn:aws:sns:{REGION}:123456789012:releases").send(a_notification())
    assert failed.value.again


class Said(Exception):
    """A botocore ClientError of this code, as far as anybody looks."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


@pytest.mark.parametrize(
    ("error", "code", "again", "refused"),
    [
        (Throttled, "Throttling", True, False),
        (AwsUnreachable, "InternalError", True, False),
        (AwsError, "KMSThrottling", True, False),
        (AwsError, "InvalidParameter", False, True),
        (AwsError, "NotFound", False, False),
        (AccessDenied, "AuthorizationError", False, False),
        (CredentialsError, "ExpiredToken", False, False),
    ],
)
def test_awss_words_say_what_follows(error: type[AwsError], code: str, again: bool, refused: bool) -> None:
    made = error("what happened")
    made.__cause__ = Said(code)
    told = unsent(made, refused={"InvalidParameter"}, later={"KMSThrottling"})
    assert (told.again, told.refused, told.reason) == (again, refused, "what happened")
