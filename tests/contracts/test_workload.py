"""What every Workload does: on the fake, on ECS services and on Auto Scaling groups in the lab."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.contracts.workloads import COUNTS, MAXIMUM, Case, eventually, fake
from tests.contracts.workloads_asg import asg
from tests.contracts.workloads_ecs import ecs
from toolkit.errors import AwsError, PreflightRefused, UsageError
from toolkit.rollout.workload import Capacity, Change
from toolkit.traffic import Color

MADE = {"fake": fake, "ecs": ecs, "asg": asg}
MARKED = [pytest.param(make, marks=() if make is fake else pytest.mark.lab, id=name) for name, make in MADE.items()]


@pytest.fixture(params=MARKED)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param(request)
    return made


def bounds(capacity: Capacity) -> Capacity:
    """Of its autoscaling alone."""
    return replace(capacity, desired=0, running=0)


def test_what_was_asked_for_is_told_for_each_color_with_its_bounds(case: Case) -> None:
    told = {color: case.workload.capacity(color) for color in Color}
    assert {color: capacity.desired for color, capacity in told.items()} == COUNTS
    assert {bounds(capacity) for capacity in told.values()} == {Capacity(0, 0, 0, MAXIMUM)}


def test_a_color_is_scaled_up_and_down_and_the_other_stays(case: Case) -> None:
    for count in (2, 0):
        case.workload.scale(Color.GREEN, count)
        assert case.workload.capacity(Color.GREEN).desired == count
        eventually(lambda: case.workload.capacity(Color.GREEN).running, count)
    assert case.workload.capacity(Color.BLUE).desired == COUNTS[Color.BLUE]


def test_its_autoscaling_goes_no_lower_than_what_it_is_scaled_to(case: Case) -> None:
    for count in (2, 2, 1):
        case.workload.scale(Color.GREEN, count)
        capacity = case.workload.capacity(Color.GREEN)
        assert (capacity.desired, capacity.minimum, capacity.maximum) == (count, count, MAXIMUM)
    assert bounds(case.workload.capacity(Color.BLUE)) == Capacity(0, 0, 0, MAXIMUM)


def test_more_than_its_maximum_is_refused_before_anything_is_written(case: Case) -> None:
    before = case.workload.capacity(Color.GREEN)
    with pytest.raises(AwsError, match=rf"{MAXIMUM} .*at most, and 4 are wanted\. Nothing was changed"):
        case.workload.scale(Color.GREEN, 4)
    assert case.workload.capacity(Color.GREEN) == before


def test_one_that_is_gone_is_an_error_that_says_so(case: Case) -> None:
    for look in (case.gone.capacity, case.gone.release, case.gone.hold):
        with pytest.raises(AwsError, match="is gone"):
            look(Color.GREEN)
    with pytest.raises(AwsError, match="is gone"):
        case.gone.scale(Color.GREEN, 1)


def test_one_that_is_held_keeps_what_it_has_and_scales_no_further_in(case: Case) -> None:
    other = bounds(case.workload.capacity(Color.GREEN))
    for _ in range(2):
        case.workload.hold(Color.BLUE)
        held = case.workload.capacity(Color.BLUE)
        assert (held.desired, held.minimum, held.maximum) == (COUNTS[Color.BLUE], COUNTS[Color.BLUE], MAXIMUM)
        assert held.suspended
        assert list(held.suspended) == sorted(held.suspended)
    assert bounds(case.workload.capacity(Color.GREEN)) == other


def test_one_that_is_let_go_is_bound_as_before_and_keeps_what_it_was_scaled_to(case: Case) -> None:
    before = case.workload.capacity(Color.GREEN)
    case.workload.hold(Color.GREEN)
    case.workload.scale(Color.GREEN, 2)
    for _ in range(2):
        case.workload.let_go(Color.GREEN, before)
        capacity = case.workload.capacity(Color.GREEN)
        assert (bounds(capacity), capacity.desired) == (bounds(before), 2)


def test_one_that_is_let_go_without_having_been_held_stays_as_it_is(case: Case) -> None:
    before = case.workload.capacity(Color.BLUE)
    case.workload.let_go(Color.BLUE, before)
    assert bounds(case.workload.capacity(Color.BLUE)) == bounds(before)


def test_one_that_takes_over_a_minimum_keeps_it(case: Case) -> None:
    case.workload.scale(Color.GREEN, 2)
    case.workload.let_go(Color.GREEN, Capacity(0, 0, 1, MAXIMUM))
    assert bounds(case.workload.capacity(Color.GREEN)) == Capacity(0, 0, 1, MAXIMUM)


def test_what_a_color_runs_is_told_whether_any_of_it_runs_or_not(case: Case) -> None:
    for color in Color:
        release = case.workload.release(color)
        assert release.revision
        assert release.image


def test_what_a_change_would_give_is_said_and_nothing_is_made(case: Case) -> None:
    for _ in range(2):
        release = case.workload.foresee(case.change, Color.GREEN)
        assert (release.revision, release.image) == ("", case.image)


def test_the_same_change_makes_one_release_and_no_color_runs_it_yet(case: Case) -> None:
    before = [case.workload.release(color).revision for color in Color]
    made = [case.workload.make(case.change, Color.GREEN) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].revision not in {"", *before}
    assert made[0].image == case.image
    assert [case.workload.release(color).revision for color in Color] == before


def test_a_change_for_another_kind_of_workload_is_refused(case: Case) -> None:
    for ask in (case.workload.foresee, case.workload.make):
        with pytest.raises(UsageError):
            ask(case.alien, Color.GREEN)


def test_a_revision_that_is_not_there_is_refused(case: Case) -> None:
    for ask in (case.workload.foresee, case.workload.make):
        with pytest.raises(PreflightRefused, match="99"):
            ask(case.missing, Color.GREEN)


def test_a_color_runs_the_release_that_is_put_on_it_and_the_other_its_own(case: Case) -> None:
    before, asked = case.workload.release(Color.BLUE), case.workload.capacity(Color.GREEN)
    release = case.workload.make(case.change, Color.GREEN)
    for _ in range(2):
        case.workload.put(Color.GREEN, release)
        now = case.workload.release(Color.GREEN)
        assert (now.revision, now.image) == (release.revision, case.image)
    assert case.workload.release(Color.BLUE).revision == before.revision
    assert case.workload.capacity(Color.GREEN).desired == asked.desired


def test_a_release_comes_to_run_and_nothing_older_is_left(case: Case) -> None:
    since = datetime.now(UTC)
    old = case.workload.release(Color.BLUE)
    eventually(lambda: case.workload.progress(Color.BLUE, old, since).running, COUNTS[Color.BLUE])
    release = case.workload.make(case.change, Color.BLUE)
    case.workload.put(Color.BLUE, release)

    def counts() -> tuple[int, int]:
        progress = case.workload.progress(Color.BLUE, release, since)
        assert not progress.hopeless
        return progress.running, progress.older

    eventually(counts, (COUNTS[Color.BLUE], 0))
    assert case.workload.progress(Color.BLUE, release, since).failures == 0


def test_what_is_replaced_in_place_goes_by_its_own_release_and_says_within_which_bounds(case: Case) -> None:
    before = [case.workload.release(color).revision for color in Color]
    if not case.rolls:
        for ask in (case.workload.foresee, case.workload.make):
            with pytest.raises(UsageError):
                ask(case.change, Color.BLUE, in_place=True)
        with pytest.raises(PreflightRefused):
            case.workload.replacement(Color.BLUE)
        return
    how = case.workload.replacement(Color.BLUE)
    assert (how.desired, how.least, how.most, how.is_stuck) == (COUNTS[Color.BLUE], 1, 2, False)
    other = case.workload.make(case.change, Color.GREEN)
    case.workload.put(Color.GREEN, other)
    own = Change(task_definition=before[0])
    assert case.workload.foresee(own, Color.BLUE, in_place=True).revision == before[0]
    foreseen = case.workload.foresee(case.change, Color.BLUE, in_place=True)
    assert foreseen.image == case.image
    assert case.workload.make(case.change, Color.BLUE, in_place=True).image == case.image
    assert case.workload.release(Color.BLUE).revision == before[0]


def test_a_release_that_has_come_up_is_settled_only_then(case: Case) -> None:
    since = datetime.now(UTC)
    old = case.workload.release(Color.BLUE)
    eventually(lambda: case.workload.progress(Color.BLUE, old, since).is_settled, wanted=True)
    if not case.rolls:
        return
    release = case.workload.make(case.change, Color.BLUE, in_place=True)
    case.workload.put(Color.BLUE, release)
    assert not case.workload.progress(Color.BLUE, old, since).is_settled
    eventually(lambda: case.workload.progress(Color.BLUE, release, since).is_settled, wanted=True)
    done = case.workload.progress(Color.BLUE, release, since)
    assert (done.running, done.older) == (COUNTS[Color.BLUE], 0)


def test_what_is_worth_a_warning_is_told_in_sentences(case: Case) -> None:
    for remark in case.workload.remarks():
        assert remark.endswith(".")
        assert "\n" not in remark
