"""The seam with moto's Application Auto Scaling: bounds that act on ECS services, as on AWS.

Source: Application Auto Scaling API reference, RegisterScalableTarget.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, Protocol

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

from toolkit.lab.fidelity.checks import Refused
from toolkit.lab.fidelity.ecs_checks import check_capacities
from toolkit.lab.fidelity.ecs_scaling_tags import OPERATIONS, tagging
from toolkit.lab.fidelity.patches import Patches

ECS_DIMENSION: Final = "ecs:service:DesiredCount"
_SWITCHES: Final = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_ROLE: Final = (
    "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
)


class Scaler(Protocol):
    """Who moves the desired count of services."""

    def bounded(self, target: Any) -> None:
        """A scalable target of moto's is new or has other bounds."""
        ...


class ScalingFidelity(Patches):
    """The patches, in force from `install` to `uninstall`; one at a time, since moto's classes are global."""

    def __init__(self, scaler: Scaler) -> None:
        super().__init__()
        self._scaler = scaler

    def _patch(self) -> None:
        backend, response = ApplicationAutoscalingBackend, ApplicationAutoScalingResponse
        self._replace(backend, "register_scalable_target", self._registering(backend.register_scalable_target))
        self._replace(response, "register_scalable_target", tagging(response.register_scalable_target))
        for name, operation in OPERATIONS.items():
            self._give(response, name, operation)

    def _registering(self, original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)

        @wraps(original)
        def register_scalable_target(*args: Any, **kwargs: Any) -> Any:
            asked = signature.bind(*args, **kwargs).arguments
            if asked["dimension"] != ECS_DIMENSION:
                return original(*args, **kwargs)
            there = asked["self"].targets.get(ECS_DIMENSION, {}).get(asked["r_id"])
            _check(asked, there)
            before = {} if there is None else there.suspended_state
            target = original(*args, **kwargs)
            target.suspended_state = dict.fromkeys(_SWITCHES, False) | before | (asked["suspended_state"] or {})
            target.role_arn = target.role_arn or f"arn:aws:iam::{asked['self'].account_id}:{_ROLE}"
            self._scaler.bounded(target)
            return target

        return register_scalable_target


def _check(asked: dict[str, Any], there: Any) -> None:
    """Refuse bounds that exclude each other, together with those that stay."""
    minimum = asked["min_capacity"] if asked["min_capacity"] is not None or there is None else there.min_capacity
    maximum = asked["max_capacity"] if asked["max_capacity"] is not None or there is None else there.max_capacity
    try:
        check_capacities(minimum, maximum)
    except Refused as refused:
        raise AWSValidationException(refused.message) from None
