"""Which instances of a group are launched and terminated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from toolkit.lab.compute.asg_decide import (
    Check,
    Launch,
    Lifecycle,
    Member,
    Terminate,
    Wanted,
    Why,
    color_of,
    failed_check,
    pause_after,
    scaled_in,
    steps,
    to_terminate,
    zones_for,
)

ZONES = ("a", "b")


def member(number: int, zone: str = "a", *, state: Lifecycle = Lifecycle.IN_SERVICE, version: int = 1) -> Member:
    return Member(f"i-{number}", zone, state, version, launched=float(number))


def sick(one: Member) -> Member:
    return replace(one, is_healthy=False)


def wanted(desired: int, *suspended: str) -> Wanted:
    return Wanted(desired, ZONES, frozenset(suspended))


def test_a_group_that_has_what_is_wished_is_left_alone() -> None:
    assert steps(wanted(2), [member(1), member(2, "b")]) == ()


def test_what_is_missing_is_launched_in_the_zone_that_has_the_fewest() -> None:
    assert steps(wanted(4), [member(1)]) == (Launch("b"), Launch("a"), Launch("b"))


def test_an_instance_that_is_pending_counts_and_one_that_leaves_does_not() -> None:
    held = [member(1, state=Lifecycle.PENDING), member(2, "b", state=Lifecycle.TERMINATING)]
    assert steps(wanted(2), held) == (Launch("b"),)
    assert steps(wanted(2), [*held, member(3, "b", state=Lifecycle.STANDBY)]) == (Launch("b"),)


def test_an_unhealthy_instance_leaves_and_another_takes_its_place() -> None:
    assert steps(wanted(2), [sick(member(1)), member(2, "b")]) == (
        Terminate("i-1", Why.UNHEALTHY),
        Launch("a", replaces=True),
    )


@pytest.mark.parametrize("suspended", ["ReplaceUnhealthy", "Terminate"])
def test_an_unhealthy_instance_stays_while_its_replacement_is_suspended(suspended: str) -> None:
    assert steps(wanted(2, suspended), [sick(member(1)), member(2, "b")]) == ()


def test_an_unhealthy_instance_leaves_without_a_successor_while_launching_is_suspended() -> None:
    assert steps(wanted(1, "Launch"), [sick(member(1))]) == (Terminate("i-1", Why.UNHEALTHY),)


def test_nothing_is_launched_or_terminated_while_that_is_suspended() -> None:
    assert steps(wanted(3, "Launch"), [member(1)]) == ()
    assert steps(wanted(0, "Terminate"), [member(1)]) == ()


def test_too_many_leave_though_an_unhealthy_one_left_already() -> None:
    held = [sick(member(1)), member(2), member(3, "b")]
    assert steps(wanted(1), held) == (Terminate("i-1", Why.UNHEALTHY), Terminate("i-2", Why.SURPLUS))


@pytest.mark.parametrize(
    ("held", "first"),
    [
        pytest.param([member(1), member(2, "b"), member(3, "b", version=2)], "i-2", id="of the fullest zone"),
        pytest.param([member(1, version=3), member(2, version=2)], "i-2", id="the oldest version"),
        pytest.param([member(10), member(9)], "i-9", id="the oldest instance"),
        pytest.param([member(1), sick(member(2, version=9))], "i-2", id="the unhealthy before all others"),
        pytest.param([member(1), member(2, version=0)], "i-2", id="of a launch configuration"),
    ],
)
def test_who_leaves_first(held: Sequence[Member], first: str) -> None:
    assert to_terminate(held, 1) == (first,)


def test_zones_stay_even_while_many_leave() -> None:
    held = [member(1), member(2), member(3, "b"), member(4, "b")]
    assert to_terminate(held, 2) == ("i-1", "i-3")


def test_a_protected_instance_is_not_picked_even_if_too_few_leave() -> None:
    held = [replace(member(1), is_protected=True), member(2)]
    assert to_terminate(held, 2) == ("i-2",)


@pytest.mark.parametrize(
    ("policies", "first"),
    [
        (("Default",), "i-3"),
        (("OldestInstance",), "i-1"),
        (("NewestInstance",), "i-4"),
        (("OldestLaunchTemplate", "NewestInstance"), "i-4"),
        (("ClosestToNextInstanceHour",), "i-3"),
    ],
)
def test_a_group_may_name_policies_of_its_own(policies: tuple[str, ...], first: str) -> None:
    held = [member(1, version=2), member(2, version=2), member(3), member(4)]
    assert to_terminate(held, 1, policies) == (first,)


@pytest.mark.parametrize(
    ("minimum", "to", "process", "after"),
    [
        (1, 2, "AlarmNotification", (2, "the autoscaler wants 2 and the minimum size is 1")),
        (3, 2, "AlarmNotification", (3, "the autoscaler wants 2 and the minimum size is 3")),
        (4, 2, "AlarmNotification", (4, "the minimum size is 4")),
        (1, 2, "ScheduledActions", (4, "ScheduledActions is suspended")),
        (1, 4, "AlarmNotification", (4, "it has no more instances")),
    ],
)
def test_an_autoscaler_stops_at_the_minimum_and_where_it_is_suspended(
    minimum: int, to: int, process: str, after: tuple[int, str]
) -> None:
    assert scaled_in(minimum, 4, to, process=process, suspended={"ScheduledActions"}) == after


def test_zones_are_filled_evenly_and_in_their_order() -> None:
    assert zones_for(3, ("a", "b", "c"), held=["a"]) == ("b", "c", "a")


@pytest.mark.parametrize(
    ("kind", "is_up", "is_dead", "unhealthy_for", "in_service", "found"),
    [
        ("ELB", True, False, None, 99, None),
        ("ELB", True, False, 3, 99, Check.ELB),
        ("ELB", True, False, 1, 99, None),
        ("ELB", True, True, 0, 99, Check.ELB),
        ("ELB", True, True, None, 99, None),
        ("ELB", True, True, 9, 9, None),
        ("EC2", True, True, 9, 99, None),
        ("EC2", False, False, None, 99, Check.EC2),
        ("ELB", False, False, None, 0, Check.EC2),
    ],
)
def test_which_health_check_an_instance_fails(
    kind: str, *, is_up: bool, is_dead: bool, unhealthy_for: float | None, in_service: float, found: Check | None
) -> None:
    failed = failed_check(
        kind, is_up=is_up, is_dead=is_dead, unhealthy_for=unhealthy_for, in_service=in_service, grace=10
    )
    assert failed == found


def test_a_launch_that_fails_again_is_tried_ever_later_up_to_five_minutes() -> None:
    assert [pause_after(count) for count in (1, 2, 3, 9)] == [10, 20, 40, 300]


def test_the_first_name_that_ends_in_a_color_tells_it() -> None:
    assert color_of("web-green", "web-blue") == "green"
    assert color_of("workers", "web-green") == "green"
    assert color_of("workers") == "blue"
