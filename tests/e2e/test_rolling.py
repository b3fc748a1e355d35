"""Rolling updates for real: the command, processes that are stopped and started anew, traffic that must not notice."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.command import Commands, Ended, assert_one_clear_line
from tests.e2e.release import requests_until, until
from tests.support.held import answer_in, request_held_by
from tests.support.in_place import Fleet, environment, fleet
from tests.support.provision import Provisioned, provision
from tests.support.world import World
from toolkit.lab.load import LoadPlan, LoadProcess
from toolkit.lab.rehearsal.targets import TARGET_PORT, free_addresses, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.lab]

OLD, NEW = ["1.0.0"] * 3, ["1.4.2"] * 3
SETTINGS = """
[service.web]
poll_seconds = 0.2
ready_seconds = 8

[service.web.rolling]
bake = "300ms"
"""
DELAY = 20
"""The deregistration delay as AWS holds it; the lab lets a twentieth of it pass."""
SLOW = ("--slow-rate", "0.1", "--slow-ms", "300")
UPDATE = ("--", "./update.sh")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    addresses = free_addresses(3)["blue"]
    with fleet(tmp_path_factory.mktemp("rolling") / "targets", addresses, OLD[0], SLOW) as started:
        yield started


@pytest.fixture(scope="module")
def web(world: World, servers: Fleet) -> Provisioned:
    """A service whose blue side is those processes; there is no other."""
    emptied = urllib.request.Request(f"{world.lab.endpoint_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(emptied, timeout=30).close()
    targets = {"blue": list(servers.addresses)}
    return provision(world.lab.endpoint_url, port=20_080, targets=targets, target_port=TARGET_PORT)


@pytest.fixture
def bluegreen(world: World, web: Provisioned, servers: Fleet, tmp_path: Path) -> Commands:
    """Commands in a directory with the settings and the update; every target runs the old version and is healthy."""
    servers.bring(OLD[0])
    set_delay(web, DELAY)
    wait_for(web, "blue", "healthy")
    (tmp_path / "bluegreen.toml").write_text(SETTINGS, "utf-8")
    (tmp_path / "update.sh").write_text(f"#!/bin/sh\nexec {' '.join(servers.command)}\n", "utf-8")
    (tmp_path / "update.sh").chmod(0o755)
    url = f"{world.lab.listeners()[web.listener_arn]}/"
    return Commands({**environment(world.lab.environ, tmp_path), "URL": url}, tmp_path)


def set_delay(web: Provisioned, seconds: int) -> None:
    attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
    elbv2 = web.client("elbv2")
    elbv2.modify_target_group_attributes(TargetGroupArn=web.group("blue"), Attributes=[attribute])


@contextmanager
def traffic(bluegreen: Commands) -> Iterator[LoadProcess]:
    """Requests on kept connections that have begun; nothing is retried."""
    plan = LoadPlan(url=bluegreen.environ["URL"], rate=100.0, post_share=0.5, connections=16)
    with LoadProcess(plan) as load:
        requests_until(load, 20)
        yield load


def roll(bluegreen: Commands, *words: str, version: str = NEW[0]) -> Ended:
    return bluegreen("rolling", "web", "--version", version, *words, *UPDATE)


def states(web: Provisioned) -> dict[str, str]:
    answer = web.client("elbv2").describe_target_health(TargetGroupArn=web.group("blue"))
    return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in answer["TargetHealthDescriptions"]}


def told(servers: Fleet, rollout: str) -> list[tuple[str, str, str]]:
    """Of each update of a rollout: its target, its direction and its batch."""
    mine = [each for each in servers.updates() if each["rollout"] == rollout]
    return [(each["target_id"], each["direction"], each["batch"]) for each in mine]


def test_every_target_is_updated_in_turn_and_no_request_fails(
    web: Provisioned, bluegreen: Commands, servers: Fleet
) -> None:
    with traffic(bluegreen) as load:
        done = roll(bluegreen, "-o", "json").json()
        requests_until(load, 20)
        result = load.stop()
    assert result.failed == 0, result.failures[:5]
    assert servers.versions() == NEW
    first, second, third = servers.addresses
    assert told(servers, done["rollout"]) == [
        (first, "forward", "1/3"), (second, "forward", "2/3"), (third, "forward", "3/3"),
    ]  # fmt: skip
    assert {(each["version"], each["target_port"]) for each in servers.updates()[-3:]} == {(NEW[0], str(TARGET_PORT))}
    assert (done["phase"], done["base"]) == ("completed", "blue")
    assert (states(web), web.weights()) == (dict.fromkeys(servers.addresses, "healthy"), {"blue": 100, "green": 0})
    status = bluegreen("status", "web", "-o", "json").json()
    assert (status["live"], status["rollout"], status["lease"]) == ("blue", None, None)
    shown = bluegreen("show", done["rollout"]).out
    assert all(f"{address}:{TARGET_PORT} drained" in shown for address in servers.addresses)
    assert f"{first} runs {NEW[0]}" in shown, "what the update said"
    undone = bluegreen("rollback", "web")
    assert_one_clear_line(undone, 17)
    assert servers.versions() == NEW


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("--batch", "0", *UPDATE), (2, "--batch: '0' is no number")),
        (("--batch", "150%", *UPDATE), (2, "--batch: '150%' is no number")),
        (("--batch", "100%", *UPDATE), (2, "--batch: '100%' is no number")),
        (("--batch", "-1", *UPDATE), (2, "--batch")),
        (("--batch", "1.5", *UPDATE), (2, "--batch: '1.5' is no number")),
        (("--batch", "3", *UPDATE), (14, "a batch of 3 is all there is (3 registered)")),
        (("--min-healthy", "3", *UPDATE), (14, "3 of 3 targets cannot stay healthy while 1 are out")),
        (("--min-healthy", "many", *UPDATE), (2, "--min-healthy: 'many' is no number")),
        (("--bake", "soon", *UPDATE), (2, "soon")),
        ((), (2, "it is not said how a target is updated")),
        (("--image", "registry.example/web:2"), (14, "the contract names no workload")),
    ],
    ids=lambda each: " ".join(map(str, each[:2])),
)
def test_words_that_do_not_fit_are_refused_in_one_line_and_nothing_is_begun(
    web: Provisioned, bluegreen: Commands, servers: Fleet, words: tuple[str, ...], refused: tuple[int, str]
) -> None:
    ran = len(servers.updates())
    assert_one_clear_line(bluegreen("rolling", "web", *words), *refused)
    assert (len(servers.updates()), set(states(web).values())) == (ran, {"healthy"})


def test_targets_that_come_and_go_by_themselves_are_not_taken_out(web: Provisioned, bluegreen: Commands) -> None:
    workload = {"kind": "asg", "groups": {"blue": "web-blue", "green": "web-green"}}
    contract = bluegreen.directory / "contract.json"
    contract.write_text(json.dumps({**web.contract, "workload": workload}), "utf-8")
    refused = bluegreen("rolling", "web", "--contract", f"file:{contract}", *UPDATE)
    assert_one_clear_line(refused, 14, "its targets come and go by themselves", "bluegreen deploy web --ami")


@pytest.mark.slow
def test_a_dead_server_is_taken_back_and_nobody_has_noticed(
    web: Provisioned, bluegreen: Commands, servers: Fleet
) -> None:
    with traffic(bluegreen) as load:
        ended = roll(bluegreen, version="1.4.2-dead")
        result = load.stop()
    assert ended.code == 32, ended.err
    last = ended.err.splitlines()[-1]
    assert f"{servers.addresses[0]}:{TARGET_PORT} is unhealthy" in last
    assert "all traffic stays on blue" in last
    assert result.failed == 0, result.failures[:5]
    assert servers.versions() == OLD
    assert set(states(web).values()) == {"healthy"}


@pytest.mark.slow
def test_an_update_that_fails_takes_back_what_was_updated_before_it_last_first(
    web: Provisioned, bluegreen: Commands, servers: Fleet
) -> None:
    first, second, _ = servers.addresses
    fails_at_second = (
        '#!/bin/sh\n[ "$BLUEGREEN_BATCH $BLUEGREEN_DIRECTION" != "2/3 forward" ] || exit 3\n'
        f"exec {' '.join(servers.command)}\n"
    )
    (bluegreen.directory / "update.sh").write_text(fails_at_second, "utf-8")
    with traffic(bluegreen) as load:
        ended = roll(bluegreen)
        result = load.stop()
    assert ended.code == 32, ended.err
    assert f"{second}:{TARGET_PORT}: update.sh ended with exit code 3" in ended.err.splitlines()[-1]
    assert result.failed == 0, result.failures[:5]
    rollout = servers.updates()[-1]["rollout"]
    assert told(servers, rollout) == [(first, "forward", "1/3"), (second, "back", "2/3"), (first, "back", "1/3")]
    assert servers.versions() == OLD
    assert set(states(web).values()) == {"healthy"}


@pytest.mark.slow
def test_by_policy_a_failing_batch_waits_for_a_person_who_takes_it_back(
    web: Provisioned, bluegreen: Commands, servers: Fleet
) -> None:
    paused = roll(bluegreen, "--on-failure", "pause", version="1.4.2-fails")
    first = f"{servers.addresses[0]}:{TARGET_PORT}"
    assert paused.code == 38, paused.err
    assert f"{first} may be out" in paused.err.splitlines()[-1]
    assert servers.addresses[0] not in states(web)
    status = bluegreen("status", "web").out
    assert "paused" in status
    assert f"{first} may be out" in status
    assert "bluegreen resume web" in status
    back = bluegreen("rollback", "web")
    assert back.code in (0, 32), back.err
    assert servers.versions() == OLD
    assert set(states(web).values()) == {"healthy"}
    assert bluegreen("status", "web", "-o", "json").json()["rollout"] is None


@pytest.mark.slow
@pytest.mark.parametrize("command", ["resume", "rollback"])
def test_a_runner_that_is_killed_in_the_middle_of_an_update_leaves_what_another_brings_to_an_end(
    web: Provisioned, bluegreen: Commands, servers: Fleet, command: str
) -> None:
    before = len(servers.updates())
    with traffic(bluegreen) as load:
        servers.hold.touch()
        with bluegreen.started("rolling", "web", "--version", NEW[0], *UPDATE) as runner:
            until(lambda: len(servers.updates()) > before or runner.poll() is not None)
            assert runner.poll() is None, runner.communicate()
            runner.kill()
            runner.wait()
        servers.hold.unlink()
        assert servers.addresses[0] not in states(web)
        status = bluegreen("status", "web", "-o", "json").json()
        assert status["lease"]["holder"]["pid"] == runner.pid
        assert (status["rollout"]["step"], status["rollout"]["steps"]) == (1, 6)
        ended = bluegreen(command, "web")
        requests_until(load, 20)
        result = load.stop()
    assert ended.code == 0, ended.err
    assert result.failed == 0, result.failures[:5]
    assert servers.versions() == (NEW if command == "resume" else OLD)
    assert set(states(web).values()) == {"healthy"}
    assert bluegreen("status", "web", "-o", "json").json()["rollout"] is None


@pytest.mark.slow
def test_a_request_that_outlasts_the_delay_holds_the_update_up_for_the_delay_and_no_longer(
    web: Provisioned, bluegreen: Commands, servers: Fleet
) -> None:
    delay = 3.0
    set_delay(web, 60)  # a twentieth of it passes
    first = servers.addresses[0]
    answer_in(first, milliseconds=20_000)
    endless = request_held_by(bluegreen.environ["URL"])
    began = len(servers.updates())
    with bluegreen.started("rolling", "web", "--version", NEW[0], *UPDATE) as runner:
        until(lambda: states(web).get(first) == "draining" or runner.poll() is not None)
        seen = time.monotonic()
        status = bluegreen("status", "web").out
        assert first in status, status
        assert len(servers.updates()) == began
        err = said(runner)
    assert runner.returncode == 0, err
    update = servers.updates()[began]
    assert update["target_id"] == first
    assert update["at"] - seen >= delay - 0.5, "it was updated before it had drained"
    assert endless.ended(seconds=5.0) != "200", "its target was killed"
    assert servers.versions() == NEW


def said(process: subprocess.Popen[str]) -> str:
    """What a process that ends by itself has said on stderr."""
    return process.communicate(timeout=60)[1]
