"""Watching a rollout: plain lines for a log, a picture for a terminal, and what both remember."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.cli.test_rollout_words import BAKING, after
from tests.support.fakes import FakeWorld, a_world
from toolkit.cli.rollout_progress import Lines, Live, SeenHealth, watched
from toolkit.errors import AwsUnreachable
from toolkit.rollout.events import Entry, GateFailed, StepPassed
from toolkit.rollout.state import RolloutState
from toolkit.rollout.strategy import canary, parse_shares
from toolkit.runner.rollout import Wanted, start
from toolkit.traffic import Color, Split

if TYPE_CHECKING:
    import pytest


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Stderr as a terminal of 40 lines."""
    screen = Screen()
    for name, value in {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def history() -> Iterator[tuple[Entry, RolloutState]]:
    """Every entry until it bakes, and the state after each."""
    for count in range(1, len(BAKING) + 1):
        yield after(BAKING[:count])


def test_a_log_gets_a_line_an_event_and_no_escape_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    world = a_world()
    with watched([world.service]) as view:
        assert isinstance(view, Lines)
        start(world.service, Wanted(strategy=canary(parse_shares("20,100"), 5)))
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == len(world.events())
    assert all(line.startswith("12:00:") for line in said.err.splitlines())
    assert "\x1b" not in said.err


def test_a_log_that_is_silent_for_long_gets_a_line_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.cli.rollout_progress.QUIET_SECONDS", 0.01)
    said = threading.Event()
    monkeypatch.setattr("toolkit.cli.rollout_progress.note", lambda line: said.set() if "still" in line else None)
    view = Lines()
    view.watch(*after(BAKING))
    assert said.wait(10)
    view.close()


def test_a_view_remembers_the_last_state_the_journals_end_and_what_stood_before() -> None:
    view = Lines()
    for entry, state in history():
        view.watch(entry, state)
    entry, state = after(BAKING)
    assert view.last == {"web": state}
    assert view.heads == {"web": entry.head}
    assert view.before["web"]["one"] == Split(blue=100, green=0)


def test_without_a_terminal_to_answer_from_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    with watched([world.service]):
        assert world.service.ask is None
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(sys, stream, Screen())
    monkeypatch.setenv("NO_COLOR", "1")
    with watched([world.service]) as view:
        assert isinstance(view, Lines)
        assert world.service.ask is not None


def test_a_terminal_gets_the_picture_and_keeps_what_is_noteworthy(monkeypatch: pytest.MonkeyPatch) -> None:
    world, screen = a_world(), a_terminal(monkeypatch)
    with watched([world.service]) as view:
        assert isinstance(view, Live)
        world.service.healthy(Color.GREEN)
        for entry, state in history():
            world.service.watch(entry, state)
        world.service.watch(*after((*BAKING, StepPassed(1))))
        world.service.watch(*after((*BAKING, GateFailed(1, "probe /", "500"))))
        world.service.note("warning: AWS is \x1b[2Jslow")
    shown = screen.getvalue()
    assert "web: gate failed at step 2: probe /: 500" in shown
    assert "warning: AWS is slow" in shown
    assert "rolling back" in shown
    assert "green 3 healthy of 3" in shown
    assert "is read back" not in shown


def test_what_a_gate_saw_is_shown_and_not_asked_again() -> None:
    world = a_world()
    asked: list[None] = []
    world.targets.before = lambda: asked.append(None)
    health = SeenHealth(world.service)
    world.health(Color.GREEN, "healthy", "unhealthy")
    world.service.healthy(Color.GREEN)
    assert health.seen == {Color.GREEN: (1, 2)}
    health.refresh()
    assert health.seen == {Color.GREEN: (1, 2), Color.BLUE: (3, 3)}
    assert len(asked) == 2


def test_a_side_that_cannot_be_seen_stays_as_it_was_seen_last(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    health = SeenHealth(world.service)
    health.refresh()
    monkeypatch.setattr("toolkit.cli.rollout_progress._STALE_SECONDS", -1.0)
    break_aws(world)
    health.refresh()
    assert health.seen == {Color.BLUE: (3, 3), Color.GREEN: (3, 3)}


def break_aws(world: FakeWorld) -> None:
    def fail() -> None:
        raise AwsUnreachable("nobody answers")

    world.targets.before = fail


def test_the_other_calls_on_targets_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    a_terminal(monkeypatch)
    with watched([world.service]) as view:
        assert isinstance(view, Live)
        group = world.service.contract.target_groups[Color.BLUE]
        world.service.targets.deregister(group, [])
    assert world.targets.calls == [("deregister", 0)]
