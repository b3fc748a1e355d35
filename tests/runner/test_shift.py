import signal
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.fakes import ALICE, OFF, a_world
from toolkit.contract import Stickiness
from toolkit.errors import (
    AccessDenied,
    AwsUnreachable,
    BluegreenError,
    Interrupted,
    JournalConflict,
    JournalError,
    PreflightRefused,
    RouteUnusable,
    ShiftFailed,
    Throttled,
    VerifyFailed,
)
from toolkit.rollout.events import DriftAccepted, Kind, ShiftIntended, ShiftVerified
from toolkit.rollout.events import ShiftFailed as ShiftFailedEvent
from toolkit.runner.carry_out import carry_out
from toolkit.runner.recorder import Recorder
from toolkit.runner.rollback import rollback
from toolkit.runner.shift import plan_shift, restore_stickiness, shift
from toolkit.traffic import Color, Split

START, CANARY = Split(blue=100, green=0), Split(blue=80, green=20)
STICKY = Stickiness(enabled=True, duration_seconds=300)


def test_a_shift_is_one_write_per_route_and_is_recorded_before_and_after() -> None:
    world = a_world(routes=2)
    outcome = shift(world.service, CANARY)
    assert outcome.written
    assert sorted(name for name, _, _ in world.router.writes) == ["route-0", "route-1"]
    assert world.split(0) == world.split(1) == CANARY
    intent, outcome_event = world.events()
    assert intent == ShiftIntended(Kind.SHIFT, Color.BLUE, {"route-0": START, "route-1": START}, CANARY)
    assert outcome_event == ShiftVerified()
    assert {entry.actor for entry in world.store.tail("web", 8)} == {ALICE.arn}


def test_the_intent_stands_in_the_journal_before_the_first_write() -> None:
    world = a_world()
    seen: list[int] = []
    world.router.before_write = lambda _name: seen.append(len(world.events()))
    shift(world.service, CANARY)
    assert seen == [1]


def test_a_shift_to_what_is_there_writes_nothing() -> None:
    world = a_world()
    assert not shift(world.service, START).written
    assert world.router.writes == []
    assert world.events() == []


def test_the_base_stays_through_a_canary_and_turns_after_a_whole_shift() -> None:
    world = a_world()
    for percent in (20, 50, 100):
        assert shift(world.service, Split(blue=100 - percent, green=percent)).base is Color.BLUE
    assert shift(world.service, Split(blue=10, green=90)).base is Color.GREEN


def test_a_dry_run_writes_nothing_and_refuses_nothing() -> None:
    world = a_world(green=0)
    move, findings = plan_shift(world.service, CANARY)
    assert move.to == CANARY
    assert any(finding.level == "refused" for finding in findings)
    assert world.router.writes == []
    assert world.events() == []


def test_a_refusal_writes_nothing_anywhere() -> None:
    world = a_world(green=0)
    with pytest.raises(PreflightRefused, match="Nothing was changed"):
        shift(world.service, CANARY)
    assert world.router.writes == []
    assert world.events() == []


def test_stickiness_and_strangers_weights_survive_a_shift() -> None:
    world = a_world(stickiness=STICKY)
    shift(world.service, CANARY)
    assert world.router.live["route-0"].stickiness == STICKY


def test_drift_is_refused_then_accepted_on_request_and_recorded() -> None:
    world = a_world()
    shift(world.service, CANARY)
    odd = Split(blue=55, green=45)
    world.put(odd)
    with pytest.raises(PreflightRefused, match="holds blue 55 / green 45") as caught:
        shift(world.service, Split(blue=50, green=50))
    assert "--accept-drift" in caught.value.hint
    shift(world.service, Split(blue=50, green=50), accept_drift=True)
    assert DriftAccepted({"route-0": odd}) in world.events()


def test_when_one_route_fails_the_others_are_put_back_and_each_state_is_told() -> None:
    world = a_world(routes=3)

    def fail_on_the_last(name: str) -> None:
        if name == "route-2":
            raise Throttled("AWS answered Throttling")

    world.router.before_write = fail_on_the_last
    with pytest.raises(ShiftFailed, match=r"route-2 failed.*put back.*route-0 holds blue 100 / green 0") as caught:
        shift(world.service, CANARY)
    assert "route-2 holds blue 100 / green 0" in caught.value.message
    assert [world.split(route) for route in range(3)] == [START, START, START]
    assert isinstance(world.events()[-1], ShiftFailedEvent)
    assert world.events()[-1].after == {f"route-{route}": START for route in range(3)}


