"""Notifiers beside a rollout: they hear, they catch up, and they hold nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.http_server import wait_until
from tests.support.notify import IMPORTANT, ROLLED_BACK, Recording, follows, record
from toolkit.errors import ConfigError
from toolkit.journal.memory import MemoryStore
from toolkit.notify.beside import Beside, Make, beside
from toolkit.notify.notifier import Notifier, Wait
from toolkit.rollout.notification import Notification, Unsent


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def notes() -> list[str]:
    return []


def makes(store: MemoryStore, sink: Recording, name: str = "tests") -> Make:
    return lambda wait: follows(store, sink, wait=wait, name=name)


@contextmanager
def running(notes: list[str], *made: Make, look_seconds: float = 30.0) -> Iterator[Beside]:
    """Closed at the end of the block, whatever happened in it."""
    started = beside(notes.append, [("web", "tests", make) for make in made], look_seconds=look_seconds)
    try:
        yield started
    finally:
        started.close(seconds=5)


def test_it_tells_while_the_rollout_runs_as_soon_as_it_hears(store: MemoryStore, notes: list[str]) -> None:
    sink = Recording()
    with running(notes, makes(store, sink)) as started:
        record(store, *ROLLED_BACK[:4])
        started.wake()
        wait_until(lambda: sink.events == IMPORTANT[:2])
        record(store, *ROLLED_BACK[4:])
        started.wake()
        wait_until(lambda: sink.events == IMPORTANT)
    assert notes == []


def test_it_looks_by_itself_too(store: MemoryStore, notes: list[str]) -> None:
    sink = Recording()
    with running(notes, makes(store, sink), look_seconds=0.02):
        record(store, *ROLLED_BACK)
        wait_until(lambda: sink.events == IMPORTANT)


def test_what_was_recorded_last_is_told_before_the_end(store: MemoryStore, notes: list[str]) -> None:
    sink = Recording()
    with running(notes, makes(store, sink)):
        record(store, *ROLLED_BACK)  # nobody wakes it
    assert sink.events == IMPORTANT
    assert notes == []


def test_a_sink_that_hangs_holds_nobody_and_is_named_once(store: MemoryStore, notes: list[str]) -> None:
    record(store, *ROLLED_BACK)
    let_go, hanging, sink = threading.Event(), Recording(), Recording()
    hanging.meddle = lambda _told: let_go.wait(30)
    started = beside(
        notes.append, [("web", "stuck", makes(store, hanging, "stuck")), ("web", "tests", makes(store, sink))]
    )
    wait_until(lambda: sink.events == IMPORTANT)  # the one does not hold the other
    began = time.monotonic()
    started.close(seconds=0.2)
    assert time.monotonic() - began < 15, "the sink hangs for 30 s"
    let_go.set()
    (line,) = notes
    assert line.startswith("web: the notifier stuck lags: it is still at it.")
    assert "bluegreen notify web" in line


def test_one_that_fails_says_so_once_and_the_next_run_tells_the_rest(store: MemoryStore, notes: list[str]) -> None:
    def meddle(told: Notification) -> None:
        if told.event == "gate-failed":
            raise Unsent("the webhook answered 500")

    record(store, *ROLLED_BACK)
    broken, mended = Recording(meddle), Recording()
    with running(notes, makes(store, broken)):
        wait_until(lambda: broken.events == IMPORTANT[:2])
    (line,) = notes
    assert "the webhook answered 500" in line
    with running(notes, makes(store, mended)):
        pass
    assert mended.events == IMPORTANT[2:]


def test_the_end_cuts_the_pauses_between_tries_short(store: MemoryStore, notes: list[str]) -> None:
    record(store, *ROLLED_BACK)
    asked = threading.Event()

    def meddle(_told: Notification) -> None:
        if not asked.is_set():
            asked.set()
            raise Unsent("500", after=30)

    sink = Recording(meddle)
    with running(notes, makes(store, sink)) as started:
        assert asked.wait(10)
        began = time.monotonic()
        started.close(seconds=25)
    assert time.monotonic() - began < 15, "the pause is 30 s"
    assert sink.events == IMPORTANT
    assert notes == []


def test_one_that_cannot_be_made_is_said_and_harms_nothing(store: MemoryStore, notes: list[str]) -> None:
    def wrong(_wait: Wait) -> Notifier:
        raise ConfigError("the environment variable HOOK is not set", hint="Set it.")

    def worse(_wait: Wait) -> Notifier:
        raise ZeroDivisionError("a fault of ours")

    with running(notes, wrong, worse):
        pass
    assert [line.split(" lags: ")[1].split(". No")[0] for line in sorted(notes)] == [
        "ZeroDivisionError: a fault of ours",
        "the environment variable HOOK is not set Set it",
    ]


def test_a_journal_that_was_cut_off_is_said_and_what_follows_is_told(store: MemoryStore, notes: list[str]) -> None:
    record(store, *ROLLED_BACK)
    follows(store, Recording()).catch_up()
    cut, sink = MemoryStore(), Recording()
    for entry in store.since("web", 1)[:5]:
        cut.append("web", entry)
    with running(notes, lambda wait: follows(cut, sink, wait=wait, cursors=store)) as started:
        wait_until(lambda: sink.events == ["journal-broken"])
        record(cut, *ROLLED_BACK[5:], minute=30)
        started.wake()
        wait_until(lambda: sink.events == ["journal-broken", *IMPORTANT[3:]])
    (line,) = notes
    assert "cut off" in line


def test_it_waits_until_none_can_go_on(notes: list[str]) -> None:
    def wrong(_wait: Wait) -> Notifier:
        raise ConfigError("no")

    with running(notes, wrong) as started:
        started.wait()
    assert len(notes) == 1
