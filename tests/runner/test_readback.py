from __future__ import annotations

from datetime import timedelta

import pytest

from tests.runner.test_write import AFTER, ELSE, a_move, seconds_passed
from tests.support.fakes import NOON, FakeWorld, a_world
from toolkit.errors import AwsUnreachable, Throttled, VerifyFailed
from toolkit.runner.readback import read_back


def at(world: FakeWorld, seconds: float, *, put: object) -> None:
    """`put` is written by somebody once so many seconds have passed."""

    def write() -> None:
        if seconds_passed(world) >= seconds:
            world.put(put)  # type: ignore[arg-type]

    world.clock.on_sleep = write


def test_one_read_is_enough_where_every_route_holds_the_move() -> None:
    world = a_world(routes=2)
    move = a_move(world)
    world.put(AFTER)
    read_back(world.service, move)
    assert (world.router.reads, world.clock.slept) == (1, [])


def test_it_waits_for_what_spreads_slowly() -> None:
    world = a_world()
    move = a_move(world)
    at(world, 3, put=AFTER)
    read_back(world.service, move)
    assert 3 <= seconds_passed(world) < 5


def test_what_was_not_written_is_said_when_the_time_is_up() -> None:
    world = a_world()
    with pytest.raises(VerifyFailed, match=r"was written, but route route-0 holds blue 100 / green 0 after 10\.0 s"):
        read_back(world.service, a_move(world))
    assert seconds_passed(world) == pytest.approx(world.service.settings.verify_seconds)


def test_it_goes_on_reading_until_nobodys_write_can_arrive_any_more() -> None:
    world = a_world()
    move = a_move(world)
    world.put(AFTER)
    read_back(world.service, move, until=NOON + timedelta(seconds=5))
    assert seconds_passed(world) == pytest.approx(5)
    assert world.router.reads > 5


def test_a_route_that_turns_to_something_else_meanwhile_is_said_at_once() -> None:
    world = a_world()
    move = a_move(world)
    world.put(AFTER)
    at(world, 2, put=ELSE)
    with pytest.raises(VerifyFailed, match=r"was read back, but route route-0 holds blue 7 / green 3"):
        read_back(world.service, move, until=NOON + timedelta(seconds=5))
    assert seconds_passed(world) < 4


def test_the_longer_of_the_two_times_counts() -> None:
    world = a_world()
    move = a_move(world)
    at(world, 12, put=AFTER)
    read_back(world.service, move, until=NOON + timedelta(seconds=15))
    assert seconds_passed(world) == pytest.approx(15)


def test_a_read_that_fails_is_tried_again() -> None:
    world = a_world()
    move = a_move(world)
    world.put(AFTER)
    failures = [AwsUnreachable("no answer")] * 3

    def fail() -> None:
        if failures:
            raise failures.pop()

    world.router.before_read = fail
    read_back(world.service, move)
    assert world.router.reads == 4


@pytest.mark.parametrize(("error", "reads"), [(AwsUnreachable("no answer"), 14), (Throttled("slow down"), 8)])
def test_what_cannot_be_read_is_said_and_a_throttled_read_is_tried_less_often(
    error: AwsUnreachable | Throttled, reads: int
) -> None:
    world = a_world()

    def fail() -> None:
        raise error

    world.router.before_read = fail
    with pytest.raises(type(error), match="written to every route, but could not be read back"):
        read_back(world.service, a_move(world))
    assert world.router.reads == reads


def test_a_look_at_the_end_that_fails_has_shown_nothing() -> None:
    world = a_world()
    move = a_move(world)
    world.put(AFTER)

    def fail() -> None:
        if seconds_passed(world) > 4:
            raise AwsUnreachable("no answer")

    world.router.before_read = fail
    with pytest.raises(AwsUnreachable):
        read_back(world.service, move, until=NOON + timedelta(seconds=15))