def test_a_write_whose_answer_was_lost_is_looked_for_and_counts_where_it_arrived() -> None:
    world = a_world(routes=2)

    def lose_the_answer(name: str) -> None:
        if name == "route-1" and world.split(1) == CANARY:
            raise AwsUnreachable("timed out")

    world.router.after_write = lose_the_answer
    shift(world.service, CANARY)
    assert [world.split(0), world.split(1)] == [CANARY, CANARY]
    assert len(world.router.writes) == 2
    assert sum(world.clock.slept) >= 5, "it is read back until the lost write cannot arrive any more"


@pytest.mark.parametrize("kind", [AccessDenied, RouteUnusable])
def test_a_single_route_that_fails_keeps_the_kind_of_its_error(kind: type[BluegreenError]) -> None:
    world = a_world()

    def deny(_name: str) -> None:
        raise kind("not to be written", hint="do something")

    world.router.before_write = deny
    with pytest.raises(kind, match="Now: route-0 holds blue 100 / green 0"):
        shift(world.service, CANARY)


def test_what_cannot_be_put_back_is_said() -> None:
    world = a_world(routes=2)
    calls: list[str] = []

    def fail_from_the_second_on(name: str) -> None:
        calls.append(name)
        if len(calls) > 1:
            raise Throttled("slow down")

    world.router.before_write = fail_from_the_second_on
    with pytest.raises(ShiftFailed, match="route-0 holds blue 80 / green 20"):
        shift(world.service, CANARY)
    assert any("could not be put back" in note for note in world.notes)


def test_a_stranger_who_wrote_in_between_is_not_overwritten_when_putting_back() -> None:
    world = a_world(routes=2)
    odd = Split(blue=1, green=2)

    def fail_after_a_stranger(name: str) -> None:
        if name == "route-1":
            world.put(odd)
            raise Throttled("slow down")

    world.router.before_write = fail_after_a_stranger
    with pytest.raises(ShiftFailed, match="route-0 holds blue 1 / green 2"):
        shift(world.service, CANARY)
    assert world.split(0) == odd


def test_a_read_back_that_never_agrees_says_what_aws_holds() -> None:
    world = a_world()
    world.router.lost = True
    with pytest.raises(
        VerifyFailed, match="blue 80 / green 20 was written, but route route-0 holds blue 100 / green 0"
    ):
        shift(world.service, CANARY)
    assert sum(world.clock.slept) >= world.service.settings.verify_seconds
    assert world.events()[-1].after == {"route-0": START}


def test_a_read_back_may_take_its_time() -> None:
    world = a_world()
    world.router.lost = True

    def arrive() -> None:
        if sum(world.clock.slept) > 2:
            world.put(CANARY)

    world.clock.on_sleep = arrive
    assert shift(world.service, CANARY).written


def test_a_read_back_that_fails_once_is_tried_again() -> None:
    world = a_world()
    reads: list[int] = []

    def fail_on_the_second() -> None:
        reads.append(1)
        if len(reads) == 2:  # the first is the preflight's
            raise Throttled("slow down")

    world.router.before_read = fail_on_the_second
    assert shift(world.service, CANARY).written
    assert isinstance(world.events()[-1], ShiftVerified)


def test_what_was_written_and_cannot_be_read_back_says_so() -> None:
    world = a_world()

    def go_dark(_name: str) -> None:
        def fail() -> None:
            raise AwsUnreachable("no answer", hint="check the network")

        world.router.before_read = fail

    world.router.after_write = go_dark
    with pytest.raises(
        AwsUnreachable, match="blue 80 / green 20 was written to every route, but could not be read back"
    ):
        shift(world.service, CANARY)
    record = world.service.record()
    assert record.splits == {}, "nobody knows, so nothing can be drift"


def test_an_actor_who_was_not_known_in_time_is_learned_after_the_write() -> None:
    world = a_world()
    world.identities.now = lambda: None  # type: ignore[method-assign]
    shift(world.service, CANARY)
    assert [entry.actor for entry in world.store.tail("web", 8)] == [None, ALICE.arn]
    assert world.service.record().actor == ALICE.arn


def test_an_actor_whom_nobody_can_name_does_not_fail_what_was_written() -> None:
    world = a_world(split=CANARY)
    world.identities.identity = None
    assert rollback(world.service, Color.BLUE).written
    assert world.store.tail("web", 1)[0].actor is None
    assert any("actor is not recorded" in note for note in world.notes)


def test_a_rule_deleted_after_the_write_is_named() -> None:
    world = a_world()
    world.router.after_write = lambda _name: world.router.live.clear()
    with pytest.raises(VerifyFailed, match="route-0 is gone"):
        shift(world.service, CANARY)


def test_nobody_writes_without_a_record_of_the_intent() -> None:
    world = a_world()

    def refuse(*_args: object, **_words: object) -> None:
        raise JournalError("the table is gone")

    world.store.append = refuse  # type: ignore[method-assign]
    with pytest.raises(JournalError):
        shift(world.service, CANARY)
    assert world.router.writes == []


