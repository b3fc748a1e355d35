"""Application Auto Scaling over ECS services: who may set the desired count to what. Pure.

Source: Application Auto Scaling API reference (ScalableTarget, SuspendedState), ECS developer guide (service auto
scaling): a minimum above the desired count raises it at once, a maximum below lowers it; a desired count that somebody
sets by hand beyond the bounds stays.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a scalable target allows."""

    minimum: int
    maximum: int
    scale_in_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Scaled:
    """The desired count from now on, and why it is this."""

    desired: int
    because: str


def registered(desired: int, bounds: Bounds) -> Scaled:
    """What RegisterScalableTarget makes of a service's desired count."""
    if desired < bounds.minimum:
        return Scaled(bounds.minimum, f"minimum capacity was set to {bounds.minimum}")
    if desired > bounds.maximum:
        return Scaled(bounds.maximum, f"maximum capacity was set to {bounds.maximum}")
    return Scaled(desired, "the desired count is within the bounds")


def scaled_in(desired: int, to: int, bounds: Bounds) -> Scaled:
    """What a scaling policy can do that wants only `to` tasks."""
    if bounds.scale_in_suspended:
        return Scaled(desired, "scale-in is suspended")
    lowest = max(to, bounds.minimum)
    if lowest >= desired:
        return Scaled(desired, f"the minimum capacity is {bounds.minimum}" if to < desired else "it has no more tasks")
    return Scaled(lowest, f"the autoscaler wants {to} and the minimum capacity is {bounds.minimum}")
