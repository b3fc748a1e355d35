"""What every hook does, whether it is a command or a webhook."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.hooks import A_SECOND, LONG, Pulsing, QuickClock
from tests.support.http_server import Reply, Server, running_server
from toolkit.gates.hooks import OutsideHooks
from toolkit.rollout.ports import Hooks, Result
from toolkit.rollout.steps import OUTPUT_LIMIT, Hook

TOLD = {"BLUEGREEN_SERVICE": "web", "BLUEGREEN_STEP": "3"}


@dataclass
class Case:
    """Hooks of one kind. `server` is that of the webhook."""

    hooks: Hooks
    server: Server | None = None

    def hook(self, *, says: str = "", fails: bool = False, seconds: float = 0, timeout: float = 20) -> Hook:
        """One that says this after so long, and passes or fails."""
        if self.server is None:
            code = f"sleep {seconds}; printf %s '{says}'; exit {1 if fails else 0}"
            return Hook("h", command=("sh", "-c", code), timeout_seconds=timeout)
        self.server.answers(Reply(500 if fails else 200, says.encode(), after=seconds))
        return Hook("h", url=self.server.url(), timeout_seconds=timeout)

    def run(self, hook: Hook, pulse: Pulsing | None = None) -> Result:
        return self.hooks.run(hook, TOLD, pulse=pulse or Pulsing())


@pytest.fixture(params=["command", "webhook"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    hooks = OutsideHooks(directory=tmp_path, clock=QuickClock())
    if request.param == "command":
        yield Case(hooks)
    else:
        with running_server() as server:
            yield Case(hooks, server)


def test_what_passes_passes_with_a_sentence_and_what_it_said(case: Case) -> None:
    result = case.run(case.hook(says="all well"))
    assert result.passed
    assert result.reason
    assert "\n" not in result.reason
    assert result.output == "all well"


def test_what_fails_fails_with_a_sentence_and_what_it_said(case: Case) -> None:
    result = case.run(case.hook(says="not well", fails=True))
    assert not result.passed
    assert result.reason
    assert result.output == "not well"


def test_it_is_given_up_at_its_timeout(case: Case) -> None:
    began = time.monotonic()
    result = case.run(case.hook(seconds=60, timeout=0.3))
    assert not result.passed
    assert "0.3s" in result.reason
    assert time.monotonic() - began < 20


def test_the_pulse_is_asked_every_second_while_it_runs(case: Case) -> None:
    pulse = Pulsing()
    assert case.run(case.hook(seconds=LONG), pulse).passed
    assert len(pulse.asked) >= 2
    assert pulse.longest_silence() < A_SECOND


def test_a_no_of_the_pulse_stops_it_at_once(case: Case) -> None:
    pulse, began = Pulsing(stop_after=0), time.monotonic()
    result = case.run(case.hook(seconds=60), pulse)
    assert (result.passed, result.reason) == (False, "stopped")
    assert time.monotonic() - began < 20


def test_a_no_of_the_pulse_between_two_tries_is_the_last_word(case: Case) -> None:
    hook = case.hook(fails=True)
    again = Hook(hook.name, hook.command, hook.url, hook.timeout_seconds, retries=1000)
    assert case.run(again, Pulsing(stop_after=5)).reason == "stopped"


def test_however_much_it_says_the_output_has_its_limit(case: Case) -> None:
    result = case.run(case.hook(says="begin " + "ä" * OUTPUT_LIMIT + " end"))
    assert result.output.startswith("begin ")
    assert result.output.endswith(" end")
    assert len(result.output.encode()) <= OUTPUT_LIMIT
