"""What Auto Scaling refuses, and how bounds move the desired capacity."""

from __future__ import annotations

import pytest

from toolkit.lab.fidelity import autoscaling_checks as checks
from toolkit.lab.fidelity.autoscaling_checks import Bounds
from toolkit.lab.fidelity.checks import Refused

NOW = Bounds(minimum=1, desired=3, maximum=5)


def test_a_new_group_wants_its_minimum_unless_told_otherwise() -> None:
    assert checks.created(2, None, 5) == Bounds(2, 2, 5)
    assert checks.created(2, 3, 5) == Bounds(2, 3, 5)


@pytest.mark.parametrize(
    ("minimum", "desired", "maximum", "after"),
    [
        pytest.param(4, None, None, Bounds(4, 4, 5), id="a minimum above the desired capacity raises it"),
        pytest.param(0, None, None, Bounds(0, 3, 5), id="a lower minimum keeps it"),
        pytest.param(None, None, 2, Bounds(1, 2, 2), id="a maximum below it lowers it"),
        pytest.param(None, None, 9, Bounds(1, 3, 9), id="a higher maximum keeps it"),
        pytest.param(0, 0, None, Bounds(0, 0, 5), id="one that is named is taken"),
        pytest.param(None, None, None, NOW, id="nothing changes nothing"),
    ],
)
def test_an_update_moves_the_desired_capacity(
    minimum: int | None, desired: int | None, maximum: int | None, after: Bounds
) -> None:
    assert checks.updated(NOW, minimum=minimum, desired=desired, maximum=maximum) == after


@pytest.mark.parametrize(
    ("minimum", "desired", "maximum", "said"),
    [
        (4, None, 3, "Max bound, 3, must be greater than or equal to min bound, 4"),
        (None, 9, None, "Desired capacity:9 must be between the specified min size:1 and max size:5"),
        (4, 3, None, "Desired capacity:3 must be between the specified min size:4 and max size:5"),
    ],
)
def test_an_update_that_contradicts_itself_is_refused(
    minimum: int | None, desired: int | None, maximum: int | None, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        checks.updated(NOW, minimum=minimum, desired=desired, maximum=maximum)
    assert (refused.value.code, refused.value.message) == ("ValidationError", said)


@pytest.mark.parametrize(
    ("desired", "said"),
    [
        (6, "New SetDesiredCapacity value 6 is above max value 5 for the AutoScalingGroup."),
        (0, "New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup."),
    ],
)
def test_a_desired_capacity_outside_of_the_bounds_is_refused(desired: int, said: str) -> None:
    with pytest.raises(Refused) as refused:
        checks.check_desired(desired, NOW)
    assert (refused.value.code, refused.value.message) == ("ValidationError", said)
    checks.check_desired(5, NOW)
    checks.check_desired(1, NOW)


def test_a_group_at_its_minimum_is_not_shrunk_by_terminating_one_of_it() -> None:
    checks.check_decrement(NOW)
    with pytest.raises(Refused, match=r"desiredSize equals minSize \(1\)"):
        checks.check_decrement(Bounds(1, 1, 5))


def test_a_group_with_instances_is_deleted_by_force_alone() -> None:
    checks.check_deletion(force=True, instances=2, leaving=0)
    checks.check_deletion(force=False, instances=0, leaving=0)
    with pytest.raises(Refused) as there:
        checks.check_deletion(force=False, instances=2, leaving=1)
    with pytest.raises(Refused) as leaving:
        checks.check_deletion(force=False, instances=2, leaving=2)
    assert (there.value.code, leaving.value.code) == ("ResourceInUse", "ScalingActivityInProgress")


def test_a_name_is_given_once_and_an_unknown_one_is_refused() -> None:
    with pytest.raises(Refused) as twice:
        checks.check_name_is_free("web", {"web"})
    assert twice.value.code == "AlreadyExists"
    with pytest.raises(Refused, match="name not found"):
        checks.check_name_is_known("web", set())


def test_an_unknown_target_group_or_process_is_refused() -> None:
    with pytest.raises(Refused, match="Provided Target Groups may not be valid"):
        checks.check_target_groups(["arn:b"], {"arn:a"})
    with pytest.raises(Refused, match="Lunch"):
        checks.check_processes(["Lunch"], {"Launch"})
