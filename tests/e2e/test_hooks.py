"""Hooks of a service for real: commands at every point of a rollout under traffic, and one that fails."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Commands
from tests.e2e.release import requests_until, until
from tests.support.hooks import is_alive
from tests.support.provision import Provisioned, provision
from tests.support.world import World, wait_for
from toolkit.lab.load import LoadPlan, LoadProcess

pytestmark = [pytest.mark.e2e, pytest.mark.lab]

BLUE, GREEN = {"blue": 100, "green": 0}, {"blue": 0, "green": 100}
POINTS = ("before-prepare", "after-prepare", "before-shift", "after-shift", "on-rollback", "on-end")
SETTINGS = f"""
[service.web]
poll_seconds = 0.2

[[service.web.hook]]
at = {list(POINTS)}
hook = ["./hook.py"]
"""
HOOK = """#!PYTHON -SE
# Writes down what it was told and who answers just now, and fails or hangs where it is to.
import json, os, sys, time, urllib.request
told = {name[10:].lower(): value for name, value in os.environ.items() if name.startswith("BLUEGREEN_")}
colors = {urllib.request.urlopen(os.environ["URL"], timeout=5).headers["X-Color"] for _ in range(20)}
with open("ran.jsonl", "a") as file:
    file.write(json.dumps({**told, "colors": sorted(colors), "pid": os.getpid()}) + "\\n")
print("at", told["point"])
if told["point"] == os.environ.get("HANGS_AT"):
    time.sleep(60)
if told["point"] == os.environ.get("FAILS_AT"):
    sys.exit(3)
"""
CANARY = ("canary", "web", "--steps", "50,100", "--bake", "500ms")


@pytest.fixture(scope="module")
def healthy(world: World) -> Provisioned:
    """A service at 100/0, as its contract in SSM says."""
    emptied = urllib.request.Request(f"{world.lab.endpoint_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(emptied, timeout=30).close()
    made = provision(world.lab.endpoint_url, port=20_080, targets=world.addresses)
    for color in BLUE:
        wait_for(made, color, "healthy")
    return made


@pytest.fixture
def bluegreen(healthy: Provisioned, world: World, environ: dict[str, str], tmp_path: Path) -> Commands:
    """Commands in a directory with the settings and the hook of every point; all traffic is on blue."""
    (tmp_path / "bluegreen.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "hook.py").write_text(HOOK.replace("PYTHON", sys.executable), encoding="utf-8")
    (tmp_path / "hook.py").chmod(0o755)
    url = f"{world.lab.listeners()[healthy.listener_arn]}/"
    commands = Commands({**environ, "URL": url}, tmp_path)
    back = commands("rollback", "web", "--to", "blue")
    assert back.code == 0, back.err
    return commands


@contextmanager
def traffic(bluegreen: Commands) -> Iterator[LoadProcess]:
    """Requests that have begun; nothing is retried."""
    with LoadProcess(LoadPlan(url=bluegreen.environ["URL"], rate=100.0, post_share=0.5, connections=8)) as load:
        requests_until(load, 20)
        yield load


def ran(bluegreen: Commands) -> list[dict[str, Any]]:
    """What each hook was told, in the order in which they ran."""
    file = bluegreen.directory / "ran.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def test_each_point_has_its_turn_and_its_words_and_no_request_fails(healthy: Provisioned, bluegreen: Commands) -> None:
    with traffic(bluegreen) as load:
        done = bluegreen(*CANARY, "-o", "json").json()
        result = load.stop()
    assert result.failed == 0, result.failures[:5]
    assert healthy.weights() == GREEN
    told = ran(bluegreen)
    route = healthy.contract["routes"][0]["name"]
    assert [(each["point"], each["share"], each["splits"]) for each in told] == [
        ("before-prepare", "0", ""),
        ("after-prepare", "0", ""),
        ("before-shift", "0", ""),
        ("after-shift", "50", f"{route}: blue 50 / green 50"),
        ("before-shift", "50", f"{route}: blue 50 / green 50"),
        ("after-shift", "100", f"{route}: blue 0 / green 100"),
        ("on-end", "100", f"{route}: blue 0 / green 100"),
    ]
    assert {(each["rollout"], each["base"], each["new"], each["hook"]) for each in told} == {
        (done["rollout"], "blue", "green", "hook.py")
    }
    assert len({each["hook_id"] for each in told}) == len(told)
    assert (told[-1]["ending"], told[-1]["reason"], told[-1]["colors"]) == ("promoted", "", ["green"])
    shown = bluegreen("show", done["rollout"]).out
    assert shown.count("| at ") == len(told)


def test_one_that_fails_after_a_shift_takes_it_back_and_the_page_comes_once_the_traffic_is_home(
    healthy: Provisioned, bluegreen: Commands
) -> None:
    with traffic(bluegreen) as load:
        ended = bluegreen(*CANARY, FAILS_AT="after-shift")
        result = load.stop()
    assert ended.code == 32, ended.err
    assert "hook hook.py: hook.py ended with exit code 3" in ended.err.splitlines()[-1]
    assert result.failed == 0, result.failures[:5]
    assert healthy.weights() == BLUE
    told = ran(bluegreen)
    assert [each["point"] for each in told][-3:] == ["after-shift", "on-rollback", "on-end"]
    assert [each["point"] for each in told].count("on-rollback") == 1
    failed, page, end = told[-3:]
    assert failed["colors"] == ["blue", "green"]
    assert (page["colors"], end["colors"]) == (["blue"], ["blue"])
    assert (page["ending"], end["ending"]) == ("rolled-back", "rolled-back")
    assert "exit code 3" in page["reason"]


def test_a_hook_that_hangs_at_the_end_is_ended_by_ctrl_c_and_the_end_is_recorded(
    healthy: Provisioned, bluegreen: Commands
) -> None:
    with bluegreen.started(*CANARY, HANGS_AT="on-end") as process:
        until(lambda: has_come(bluegreen, "on-end") or process.poll() is not None, seconds=60.0)
        assert healthy.weights() == GREEN
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        err = ended(process)
        took = time.monotonic() - began
    assert process.returncode == 0, err
    assert "on-end: hook hook.py: stopped" in err
    assert took < 20
    assert not is_alive(ran(bluegreen)[-1]["pid"])
    status = bluegreen("status", "web", "-o", "json").json()
    assert (status["live"], status["rollout"], status["lease"]) == ("green", None, None)


def has_come(bluegreen: Commands, point: str) -> bool:
    return any(each["point"] == point for each in ran(bluegreen))


def ended(process: subprocess.Popen[str]) -> str:
    """What a process that ends by itself has said on stderr."""
    return process.communicate(timeout=30)[1]
