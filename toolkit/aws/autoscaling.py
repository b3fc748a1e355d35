"""EC2 Auto Scaling: how many instances stand behind a color."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors
from toolkit.errors import AwsError
from toolkit.rollout.workload import Capacity
from toolkit.traffic import Color

if TYPE_CHECKING:
    from toolkit.aws.session import Session


class AsgWorkload:
    """The Auto Scaling group of each color, scaled by its desired capacity. Its bounds are Terraform's."""

    def __init__(self, session: Session, groups: Mapping[Color, str]) -> None:
        self._session = session
        self._groups = groups

    @property
    def _client(self) -> Any:
        return self._session.client("autoscaling")

    def capacity(self, color: Color) -> Capacity:
        """running: instances in service that the group holds for healthy.

        Raises:
            AwsError: and its children: among others where the group is gone.
        """
        name = self._groups[color]
        with aws_errors(f"reading the Auto Scaling group {name}"):
            found = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        if not found:
            raise AwsError(
                f"Auto Scaling group {name} is gone: AWS knows none of that name",
                hint="Apply the Terraform again, or correct the `workload` that it puts into the contract.",
            )
        group = found[0]
        return Capacity(
            desired=int(group["DesiredCapacity"]),
            running=sum(map(_is_in_service, group.get("Instances", ()))),
            minimum=int(group["MinSize"]),
            maximum=int(group["MaxSize"]),
        )

    def scale(self, color: Color, targets: int) -> None:
        """Ask for so many instances; for its minimum where `targets` is below it, as AWS allows no less.

        Raises:
            AwsError: and its children; `targets` is above the group's maximum, and nothing was written.
        """
        name, bounds = self._groups[color], self.capacity(color)
        if bounds.maximum is not None and targets > bounds.maximum:
            raise AwsError(
                f"Auto Scaling group {name} may hold {bounds.maximum} instances at most, and {targets} are wanted. "
                "Nothing was changed.",
                hint="Raise its max_size in Terraform and apply, or scale to less.",
            )
        wanted = max(targets, bounds.minimum or 0)
        with aws_errors(f"scaling the Auto Scaling group {name} to {wanted}"):
            self._client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=wanted, HonorCooldown=False)


def _is_in_service(instance: Mapping[str, Any]) -> bool:
    return instance["LifecycleState"] == "InService" and instance.get("HealthStatus") == "Healthy"
