"""Releases that do not run, put on ECS services of the lab, whose tasks are real processes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.contracts.workloads import eventually
from tests.contracts.workloads_ecs import CLUSTER, ecs
from tests.support.provision import client
from tests.support.world import World
from toolkit.rollout.workload import Change
from toolkit.traffic import Color

pytestmark = pytest.mark.lab

REASONS = {
    "registry.example/web:2.0.0-crash": r"Essential container in task exited \(app: exit code 1\)",
    "registry.example/web:2.0.0-missing": r"CannotPullContainerError: .*registry\.example/web:2\.0\.0-missing",
}


@pytest.mark.parametrize("image", REASONS)
def test_a_release_that_does_not_run_is_hopeless_and_says_why(request: pytest.FixtureRequest, image: str) -> None:
    workload, since = ecs(request).workload, datetime.now(UTC)
    release = workload.make(Change(image=image), Color.GREEN)
    workload.put(Color.GREEN, release)
    workload.scale(Color.GREEN, 1)
    eventually(lambda: bool(workload.progress(Color.GREEN, release, since).hopeless), wanted=True)
    progress = workload.progress(Color.GREEN, release, since)
    assert (progress.running, progress.older) == (0, 0)
    assert re.search(rf"could not start: task \w{{6}} stopped: {REASONS[image]}", progress.hopeless), progress.hopeless


def test_a_release_that_ecs_takes_back_by_itself_is_given_up(request: pytest.FixtureRequest, world: World) -> None:
    workload, since = ecs(request).workload, datetime.now(UTC)
    old = workload.release(Color.BLUE)
    eventually(lambda: workload.progress(Color.BLUE, old, since).running, 1)
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    client(world.lab.endpoint_url, "ecs").update_service(
        cluster=CLUSTER, service="web-blue", deploymentConfiguration=breaker
    )
    assert any("circuit breaker with rollback" in remark for remark in workload.remarks())
    release = workload.make(Change(image="registry.example/web:2.0.0-missing"), Color.BLUE)
    workload.put(Color.BLUE, release)
    eventually(lambda: bool(workload.progress(Color.BLUE, release, since).given_up), wanted=True)
    assert "ECS went back to web:1 by itself" in workload.progress(Color.BLUE, release, since).given_up
    assert workload.release(Color.BLUE).revision == "web:1"
    assert [capacity.desired for capacity in map(workload.capacity, Color)] == [1, 0]
