"""One thing that is told of a service, its form, and where it goes. Pure; `announcing` says what is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from toolkit.rollout.events import Head
from toolkit.rollout.plain import plain
from toolkit.settings import NotifyEvents, NotifySettings
from toolkit.traffic import Split

SCHEMA_VERSION = 1
LONGEST_LINE = 8_000
"""Characters; what a hook or AWS said may be far longer, and the journal has it."""


class Severity(StrEnum):
    """INFO: as planned. WARNING: somebody may want to look. ALERT: somebody has to."""

    INFO = "info"
    WARNING = "warning"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service lives, for whoever is told of several."""

    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing that happened to a service.

    event: a word for it (`gate-failed`). line: the same in words, on one line. head: where the journal ended when it
    happened: this entry's number and hash, no two alike, so who is told twice can see it. splits: what each route was
    last known to hold. cut: something of it was too long.
    """

    service: str
    place: Place
    event: str
    severity: Severity
    line: str
    head: Head
    at: datetime
    important: bool = True
    rollout: str | None = None
    actor: str | None = None
    splits: Mapping[str, Split] = field(default_factory=dict)
    cut: bool = False

    def is_wanted(self, events: NotifyEvents) -> bool:
        return self.important or events is NotifyEvents.ALL


class Unsent(Exception):
    """A sink did not take a notification. reason: why, without anything that is secret.

    again: it may be taken at another time. after: seconds that the sink asks to be left alone. refused: it is this very
    notification that is not taken, and another may be.
    """

    def __init__(self, reason: str, *, again: bool = True, after: float = 0.0, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again and not refused
        self.after = after
        self.refused = refused


class Sink(Protocol):
    """Where notifications go. One attempt of bounded length; several threads never share one."""

    def send(self, notification: Notification) -> None:
        """Give it away. Once this returns, it is taken.

        Raises:
            Unsent: it was not, or nobody knows.
        """


class Sinks(Protocol):
    """Makes sinks."""

    def sink(self, settings: NotifySettings) -> Sink:
        """The one that the settings of a notifier mean.

        Raises:
            ConfigError, AwsError: it cannot be had.
        """


def broken(service: str, place: Place, reason: str, head: Head, at: datetime) -> Notification:
    """The alert that a journal is not what it was. head: its end as it is now."""
    line = f"the journal is not what it was: {reason}; `bluegreen audit verify {service}` looks at all of it"
    return Notification(service, place, "journal-broken", Severity.ALERT, shortened(plain(line)), head, at)


def stand_in(refused: Notification, reason: str) -> Notification:
    """What is told in place of one that the sink takes in no way."""
    line = f"what happened here ({refused.event}) could not be told: {reason}; `bluegreen history {refused.service}`"
    return Notification(
        refused.service,
        refused.place,
        "untold",
        Severity.WARNING if refused.severity is Severity.INFO else refused.severity,
        shortened(plain(line)),
        refused.head,
        refused.at,
        rollout=refused.rollout,
        cut=True,
    )


def shortened(line: str, limit: int = LONGEST_LINE) -> str:
    """The line in at most `limit` characters; of a longer one, how long it was stands at its end."""
    if len(line) <= limit:
        return line
    mark = f" [… cut: {len(line)} characters in all]"
    return line[: max(0, limit - len(mark))] + mark


def document(notification: Notification) -> dict[str, Any]:
    """As JSON values; docs/notifications.md says what each is. Keys may be added under one schema version."""
    return {
        "schema_version": SCHEMA_VERSION,
        "service": notification.service,
        "account_id": notification.place.account_id,
        "region": notification.place.region,
        "rollout": notification.rollout,
        "event": notification.event,
        "severity": notification.severity.value,
        "line": notification.line,
        "at": notification.at.isoformat(),
        "actor": notification.actor,
        "splits": {
            name: {"blue": split.blue, "green": split.green} for name, split in sorted(notification.splits.items())
        },
        "head": {"sequence": notification.head.sequence, "hash": notification.head.hash},
        "cut": notification.cut,
    }


def json_text(notification: Notification, limit: int | None = None) -> str:
    """One line of JSON in ASCII, at most `limit` bytes: what does not fit, routes first, is left out and said so."""
    told = document(notification)
    text = _line(told)
    if limit is not None and len(text) > limit:
        told |= {"splits": {}, "cut": True}
        over = len(_line(told)) - limit
        if over > 0:
            told["line"] = shortened(told["line"], max(0, len(told["line"]) - over - _ROOM))
        text = _line(told)
    return text


_ROOM = 64
"""For the mark of a cut."""


def _line(told: Mapping[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"))
