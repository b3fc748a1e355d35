from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.fakes import NOON, OFF, FakeWorld, a_world
from toolkit.contract import Stickiness
from toolkit.errors import (
    JournalError,
    NoBase,
    NoHealthyTarget,
    RouteUnusable,
    ShiftFailed,
    Throttled,
)
from toolkit.rollout.events import Entry, Kind, ShiftIntended, ShiftVerified
from toolkit.runner.carry_out import carry_out
from toolkit.runner.recorder import Recorder
from toolkit.runner.rollback import plan_rollback, rollback
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split

START, CANARY = Split(blue=100, green=0), Split(blue=80, green=20)
STICKY = Stickiness(enabled=True, duration_seconds=300)


def in_canary(**words: object) -> FakeWorld:
    world = a_world(**words)  # type: ignore[arg-type]
    shift(world.service, CANARY)
    world.router.writes.clear()
    world.router.reads = 0
    return world


def test_all_weight_goes_back_to_the_base_in_one_write_per_route_and_two_reads() -> None:
    world = in_canary(routes=2)
    outcome = rollback(world.service)
    assert outcome.written
    assert outcome.after == START
    assert sorted(name for name, _, _ in world.router.writes) == ["route-0", "route-1"]
    assert world.router.reads == 2
    assert world.events()[-2].kind is Kind.ROLLBACK
    assert isinstance(world.events()[-1], ShiftVerified)


def test_no_gate_but_the_one_stands_in_the_way() -> None:
    world = in_canary()
    world.put(Split(blue=1, green=2))  # drift
    world.health(Color.BLUE, "healthy", "unhealthy", "unhealthy")  # too few for any shift
    assert rollback(world.service).after == START


def test_there_and_back_again_writes_nothing_the_second_time() -> None:
    world = in_canary()
    rollback(world.service)
    world.router.writes.clear()
    assert not rollback(world.service).written
    assert world.router.writes == []


def test_where_everything_is_back_already_a_doubt_is_settled_by_a_read_back() -> None:
    world = a_world()
    crashed = ShiftIntended(Kind.SHIFT, Color.BLUE, {"route-0": START}, CANARY)
    world.append(crashed)
    assert not rollback(world.service).written
    assert world.router.writes == []
    assert not world.service.record().in_doubt


def test_where_somebody_else_went_back_already_the_record_follows() -> None:
    world = in_canary()
    world.put(START)
    assert not rollback(world.service).written
    assert world.router.writes == []
    assert world.service.record().splits == {"route-0": START}
    assert shift(world.service, CANARY).written, "no drift is left over"


def test_without_a_record_of_the_base_a_color_must_be_named() -> None:
    world = a_world(split=CANARY)
    with pytest.raises(NoBase) as caught:
        rollback(world.service)
    assert "--to blue" in caught.value.hint
    assert rollback(world.service, Color.GREEN).after == Split(blue=0, green=100)
    assert world.service.record().base is Color.GREEN


def test_a_journal_that_cannot_be_read_does_not_hold_a_named_rollback() -> None:
    world = in_canary()

    def broken(*_args: object, **_words: object) -> None:
        raise JournalError("DynamoDB is away")

    world.store.tail = broken  # type: ignore[method-assign,assignment]
    world.store.append = broken  # type: ignore[method-assign]
    with pytest.raises(NoBase, match="DynamoDB is away"):
        rollback(world.service)
    assert rollback(world.service, Color.BLUE).written
    assert world.split() == START
    assert any("DynamoDB is away" in note for note in world.notes)


def test_a_rollback_that_went_unrecorded_is_recorded_when_the_journal_is_back() -> None:
    world = in_canary()
    append, calls = world.store.append, []

    def fail_once(*words: object, **more: object) -> object:
        calls.append(words)
        if len(calls) == 1:
            raise JournalError("DynamoDB is away")
        return append(*words, **more)  # type: ignore[arg-type]

    world.store.append = fail_once  # type: ignore[method-assign,assignment]
    rollback(world.service)
    assert [type(event).__name__ for event in world.events()[-2:]] == ["ShiftIntended", "ShiftVerified"]
    assert world.service.record().splits == {"route-0": START}


def test_an_outcome_that_cannot_be_recorded_leaves_the_intent_in_doubt() -> None:
    world = in_canary()
    append = world.store.append

    def only_intents(service: str, entry: Entry, **more: object) -> object:
        if isinstance(entry.event, ShiftVerified):
            raise JournalError("DynamoDB is away")
        return append(service, entry, **more)  # type: ignore[arg-type]

    world.store.append = only_intents  # type: ignore[method-assign,assignment]
    assert rollback(world.service).written
    assert world.service.record().in_doubt
    assert any("outcome is not recorded" in note for note in world.notes)


