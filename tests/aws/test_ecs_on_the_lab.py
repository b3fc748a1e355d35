"""Releases that do not run, put on ECS services of the lab, whose tasks are real processes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.contracts.workloads import eventually
from tests.contracts.workloads_ecs import CLUSTER, ecs
from tests.support.provision import client
from tests.support.world import World
from toolkit.rollout.workload import Change, Release
from toolkit.traffic import Color

pytestmark = pytest.mark.lab

REASONS = {
    "registry.example/web:2.0.0-crash": r"Essential container in task exited \(app: exit code 1\)",
    "registry.example/web:2.0.0-missing": r"CannotPullContainerError: .*registry\.example/web:2\.0\.0-missing",
}


def test_a_release_that_does_not_run_is_hopeless_and_says_why(request: pytest.FixtureRequest) -> None:
    workload, since = ecs(request).workload, datetime.now(UTC)
    releases: dict[Color, Release] = {}

    def is_hopeless(color: Color) -> bool:
        return bool(workload.progress(color, releases[color], since).hopeless)

    for color, image in zip(Color, REASONS, strict=True):  # at once: each takes ECS its seconds
        releases[color] = workload.make(Change(image=image), color)
        workload.put(color, releases[color])
        workload.scale(color, 1)
    for (color, release), (image, reason) in zip(releases.items(), REASONS.items(), strict=True):
        assert release.image == image
        eventually(partial(is_hopeless, color), wanted=True)
        progress = workload.progress(color, release, since)
        assert progress.running == 0
        assert re.search(rf"could not start: task \w{{6}} stopped: {reason}", progress.hopeless), progress.hopeless
    assert workload.progress(Color.GREEN, releases[Color.GREEN], since).older == 0


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