def test_of_two_at_the_same_moment_one_is_told_and_writes_nothing() -> None:
    world = a_world()
    rival = ShiftIntended(Kind.SHIFT, Color.BLUE, {"route-0": START}, CANARY)
    move, _ = plan_shift(world.service, CANARY)
    world.append(rival)
    with pytest.raises(JournalConflict):
        carry_out(world.service, move, Recorder(world.service, move.record.head, None))
    assert world.router.writes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_between_write_and_read_back_waits_for_the_outcome(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    world = a_world()
    world.router.after_write = lambda _name: signal.raise_signal(number)
    with pytest.raises(Interrupted, match="every route holds blue 80 / green 20, recorded"):
        shift(world.service, CANARY)
    assert isinstance(world.events()[-1], ShiftVerified)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert capfd.readouterr().err == "bluegreen: finishing the write under way; then it stops\n"


def test_a_shift_after_a_crash_knows_that_it_is_in_doubt_and_goes_on() -> None:
    world = a_world()
    crashed = ShiftIntended(Kind.SHIFT, Color.BLUE, {"route-0": START}, CANARY)
    world.append(crashed)
    world.put(CANARY)
    outcome = shift(world.service, CANARY)
    assert not outcome.written
    assert not world.service.record().in_doubt, "the doubt is settled by a read-back"
    assert any("in doubt" in note for note in world.notes)


def test_stickiness_comes_back_with_the_first_shift_after_its_cookies() -> None:
    world = a_world(split=CANARY, stickiness=STICKY)
    rollback(world.service, Color.BLUE)
    assert world.router.live["route-0"].stickiness == OFF
    shift(world.service, CANARY)
    assert world.router.live["route-0"].stickiness == OFF, "cookies of before are still about"
    world.clock.time += timedelta(seconds=400)
    shift(world.service, Split(blue=50, green=50))
    assert world.router.live["route-0"].stickiness == STICKY
    assert world.service.record().suspended == {}


def test_stickiness_is_not_forgotten_when_the_shift_that_brings_it_back_fails() -> None:
    world = a_world(split=CANARY, stickiness=STICKY)
    rollback(world.service, Color.BLUE)
    world.clock.time += timedelta(seconds=400)

    def fail(_name: str) -> None:
        raise Throttled("slow down")

    world.router.before_write = fail
    with pytest.raises(Throttled):
        shift(world.service, CANARY)
    assert world.service.record().suspended["route-0"].stickiness == STICKY
    world.router.before_write = lambda _name: None
    assert shift(world.service, CANARY).restored == ("route-0",)
    assert world.router.live["route-0"].stickiness == STICKY
    assert world.service.record().suspended == {}


def test_stickiness_is_not_forgotten_when_a_crash_follows_the_intent() -> None:
    world = a_world(split=CANARY, stickiness=STICKY)
    rollback(world.service, Color.BLUE)
    world.clock.time += timedelta(seconds=400)
    move, _ = plan_shift(world.service, CANARY)
    assert move.restores == ("route-0",)
    intent = ShiftIntended(move.kind, move.base, {"route-0": START}, CANARY, move.suspended, move.restores)
    world.append(intent)
    shift(world.service, CANARY)
    assert world.router.live["route-0"].stickiness == STICKY


def test_stickiness_can_be_restored_by_itself_but_not_too_early() -> None:
    world = a_world(split=CANARY, stickiness=STICKY)
    rollback(world.service, Color.BLUE)
    with pytest.raises(PreflightRefused, match="cookies of before"):
        restore_stickiness(world.service)
    outcome = restore_stickiness(world.service, wait=True)
    assert outcome.written
    assert world.clock.slept[-1] == pytest.approx(360)
    assert world.router.live["route-0"].stickiness == STICKY
    assert world.split() == START


def test_with_nothing_put_aside_restoring_does_nothing() -> None:
    world = a_world()
    assert not restore_stickiness(world.service, wait=True).written


def test_routes_that_differ_are_not_restored_as_one() -> None:
    world = a_world(routes=2)
    live = world.router.live["route-1"]
    groups = world.service.contract.target_groups
    world.router.live["route-1"] = replace(live, weights={groups[Color.BLUE].arn: 1, groups[Color.GREEN].arn: 1})
    with pytest.raises(PreflightRefused, match="different splits"):
        restore_stickiness(world.service)


def test_routes_are_written_side_by_side() -> None:
    world = a_world(routes=3)
    together = threading.Barrier(3)

    def meet(_name: str) -> None:
        together.wait(timeout=10)

    world.router.before_write = meet
    shift(world.service, CANARY)
    assert [world.split(route) for route in range(3)] == [CANARY] * 3
