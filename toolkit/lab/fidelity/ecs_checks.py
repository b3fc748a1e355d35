"""What ECS refuses and moto takes, as decisions over plain data.

Codes and messages are AWS's where someone has published them (API reference, re:Post, issues of
terraform-provider-aws); those marked "our words" carry AWS's code only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from toolkit.lab.fidelity.checks import Refused

_INVALID: Final = "InvalidParameterException"
_CLIENT: Final = "ClientException"


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """What the checks need of a target group."""

    target_type: str
    has_load_balancer: bool


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """What the checks need of a task definition: container -> the ports it names."""

    status: str
    network_mode: str
    containers: Mapping[str, frozenset[int]]
    launch_types: frozenset[str]


def check_task_definition(found: TaskDefinition | None) -> TaskDefinition:
    """Refuse an unknown or inactive task definition."""
    if found is None:
        raise Refused(_CLIENT, "TaskDefinition not found.")
    if found.status != "ACTIVE":
        raise Refused(_CLIENT, "TaskDefinition is inactive")
    return found


def check_launch_type(definition: TaskDefinition, launch_type: str | None) -> None:
    """Refuse a task definition that was not registered for this launch type."""
    if launch_type == "FARGATE" and "FARGATE" not in definition.launch_types:
        raise Refused(_INVALID, "Task definition does not support launch_type FARGATE.")


def check_network(definition: TaskDefinition, network: Mapping[str, Any] | None) -> None:
    """Refuse a service whose tasks would have no network."""
    subnets = ((network or {}).get("awsvpcConfiguration") or {}).get("subnets")
    if definition.network_mode == "awsvpc" and not subnets:
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        raise Refused(_INVALID, message)


def check_load_balancers(
    entries: Sequence[Mapping[str, Any]], definition: TaskDefinition, groups: Mapping[str, TargetGroup]
) -> None:
    """Refuse entries of `loadBalancers` that would lead nowhere."""
    for entry in entries:
        container, port = str(entry.get("containerName")), entry.get("containerPort")
        if container not in definition.containers:
            raise Refused(_INVALID, f"The container {container} does not exist in the task definition.")
        if port not in definition.containers[container]:
            raise Refused(_INVALID, f"The container {container} did not have a container port {port} defined.")
        if (arn := entry.get("targetGroupArn")) is not None:
            _check_group(arn, groups.get(arn), definition.network_mode)


def _check_group(arn: str, group: TargetGroup | None, network_mode: str) -> None:
    if group is None:
        raise Refused(_INVALID, f"The target group with targetGroupArn {arn} does not exist.")  # our words
    if not group.has_load_balancer:
        message = f"The target group with targetGroupArn {arn} does not have an associated load balancer."
        raise Refused(_INVALID, message)
    wanted = "ip" if network_mode == "awsvpc" else "instance"
    if group.target_type != wanted:
        message = (
            f"The provided target group {arn} has target type {group.target_type}, which is incompatible with the "
            f"{network_mode} network mode specified in the task definition."
        )
        raise Refused(_INVALID, message)


def check_grace_period(seconds: int | None, load_balancers: Sequence[object]) -> None:
    """Refuse a grace period for health checks that nobody makes."""
    if seconds and not load_balancers:
        message = "Health check grace period is only valid for services configured to use load balancers"
        raise Refused(_INVALID, message)


def check_rolling(minimum_percent: int, maximum_percent: int) -> None:
    """Refuse bounds of a rolling update under which no task could ever be replaced."""
    if minimum_percent == maximum_percent == 100:  # noqa: PLR2004
        message = "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        raise Refused(_INVALID, message)


def check_new_service(status: str | None) -> None:
    """Refuse a name that a service has; `status` is that of the one there is."""
    if status == "ACTIVE":
        raise Refused(_INVALID, "Creation of service was not idempotent.")
    if status == "DRAINING":
        raise Refused(_INVALID, "Unable to Start a service that is still Draining.")


def check_changeable(status: str) -> None:
    """Refuse to change a service that is being deleted or is gone."""
    if status != "ACTIVE":
        raise Refused("ServiceNotActiveException", "Service was not ACTIVE.")


def check_deletable_cluster(services: int, tasks: int) -> None:
    """Refuse to delete a cluster that is in use."""
    if services:
        raise Refused("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
    if tasks:
        raise Refused("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")


def check_capacities(minimum: int | None, maximum: int | None) -> None:
    """Refuse bounds of a scalable target that exclude each other, or that a new one lacks."""
    if minimum is None or maximum is None:
        message = "MinCapacity and MaxCapacity are required to register a new scalable target"  # our words
        raise Refused("ValidationException", message)
    if minimum > maximum:
        message = f"Minimum capacity cannot be greater than maximum capacity: {minimum} > {maximum}"  # our words
        raise Refused("ValidationException", message)
