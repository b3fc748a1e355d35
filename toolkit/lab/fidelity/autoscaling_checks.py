"""What Auto Scaling refuses and moto accepts, and how bounds move the desired capacity. Pure.

Sources: API_UpdateAutoScalingGroup (what MinSize and MaxSize do to the desired capacity); the messages are those AWS
answers with, unless marked as ours.
"""

from collections.abc import Collection
from dataclasses import dataclass

from toolkit.lab.fidelity.checks import Refused

INVALID = "ValidationError"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many instances a group may and shall have."""

    minimum: int
    desired: int
    maximum: int


def created(minimum: int, desired: int | None, maximum: int) -> Bounds:
    """The bounds of a new group, which wants its minimum unless it is told otherwise."""
    return _checked(Bounds(minimum, minimum if desired is None else desired, maximum))


def updated(now: Bounds, *, minimum: int | None, desired: int | None, maximum: int | None) -> Bounds:
    """The bounds after an update: a desired capacity that nobody named follows them, one that was named is checked."""
    least = now.minimum if minimum is None else minimum
    most = now.maximum if maximum is None else maximum
    if desired is None and least <= most:
        desired = min(max(now.desired, least), most)
    return _checked(Bounds(least, now.desired if desired is None else desired, most))


def check_desired(desired: int, bounds: Bounds) -> None:
    """Refuse a desired capacity outside of the bounds."""
    if desired > bounds.maximum:
        message = (
            f"New SetDesiredCapacity value {desired} is above max value {bounds.maximum} for the AutoScalingGroup."
        )
        raise Refused(INVALID, message)
    if desired < bounds.minimum:
        message = (
            f"New SetDesiredCapacity value {desired} is below min value {bounds.minimum} for the AutoScalingGroup."
        )
        raise Refused(INVALID, message)


def check_decrement(bounds: Bounds) -> None:
    """Refuse to shrink a group below its minimum by terminating an instance of it."""
    if bounds.desired <= bounds.minimum:
        message = (
            f"Currently, desiredSize equals minSize ({bounds.minimum}). Terminating instance without replacement will "
            "violate group's min size constraint. Either set shouldDecrement flag to false or lower group's min size."
        )
        raise Refused(INVALID, message)


def check_name_is_free(name: str, names: Collection[str]) -> None:
    """Refuse a second group of a name."""
    if name in names:
        message = f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
        raise Refused("AlreadyExists", message)


def check_name_is_known(name: str, names: Collection[str]) -> None:
    """Refuse what is asked of a group that is not there."""
    if name not in names:
        raise Refused(INVALID, f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")


def check_target_groups(arns: Collection[str], known: Collection[str]) -> None:
    """Refuse target groups that are not there, or whose targets are no instances."""
    if any(arn not in known for arn in arns):
        message = "Provided Target Groups may not be valid. Please ensure they exist and try again."
        raise Refused(INVALID, message)


def check_deletion(*, force: bool, instances: int, leaving: int) -> None:
    """Refuse to delete a group that has instances, unless it is forced. `leaving`: those on their way out."""
    if force or not instances:
        return
    if leaving == instances:
        message = "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group."
        raise Refused("ScalingActivityInProgress", message)
    raise Refused(
        "ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances still in the group."
    )


def check_processes(names: Collection[str], known: Collection[str]) -> None:
    """Refuse names that no scaling process has."""
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"Invalid scaling process name: {unknown[0]}"  # our words
        raise Refused(INVALID, message)


def _checked(bounds: Bounds) -> Bounds:
    if bounds.maximum < bounds.minimum:
        message = f"Max bound, {bounds.maximum}, must be greater than or equal to min bound, {bounds.minimum}"
        raise Refused(INVALID, message)
    if not bounds.minimum <= bounds.desired <= bounds.maximum:
        message = (
            f"Desired capacity:{bounds.desired} must be between the specified min size:{bounds.minimum} "
            f"and max size:{bounds.maximum}"
        )
        raise Refused(INVALID, message)
    return bounds
