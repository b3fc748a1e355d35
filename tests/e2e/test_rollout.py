"""Rollouts for real: two terminals, real processes that die, real traffic that must not notice; one world, in order.

Every rollout starts with all traffic on blue. What ends it otherwise than by itself comes from another process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.command import Terminal, assert_one_clear_line
from tests.e2e.release import Release, provisioned, requests_until, until

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.terraform]

BLUE, CANARY, GREEN = {"blue": 100, "green": 0}, {"blue": 80, "green": 20}, {"blue": 0, "green": 100}
SETTINGS = """
[service.web]
poll_seconds = 0.2

[strategy.asked]
step = [{ shift = 20 }, { approve = "60s", note = "is the dashboard green?" }, { shift = 100 }]

[strategy.watched]
step = [{ shift = 20, bake = "60s" }, { shift = 100 }]
"""
PROBED = """
[service.web]
poll_seconds = 0.2
probe_via = "PLACE"

[strategy.probed]
canary = [20, 100]
bake = "60s"
gate = [{ probe = "/", count = 20 }]
gate_every = "1s"
"""
FROZEN = """
[service.web.freeze]
windows = ["2000-01-01 - 2999-12-31"]
reason = "the sale of the year"
"""
LONG = ("--steps", "20,100", "--bake", "60s")
SHORT = ("--steps", "20,100", "--bake", "6s")  # in which a busy machine sends a signal


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with provisioned(tmp_path_factory.mktemp("rollout")) as world:
        files = {"bluegreen": SETTINGS, "frozen": FROZEN, "probed": PROBED.replace("PLACE", urlsplit(world.url).netloc)}
        for name, text in files.items():
            (world.bluegreen.directory / f"{name}.toml").write_text(text)
        yield world


@pytest.fixture
def web(release: Release) -> Release:
    """The world with all traffic on blue, as the record says, every target healthy, and no rollout under way."""
    for color in release.apps:
        release.set_health(color, unhealthy=False)
        for site in release.apps[color].sites:
            release.apps[color].set_faults(site, error_rate=0.0)
    back = release.bluegreen("rollback", "web", "--to", "blue", "--break-lease")
    assert back.code == 0, back.err
    assert release.status()["rollout"] is None
    return release


@contextmanager
def running(web: Release, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A rollout in another terminal, once its first weights are read back and recorded."""
    before = len(journal(web))
    with web.bluegreen.started(*words) as process:
        until(lambda: has_shifted(journal(web)[before:]) or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        assert web.pair.weights() == CANARY
        yield process


def has_shifted(entries: list[dict[str, Any]]) -> bool:
    """Whether the first shift of a rollout is among `entries`."""
    return [entry["event"] for entry in entries[-2:]] == ["ShiftIntended", "ShiftVerified"]


@contextmanager
def on_a_terminal(web: Release, *words: str) -> Iterator[Terminal]:
    """The same on a terminal, with the step that is watched in its picture."""
    with web.bluegreen.on_terminal(*words) as terminal:
        terminal.read_until(" left")
        yield terminal


def ended(process: subprocess.Popen[str], code: int) -> list[str]:
    """The lines on stderr of a process that ends by itself with `code`."""
    _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    return err.splitlines()


def in_phase(web: Release, phase: str) -> dict[str, Any]:
    """The rollout as `status` shows it, once it is in `phase`."""
    seen: dict[str, Any] = {}

    def is_there() -> bool:
        seen.update(web.status()["rollout"] or {})
        return bool(seen.get("phase") == phase)

    until(is_there)
    return seen


def journal(web: Release) -> list[dict[str, Any]]:
    """Every entry of the journal, as it is stored."""
    table = web.pair.contract["state_table"]["name"]
    items = web.pair.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    entries = [json.loads(item["entry"]["S"]) for item in items if "entry" in item]
    return sorted(entries, key=lambda entry: int(entry["sequence"]))


def words_taken(web: Release) -> list[tuple[str, str]]:
    """Word and reason of every command of the last rollout that the journal holds."""
    entries = journal(web)
    rollout = next(entry["rollout"] for entry in reversed(entries) if entry["rollout"])
    taken = [entry for entry in entries if entry["rollout"] == rollout and entry["event"] == "CommandTaken"]
    return [(entry["word"], entry["reason"]) for entry in taken]


def test_a_canary_runs_to_its_promotion_and_no_request_fails(web: Release) -> None:
    with web.load() as load:
        words = ("--steps", "20,50,100", "--bake", "1s", "-o", "json")
        done = web.bluegreen("canary", "web", *words).json()
        requests_until(load, 200)
        result = load.stop()
    assert result.failed == 0, result.failures[:5]
    assert done["ending"] == "promoted"
    assert web.pair.weights() == GREEN
    status = web.status()
    assert (status["live"], status["rollout"], status["lease"]) == ("green", None, None)
    assert status["record"]["promoted"] == "green"
    intents = [entry["to"] for entry in journal(web) if entry["rollout"] == done["rollout"] and "to" in entry]
    assert intents == [CANARY, {"blue": 50, "green": 50}, GREEN]


def test_one_that_is_killed_is_picked_up_by_another_process_and_no_request_fails(web: Release) -> None:
    with web.load() as load:
        with running(web, "canary", "web", *SHORT) as runner:
            runner.kill()
            runner.wait()
        dead = web.status()
        assert dead["rollout"]["phase"] == "baking"
        assert dead["lease"]["holder"]["pid"] == runner.pid
        resumed = web.bluegreen("resume", "web")
        assert resumed.code == 0, resumed.err
        result = load.stop()
    assert result.failed == 0, result.failures[:5]
    assert "takes over from" in resumed.err or "broke the lease of" in resumed.err
    assert f"process {runner.pid}" in resumed.err
    assert web.pair.weights() == GREEN
    assert web.status()["record"]["promoted"] == "green"


def test_a_rival_is_refused_by_the_holders_name_and_a_rollback_from_elsewhere_brings_all_back(web: Release) -> None:
    with web.load() as load, running(web, "canary", "web", *LONG) as runner:
        rival = web.bluegreen("linear", "web", "--step", "50", "--every", "1s")
        assert_one_clear_line(rival, 37, f"process {runner.pid}", "rollout canary")
        assert web.pair.weights() == CANARY

        began = time.monotonic()
        back = web.bluegreen("rollback", "web", "--reason", "too many errors")
        took = time.monotonic() - began
        assert back.code == 0, back.err
        assert "is rolled back" in back.out
        assert web.pair.weights() == BLUE
        lines = ended(runner, 32)
        result = load.stop()
    assert "all traffic is back on blue" in lines[-1]
    assert result.failed == 0, result.failures[:5]
    assert took < 20, "it neither waits for the bake nor for the lease"
    assert words_taken(web) == [("rollback", "too many errors")]


def test_an_approval_comes_from_elsewhere_with_its_reason(web: Release) -> None:
    with running(web, "rollout", "start", "web", "--strategy", "asked") as runner:
        waiting = in_phase(web, "awaiting-approval")
        assert (waiting["step"], waiting["steps"]) == (2, 3)
        assert [each["command"] for each in waiting["may"]] == ["bluegreen approve web", "bluegreen abort web"]
        approved = web.bluegreen("approve", "web", "--reason", "all green")
        assert approved.code == 0, approved.err
        ended(runner, 0)
    assert web.pair.weights() == GREEN
    assert words_taken(web) == [("approve", "all green")]


def test_it_is_paused_and_resumed_from_elsewhere(web: Release) -> None:
    with running(web, "rollout", "start", "web", "--strategy", "watched") as runner:
        assert web.bluegreen("pause", "web").code == 0
        paused = web.status()
        assert paused["rollout"]["phase"] == "paused"
        assert paused["lease"]["held"] is True
        assert runner.poll() is None
        assert web.bluegreen("resume", "web").code == 0
        in_phase(web, "baking")
        assert web.bluegreen("promote", "web").code == 0
        ended(runner, 0)
    assert web.pair.weights() == GREEN
    assert [word for word, _ in words_taken(web)] == ["pause", "resume", "promote"]


def test_promote_skips_what_is_left_and_abort_takes_it_back(web: Release) -> None:
    with running(web, "canary", "web", "--steps", "20,50,100", "--bake", "60s") as runner:
        assert web.bluegreen("promote", "web").code == 0
        until(lambda: web.pair.weights() == GREEN)
        aborted = web.bluegreen("abort", "web", "--reason", "the wrong image")
        assert aborted.code == 0, aborted.err
        assert "the wrong image" in ended(runner, 32)[-1]
    assert web.pair.weights() == BLUE


def test_sigterm_pauses_and_gives_the_lease_back_and_resume_goes_on(web: Release) -> None:
    with running(web, "canary", "web", *SHORT) as runner:
        runner.send_signal(signal.SIGTERM)
        last = ended(runner, 38)[-1]
    assert "bluegreen resume web" in last
    left = web.status()
    assert (left["rollout"]["phase"], left["lease"]) == ("paused", None)
    assert web.pair.weights() == CANARY
    assert web.bluegreen("resume", "web").code == 0
    assert web.pair.weights() == GREEN


def test_a_new_side_that_falls_sick_in_the_bake_takes_all_back_by_itself(web: Release) -> None:
    with web.load(rate=200) as load, running(web, "canary", "web", *LONG) as runner:
        web.set_health("green", unhealthy=True)
        last = ended(runner, 32)[-1]
        result = load.stop()
    assert "green" in last
    assert "all traffic is back on blue" in last
    assert result.failed == 0, result.failures[:5]
    assert web.pair.weights() == BLUE


def test_a_probe_that_fails_while_it_bakes_takes_all_back_by_itself(web: Release) -> None:
    with running(web, "rollout", "start", "web", "--strategy", "probed", "-c", "probed.toml") as runner:
        for site in web.apps["green"].sites:
            web.apps["green"].set_faults(site, error_rate=1.0)
        last = ended(runner, 32)[-1]
    assert "500" in last
    assert web.pair.weights() == BLUE


def test_a_freeze_refuses_a_start_and_never_a_rollback(web: Release) -> None:
    refused = web.bluegreen("canary", "web", "--config", "frozen.toml")
    assert_one_clear_line(refused, 14, "the sale of the year", "--ignore-freeze")
    assert web.bluegreen("shift", "web", "green=20").code == 0
    assert web.bluegreen("rollback", "web", "--config", "frozen.toml").code == 0
    assert web.pair.weights() == BLUE


def test_weights_written_by_hand_halt_it_and_nothing_is_touched_until_a_rollback(web: Release) -> None:
    by_hand = {"blue": 55, "green": 45}
    with running(web, "canary", "web", *LONG) as runner:
        web.pair.set_weights(**by_hand)
        last = ended(runner, 36)[-1]
    assert "blue 55 / green 45" in last
    assert web.pair.weights() == by_hand
    assert web.status()["rollout"]["phase"] == "halted"
    assert web.bluegreen("resume", "web").code == 36
    assert web.pair.weights() == by_hand
    assert web.bluegreen("rollback", "web").code == 0
    assert web.pair.weights() == BLUE
    assert web.status()["rollout"] is None


def test_ctrl_c_on_a_terminal_asks_and_continue_goes_on(web: Release) -> None:
    with on_a_terminal(web, "canary", "web", *SHORT) as terminal:
        terminal.type("\x03")
        terminal.read_until("[c/p/r]")
        terminal.type("what?\n")
        terminal.read_until("[c/p/r]")
        terminal.type("c\n")
        assert terminal.wait() == 0, terminal.shown
    assert web.pair.weights() == GREEN


def test_ctrl_c_on_a_terminal_may_pause(web: Release) -> None:
    with on_a_terminal(web, "canary", "web", *LONG) as terminal:
        terminal.type("\x03")
        terminal.read_until("[c/p/r]")
        terminal.type("p\n")
        assert terminal.wait() == 38, terminal.shown
    assert web.pair.weights() == CANARY
    assert web.status()["rollout"]["phase"] == "paused"


def test_ctrl_c_on_a_terminal_may_roll_back(web: Release) -> None:
    with on_a_terminal(web, "canary", "web", *LONG) as terminal:
        terminal.type("\x03")
        terminal.read_until("[c/p/r]")
        terminal.type("r\n")
        assert terminal.wait() == 32, terminal.shown
    assert web.pair.weights() == BLUE


def test_a_second_ctrl_c_rolls_back_whatever_is_asked(web: Release) -> None:
    with on_a_terminal(web, "canary", "web", *LONG) as terminal:
        terminal.type("\x03")
        terminal.read_until("[c/p/r]")
        terminal.type("\x03")
        assert terminal.wait() == 32, terminal.shown
    assert "Traceback" not in terminal.shown
    assert web.pair.weights() == BLUE


def test_without_a_terminal_ctrl_c_pauses(web: Release) -> None:
    with running(web, "canary", "web", *LONG) as runner:
        os.kill(runner.pid, signal.SIGINT)
        ended(runner, 38)
    assert web.pair.weights() == CANARY


def test_on_a_terminal_every_step_is_in_the_picture_with_health_gates_and_lease(web: Release) -> None:
    with on_a_terminal(web, "canary", "web", "--steps", "20,100", "--bake", "2s") as terminal:
        terminal.read_until("green 2 healthy of 2")
        assert terminal.wait() == 0, terminal.shown
    for words in ("shift 20 %", "bake 2s", "shift 100 %", "blue 0 / green 100", "target health", "(process "):
        assert words in terminal.shown


def test_the_journal_of_all_of_this_is_sound(web: Release) -> None:
    verified = web.bluegreen("audit", "verify", "web", "-o", "json")
    assert verified.code == 0, verified.err
    assert web.bluegreen("history", "web").code == 0


def test_the_plan_after_all_of_this_is_empty(web: Release) -> None:
    assert web.plan_exit_code() == 0
