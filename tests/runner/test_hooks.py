"""Hooks of a service in a rollout: what each can stop, what none can, and what they are told."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from tests.support.fakes import FakeWorld, a_world
from tests.support.workload import autoscaled, follow
from toolkit.errors import RolledBack
from toolkit.rollout.events import Ending, HooksRan, RestSkipped, RolloutEnded
from toolkit.rollout.ports import Result
from toolkit.rollout.steps import Bake, Shift
from toolkit.rollout.strategy import Strategy
from toolkit.rollout.workload import Change
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import Wanted, start
from toolkit.settings import HookPoint, HookSettings, RetireSettings, ServiceSettings
from toolkit.traffic import Color, Split

TENTH, ALL = Shift(Fraction(1, 10)), Shift(Fraction(1))
CANARY = Strategy("canary", (TENTH, Bake(10), ALL, Bake(10)))
EVERY = tuple(HookSettings(at=point, name=point.value, command=("true",)) for point in HookPoint)
ORDER = ["before-prepare", "after-prepare", *["before-shift", "after-shift"] * 2, "before-retire", "on-end"]


def hooked_world(*, failing: str = "", count: int = 1) -> FakeWorld:
    """Every point has a hook; the one called `failing` fails `count` times."""
    world = a_world(settings=ServiceSettings(hooks=EVERY))
    follow(world, autoscaled(blue=3))
    run, left = world.hooks.run, [count]

    def ran(hook: object, environment: dict[str, str], **named: object) -> Result:
        name = hook.name  # type: ignore[attr-defined]
        passed = run(hook, environment, **named)  # type: ignore[arg-type]
        if name == failing and left[0]:
            left[0] -= 1
            return Result(passed=False, reason="exit code 1", output="no")
        return passed

    world.hooks.run = ran  # type: ignore[method-assign, assignment]
    return world


def deploy(world: FakeWorld) -> None:
    retire = RetireSettings(after_seconds=0.0, keep=1)
    start(world.service, Wanted(strategy=CANARY, change=Change(image="web:2.0"), retire=retire))


def names(world: FakeWorld) -> list[str]:
    return [name for name, _ in world.hooks.ran]


def test_every_hook_runs_at_its_point_and_is_told_which() -> None:
    world = hooked_world()
    deploy(world)
    assert names(world) == ORDER
    assert [told["BLUEGREEN_POINT"] for _, told in world.hooks.ran] == ORDER
    last = world.hooks.ran[-1][1]
    assert last["BLUEGREEN_HOOK_ID"] == "web-1/on-end-0"
    assert (last["BLUEGREEN_RELEASE"], last["BLUEGREEN_SPLITS"]) == ("web:2.0", "route-0: blue 0 / green 100")
    assert world.events()[-1] == RolloutEnded(Ending.RETIRED)


@pytest.mark.parametrize(("point", "shifts"), [("before-prepare", 0), ("after-prepare", 0), ("before-shift", 0)])
def test_a_hook_that_fails_before_the_first_shift_ends_it_with_nothing_shifted(point: str, shifts: int) -> None:
    world = hooked_world(failing=point)
    with pytest.raises(RolledBack, match=f"hook {point}: exit code 1; nothing was shifted"):
        deploy(world)
    assert len(world.router.writes) == shifts
    assert names(world)[-2:] == ["on-rollback", "on-end"]


def test_a_hook_that_fails_after_a_shift_takes_it_back() -> None:
    world = hooked_world(failing="after-shift")
    with pytest.raises(RolledBack, match="hook after-shift: exit code 1; all traffic is back on blue"):
        deploy(world)
    assert world.split() == Split(blue=100, green=0)
    assert names(world)[-2:] == ["on-rollback", "on-end"]
    told = [(each["BLUEGREEN_ENDING"], each["BLUEGREEN_REASON"]) for _, each in world.hooks.ran[-2:]]
    assert told == [("rolled-back", "hook after-shift: exit code 1")] * 2


def test_a_veto_before_the_retirement_leaves_the_old_side_up_and_the_new_one_live() -> None:
    world = hooked_world(failing="before-retire")
    deploy(world)
    assert world.split() == Split(blue=0, green=100)
    assert world.service.workload is not None
    assert world.service.workload.capacity(Color.BLUE).desired == 3
    skipped = [event for event in world.events() if isinstance(event, RestSkipped)]
    assert [(event.reason, event.output) for event in skipped] == [("hook before-retire: exit code 1", "no")]
    last = world.hooks.ran[-1][1]
    assert (last["BLUEGREEN_ENDING"], last["BLUEGREEN_REASON"]) == ("promoted", "hook before-retire: exit code 1")
    assert world.events()[-1] == RolloutEnded(Ending.PROMOTED)


@pytest.mark.parametrize("point", ["on-rollback", "on-end"])
def test_what_runs_at_the_end_holds_nothing_up_and_its_failure_is_said(point: str) -> None:
    world = hooked_world(failing=point)
    inner, failed = world.hooks.run, [True]

    def both(hook: object, environment: dict[str, str], **named: object) -> Result:
        result: Result = inner(hook, environment, **named)  # type: ignore[arg-type]
        if hook.name == "after-shift" and failed.pop():  # type: ignore[attr-defined]
            return Result(passed=False, reason="bad")
        return result

    world.hooks.run = both  # type: ignore[method-assign, assignment]
    with pytest.raises(RolledBack):
        deploy(world)
    assert world.events()[-1] == RolloutEnded(Ending.ROLLED_BACK)
    (failure,) = (event for event in world.events() if isinstance(event, HooksRan) and event.point == point)
    assert (failure.detail, failure.output) == (f"hook {point}: exit code 1", "no")
    assert any(f"{point}: hook {point}: exit code 1" in note for note in world.notes)


def test_a_rollback_from_outside_runs_the_hooks_of_the_rollout_that_it_ends() -> None:
    world = hooked_world()
    died: list[bool] = []

    def dies() -> None:
        if not died and world.split() != Split(blue=100, green=0):
            died.append(True)
            raise KeyboardInterrupt

    world.clock.on_sleep = dies
    with pytest.raises(KeyboardInterrupt):
        deploy(world)
    before = len(world.hooks.ran)
    left: list[float] = []

    def takes_its_time() -> None:
        world.clock.time += timedelta(seconds=25)
        lease = world.store.holder("web")
        left.append((lease.expires - world.clock.now()).total_seconds() if lease else 0)

    world.hooks.before = takes_its_time
    rollback(world.service, break_lease=True)
    assert names(world)[before:] == ["on-rollback", "on-end"]
    assert min(left) > 0, "the lease is renewed while they run"
    assert "web: the traffic is back; on-rollback: hook on-rollback" in world.notes
    told = [(each["BLUEGREEN_ENDING"], each["BLUEGREEN_REASON"]) for _, each in world.hooks.ran]
    assert told == [("", "")] * before + [("rolled-back", "")] * 2
    assert world.events()[-1] == RolloutEnded(Ending.ROLLED_BACK)
