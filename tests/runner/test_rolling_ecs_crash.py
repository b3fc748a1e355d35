"""Whoever follows ECS's own rolling update may die at any call: what was noted before is put back, or it ends well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.runner.test_crash_everywhere import Life, last, lived
from tests.support.fakes import FakeWorld
from tests.support.rolling_ecs import (
    BREAKS,
    GOES_BACK,
    RollingEcs,
    a_live_service,
    bounds_of,
    of,
    roll,
    untouched,
    wanted,
)
from toolkit.errors import AwsUnreachable, RolledBack
from toolkit.rollout.events import Ending, ReleasePut, Word
from toolkit.rollout.rolling_plan import RollingStrategy
from toolkit.runner.lease import LEASE_SECONDS
from toolkit.runner.rollout import resume, start
from toolkit.runner.service import Service
from toolkit.runner.tell import tell
from toolkit.settings import ServiceSettings

CASES = {"done": (None, set[str]()), "failing": (BREAKS, {"web:2.0"}), "taken back by ECS": (GOES_BACK, {"web:2.0"})}


def a_case(name: str) -> tuple[FakeWorld, RollingEcs]:
    how, bad = CASES[name]
    world, ecs = a_live_service(count=2, how=how, settings=ServiceSettings(ready_seconds=120))
    ecs.bad, ecs.seconds = set(bad), 2.0
    return world, ecs


def begun(service: Service) -> object:
    return start(service, wanted(RollingStrategy(bake_seconds=4)))


def calls_of(name: str) -> int:
    life = Life()
    assert lived(a_case(name)[0], life, begun)
    return life.calls


def after_each_crash(name: str, then: Callable[[Service], object]) -> list[tuple[str, FakeWorld, RollingEcs]]:
    """What stands once somebody goes on after a death before or after each call of a port that it knows."""
    found = []
    for at in range(1, calls_of(name) + 1):
        for after in (False, True):
            world, ecs = a_case(name)
            assert not lived(world, Life(at, after), begun)
            world.clock.time += timedelta(seconds=LEASE_SECONDS)
            assert lived(world, Life(), then if last(world) is not None else begun)
            found.append((f"killed {'after' if after else 'before'} call {at}", world, ecs))
    return found


@pytest.mark.parametrize("name", CASES)
def test_whoever_resumes_after_a_crash_at_any_call_ends_where_it_would_have(name: str) -> None:
    initial = bounds_of(a_case(name)[1])
    ending, revision = (Ending.COMPLETED, "web:2") if name == "done" else (Ending.ROLLED_BACK, "web:1")
    for where, world, ecs in after_each_crash(name, resume):
        state = last(world)
        assert state is not None
        assert state.is_over, where
        assert (state.ending, ecs.wanted.revision, ecs.tasks.get(revision)) == (ending, revision, 2), where
        assert len(ecs.images) == 2, f"{where}: a revision was made twice"
        untouched(world, initial)


@pytest.mark.parametrize("name", CASES)
def test_whoever_rolls_back_after_a_crash_at_any_call_has_what_was_noted_before(name: str) -> None:
    initial = bounds_of(a_case(name)[1])

    def back(service: Service) -> object:
        return tell(service, Word.ROLLBACK)

    for where, world, ecs in after_each_crash(name, back):
        state = last(world)
        assert state is not None
        if state.ending is not Ending.COMPLETED:
            assert (state.ending, state.is_over) == (Ending.ROLLED_BACK, True), where
            assert (ecs.wanted.revision, ecs.tasks["web:1"]) == ("web:1", 2), where
        untouched(world, initial)


def test_between_the_put_and_its_entry_a_rollback_puts_what_was_noted() -> None:
    world, ecs = a_live_service()
    put = ecs.put

    def put_and_die(*words: object) -> None:
        put(*words)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    ecs.put = put_and_die  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        roll(world)
    ecs.put = put  # type: ignore[method-assign]
    assert not of(world, ReleasePut)
    world.clock.time += timedelta(seconds=LEASE_SECONDS)
    tell(world.service, Word.ROLLBACK)
    assert (ecs.updates, ecs.tasks["web:1"]) == ([("web:2", False), ("web:1", False)], 3)


@pytest.mark.parametrize("name", CASES)
def test_one_call_to_ecs_that_aws_does_not_answer_changes_nothing_of_the_end(name: str) -> None:
    ending, revision = (Ending.COMPLETED, "web:2") if name == "done" else (Ending.ROLLED_BACK, "web:1")
    calls = 0
    while True:
        calls += 1
        world, ecs = a_case(name)
        left = [calls]

        def fails(call: str, left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise AwsUnreachable(f"{call}: no answer")

        ecs.before = fails
        try:
            begun(world.service)
        except AwsUnreachable:  # before anything was begun
            assert world.events() == []
            continue
        except RolledBack:
            pass
        state = last(world)
        assert state is not None
        assert (state.ending, ecs.wanted.revision, ecs.tasks.get(revision)) == (ending, revision, 2), calls
        if left[0] > 0:
            break
    assert calls > 20
