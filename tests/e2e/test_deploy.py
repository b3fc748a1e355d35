"""Deployments for real, the Docker way: the example `alb-ecs` by Terraform, tasks that are processes, real traffic.

One world, its tests in order, the last of them takes it down; each finds out by itself which side is live.
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

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.terraform, pytest.mark.slow]

TASKS, MAXIMUM = 2, 4
SCALE_IN = ("DynamicScalingInSuspended", "ScheduledScalingSuspended")
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    variables: dict[str, Any] = {"image": image("1.0.0"), "desired_count": TASKS, "autoscaling_maximum": MAXIMUM}
    with applied(tmp_path_factory.mktemp("deploy"), "alb-ecs", **variables) as made:
        yield made


@pytest.fixture
def web(world: Deployed) -> Deployed:
    """The world without a rollout under way, also where a test before has left one."""
    if all(world.pair.weights().values()):
        assert world.bluegreen("rollback", "web", "--break-lease").code == 0
    return world


def image(version: str) -> str:
    return f"registry.example/web:{version}"


def bounds(web: Deployed) -> dict[str, tuple[object, ...]]:
    """By color: how many are asked for, minimum, maximum, and what is suspended."""
    return {color: (each.desired, each.minimum, each.maximum, each.suspended) for color, each in web.sides().items()}


def test_a_good_image_is_promoted_without_a_failed_request_and_a_plan_after_it_is_empty(web: Deployed) -> None:
    with web.load() as load:
        ended = web.deploy("--image", image("1.1.0"))
        requests_until(load, 50)
        result = load.stop()
    assert ended.code == 0, ended.err
    assert (result.failed, list(result.failures)) == (0, [])
    assert (web.live, web.versions()) == ("green", {"1.1.0": 20})
    assert web.sides() == {
        "blue": Standing("web:1", 1, 1, MAXIMUM),  # retired to the warm minimum
        "green": Standing("web:2", TASKS, TASKS, MAXIMUM),  # with the minimum of the side that was live
    }
    assert web.plan_exit_code() == 0


def test_what_is_live_already_is_not_deployed_again(web: Deployed) -> None:
    before, entries = web.sides(), len(web.journal())
    status = web.status()
    running = status["colors"][status["live"]]["release"]["image"]
    ended = web.deploy("--image", running)
    assert ended.code == 0, ended.err
    assert "already" in ended.out
    assert "nothing was done" in ended.out
    assert len(web.journal()) == entries
    assert web.sides() == before


def test_an_image_that_crashes_gets_no_request_and_its_last_words_are_on_the_screen(web: Deployed) -> None:
    before, live = web.sides(), web.live
    with web.load() as load:
        ended = web.deploy("--image", image("1.2.0-crash"))
        result = load.stop()
    assert ended.code == 32, ended.err
    last = ended.err.splitlines()[-1]
    assert f"nothing was shifted, all traffic stays on {live}" in last
    assert "Essential container in task exited" in last
    assert "exit code 1" in last
    assert (result.failed, set(result.colors)) == (0, {live})
    assert web.sides() == before


def test_a_deployment_whose_process_is_killed_in_its_canary_is_resumed_to_its_promotion(web: Deployed) -> None:
    live, idle = web.live, web.idle
    with web.load() as load:
        with web.deploying("--image", image("1.3.0")) as process:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        held = web.sides()
        resumed = web.bluegreen("resume", "web", "--break-lease", timeout=120.0)
        requests_until(load, 50)
        result = load.stop()
    assert [side.suspended for side in held.values()] == [SCALE_IN, SCALE_IN], "what was held is held on"
    assert held[live].minimum == TASKS
    assert resumed.code == 0, resumed.err
    assert result.failed == 0, result.failures[:3]
    assert (web.live, web.versions()) == (idle, {"1.3.0": 20})
    assert bounds(web) == {idle: (TASKS, TASKS, MAXIMUM, ()), live: (1, 1, MAXIMUM, ())}


@slow
def test_a_rollback_to_a_retired_side_scales_it_up_before_it_gets_traffic(web: Deployed) -> None:
    live, idle = web.live, web.idle
    assert web.deploy("--image", image("1.4.0"), "--keep", "0").code == 0
    assert bounds(web)[live] == (0, 0, MAXIMUM, ())
    with web.load() as load:
        back = web.bluegreen("rollback", "web", "--to", live, timeout=120.0)
        requests_until(load, 50)
        result = load.stop()
    assert back.code == 0, back.err
    assert f"{live} is retired; bringing it up to {TASKS}" in back.err
    assert f"{live} has {TASKS} healthy of {TASKS} after" in back.err
    assert result.failed == 0, result.failures[:3]
    assert web.live == live
    assert bounds(web)[live] == (TASKS, TASKS, MAXIMUM, ())
    assert bounds(web)[idle][3] == ()


def test_an_image_that_does_not_exist_gets_no_request_and_everything_stays_as_it_was(web: Deployed) -> None:
    before, live = web.sides(), web.live
    ended = web.deploy("--image", image("missing"))
    assert ended.code == 32, ended.err
    assert "CannotPullContainerError" in ended.err.splitlines()[-1]
    assert f"all traffic stays on {live}" in ended.err.splitlines()[-1]
    assert web.sides() == before


def test_a_task_definition_of_another_family_or_one_that_is_not_there_is_refused(web: Deployed) -> None:
    before, entries = web.sides(), len(web.journal())
    container = {"name": "app", "image": image("9.9.9"), "memory": 64, "portMappings": [{"containerPort": 8080}]}
    web.pair.client("ecs").register_task_definition(family="other", containerDefinitions=[container])
    assert_one_clear_line(web.deploy("--task-definition", "other:1"), 14, "other", "Nothing was changed")
    assert_one_clear_line(web.deploy("--task-definition", "web:99"), 14, "web:99", "Nothing was changed")
    assert len(web.journal()) == entries
    assert web.sides() == before


@slow
def test_an_autoscaler_that_wants_less_in_mid_rollout_takes_nothing_away(web: Deployed) -> None:
    live, idle = web.live, web.idle
    workload = web.pair.contract["workload"]
    with web.deploying("--image", image("1.5.0")) as process:
        for color in (live, idle):
            asked = web.sides()[color].desired
            told = web.autoscaler("scale-in", cluster=workload["cluster"], service=workload["services"][color], to=0)
            assert told["desired_count"] == asked
            assert "suspended" in told["because"]
        assert process.wait(timeout=90) == 0
    assert (web.live, bounds(web)[idle]) == (idle, (TASKS, TASKS, MAXIMUM, ()))


@slow
def test_who_scales_the_new_side_in_by_hand_in_mid_rollout_does_not_leave_it_too_small_for_all_traffic(
    web: Deployed,
) -> None:
    idle, workload = web.idle, web.pair.contract["workload"]
    with web.load() as load:
        with web.deploying("--image", image("1.6.0")) as process:
            web.pair.client("ecs").update_service(
                cluster=workload["cluster"], service=workload["services"][idle], desiredCount=1
            )
            assert process.wait(timeout=120) == 0, process.communicate()
        requests_until(load, 50)
        result = load.stop()
    assert result.failed == 0, result.failures[:3]
    assert (web.live, bounds(web)[idle]) == (idle, (TASKS, TASKS, MAXIMUM, ()))


def test_more_than_the_maximum_is_not_asked_for_and_the_maximum_is_named(web: Deployed) -> None:
    idle, entries = web.idle, len(web.journal())
    workload = web.pair.contract["workload"]
    scaling = web.pair.client("application-autoscaling")
    target = {
        "ServiceNamespace": "ecs",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ResourceId": f"service/{workload['cluster']}/{workload['services'][idle]}",
    }
    scaling.register_scalable_target(**target, MaxCapacity=1)
    try:
        ended = web.deploy("--image", image("1.7.0"))
        assert_one_clear_line(ended, 14, f"takes 2 targets, and {idle} may have 1 at most. Nothing was changed.")
        assert len(web.journal()) == entries
    finally:
        scaling.register_scalable_target(**target, MaxCapacity=MAXIMUM)


@slow
def test_after_all_of_this_a_plan_is_empty_and_nothing_has_drifted(web: Deployed) -> None:
    assert web.plan_exit_code() == 0
    drift = web.drift()
    assert drift.code == 0, drift.out + drift.err


def test_nothing_listens_off_loopback_and_a_destroy_leaves_no_task(web: Deployed) -> None:
    places, running = web.listening(), web.played()
    assert len(running) >= TASKS
    assert len(places) >= 3 + TASKS, "the AWS endpoint, the proxy's admin, the listener, the tasks"
    assert {place for place in places if not place.startswith("127.")} == set()
    ended = web.infra("destroy", "--yes")
    assert ended.code == 0, ended.err
    until(lambda: not web.played())
    assert [process for process in running if is_running(process)] == []
