"""Deployments for real, the EC2 way: the example `alb-asg` by Terraform, instances that are processes, real traffic.

As `test_deploy` has it for containers: one world, its tests in order.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.command import assert_one_clear_line
from tests.e2e.deployed import Deployed, Standing, applied
from tests.e2e.release import requests_until, until
from toolkit.lab.processes import is_running
from toolkit.lab.rehearsal.workload import ami

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.terraform, pytest.mark.slow]

INSTANCES, MINIMUM, MAXIMUM = 2, 1, 4
HELD = ("AZRebalance", "ScheduledActions")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    variables: dict[str, Any] = {"desired_count": INSTANCES, "max_count": MAXIMUM}
    with applied(tmp_path_factory.mktemp("deploy"), "alb-asg", {"image_id": "web-1.0.0"}, **variables) as made:
        yield made


@pytest.fixture
def web(world: Deployed) -> Deployed:
    """The world without a rollout under way, also where a test before has left one."""
    if all(world.pair.weights().values()):
        assert world.bluegreen("rollback", "web", "--break-lease").code == 0
    return world


def bounds(web: Deployed) -> dict[str, tuple[object, ...]]:
    """By color: how many are asked for, minimum, maximum, and what is suspended."""
    return {color: (each.desired, each.minimum, each.maximum, each.suspended) for color, each in web.sides().items()}


def test_a_good_ami_is_promoted_without_a_failed_request_and_a_plan_after_it_is_empty(web: Deployed) -> None:
    before = web.sides()
    with web.load() as load:
        ended = web.deploy("--ami", ami(web.pair, "web-1.1.0"))
        requests_until(load, 50)
        result = load.stop()
    assert ended.code == 0, ended.err
    assert (result.failed, list(result.failures)) == (0, [])
    assert (web.live, web.versions()) == ("green", {"1.1.0": 20})
    assert web.sides() == {
        "blue": Standing(before["blue"].revision, 1, 1, MAXIMUM),
        "green": Standing("2", INSTANCES, MINIMUM, MAXIMUM),
    }
    assert web.plan_exit_code() == 0


def test_what_is_live_already_is_not_deployed_again(web: Deployed) -> None:
    before, entries = web.sides(), len(web.journal())
    status = web.status()
    ended = web.deploy("--ami", status["colors"][status["live"]]["release"]["image"])
    assert ended.code == 0, ended.err
    assert "nothing was done" in ended.out
    assert len(web.journal()) == entries
    assert web.sides() == before


def test_a_deployment_whose_process_is_killed_in_its_canary_is_resumed_to_its_promotion(web: Deployed) -> None:
    live, idle = web.live, web.idle
    with web.load() as load:
        with web.deploying("--ami", ami(web.pair, "web-1.3.0")) as process:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        held = web.sides()
        resumed = web.bluegreen("resume", "web", "--break-lease", timeout=120.0)
        requests_until(load, 50)
        result = load.stop()
    assert [side.suspended for side in held.values()] == [HELD, HELD]
    assert resumed.code == 0, resumed.err
    assert result.failed == 0, result.failures[:3]
    assert (web.live, web.versions()) == (idle, {"1.3.0": 20})
    assert bounds(web) == {idle: (INSTANCES, MINIMUM, MAXIMUM, ()), live: (1, 1, MAXIMUM, ())}


def test_a_rollback_to_a_retired_side_scales_it_up_before_it_gets_traffic(web: Deployed) -> None:
    live, idle = web.live, web.idle
    assert web.deploy("--ami", ami(web.pair, "web-1.4.0"), "--keep", "0").code == 0
    assert bounds(web)[live] == (0, 0, MAXIMUM, ())
    with web.load() as load:
        back = web.bluegreen("rollback", "web", "--to", live, timeout=120.0)
        requests_until(load, 50)
        result = load.stop()
    assert back.code == 0, back.err
    assert f"{live} is retired; bringing it up to {INSTANCES}" in back.err
    assert result.failed == 0, result.failures[:3]
    assert web.live == live
    assert bounds(web)[live] == (INSTANCES, MINIMUM, MAXIMUM, ())
    assert bounds(web)[idle][3] == ()


def test_an_autoscaler_that_wants_less_in_mid_rollout_takes_nothing_away(web: Deployed) -> None:
    live, idle = web.live, web.idle
    with web.deploying("--ami", ami(web.pair, "web-1.5.0")) as process:
        for color in (live, idle):
            asked, group = web.sides()[color].desired, web.pair.contract["workload"]["groups"][color]
            for by in ("alarm", "schedule"):
                assert web.autoscaler("scale-in-group", group=group, to=0, by=by)["desired_capacity"] == asked
        assert process.wait(timeout=90) == 0
    assert (web.live, bounds(web)[idle]) == (idle, (INSTANCES, MINIMUM, MAXIMUM, ()))


def test_a_group_at_its_maximum_is_not_asked_for_more_and_its_maximum_is_named(web: Deployed) -> None:
    idle, entries = web.idle, len(web.journal())
    name = web.pair.contract["workload"]["groups"][idle]
    scaling = web.pair.client("autoscaling")
    scaling.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=1)
    try:
        ended = web.deploy("--ami", ami(web.pair, "web-1.7.0"))
        assert_one_clear_line(ended, 14, f"takes 2 targets, and {idle} may have 1 at most. Nothing was changed.")
        assert len(web.journal()) == entries
    finally:
        scaling.update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=MAXIMUM)


def test_an_ami_or_a_version_that_is_not_there_is_refused_and_an_image_is_for_others(web: Deployed) -> None:
    before, entries = web.sides(), len(web.journal())
    assert_one_clear_line(web.deploy("--ami", "ami-0123456789abcdef0"), 14, "ami-0123456789abcdef0")
    assert_one_clear_line(web.deploy("--launch-template-version", "99"), 14, "99")
    assert_one_clear_line(web.deploy("--image", "registry.example/web:1.0.0"), 2, "Auto Scaling group")
    assert len(web.journal()) == entries
    assert web.sides() == before


def test_an_ami_that_crashes_gets_no_request_and_everything_stays_as_it_was(web: Deployed) -> None:
    before, live = web.sides(), web.live
    with web.load() as load:
        ended = web.deploy("--ami", ami(web.pair, "web-1.2.0-crash"))
        result = load.stop()
    assert ended.code == 32, ended.err
    assert f"nothing was shifted, all traffic stays on {live}" in ended.err.splitlines()[-1]
    assert (result.failed, set(result.colors)) == (0, {live})
    assert web.sides() == before


def test_after_all_of_this_a_plan_is_empty_and_nothing_has_drifted(web: Deployed) -> None:
    assert web.plan_exit_code() == 0
    drift = web.drift()
    assert drift.code == 0, drift.out + drift.err


def test_nothing_listens_off_loopback_and_a_destroy_leaves_no_instance(web: Deployed) -> None:
    places, running = web.listening(), web.played()
    assert len(running) >= INSTANCES
    assert {place for place in places if not place.startswith("127.")} == set()
    ended = web.infra("destroy", "--yes")
    assert ended.code == 0, ended.err
    until(lambda: not web.played())
    assert [process for process in running if is_running(process)] == []
