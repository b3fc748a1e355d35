"""From moto's objects to the scheduler's values."""

from collections.abc import Mapping
from typing import Any, Final

from toolkit.lab.compute.ecs.documents import Frame
from toolkit.lab.compute.ecs.model import Attachment, Breaker, Container, Definition, Task, Threshold, Wish
from toolkit.lab.fidelity.ecs_services import settings_of

COLORS: Final = ("blue", "green")
_NO_COLOR: Final = "none"


def is_scheduled(service: Any) -> bool:
    """Whether the lab plays it: a rolling service of replicas. Other controllers and daemons are moto's alone."""
    controller = (service.deployment_controller or {}).get("type", "ECS")
    return controller == "ECS" and service.scheduling_strategy == "REPLICA" and service.task_definition is not None


def wish_of(service: Any) -> Wish:
    """What a service of moto's asks for."""
    kept = settings_of(service)
    rolling: Mapping[str, Any] = kept.get("deploymentConfiguration") or {}
    attachments = tuple(
        Attachment(entry["targetGroupArn"], entry["containerName"], int(entry["containerPort"]))
        for entry in service.load_balancers
        if entry.get("targetGroupArn")
    )
    return Wish(
        name=service.name,
        desired=int(service.desired_count),
        attachments=attachments,
        subnets=tuple((service.network_configuration or {}).get("awsvpcConfiguration", {}).get("subnets", ())),
        minimum_percent=int(rolling.get("minimumHealthyPercent", 100)),
        maximum_percent=int(rolling.get("maximumPercent", 200)),
        breaker=_breaker(rolling.get("deploymentCircuitBreaker") or {}),
        grace=float(kept.get("healthCheckGracePeriodSeconds") or 0),
    )


def _breaker(kept: Mapping[str, Any]) -> Breaker | None:
    if not kept.get("enable"):
        return None
    threshold: Mapping[str, Any] = kept.get("thresholdConfiguration") or {}
    return Breaker(
        rollback=bool(kept.get("rollback")),
        threshold=Threshold(threshold.get("type") or Threshold.BOUNDED_PERCENT),
        value=int(threshold.get("value") or 50),
        resets=bool(kept.get("resetOnHealthyTask", True)),
    )


def definition_of(found: Any) -> Definition:
    """A task definition of moto's."""
    return Definition(
        arn=found.arn,
        containers=tuple(_container(one) for one in found.container_definitions),
        network_mode=found.network_mode or "bridge",
        cpu=str(found.cpu or ""),
        memory=str(found.memory or ""),
    )


def _container(found: Mapping[str, Any]) -> Container:
    environment = {one["name"]: one["value"] for one in found.get("environment") or ()}
    return Container(
        name=found["name"],
        image=found["image"],
        essential=bool(found.get("essential", True)),
        ports=tuple(int(mapping["containerPort"]) for mapping in found.get("portMappings") or ()),
        color=environment.get("COLOR", ""),
        found_sick=_found_sick(found.get("healthCheck")),
    )


def _found_sick(check: Mapping[str, Any] | None) -> float | None:
    """Seconds until a container that is sick from the start is found so. Source: API_HealthCheck, for the defaults."""
    if not check:
        return None
    return float(check.get("startPeriod") or 0) + float(check.get("interval", 30)) * int(check.get("retries", 3))


def frame_of(service: Any, backend: Any, zones: tuple[tuple[str, str], ...]) -> Frame:
    """What the tasks of a service share."""
    kept = settings_of(service)
    strategy = kept.get("capacityProviderStrategy") or []
    return Frame(
        account=backend.account_id,
        region=backend.region_name,
        cluster=service.cluster_name,
        service=service.name,
        launch_type=service.launch_type,
        capacity_provider=strategy[0]["capacityProvider"] if strategy else None,
        network=kept.get("networkConfiguration"),
        zones=zones,
    )


def color_of(task: Task, service: str) -> str:
    """What a task answers as X-Color: by the names of its target groups and its service, or its environment."""
    groups = [arn.rpartition(":targetgroup/")[2].partition("/")[0] for arn, _ in task.targets]
    for name in (*groups, service):
        for color in COLORS:
            if name == color or name.endswith(f"-{color}"):
                return color
    return task.played.color or _NO_COLOR
