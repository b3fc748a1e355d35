"""`bluegreen notify`, and who is told beside a rollout: what is said where, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.cli.conftest import Line
from tests.support.fakes import FakeWorld, a_world
from tests.support.http_server import Reply, running_server, wait_until
from tests.support.notify import IMPORTANT, ROLLED_BACK, Recording, fails, record
from toolkit.aws.sns import unsent
from toolkit.errors import AccessDenied
from toolkit.journal.memory import MemoryStore
from toolkit.rollout.notification import Notification, Sink, Unsent
from toolkit.rollout.notifiers import notifier_of
from toolkit.settings import NotifySettings
from toolkit.traffic import Color
from toolkit.wiring.lazy import LazySinks

TOPIC = "sns:arn:aws:sns:eu-central-1:123456789012:releases"


class OneSink:
    """The same sink, whatever is asked for."""

    def __init__(self, sink: Recording) -> None:
        self._sink = sink

    def sink(self, _settings: NotifySettings) -> Sink:
        return self._sink


@pytest.fixture
def sink() -> Recording:
    return Recording()


@pytest.fixture
def world(sink: Recording) -> FakeWorld:
    world = a_world()
    world.service.cursors, world.service.sinks = world.store, OneSink(sink)
    return world


@pytest.fixture
def real(world: FakeWorld) -> FakeWorld:
    """With the sinks that are outside AWS."""
    world.service.sinks = LazySinks(None)  # type: ignore[arg-type]
    return world


def set_up(world: FakeWorld, *texts: str) -> None:
    """As the settings would."""
    world.service.settings = replace(world.service.settings, notify=tuple(notifier_of(text) for text in texts))


class TestOnce:
    def test_stdout_is_lines_of_json_and_nothing_else(self, line: Line, real: FakeWorld) -> None:
        record(real.store, *ROLLED_BACK)
        ended = line(real, "notify web --to stdout")
        assert ended.code == 0, ended.err
        told = [json.loads(each) for each in ended.out.splitlines()]
        assert [each["event"] for each in told] == IMPORTANT
        assert told[-1]["head"]["hash"] == real.store.tail("web", 1)[0].hash
        assert told[-1]["account_id"] == real.service.contract.account_id
        assert ended.err == f"web: stdout: {len(IMPORTANT)} told\n"
        assert line(real, "notify web --to stdout").out == ""

    def test_all_events_under_a_name_of_their_own(self, line: Line, real: FakeWorld) -> None:
        record(real.store, *ROLLED_BACK)
        line(real, "notify web --to stdout")
        ended = line(real, "notify web --to stdout --events all --name log")
        assert len(ended.out.splitlines()) == len(ROLLED_BACK)

    def test_the_settings_say_whom(self, line: Line, world: FakeWorld, sink: Recording) -> None:
        record(world.store, *ROLLED_BACK)
        set_up(world, TOPIC, "slack")
        ended = line(world, "notify web")
        assert ended.err.splitlines() == ["web: sns-releases: 6 told", "web: slack: 6 told"]
        assert sink.events == [*IMPORTANT, *IMPORTANT]

    def test_nobody_named_is_an_error_of_use(self, line: Line, world: FakeWorld) -> None:
        ended = line(world, "notify web")
        assert ended.code == 2
        assert "--to" in ended.line

    @pytest.mark.parametrize("words", ["--events all", "--name x", "--to mail", "--to sns:x", "web --to stdout"])
    def test_words_that_do_not_fit_are_one_line(self, line: Line, world: FakeWorld, words: str) -> None:
        ended = line(world, f"notify web {words}")
        assert ended.code == 2
        assert ended.line

    def test_from_now_passes_over_what_there_is(self, line: Line, world: FakeWorld, sink: Recording) -> None:
        record(world.store, *ROLLED_BACK)
        assert line(world, f"notify web --to {TOPIC} --from-now").code == 0
        assert line(world, f"notify web --to {TOPIC}").code == 0
        assert sink.events == []

    def test_a_topic_that_refuses_gives_awss_exit_code_and_the_others_are_told(
        self, line: Line, world: FakeWorld, sink: Recording
    ) -> None:
        record(world.store, *ROLLED_BACK)
        set_up(world, TOPIC, "slack")
        denied = AccessDenied("publishing: not allowed", hint="Grant it.")
        refusal = unsent(denied, refused=set(), later=set())
        refusal.__cause__ = denied
        sink.meddle = fails(refusal)
        ended = line(world, "notify web")
        assert ended.code == AccessDenied.exit_code
        assert "sns-releases: publishing: not allowed. Nothing is lost" in ended.last_line
        assert sink.events == IMPORTANT

    def test_a_webhook_that_refuses_is_one_line_without_its_address(
        self, line: Line, real: FakeWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(real.store, *ROLLED_BACK)
        with running_server() as server:
            server.answers(Reply(403, b"action_prohibited"))
            monkeypatch.setenv("SLACK_WEBHOOK_URL", server.url("/services/verysecret"))
            ended = line(real, "notify web --to slack")
        assert ended.code == 62
        assert "answered 403 (action_prohibited)" in ended.line
        assert "verysecret" not in ended.line

    def test_a_variable_that_is_not_set_is_named(
        self, line: Line, real: FakeWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
        ended = line(real, "notify web --to slack")
        assert ended.code == 10
        assert "SLACK_WEBHOOK_URL is not set" in ended.line

    def test_a_journal_that_was_cut_off_has_the_exit_code_of_an_audit(
        self, line: Line, world: FakeWorld, sink: Recording
    ) -> None:
        record(world.store, *ROLLED_BACK)
        line(world, f"notify web --to {TOPIC}")
        world.service.store, cut = MemoryStore(), list(world.store.since("web", 1)[:5])
        for entry in cut:
            world.service.store.append("web", entry)
        ended = line(world, f"notify web --to {TOPIC}")
        assert ended.code == 61
        assert "cut off" in ended.line
        assert sink.events == [*IMPORTANT, "journal-broken"]


class TestFollowing:
    def test_it_tells_what_comes_until_it_is_ended(
        self, line: Line, world: FakeWorld, sink: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("toolkit.cli.notify._LOOK_SECONDS", 0.02)
        record(world.store, *ROLLED_BACK[:4])

        def meanwhile() -> None:
            wait_until(lambda: sink.events == IMPORTANT[:2])
            record(world.store, *ROLLED_BACK[4:])
            wait_until(lambda: sink.events == IMPORTANT)
            os.kill(os.getpid(), signal.SIGTERM)

        beside = threading.Thread(target=meanwhile)
        beside.start()
        ended = line(world, f"notify web --follow --to {TOPIC}")
        beside.join()
        assert ended.code == 130
        assert "what is not told yet goes with the next run" in ended.line

    def test_what_is_wrong_is_said_at_once(self, line: Line, real: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
        assert line(real, "notify web --follow --to slack").code == 10


class TestBesideARollout:
    def test_everybody_in_the_settings_is_told_of_a_rollout(
        self, line: Line, world: FakeWorld, sink: Recording
    ) -> None:
        set_up(world, TOPIC)
        ended = line(world, "cutover web --bake 0")
        assert ended.code == 0, ended.err
        assert sink.events == ["started", "shifted", "promoted", "over"]
        assert "lags" not in ended.err

    def test_a_sink_that_hangs_neither_holds_it_nor_makes_it_fail(
        self, line: Line, world: FakeWorld, sink: Recording, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("toolkit.notify.beside.Beside.close.__defaults__", (0.2,))
        let_go = threading.Event()

        def hangs(_told: Notification) -> None:
            let_go.wait(30)

        sink.meddle = hangs
        set_up(world, TOPIC)
        began = time.monotonic()
        ended = line(world, "cutover web --bake 0")
        let_go.set()
        assert ended.code == 0, ended.err
        assert "green is live" in ended.out
        assert time.monotonic() - began < 15, "the sink hangs for 30 s"
        (lag,) = [each for each in ended.err.splitlines() if "lags" in each]
        assert "sns-releases" in lag

    def test_one_that_refuses_everything_changes_no_exit_code(
        self, line: Line, world: FakeWorld, sink: Recording
    ) -> None:
        sink.meddle = fails(*[Unsent("403", again=False)] * 99)
        set_up(world, TOPIC, "slack")
        ended = line(world, "cutover web --bake 0")
        assert ended.code == 0
        assert sum("lags: 403" in each for each in ended.err.splitlines()) == 2

    def test_a_rollout_that_fails_is_told_too(self, line: Line, world: FakeWorld, sink: Recording) -> None:
        set_up(world, TOPIC)
        world.router.after_write = lambda _name: world.health(Color.GREEN, *["unhealthy"] * 3)
        ended = line(world, "cutover web --bake 30")
        assert ended.code == 32, ended.err
        assert sink.events == [*IMPORTANT[:2], "gate-failed", "shifting-back", "shifted-back", "rolled-back"]

    def test_a_rollback_tells_once_the_traffic_is_back_and_not_before(
        self, line: Line, world: FakeWorld, sink: Recording
    ) -> None:
        line(world, "shift web green=100")
        set_up(world, TOPIC)
        held: list[str] = []
        sink.meddle = lambda _told: held.append(str(world.split()))
        ended = line(world, "rollback web")
        assert ended.code == 0, ended.err
        assert sink.events[-1] == "shifted-back"
        assert set(held) == {"blue 100 / green 0"}

    def test_a_shift_is_told_though_no_rollout_is_under_way(
        self, line: Line, world: FakeWorld, sink: Recording
    ) -> None:
        set_up(world, TOPIC)
        assert line(world, "shift web green=20").code == 0
        assert sink.events == ["shifted"]

    @pytest.mark.parametrize("word", ["abort", "rollback"])
    def test_a_way_back_that_is_run_from_here_is_told(
        self, line: Line, world: FakeWorld, sink: Recording, word: str
    ) -> None:
        line(world, "ab web --header 'X-Beta: yes' --detach")
        set_up(world, TOPIC)
        line(world, f"{word} web")
        assert sink.events[-1] == "rolled-back"

    def test_several_that_go_back_are_told_in_the_end(self, line: Line, world: FakeWorld, sink: Recording) -> None:
        line(world, "shift web green=100")
        set_up(world, TOPIC)
        assert line(world, "rollback --all").code == 0
        assert sink.events[-1] == "shifted-back"

    def test_what_a_rollback_imports_has_no_notifier_in_it(self) -> None:
        code = (
            "import sys, toolkit.cli.shift, toolkit.runner.rollback, toolkit.wiring; "
            "print([name for name in sys.modules if 'notif' in name])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "[]"

    def test_stdout_waits_where_a_json_document_goes_there(self, line: Line, real: FakeWorld) -> None:
        set_up(real, "stdout")
        document: Any = line(real, "cutover web --bake 0 -o json").json()
        assert document["phase"] == "promoted"
        told = line(real, "notify web").out.splitlines()
        assert [json.loads(each)["event"] for each in told] == ["started", "shifted", "promoted", "over"]


class TestDoctor:
    def findings(self, line: Line, world: FakeWorld) -> dict[str, tuple[str, str]]:
        document: Any = line(world, "doctor web -o json").json()
        return {each["check"]: (each["level"], each["reason"]) for each in document["findings"]}

    def test_a_notifier_that_lags_is_a_warning_and_one_that_keeps_up_is_none(
        self, line: Line, world: FakeWorld
    ) -> None:
        set_up(world, TOPIC)
        record(world.store, *ROLLED_BACK)
        assert self.findings(line, world)["notifier sns-releases"] == (
            "warning",
            "it has told nothing of the journal yet",
        )
        line(world, "notify web")
        assert self.findings(line, world)["notifier sns-releases"][0] == "ok"
        record(world.store, *ROLLED_BACK * 3)
        assert self.findings(line, world)["notifier sns-releases"] == ("warning", "it is 24 entries behind the journal")

    def test_a_journal_shorter_than_what_was_told_is_a_warning(self, line: Line, world: FakeWorld) -> None:
        set_up(world, TOPIC)
        record(world.store, *ROLLED_BACK)
        line(world, "notify web")
        world.service.store = MemoryStore()
        level, reason = self.findings(line, world)["notifier sns-releases"]
        assert level == "warning"
        assert "cut off" in reason
