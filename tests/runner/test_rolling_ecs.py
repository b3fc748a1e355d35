"""The live color's tasks are replaced by ECS's own rolling update, which is followed to its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.rolling_ecs import (
    BAKE,
    BREAKER,
    BREAKS,
    LIVE,
    a_live_service,
    bounds_of,
    of,
    roll,
    untouched,
    wanted,
)
from toolkit.errors import Halted, PreflightRefused, RolledBack, UsageError
from toolkit.rollout.events import Ending, ReleasePut, RolloutEnded, StepPassed
from toolkit.rollout.ports import Result
from toolkit.rollout.preflight import Level
from toolkit.rollout.rolling_plan import RollingStrategy
from toolkit.rollout.steps import Probe
from toolkit.rollout.workload import Change, Replacement
from toolkit.runner.rollout import plan_rollout
from toolkit.settings import ServiceSettings
from toolkit.traffic import Split


def test_every_task_is_replaced_and_then_it_bakes() -> None:
    world, ecs = a_live_service()
    before = bounds_of(ecs)
    outcome = roll(world)
    assert outcome.state is not None
    assert outcome.state.ending is Ending.COMPLETED
    assert (ecs.updates, ecs.tasks) == ([("web:2", False)], {"web:1": 0, "web:2": 3})
    rolled, _ = of(world, StepPassed)
    assert isinstance(rolled, StepPassed)
    assert rolled.detail.startswith("3 of 3 tasks run web:2.0 (web:2); blue has 3 healthy targets after ")
    at = {type(entry.event): entry.at for entry in world.store.since("web", 1)}
    assert at[RolloutEnded] - at[ReleasePut] >= timedelta(seconds=4 * 10 + BAKE)
    untouched(world, before)


def test_it_is_not_done_before_ecs_says_so_for_ecs_may_still_go_back() -> None:
    world, ecs = a_live_service()
    done: list[str] = []
    world.clock.on_sleep = lambda: done.append(ecs.wanted.state) if of(world, StepPassed) else None
    roll(world)
    assert set(done) == {"COMPLETED"}


def test_how_far_it_is_is_told_while_it_goes_on() -> None:
    world, _ = a_live_service()
    roll(world)
    counts = [note for note in world.notes if "tasks run web:2.0" in note]
    assert counts == [
        "web: 0 of 3 tasks run web:2.0 (web:2), 3 something else; blue has 3 healthy targets",
        "web: 1 of 3 tasks run web:2.0 (web:2), 2 something else; blue has 3 healthy targets",
        "web: 2 of 3 tasks run web:2.0 (web:2), 1 something else; blue has 3 healthy targets",
        "web: 3 of 3 tasks run web:2.0 (web:2); blue has 3 healthy targets",
    ]


def test_nothing_scales_in_while_ecs_replaces_and_what_scaled_out_meanwhile_stays() -> None:
    world, ecs = a_live_service()
    held: set[tuple[int | None, tuple[str, ...]]] = set()

    def scaled_out() -> None:
        if of(world, ReleasePut) and not of(world, StepPassed):
            held.add((ecs.held[LIVE].minimum, ecs.held[LIVE].suspended))
        if ecs.tasks.get("web:2") == 2 and ecs.held[LIVE].desired == 3:
            ecs.held[LIVE] = type(ecs.held[LIVE])(4, 4, 3, 20, ecs.held[LIVE].suspended)
            ecs.tasks["web:2"] += 1
            world.health(LIVE, *["healthy"] * 4)

    world.clock.on_sleep = scaled_out
    roll(world)
    assert held == {(3, ("scale-in",))}
    assert (ecs.held[LIVE].desired, ecs.held[LIVE].minimum, ecs.held[LIVE].suspended) == (4, 3, ())
    assert ecs.scaled == []


def test_a_service_that_takes_long_and_goes_on_is_not_given_up() -> None:
    world, ecs = a_live_service(count=40, settings=ServiceSettings(ready_seconds=30))
    began = world.clock.now()
    roll(world)
    assert world.clock.now() - began > timedelta(seconds=30 + 300)
    assert ecs.tasks["web:2"] == 40


def test_the_gates_of_the_plan_are_asked_while_ecs_replaces() -> None:
    world, ecs = a_live_service()
    world.probes.results = [Result(passed=True, reason="fine"), Result(passed=False, reason="answered 500")]
    with pytest.raises(RolledBack, match="answered 500"):
        roll(world, RollingStrategy(bake_seconds=BAKE, gates=(Probe("/"),), gate_seconds=5.0))
    assert [color for _, color in world.probes.sent] == [LIVE, LIVE]
    assert ecs.wanted.began - world.store.since("web", 1)[0].at < timedelta(seconds=10)
    assert (ecs.wanted.revision, ecs.tasks["web:1"]) == ("web:1", 3)


def test_where_ecs_may_stop_all_tasks_first_nobody_healthy_is_no_failure_until_it_is_done() -> None:
    world, ecs = a_live_service(count=1, how=Replacement(0, 0, 100))

    def gap() -> None:
        healthy = ecs.wanted.state == "COMPLETED"
        world.health(LIVE, "healthy" if healthy else "initial")

    world.clock.on_sleep = gap
    findings = plan_rollout(world.service, wanted())[2]
    assert any(each.level is Level.WARNING and "nobody may serve" in each.reason for each in findings)
    roll(world)
    assert ecs.tasks["web:2"] == 1


def test_what_runs_already_is_not_begun() -> None:
    world, ecs = a_live_service()
    outcome = roll(world, change=Change(image="web:1.0"))
    assert outcome.state is None
    assert outcome.already is not None
    assert (world.events(), ecs.updates) == ([], [])


def test_what_was_asked_for_and_never_came_up_is_begun_again() -> None:
    world, ecs = a_live_service(how=BREAKS)
    ecs.wanted.state = "FAILED"
    findings = plan_rollout(world.service, wanted())[2]
    assert any(each.check == "way back" and BREAKER in each.reason for each in findings)
    roll(world, change=Change(image="web:1.0"))
    assert ecs.updates == [("web:1", True)]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (Replacement(0, 100, 100), "of blue's 3 tasks 3 have to stay healthy and 3 may run at most"),
        (None, "is not replaced by AWS itself"),
    ],
)
def test_a_service_that_cannot_roll_is_refused_before_anything_is_written(how: Replacement | None, words: str) -> None:
    world, ecs = a_live_service()
    ecs.how = how
    with pytest.raises(PreflightRefused, match=words):
        roll(world)
    assert (world.events(), ecs.updates, list(ecs.images)) == ([], [], ["web:1"])


def test_an_ami_is_refused_before_anything_is_written() -> None:
    world, ecs = a_live_service()
    with pytest.raises(UsageError):
        roll(world, change=Change(ami="ami-1"))
    assert (world.events(), ecs.updates) == ([], [])


def test_traffic_that_somebody_shifted_away_halts_it_before_anything_is_put() -> None:
    world, ecs = a_live_service()

    def shifted(name: str) -> None:
        if name == "hold":
            world.put(Split(blue=90, green=10))

    ecs.before = shifted
    with pytest.raises(Halted, match="blue has not all of the traffic, so it is not updated in place"):
        roll(world)
    assert ecs.updates == []
