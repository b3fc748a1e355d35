"""What an autoscaler may make of the desired count."""

import pytest

from toolkit.lab.compute.ecs.model import Breaker, Threshold, pause_after
from toolkit.lab.compute.ecs.scaling import Bounds, registered, scaled_in


@pytest.mark.parametrize(("desired", "after"), [(0, 2), (2, 2), (4, 4), (6, 6), (9, 6)])
def test_registered_bounds_act_at_once(desired: int, after: int) -> None:
    assert registered(desired, Bounds(2, 6)).desired == after


@pytest.mark.parametrize(("to", "after"), [(0, 2), (3, 3), (5, 5), (9, 5)])
def test_scaling_in_never_goes_below_the_minimum_nor_up(to: int, after: int) -> None:
    assert scaled_in(5, to, Bounds(2, 6)).desired == after


def test_scaling_in_does_nothing_while_it_is_suspended() -> None:
    scaled = scaled_in(5, 0, Bounds(0, 6, scale_in_suspended=True))
    assert (scaled.desired, scaled.because) == (5, "scale-in is suspended")


def test_a_desired_count_below_the_minimum_is_not_scaled_in() -> None:
    assert scaled_in(1, 0, Bounds(3, 6)).desired == 1


@pytest.mark.parametrize(("desired", "failures"), [(0, 3), (1, 3), (6, 3), (7, 4), (20, 10), (1000, 200)])
def test_the_breaker_gives_up_after_half_of_the_desired_tasks_within_bounds(desired: int, failures: int) -> None:
    assert Breaker().gives_up_after(desired) == failures


@pytest.mark.parametrize(
    ("threshold", "value", "desired", "failures"),
    [
        (Threshold.BOUNDED_PERCENT, 10, 20, 3),
        (Threshold.BOUNDED_PERCENT, 25, 18, 5),
        (Threshold.UNBOUNDED_PERCENT, 50, 800, 400),
        (Threshold.UNBOUNDED_PERCENT, 50, 0, 1),
        (Threshold.COUNT, 5, 800, 5),
    ],
)
def test_the_breaker_s_threshold_may_be_another(threshold: Threshold, value: int, desired: int, failures: int) -> None:
    assert Breaker(threshold=threshold, value=value).gives_up_after(desired) == failures


def test_the_pauses_grow_to_27_minutes() -> None:
    assert [pause_after(rounds) for rounds in (1, 2, 3)] == [5.0, 10.0, 20.0]
    assert pause_after(100) == 27 * 60