def test_a_rival_entry_in_the_journal_does_not_hold_it_either() -> None:
    world = in_canary()
    move = plan_rollback(world.service)
    rival = ShiftIntended(Kind.SHIFT, Color.BLUE, {"route-0": CANARY}, CANARY)
    world.append(rival)
    carry_out(world.service, move, Recorder(world.service, move.record.head, None))
    assert world.split() == START
    assert [type(event).__name__ for event in world.events()[-3:]] == [
        "ShiftIntended",
        "ShiftIntended",
        "ShiftVerified",
    ]


def test_a_destination_without_a_healthy_target_is_refused_unless_forced() -> None:
    world = in_canary()
    world.health(Color.BLUE, "unhealthy")
    with pytest.raises(NoHealthyTarget, match="blue has no healthy target, green has 3") as caught:
        rollback(world.service)
    assert "--force" in caught.value.hint
    assert world.router.writes == []
    assert rollback(world.service, force=True).written


def test_both_sides_sick_changes_nothing_and_says_so() -> None:
    world = in_canary()
    world.health(Color.BLUE, "unhealthy")
    world.health(Color.GREEN, "unhealthy")
    with pytest.raises(NoHealthyTarget, match=r"both sides are sick.*Nothing was changed"):
        rollback(world.service)
    assert world.split() == CANARY


def test_stickiness_is_written_off_because_a_cookie_beats_weights() -> None:
    world = in_canary(stickiness=STICKY)
    outcome = rollback(world.service)
    assert world.router.live["route-0"].stickiness == OFF
    held = outcome.suspended["route-0"]
    assert held.stickiness == STICKY
    assert held.until == NOON + timedelta(seconds=360)
    assert world.service.record().suspended == outcome.suspended


def test_sticky_clients_on_a_route_that_holds_the_base_already_are_brought_back_too() -> None:
    world = a_world(stickiness=STICKY)
    assert rollback(world.service, Color.BLUE).written
    assert world.router.live["route-0"].stickiness == OFF


def test_keep_sticky_leaves_it() -> None:
    world = in_canary(stickiness=STICKY)
    rollback(world.service, keep_sticky=True)
    assert world.router.live["route-0"].stickiness == STICKY


def test_a_second_rollback_forgets_no_stickiness_put_aside_by_the_first() -> None:
    world = in_canary(stickiness=STICKY)
    rollback(world.service)
    world.clock.time += timedelta(seconds=1000)
    rollback(world.service, Color.GREEN)
    assert world.service.record().suspended["route-0"].stickiness == STICKY


def test_one_failing_route_does_not_keep_the_others_from_going_back() -> None:
    world = in_canary(routes=3)

    def fail_on_the_first(name: str) -> None:
        if name == "route-0":
            raise Throttled("slow down")

    world.router.before_write = fail_on_the_first
    with pytest.raises(ShiftFailed, match=r"route-0 failed.*route-0 holds blue 80 / green 20; route-1 holds blue 100"):
        rollback(world.service)
    assert [world.split(route) for route in range(3)] == [CANARY, START, START]


def test_a_route_that_is_gone_does_not_keep_the_others_from_going_back() -> None:
    world = in_canary(routes=3)
    del world.router.live["route-1"]
    with pytest.raises(ShiftFailed, match="blue 100 / green 0 is in place on route-0, route-2; not on route-1, gone"):
        rollback(world.service)
    assert [world.split(0), world.split(2)] == [START, START]
    assert isinstance(world.events()[-1], ShiftVerified)
    with pytest.raises(ShiftFailed, match="not on route-1"):
        rollback(world.service)


def test_two_zero_weights_are_no_hindrance() -> None:
    world = in_canary()
    live = world.router.live["route-0"]
    world.router.live["route-0"] = replace(live, weights=dict.fromkeys(live.weights, 0))
    assert rollback(world.service).written
    assert world.split() == START


def test_a_route_of_another_pair_is_not_written() -> None:
    world = in_canary()
    live = world.router.live["route-0"]
    world.router.live["route-0"] = replace(live, weights={**live.weights, "arn:third": 1})
    with pytest.raises(RouteUnusable, match="exactly this pair"):
        rollback(world.service)
    world.router.live.clear()
    with pytest.raises(RouteUnusable, match="gone"):
        rollback(world.service)
    assert world.router.writes == []
