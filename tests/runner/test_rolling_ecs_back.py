"""A rolling update of ECS's own that fails, or that a person ends: it goes back, pauses or goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.runner.test_crash_everywhere import last
from tests.support.rolling_ecs import (
    BREAKER,
    BREAKS,
    GOES_BACK,
    LIVE,
    PAUSES,
    a_live_service,
    bounds_of,
    of,
    roll,
    said,
    untouched,
)
from toolkit.errors import AwsError, AwsUnreachable, Halted, Paused, RolledBack
from toolkit.rollout.events import Ending, GateFailed, ReleasePut, ReleaseRestored, Word
from toolkit.rollout.ports import Command
from toolkit.rollout.state import Phase
from toolkit.rollout.workload import Replacement
from toolkit.runner.rollout import resume
from toolkit.runner.tell import tell
from toolkit.settings import ServiceSettings


@pytest.mark.parametrize("how", [Replacement(0), BREAKS], ids=["tries for ever", "circuit breaker"])
def test_a_release_that_does_not_start_is_taken_back_by_the_revision_that_was_noted(how: Replacement) -> None:
    world, ecs = a_live_service(how=how)
    before = bounds_of(ecs)
    ecs.bad = {"web:2.0"}
    with pytest.raises(RolledBack, match=r"blue does not come to run web:2\.0.*runs again what it ran"):
        roll(world)
    assert (ecs.updates, ecs.wanted.revision) == ([("web:2", False), ("web:1", False)], "web:1")
    assert of(world, ReleaseRestored)
    untouched(world, before)


def test_what_the_circuit_breaker_says_is_the_reason() -> None:
    world, ecs = a_live_service(how=BREAKS)
    ecs.bad = {"web:2.0"}
    with pytest.raises(RolledBack, match=BREAKER):
        roll(world)
    (failed,) = of(world, GateFailed)
    assert isinstance(failed, GateFailed)
    assert (failed.step, failed.gate) == (0, "workload")


def test_where_ecs_goes_back_by_itself_it_is_followed_and_nothing_is_put_again() -> None:
    world, ecs = a_live_service(how=GOES_BACK)
    before = bounds_of(ecs)
    ecs.bad = {"web:2.0"}
    with pytest.raises(RolledBack, match="ECS went back to web:1 by itself"):
        roll(world)
    assert ecs.updates == [("web:2", False)]
    assert "web: ECS has gone back to web:1.0 (web:1) by itself; it is waited for" in world.notes
    assert of(world, ReleaseRestored)
    untouched(world, before)


def test_one_that_comes_no_nearer_is_taken_back_with_what_it_stands_at() -> None:
    world, ecs = a_live_service(settings=ServiceSettings(ready_seconds=60))
    ecs.stalls = {"web:2.0"}
    with pytest.raises(RolledBack, match=r"nothing came nearer for 6m: 0 of 3 tasks run web:2\.0 .*3 something else"):
        roll(world)
    assert ecs.wanted.revision == "web:1"


def test_too_few_healthy_targets_take_it_back() -> None:
    world, ecs = a_live_service()

    def falls() -> None:
        running = ecs.tasks.get("web:2") if ecs.wanted.revision == "web:2" else None
        world.health(LIVE, *(["unhealthy"] * 3 if running else ["healthy"] * 3))

    world.clock.on_sleep = falls
    with pytest.raises(RolledBack, match="blue fell to 0 healthy targets, needs 1"):
        roll(world)
    assert ecs.wanted.revision == "web:1"


def test_a_person_who_rolls_back_while_ecs_replaces_is_obeyed_at_once() -> None:
    world, ecs = a_live_service(count=10)
    before = bounds_of(ecs)
    said(world, Word.ROLLBACK, after=25)
    with pytest.raises(RolledBack, match="rollback by bob"):
        roll(world)
    assert ecs.updates == [("web:2", False), ("web:1", False)]
    assert ecs.wanted.began < world.store.since("web", 1)[0].at + timedelta(seconds=40)
    assert ecs.tasks["web:1"] == 10
    untouched(world, before)


def test_a_pause_waits_for_ecs_which_nobody_can_pause() -> None:
    world, ecs = a_live_service(count=6)
    said(world, Word.PAUSE, after=15)
    paused: list[bool] = []

    speak = world.clock.on_sleep

    def seen() -> None:
        speak()
        state = last(world)
        if state is not None and state.phase is Phase.PAUSED:
            paused.append(ecs.tasks.get("web:2") == 6)
            if len(paused) == 1:
                world.store.put("web", Command("on", Word.RESUME, state.id, "bob", world.clock.now()))

    world.clock.on_sleep = seen
    outcome = roll(world)
    assert paused
    assert all(paused)
    assert outcome.state is not None
    assert outcome.state.ending is Ending.COMPLETED


def test_where_it_is_to_pause_a_failure_leaves_all_as_it_is_and_going_on_asks_ecs_anew() -> None:
    world, ecs = a_live_service(how=BREAKS)
    ecs.bad = {"web:2.0"}
    with pytest.raises(Paused, match=BREAKER):
        roll(world, PAUSES)
    assert (ecs.updates, ecs.tasks["web:1"]) == ([("web:2", False)], 3)
    with pytest.raises(Paused, match=BREAKER):
        resume(world.service)
    assert ecs.updates == [("web:2", False), ("web:2", True)]
    ecs.bad = set()
    outcome = resume(world.service)
    assert outcome.state is not None
    assert outcome.state.ending is Ending.COMPLETED
    assert (ecs.updates[2:], ecs.tasks["web:2"]) == ([("web:2", True)], 3)


def test_a_paused_one_is_taken_back_where_somebody_says_so() -> None:
    world, ecs = a_live_service(how=BREAKS)
    before = bounds_of(ecs)
    ecs.bad = {"web:2.0"}
    with pytest.raises(Paused):
        roll(world, PAUSES)
    tell(world.service, Word.ROLLBACK)
    state = last(world)
    assert state is not None
    assert (state.ending, ecs.wanted.revision) == (Ending.ROLLED_BACK, "web:1")
    untouched(world, before)


def test_one_that_ecs_took_back_is_asked_for_again_where_somebody_goes_on() -> None:
    world, ecs = a_live_service(how=GOES_BACK)
    ecs.bad = {"web:2.0"}
    with pytest.raises(Paused, match="ECS went back to web:1 by itself"):
        roll(world, PAUSES)
    ecs.bad = set()
    resume(world.service)
    assert ecs.updates == [("web:2", False), ("web:2", False)]
    assert ecs.tasks["web:2"] == 3


def test_what_somebody_else_deployed_meanwhile_is_not_replaced_by_going_on() -> None:
    world, ecs = a_live_service(how=BREAKS)
    ecs.bad = {"web:2.0"}
    with pytest.raises(Paused):
        roll(world, PAUSES)
    ecs.deploy_by_hand("web:9", "web:9.0")
    with pytest.raises(Paused, match="somebody else deployed web:9 in place of web:2"):
        resume(world.service)
    assert ecs.updates == [("web:2", False)]


def test_a_way_back_that_does_not_come_up_halts_and_is_tried_again() -> None:
    world, ecs = a_live_service(how=BREAKS)

    def breaks() -> None:
        if ecs.tasks.get("web:2") == 1:
            ecs.bad = {"web:2.0", "web:1.0"}

    world.clock.on_sleep = breaks
    with pytest.raises(Halted, match=rf"blue was given back web:1\.0 \(web:1\): {BREAKER}"):
        roll(world)
    world.clock.on_sleep, ecs.bad = lambda: None, set()
    with pytest.raises(RolledBack):
        resume(world.service)
    assert ecs.updates == [("web:2", False), ("web:1", False), ("web:1", True)]


def test_a_way_back_that_aws_does_not_take_halts_with_what_it_said() -> None:
    world, ecs = a_live_service()
    ecs.bad = {"web:2.0"}

    def denied(name: str) -> None:
        if name == "put" and ecs.updates:
            raise AwsError("access denied")

    ecs.before = denied
    with pytest.raises(Halted, match=r"blue cannot be given back web:1\.0 \(web:1\): access denied"):
        roll(world)


def test_ecs_out_of_sight_pauses_it_and_ecs_goes_on() -> None:
    world, ecs = a_live_service(settings=ServiceSettings(ready_seconds=30))

    def away(name: str) -> None:
        if name == "progress":
            raise AwsUnreachable("ECS does not answer")

    ecs.before = lambda name: away(name) if of(world, ReleasePut) else None
    with pytest.raises(Paused, match=r"it cannot be seen how far ECS is.* ECS does not answer"):
        roll(world)
    ecs.before = lambda _name: None
    resume(world.service)
    assert ecs.updates == [("web:2", False)]
