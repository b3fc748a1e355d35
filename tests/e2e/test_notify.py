"""Notifications for real: SNS to a queue, lines on stdout, a runner killed on its way, a journal that was cut off."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Commands
from tests.e2e.release import until
from tests.support.provision import Provisioned
from tests.support.world import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.lab]


class Queue:
    """An SNS topic, and the queue that it fills."""

    def __init__(self, made: Provisioned) -> None:
        sns, self._sqs = made.client("sns"), made.client("sqs")
        self.topic: str = sns.create_topic(Name="releases")["TopicArn"]
        self._url = self._sqs.create_queue(QueueName="releases")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def taken(self) -> list[dict[str, Any]]:
        """What has arrived and was not taken yet, by entry."""
        told = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                told.append(json.loads(json.loads(message["Body"])["Message"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(told, key=lambda each: each["head"]["sequence"])


def once_each(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those told a second time, by a process that ended before it remembered."""
    return [each for each, following in zip(told, [*told[1:], None], strict=True) if each != following]


def test_a_release_its_rollback_and_a_cut_off_journal_are_told(
    pair: Callable[..., Provisioned], environ: dict[str, str], tmp_path: Path
) -> None:
    made = pair(table=True)
    for color in ("blue", "green"):
        wait_for(made, color, "healthy")
    queue, bluegreen = Queue(made), Commands(environ, tmp_path)
    (tmp_path / "bluegreen.toml").write_text(
        f'[service.web]\npoll_seconds = 0.2\n\n[[service.web.notify]]\nto = "sns"\narn = "{queue.topic}"\n\n'
        '[[service.web.notify]]\nto = "stdout"\nevents = "all"\n',
        encoding="utf-8",
    )

    released = bluegreen("canary", "web", "--steps", "50,100", "--bake", "200ms")
    assert released.code == 0, released.err
    rest = bluegreen("notify", "web")  # what the seconds at the release's end were too few for, on a busy machine
    assert rest.code == 0, rest.err
    said = [json.loads(line) for line in (released.out + rest.out).splitlines() if line.startswith("{")]
    lines = once_each(said)
    assert [line["head"]["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    told = once_each(queue.taken())
    assert [each["event"] for each in told] == ["started", "shifted", "shifted", "promoted", "over"]
    assert told[-1]["head"] == lines[-1]["head"]
    assert told[-1]["splits"] == {made.contract["routes"][0]["name"]: {"blue": 0, "green": 100}}

    with bluegreen.started("canary", "web", "--steps", "50,100", "--bake", "10m") as runner:
        until(lambda: made.weights() == {"blue": 50, "green": 50})
        runner.send_signal(signal.SIGKILL)
        runner.wait(10)
    back = bluegreen("rollback", "web", "--break-lease")
    assert back.code == 0, back.err
    assert bluegreen("notify", "web").code == 0
    events = [each["event"] for each in queue.taken()]
    assert events[0] == "started"  # twice, where the runner was killed before it remembered
    assert "shifted-back" in events

    table, name = made.client("dynamodb"), made.contract["state_table"]["name"]
    entries = [item["sk"] for item in table.scan(TableName=name)["Items"] if item["sk"]["S"].startswith("entry#")]
    for key in sorted(entries, key=lambda key: key["S"])[-2:]:
        table.delete_item(TableName=name, Key={"pk": {"S": "service#web"}, "sk": key})
    found = bluegreen("notify", "web")
    assert found.code == 61, found.err
    assert "cut off" in found.err.splitlines()[-1]
    (alert,) = queue.taken()
    assert (alert["event"], alert["severity"]) == ("journal-broken", "alert")
