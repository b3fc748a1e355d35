"""Looking at what stands behind the colors: a read that fails is told in its place."""

from __future__ import annotations

from tests.support.fakes import a_world
from tests.support.workload import a_workload
from toolkit.errors import AccessDenied
from toolkit.rollout.workload import Capacity, Release
from toolkit.runner.sides import SideSeen, sides
from toolkit.traffic import Color


def test_both_colors_are_read_with_what_they_run() -> None:
    world = a_world()
    world.service.workload = a_workload(blue=2, green=1)
    runs = Release("web:1", "web:1.0")
    assert sides(world.service) == {
        Color.BLUE: SideSeen(Capacity(2, 2), runs),
        Color.GREEN: SideSeen(Capacity(1, 1), runs),
    }


def test_one_color_that_is_gone_hides_nothing_of_the_other() -> None:
    world = a_world()
    world.service.workload = workload = a_workload(blue=2)
    del workload.held[Color.GREEN]
    seen = sides(world.service)
    assert seen is not None
    assert seen[Color.BLUE].capacity == Capacity(2, 2)
    assert seen[Color.GREEN] == SideSeen(None, None, ("what runs behind green is gone",))


def test_a_permission_that_is_missing_for_one_call_leaves_the_other() -> None:
    world = a_world()
    world.service.workload = workload = a_workload(blue=2)

    def denied(call: str) -> None:
        if call == "release":
            raise AccessDenied("ecs:DescribeTaskDefinition is not allowed")

    workload.before = denied
    seen = sides(world.service)
    assert seen is not None
    assert seen[Color.BLUE] == SideSeen(Capacity(2, 2), None, ("ecs:DescribeTaskDefinition is not allowed",))


def test_without_a_workload_nothing_is_asked() -> None:
    assert sides(a_world().service) is None
