"""The words with which a notifier is asked for."""

from __future__ import annotations

import pytest

from toolkit.errors import UsageError
from toolkit.rollout.notifiers import distinct, notifier_of
from toolkit.settings import NotifyEvents, NotifySettings, NotifyTo

TOPIC = "arn:aws:sns:eu-central-1:123456789012:releases"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/ops"


@pytest.mark.parametrize(
    ("text", "to", "place", "name"),
    [
        ("stdout", NotifyTo.STDOUT, "", "stdout"),
        ("slack", NotifyTo.SLACK, "SLACK_WEBHOOK_URL", "slack"),
        ("slack:TEAM_HOOK", NotifyTo.SLACK, "TEAM_HOOK", "slack-TEAM_HOOK"),
        (f"sns:{TOPIC}", NotifyTo.SNS, TOPIC, "sns-releases"),
        (f"sns:{TOPIC}.fifo", NotifyTo.SNS, f"{TOPIC}.fifo", "sns-releases.fifo"),
        ("eventbridge", NotifyTo.EVENTBRIDGE, "default", "eventbridge-default"),
        ("eventbridge:ops", NotifyTo.EVENTBRIDGE, "ops", "eventbridge-ops"),
        (f"eventbridge:{BUS}", NotifyTo.EVENTBRIDGE, BUS, "eventbridge-ops"),
    ],
)
def test_every_place_is_understood_and_has_a_name(text: str, to: NotifyTo, place: str, name: str) -> None:
    assert notifier_of(text) == NotifySettings(to=to, name=name, place=place)


@pytest.mark.parametrize(
    "text", ["", "mail", "sns", "sns:releases", f"sns:{BUS}", "stdout:x", "eventbridge:a b", "sns:arn:aws:sns:::x"]
)
def test_what_is_no_place_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        notifier_of(text)
    assert "\n" not in refused.value.message


def test_a_webhooks_address_in_place_of_its_variable_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="environment variable") as refused:
        notifier_of("slack:https://hooks.slack.com/services/T0/B0/verysecret")
    assert "verysecret" not in refused.value.message


def test_events_and_name_are_taken() -> None:
    made = notifier_of("stdout", events=NotifyEvents.ALL, name="audit.log-2")
    assert (made.events, made.name) == (NotifyEvents.ALL, "audit.log-2")


@pytest.mark.parametrize("name", ["a b", "-x", "x#y", "x" * 101])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        notifier_of("stdout", name=name)


def test_two_of_one_name_are_refused_since_each_has_one_cursor() -> None:
    with pytest.raises(UsageError, match="two notifiers have the name stdout"):
        distinct([notifier_of("stdout"), notifier_of("stdout", events=NotifyEvents.ALL)])
    assert len(distinct([notifier_of("stdout"), notifier_of("stdout", name="other")])) == 2
