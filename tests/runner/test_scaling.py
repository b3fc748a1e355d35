"""Scaling a color: up before traffic, down once it is retired, and up again before a rollback to it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.support.fakes import FakeWorld, a_world
from tests.support.workload import FakeWorkload, follow
from toolkit.errors import NoHealthyTarget, PreflightRefused, RolledBack
from toolkit.rollout.events import Ending, RolloutEnded
from toolkit.rollout.steps import Bake, Retire, Scale, Shift
from toolkit.rollout.strategy import Strategy
from toolkit.rollout.workload import Capacity
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import Wanted, start
from toolkit.traffic import Color, Split

ALL = Shift(Fraction(1))


def world_of(blue: int, green: int, *, maximum: int | None = None) -> FakeWorld:
    """Targets follow the workload: what is asked for is healthy at the next look."""
    world = a_world(blue=blue, green=green)
    held = {Color.BLUE: Capacity(blue, blue, maximum=maximum), Color.GREEN: Capacity(green, green, maximum=maximum)}
    follow(world, FakeWorkload(held))
    return world


def scaled(world: FakeWorld) -> list[tuple[Color, int]]:
    assert isinstance(world.service.workload, FakeWorkload)
    return world.service.workload.scaled


def run(world: FakeWorld, *steps: object) -> None:
    start(world.service, Wanted(strategy=Strategy("scaled", tuple(steps))))  # type: ignore[arg-type]


def test_the_new_side_grows_by_what_the_live_side_runs_before_it_gets_more() -> None:
    world = world_of(4, 1)
    run(world, Shift(Fraction(1, 10)), Scale(of_live=Fraction(1)), ALL)
    assert scaled(world) == [(Color.GREEN, 4)]
    assert world.split() == Split(blue=0, green=100)


def test_the_old_side_is_retired_after_the_promotion_and_a_rollback_brings_it_up_first() -> None:
    world = world_of(3, 3)
    run(world, ALL, Bake(10), Retire(0))
    assert scaled(world) == [(Color.BLUE, 0)]
    assert world.events()[-1] == RolloutEnded(Ending.RETIRED)
    assert rollback(world.service).after == Split(blue=100, green=0)
    assert scaled(world)[1:] == [(Color.BLUE, 3)]


def test_a_retired_side_is_brought_up_no_further_than_it_may_go() -> None:
    world = world_of(3, 3, maximum=2)
    world.health(Color.BLUE)
    assert isinstance(world.service.workload, FakeWorkload)
    world.service.workload.held[Color.BLUE] = Capacity(0, 0, maximum=2)
    world.put(Split(blue=0, green=100))
    rollback(world.service, Color.BLUE)
    assert scaled(world) == [(Color.BLUE, 2)]


def test_a_side_that_is_only_sick_is_not_scaled() -> None:
    world = world_of(3, 3)
    world.put(Split(blue=0, green=100))
    world.health(Color.BLUE, "unhealthy")
    with pytest.raises(NoHealthyTarget):
        rollback(world.service, Color.BLUE)
    assert scaled(world) == []


def test_a_side_that_never_becomes_healthy_takes_the_rollout_back() -> None:
    world = world_of(3, 3)
    world.service.workload = FakeWorkload({Color.BLUE: Capacity(3, 3), Color.GREEN: Capacity(3, 3)})
    with pytest.raises(RolledBack, match="green had not 5 healthy targets after 15m"):
        run(world, Scale(5), ALL)
    assert world.router.writes == []


def test_without_a_workload_such_a_strategy_is_refused() -> None:
    world = a_world()
    with pytest.raises(PreflightRefused, match="names no workload"):
        run(world, Scale(5), ALL)
    assert world.events() == []
