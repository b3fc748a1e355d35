"""A sink that a test can command, and a journal with entries in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.support.hooks import QuickClock
from tests.support.journals import NOON
from toolkit.journal.memory import MemoryStore
from toolkit.notify.notifier import Followed, Notifier, Wait
from toolkit.rollout.codec import seal
from toolkit.rollout.events import (
    Ending,
    Entry,
    Event,
    GateFailed,
    Head,
    Kind,
    Prepared,
    RolloutEnded,
    RolloutStarted,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
)
from toolkit.rollout.notification import Notification, Place, Unsent
from toolkit.rollout.plan import Plan
from toolkit.rollout.steps import Approve, Bake, Shift
from toolkit.settings import NotifyEvents
from toolkit.traffic import Color, Split

HERE = Place("123456789012", "eu-central-1")
HOME, CANARY = Split(blue=100, green=0), Split(blue=95, green=5)
PLAN = Plan(
    "web",
    "canary",
    Color.BLUE,
    (Shift(Fraction(1, 20)), Bake(60), Approve(600, "ask the shop"), Shift(Fraction(1))),
    ("route-0",),
)
ROLLED_BACK: tuple[Event, ...] = (
    RolloutStarted(PLAN),
    Prepared(),
    ShiftIntended(Kind.ROLLOUT, Color.BLUE, {"route-0": HOME}, CANARY),
    ShiftVerified(),
    GateFailed(1, "health", "green has 0 healthy targets"),
    ShiftIntended(Kind.ROLLBACK, Color.BLUE, {"route-0": CANARY}, HOME),
    ShiftVerified(),
    RolloutEnded(Ending.ROLLED_BACK),
)
IMPORTANT = ["started", "shifted", "gate-failed", "shifting-back", "shifted-back", "rolled-back"]
TO_THE_APPROVAL: tuple[Event, ...] = (*ROLLED_BACK[:4], StepPassed(1))


class Recording:
    """A sink that takes everything, unless `meddle` raises; it is called with each, before that is taken."""

    def __init__(self, meddle: Callable[[Notification], object] = lambda _told: None) -> None:
        self.told: list[Notification] = []
        self.meddle = meddle

    def send(self, notification: Notification) -> None:
        self.meddle(notification)
        self.told.append(notification)

    @property
    def events(self) -> list[str]:
        return [each.event for each in self.told]

    @property
    def numbers(self) -> list[int]:
        return [each.head.sequence for each in self.told]


def record(store: Any, *events: Event, service: str = "web", minute: float = 0) -> list[Entry]:
    """Append `events` after what there is, a second apart, from `minute` after noon on."""
    tail = store.tail(service, 1)
    head, rollout = (tail[-1].head, tail[-1].rollout) if tail else (Head(), None)
    if tail and isinstance(tail[-1].event, RolloutEnded):
        rollout = None
    made = []
    for event in events:
        at = NOON + timedelta(minutes=minute, seconds=head.sequence)
        entry = seal(service, head, event, at=at, actor="arn:aws:iam::1:user/alice", rollout=rollout)
        store.append(service, entry)
        made.append(entry)
        head, rollout = entry.head, None if isinstance(event, RolloutEnded) else entry.rollout
    return made


def rewritten(entries: Iterable[Entry], store: MemoryStore | None = None) -> MemoryStore:
    """A journal of these entries, whatever their chain."""
    new = store or MemoryStore()
    for entry in entries:
        new.append("web", entry)
    return new


class Waits:
    """Waits without waiting, and remembers for how long; from the `stops`th on it says that nothing is waited for."""

    def __init__(self, stops: int | None = None) -> None:
        self.seconds: list[float] = []
        self._stops = stops

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return self._stops is not None and len(self.seconds) >= self._stops


def follows(
    store: MemoryStore,
    sink: Recording,
    *,
    wait: Wait | None = None,
    events: NotifyEvents = NotifyEvents.IMPORTANT,
    cursors: Any = None,
    journal: Any = None,
    name: str = "tests",
) -> Notifier:
    followed = Followed("web", HERE, name, journal or store, cursors or store)
    return Notifier(followed, sink, QuickClock(), wait=wait or Waits(), events=events)


def fails(*times: Unsent) -> Callable[[Notification], None]:
    """Raises these in their order, then nothing more."""
    left = list(times)

    def meddle(_told: Notification) -> None:
        if left:
            raise left.pop(0)

    return meddle


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)
