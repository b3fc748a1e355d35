"""What a service was asked to be: moto drops much of it, DescribeServices tells all of it.

Source: Amazon ECS API reference, CreateService, UpdateService, Service.
"""

from collections.abc import Mapping
from typing import Any, Final

from moto.core.utils import utcnow

Json = dict[str, Any]

# As the request has them and the answer too. moto keeps some of these on its own object as well.
_KEPT: Final = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "loadBalancers",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "serviceRegistries",
)
# Changing one of these starts a deployment; scaling does not. Source: developer guide, rolling updates.
_REDEPLOYING: Final = frozenset(_KEPT) - {
    "availabilityZoneRebalancing",
    "deploymentConfiguration",
    "healthCheckGracePeriodSeconds",
}
_ROLLING: Final[Json] = {
    "strategy": "ROLLING",
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
}


def settings_of(service: Any) -> Json:
    """What is kept of one of moto's services; empty for one that came another way than through the API."""
    kept: Json = service.__dict__.setdefault("kept_settings", {})
    return kept


def rolling_of(service: Any | None, request: Mapping[str, Any]) -> Json:
    """The `deploymentConfiguration` that a service has once it was given what a request says of it."""
    kept = {} if service is None else settings_of(service)
    return _merged(kept.get("deploymentConfiguration") or _ROLLING, request.get("deploymentConfiguration"))


def keep_new(service: Any, request: Mapping[str, Any]) -> None:
    """Keep what CreateService was given, with the defaults that AWS gives the rest."""
    service.kept_settings = {
        "createdAt": utcnow(),
        "capacityProviderStrategy": [],
        "enableECSManagedTags": False,
        "enableExecuteCommand": False,
        "loadBalancers": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "propagateTags": "NONE",
        "serviceRegistries": [],
    } | {key: request[key] for key in _KEPT if request.get(key) is not None}
    kept = service.kept_settings
    kept["deploymentConfiguration"] = rolling_of(None, request)
    kept.setdefault("availabilityZoneRebalancing", _rebalancing(service, kept["deploymentConfiguration"]))
    if kept["loadBalancers"]:
        kept.setdefault("healthCheckGracePeriodSeconds", 0)
    if kept["capacityProviderStrategy"]:
        service.launch_type = None
    elif service.launch_type == "FARGATE":
        kept.setdefault("platformVersion", "LATEST")
    _publish(service)


def keep_changes(service: Any, request: Mapping[str, Any]) -> bool:
    """Keep what UpdateService was given and leave the rest; True if it takes a deployment to get there."""
    kept = settings_of(service)
    redeploy = bool(request.get("forceNewDeployment"))
    for key in _KEPT:
        if (value := request.get(key)) is None:
            continue
        if key == "deploymentConfiguration":
            value = rolling_of(service, request)
        redeploy = redeploy or (key in _REDEPLOYING and value != kept.get(key))
        kept[key] = value
    if request.get("desiredCount") is not None:
        service.desired_count = int(request["desiredCount"])
    if kept.get("capacityProviderStrategy"):
        service.launch_type = None
    _publish(service)
    return redeploy


def _publish(service: Any) -> None:
    """Let moto's own object tell the same, for what else reads it."""
    kept = settings_of(service)
    service.load_balancers = kept.get("loadBalancers") or []
    service.network_configuration = kept.get("networkConfiguration") or {}


def _rebalancing(service: Any, rolling: Mapping[str, Any]) -> str:
    """On unless it does not fit the service. Source: API_CreateService, since September 2025."""
    fits = service.scheduling_strategy == "REPLICA" and int(rolling["maximumPercent"]) > 100  # noqa: PLR2004
    return "ENABLED" if fits else "DISABLED"


def _merged(before: Mapping[str, Any], given: Mapping[str, Any] | None) -> Json:
    return {**before, **{key: value for key, value in (given or {}).items() if value is not None}}


def document(service: Any, state: Mapping[str, Any], *, with_tags: bool) -> Json:
    """One service as the API tells of it; `state` is what its scheduler adds."""
    told: Json = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster_arn,
        "status": service.status,
        "desiredCount": service.desired_count,
        "taskDefinition": service.task_definition,
        "schedulingStrategy": service.scheduling_strategy,
        "deploymentController": service.deployment_controller,
        "launchType": service.launch_type,
        "roleArn": service.role_arn,
    }
    told |= {key: value for key, value in settings_of(service).items() if value not in ({}, None)}
    network = (told.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network is not None:
        told["networkConfiguration"] = {"awsvpcConfiguration": {"assignPublicIp": "DISABLED", **network}}
    if with_tags:
        told["tags"] = service.tags
    return told | dict(state)
