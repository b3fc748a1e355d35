"""Application Auto Scaling: how an ECS service is scaled by itself, and how that is bound for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from toolkit.aws.session import aws_errors, code_of
from toolkit.errors import AccessDenied

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_ECS: Final = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
_SUSPENDED: Final = {
    "dynamic-scaling-in": "DynamicScalingInSuspended",
    "dynamic-scaling-out": "DynamicScalingOutSuspended",
    "scheduled-scaling": "ScheduledScalingSuspended",
}
SCALES_IN: Final = frozenset({"dynamic-scaling-in", "scheduled-scaling"})
"""What has to be switched off so that nothing scales in."""
_TRIES, _PAUSE_SECONDS = 4, 1.0
_GRANT: Final = (
    "Grant application-autoscaling:DescribeScalableTargets, also where there is no autoscaling: without it nobody sees "
    "whether some would undo what is asked for."
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a service is scaled within.

    suspended: of `dynamic-scaling-in`, `dynamic-scaling-out`, `scheduled-scaling`; sorted.
    """

    minimum: int
    maximum: int
    suspended: tuple[str, ...] = ()


class ScalableTargets:
    """The autoscaling of the services of one ECS cluster. cluster: its name or ARN."""

    def __init__(self, session: Session, cluster: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._session = session
        self._cluster = cluster.rpartition("/")[2]
        self._sleep = sleep

    @property
    def _client(self) -> Any:
        return self._session.client("application-autoscaling")

    def of(self, *services: str) -> Mapping[str, Bounds]:
        """The bounds of each service that has autoscaling.

        Raises:
            AwsError: and its children. A denied call is no "none": what is not seen would undo what a rollout asks for.
        """
        ids = {self._id(service): service for service in services}
        try:
            with aws_errors(f"reading the autoscaling of {' and '.join(services)}"):
                found = self._client.describe_scalable_targets(**_ECS, ResourceIds=list(ids))["ScalableTargets"]
        except AccessDenied as error:
            raise AccessDenied(error.message, hint=_GRANT) from error
        return {ids[target["ResourceId"]]: _bounds(target) for target in found if target["ResourceId"] in ids}

    def bind(self, service: str, minimum: int, suspended: Collection[str] | None = None) -> None:
        """Write the minimum of a service that has autoscaling, and what of it is switched off; None: as it is.

        AWS looks at the service then, and brings it within its bounds at once.
        Source: Application Auto Scaling API reference, RegisterScalableTarget.

        Raises:
            AwsError: and its children.
        """
        from botocore.exceptions import ClientError

        asked: dict[str, Any] = {"ResourceId": self._id(service), "MinCapacity": minimum}
        if suspended is not None:
            asked["SuspendedState"] = {key: word in suspended for word, key in _SUSPENDED.items()}
        with aws_errors(f"binding the autoscaling of {service} to at least {minimum}"):
            for tries_left in reversed(range(_TRIES)):
                try:
                    self._client.register_scalable_target(**_ECS, **asked)
                except ClientError as error:
                    if code_of(error) != "ConcurrentUpdateException" or not tries_left:
                        raise
                    self._sleep(_PAUSE_SECONDS)  # what was asked for before is still being done
                else:
                    return

    def _id(self, service: str) -> str:
        return f"service/{self._cluster}/{service}"


def _bounds(target: Mapping[str, Any]) -> Bounds:
    state = target.get("SuspendedState") or {}
    suspended = tuple(word for word, key in sorted(_SUSPENDED.items()) if state.get(key))
    return Bounds(int(target["MinCapacity"]), int(target["MaxCapacity"]), suspended)
