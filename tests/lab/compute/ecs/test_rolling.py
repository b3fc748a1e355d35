"""How many tasks a rolling update starts and which it stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.compute.ecs.rolling import Bounds, Standing, Step, next_step


def new(name: str, *, ready: bool = True, running: bool = True, created: float = 2.0) -> Standing:
    return Standing(name, is_primary=True, is_ready=ready, is_running=running, created=created)


def old(name: str, *, ready: bool = True, running: bool = True, created: float = 1.0) -> Standing:
    return Standing(name, is_primary=False, is_ready=ready, is_running=running, created=created)


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "bounds"),
    [
        (4, 100, 200, Bounds(4, 4, 8)),
        (3, 50, 150, Bounds(3, 2, 4)),  # the minimum is rounded up, the maximum down
        (1, 50, 150, Bounds(1, 1, 1)),
        (0, 100, 200, Bounds(0, 0, 0)),
    ],
)
def test_the_percentages_bound_the_tasks(desired: int, minimum: int, maximum: int, bounds: Bounds) -> None:
    assert Bounds.of(desired, minimum, maximum) == bounds


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "is_stuck"),
    [(2, 100, 200, False), (2, 50, 100, False), (1, 50, 150, True), (3, 100, 120, True), (0, 100, 100, False)],
)
def test_bounds_that_let_nothing_be_replaced(desired: int, minimum: int, maximum: int, is_stuck: bool) -> None:
    bounds = Bounds.of(desired, minimum, maximum)
    assert bounds.is_stuck is is_stuck
    olds = [old(str(index)) for index in range(desired)]
    assert (next_step(bounds, olds) == Step()) is (is_stuck or not desired)


def test_the_first_deployment_starts_all() -> None:
    assert next_step(Bounds(3, 3, 6), []) == Step(start=3)


def test_new_tasks_come_before_old_ones_leave() -> None:
    olds = [old("a"), old("b")]
    assert next_step(Bounds(2, 2, 4), olds) == Step(start=2)
    assert next_step(Bounds(2, 2, 4), [*olds, new("c", ready=False), new("d", ready=False)]) == Step()


def test_an_old_one_leaves_for_each_new_one_that_is_ready() -> None:
    tasks = [old("a", created=1.0), old("b", created=1.5), new("c"), new("d", ready=False)]
    assert next_step(Bounds(2, 2, 4), tasks) == Step(stop=("a",))


def test_without_room_above_old_ones_make_room_below() -> None:
    olds = [old("a", created=1.0), old("b", created=1.5)]
    assert next_step(Bounds(2, 1, 2), olds) == Step(stop=("a",))
    assert next_step(Bounds(2, 1, 2), [old("b")]) == Step(start=1)


def test_the_maximum_holds_back_new_tasks() -> None:
    assert next_step(Bounds(4, 4, 5), [old("a"), old("b"), old("c"), old("d")]) == Step(start=1)


def test_old_tasks_that_do_not_run_yet_leave_at_once() -> None:
    assert next_step(Bounds(1, 1, 2), [old("a"), old("b", ready=False, running=False)]).stop == ("b",)


def test_an_old_task_that_is_not_ready_stays_while_it_may_be_needed() -> None:
    assert next_step(Bounds(1, 1, 2), [old("a", ready=False), new("b", ready=False)]) == Step()
    assert next_step(Bounds(1, 1, 2), [old("a", ready=False), new("b")]) == Step(stop=("a",))


def test_scaling_in_stops_the_youngest_and_first_of_all_those_not_ready() -> None:
    tasks = [new("a", created=1), new("b", created=2), new("c", created=0, ready=False), new("d", created=3)]
    assert next_step(Bounds(3, 3, 6), tasks) == Step(stop=("c",))
    assert next_step(Bounds(1, 1, 2), tasks) == Step(stop=("c", "d", "b"))


def test_scaling_to_zero_stops_all_of_every_deployment() -> None:
    assert set(next_step(Bounds(0, 0, 0), [old("a"), new("b"), new("c", ready=False)]).stop) == {"a", "b", "c"}


@given(
    desired=st.integers(0, 6),
    minimum=st.sampled_from([0, 50, 100]),
    maximum=st.sampled_from([100, 150, 200]),
    tasks=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=12),
)
def test_no_step_leaves_the_bounds(
    desired: int, minimum: int, maximum: int, tasks: list[tuple[bool, bool, bool]]
) -> None:
    bounds = Bounds.of(desired, minimum, maximum)
    standings = [
        Standing(str(index), is_primary=primary, is_ready=ready and running, is_running=running, created=float(index))
        for index, (primary, ready, running) in enumerate(tasks)
    ]
    step = next_step(bounds, standings)
    before = sum(one.is_ready for one in standings)
    after = sum(one.is_ready for one in standings if one.id not in step.stop)
    assert len(set(step.stop)) == len(step.stop)
    assert step.start == 0 or len(standings) + step.start <= bounds.most
    # Scaling in may take ready ones down to what is desired; an update takes them down to the least.
    assert after >= min(before, bounds.least, sum(one.is_ready and one.is_primary for one in standings) or bounds.least)
