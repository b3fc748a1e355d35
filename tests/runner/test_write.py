"""Writing under failure: what is tried again, what is put back, and what is never done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event

import pytest

from tests.support.fakes import NOON, FakeWorld, a_world
from toolkit.errors import AccessDenied, AwsUnreachable, BluegreenError, LeaseLost, ShiftFailed, Throttled, VerifyFailed
from toolkit.rollout.events import Kind
from toolkit.rollout.ports import Action
from toolkit.rollout.record import Record
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS
from toolkit.runner.attempts import PATIENT_SECONDS, URGENT_SECONDS
from toolkit.runner.move import Move
from toolkit.runner.write import Written, write_all
from toolkit.traffic import Color, Split

BEFORE, AFTER, ELSE = Split(blue=100, green=0), Split(blue=80, green=20), Split(blue=7, green=3)


def a_move(world: FakeWorld, *, urgent: bool = False) -> Move:
    """Everything to AFTER."""
    routes = dict(world.router.live)
    weights = world.service.contract.weights(AFTER)
    actions = {name: Action(weights, live.stickiness) for name, live in routes.items()}
    return Move(Kind.SHIFT, routes, AFTER, Color.BLUE, Record(), actions, urgent=urgent)


def longest(_low: float, high: float) -> float:
    return high


def failing(world: FakeWorld, *errors: BluegreenError, commit: bool = False) -> None:
    """The first writes end in `errors`, in turn. commit: AWS has done them all the same."""
    left = list(errors)

    def fail(_name: str) -> None:
        if left:
            raise left.pop(0)

    if commit:
        world.router.after_write = fail
    else:
        world.router.before_write = fail


def seconds_passed(world: FakeWorld) -> float:
    return (world.clock.now() - NOON).total_seconds()


def test_a_throttled_write_is_tried_again_after_pauses_that_double() -> None:
    world = a_world()
    failing(world, *[Throttled("slow down")] * 3)
    assert write_all(world.service, a_move(world), chance=longest) == Written(doubtful=False)
    assert world.split() == AFTER
    assert world.clock.slept == pytest.approx([0.2, 0.4, 0.8])
    assert len(world.router.writes) == 1


def test_the_pauses_are_drawn_by_chance_so_that_many_who_were_throttled_do_not_come_back_together() -> None:
    world = a_world()
    failing(world, *[Throttled("slow down")] * 6)
    asked = []

    def half(low: float, high: float) -> float:
        asked.append((low, high))
        return high / 2

    write_all(world.service, a_move(world), chance=half)
    assert [low for low, _ in asked] == [0] * 6
    assert [high for _, high in asked] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0])
    assert world.clock.slept == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.5])


@pytest.mark.parametrize(("urgent", "seconds"), [(False, PATIENT_SECONDS), (True, URGENT_SECONDS)])
def test_it_is_tried_as_long_as_the_move_allows(urgent: bool, seconds: float) -> None:
    world = a_world()
    failing(world, *[Throttled("slow down")] * 1000)
    with pytest.raises(Throttled, match=r"slow down\. Now: route-0 holds blue 100 / green 0"):
        write_all(world.service, a_move(world, urgent=urgent), chance=longest)
    assert seconds_passed(world) == pytest.approx(seconds)


def test_a_route_that_holds_the_move_already_is_not_written() -> None:
    world = a_world(routes=2)
    move = a_move(world)
    world.put(AFTER)
    held = replace(move, routes={**move.routes, "route-1": world.router.live["route-1"]})
    write_all(world.service, held)
    assert [name for name, *_ in world.router.writes] == ["route-0"]


def test_a_write_whose_answer_was_lost_is_looked_for_and_not_repeated_where_it_arrived() -> None:
    world = a_world()
    failing(world, AwsUnreachable("connection reset"), commit=True)
    assert write_all(world.service, a_move(world)) == Written(doubtful=True)
    assert len(world.router.writes) == 1
    assert world.clock.slept == []


def test_a_write_that_arrives_late_is_waited_for() -> None:
    world = a_world()
    move = a_move(world)
    failing(world, AwsUnreachable("timed out"))

    def arrives() -> None:
        if seconds_passed(world) > 2:
            world.put(AFTER)

    world.clock.on_sleep = arrives
    assert write_all(world.service, move) == Written(doubtful=True)
    assert world.router.writes == []
    assert 2 < seconds_passed(world) < WRITE_TIMEOUT_SECONDS


def test_a_write_that_never_arrives_is_repeated_once_its_timeout_has_passed() -> None:
    world = a_world()
    failing(world, AwsUnreachable("timed out"))
    assert write_all(world.service, a_move(world)) == Written(doubtful=True)
    assert len(world.router.writes) == 1
    assert world.split() == AFTER
    assert seconds_passed(world) >= WRITE_TIMEOUT_SECONDS


def test_a_doubtful_write_that_is_throttled_next_is_looked_for_before_the_third() -> None:
    world = a_world()
    move = a_move(world)
    failing(world, AwsUnreachable("timed out"), Throttled("slow down"))

    def arrives() -> None:
        if seconds_passed(world) > WRITE_TIMEOUT_SECONDS + 1.5:
            world.put(AFTER)

    world.clock.on_sleep = arrives
    write_all(world.service, move, chance=lambda _low, _high: 2.0)
    assert world.router.writes == []


def test_reads_that_fail_leave_the_doubt_and_the_write_is_repeated() -> None:
    world = a_world()
    failing(world, AwsUnreachable("timed out"))

    def blind() -> None:
        if seconds_passed(world) < WRITE_TIMEOUT_SECONDS:
            raise AwsUnreachable("no answer")

    world.router.before_read = blind
    assert write_all(world.service, a_move(world)) == Written(doubtful=True)
    assert world.split() == AFTER


def test_what_somebody_else_wrote_meanwhile_is_not_written_over_by_a_shift() -> None:
    world = a_world()
    move = a_move(world)
    failing(world, AwsUnreachable("timed out"))
    world.clock.on_sleep = lambda: world.put(ELSE)
    with pytest.raises(VerifyFailed, match="neither what stood there nor what was written"):
        write_all(world.service, move)
    assert world.split() == ELSE
    assert world.router.writes == []


def test_a_rollback_writes_over_what_somebody_else_wrote_meanwhile() -> None:
    world = a_world()
    move = a_move(world, urgent=True)
    failing(world, AwsUnreachable("timed out"))
    world.clock.on_sleep = lambda: world.put(ELSE)
    write_all(world.service, move)
    assert world.split() == AFTER


def on_route(name: str, error: BluegreenError) -> Callable[[str], None]:
    def fail(route: str) -> None:
        if route == name:
            raise error

    return fail


def test_a_route_that_cannot_be_written_takes_the_others_back() -> None:
    world = a_world(routes=3)
    world.router.before_write = on_route("route-2", AccessDenied("not you"))
    with pytest.raises(ShiftFailed, match=r"route-2 failed \(not you\); the others were put back"):
        write_all(world.service, a_move(world))
    assert [world.split(route) for route in range(3)] == [BEFORE] * 3


def test_what_is_put_back_is_tried_again_where_aws_throttles() -> None:
    world = a_world(routes=2)
    move = a_move(world)
    written = Event()
    world.router.after_write = lambda _name: written.set()
    throttled = [Throttled("slow down")] * 2

    def fail(route: str) -> None:
        if route == "route-1":
            assert written.wait(10)
            raise AccessDenied("not you")
        if written.is_set() and throttled:
            raise throttled.pop()

    world.router.before_write = fail
    with pytest.raises(ShiftFailed):
        write_all(world.service, move)
    assert throttled == []
    assert world.split(0) == BEFORE


def test_a_rollback_writes_every_route_that_it_can() -> None:
    world = a_world(routes=3)
    world.router.before_write = on_route("route-0", AccessDenied("not you"))
    with pytest.raises(ShiftFailed, match="the others were written"):
        write_all(world.service, a_move(world, urgent=True))
    assert [world.split(route) for route in range(3)] == [BEFORE, AFTER, AFTER]


def test_the_guard_is_asked_before_every_attempt() -> None:
    world = a_world()
    failing(world, *[Throttled("slow down")] * 2)
    asked: list[float] = []
    write_all(world.service, a_move(world), guard=lambda: asked.append(seconds_passed(world)), chance=longest)
    assert asked == pytest.approx([0, 0.2, 0.6])


@pytest.mark.parametrize("urgent", [False, True])
def test_a_lease_that_is_lost_ends_it_at_once_and_nothing_is_put_back(urgent: bool) -> None:
    world = a_world(routes=3)
    left = [None, None]

    def guard() -> None:
        if not left:
            raise LeaseLost("bob took it over")
        left.pop()

    with pytest.raises(LeaseLost, match="bob"):
        write_all(world.service, a_move(world, urgent=urgent), guard=guard)
    assert len(world.router.writes) == 2
    assert sorted(str(world.split(route)) for route in range(3)) == sorted(map(str, (AFTER, AFTER, BEFORE)))


def test_a_lease_that_is_lost_while_others_are_put_back_ends_that_too() -> None:
    world = a_world(routes=2)
    lost = []

    def fail(route: str) -> None:
        if route == "route-1":
            lost.append(route)
            raise AccessDenied("not you")

    def guard() -> None:
        if lost:
            raise LeaseLost("bob took it over")

    world.router.before_write = fail
    with pytest.raises(LeaseLost):
        write_all(world.service, a_move(world), guard=guard)


def test_a_guard_that_fails_for_another_reason_ends_it_with_that_reason() -> None:
    world = a_world()

    def guard() -> None:
        raise Throttled("the store, not the load balancer")

    with pytest.raises(Throttled, match="the store"):
        write_all(world.service, a_move(world), guard=guard)
    assert world.clock.slept == []
