"""The form of a notification: JSON on one line, never longer than its sink takes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.support.journals import NOON
from tests.support.notify import HERE
from toolkit.rollout.events import Head
from toolkit.rollout.notification import (
    Notification,
    Severity,
    broken,
    json_text,
    shortened,
    stand_in,
)
from toolkit.settings import NotifyEvents
from toolkit.traffic import Split


def a_notification(line: str = "green is live", routes: int = 1, *, important: bool = True) -> Notification:
    splits = {f"route-{number}": Split(blue=5, green=95) for number in range(routes)}
    return Notification(
        "web",
        HERE,
        "promoted",
        Severity.INFO,
        line,
        Head(12, "ab" * 32),
        NOON + timedelta(seconds=3),
        important=important,
        rollout="web-4",
        actor="arn:aws:iam::1:user/alice",
        splits=splits,
    )


def test_the_json_is_what_the_page_says() -> None:
    assert json.loads(json_text(a_notification())) == {
        "schema_version": 1,
        "service": "web",
        "account_id": "123456789012",
        "region": "eu-central-1",
        "rollout": "web-4",
        "event": "promoted",
        "severity": "info",
        "line": "green is live",
        "at": "2026-01-02T12:00:03+00:00",
        "actor": "arn:aws:iam::1:user/alice",
        "splits": {"route-0": {"blue": 5, "green": 95}},
        "head": {"sequence": 12, "hash": "ab" * 32},
        "cut": False,
    }


@pytest.mark.parametrize("line", ["x" * 8_000, "ü" * 8_000, "\N{PILE OF POO}" * 8_000, '"\\' * 4_000])
@pytest.mark.parametrize("limit", [1_000, 5_000, 50_000])
def test_what_does_not_fit_is_left_out_and_said_so(line: str, limit: int) -> None:
    text = json_text(a_notification(line, routes=2_000), limit)
    assert len(text.encode()) <= limit
    assert text.isascii()
    assert "\n" not in text
    told = json.loads(text)
    assert told["cut"]
    assert told["splits"] == {}
    assert told["head"] == {"sequence": 12, "hash": "ab" * 32}
    if told["line"] != line:
        assert told["line"].endswith("[… cut: 8000 characters in all]")


def test_what_fits_is_whole() -> None:
    whole = json_text(a_notification(routes=50))
    assert json_text(a_notification(routes=50), len(whole)) == whole


def test_shortened_says_how_long_it_was() -> None:
    assert shortened("x" * 100, 100) == "x" * 100
    assert shortened("x" * 101, 100).endswith("x [… cut: 101 characters in all]")
    assert len(shortened("x" * 101, 100)) == 100


@pytest.mark.parametrize(("important", "events", "wanted"), [
    (True, NotifyEvents.IMPORTANT, True),
    (False, NotifyEvents.IMPORTANT, False),
    (False, NotifyEvents.ALL, True),
])  # fmt: skip
def test_unimportant_ones_are_for_those_who_want_all(important: bool, events: NotifyEvents, wanted: bool) -> None:
    assert a_notification(important=important).is_wanted(events) is wanted


def test_a_broken_journal_is_an_alert_that_says_what_to_do() -> None:
    told = broken("web", HERE, "entry 9 was cut off", Head(8, "cd" * 32), NOON)
    assert (told.event, told.severity, told.important) == ("journal-broken", Severity.ALERT, True)
    assert "entry 9 was cut off" in told.line
    assert "bluegreen audit verify web" in told.line


def test_a_stand_in_is_of_the_same_entry_and_says_why() -> None:
    told = stand_in(a_notification("x" * 8_000), "the webhook answered 400")
    assert told.head == Head(12, "ab" * 32)
    assert told.severity is Severity.WARNING
    assert "the webhook answered 400" in told.line
    assert len(told.line) < 200
