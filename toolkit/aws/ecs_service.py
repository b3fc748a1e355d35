"""An ECS service as AWS describes it, in values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from toolkit.aws.task_definitions import family_of, revision_of


@dataclass(frozen=True, slots=True)
class Deployment:
    """One of a service's deployments. state: IN_PROGRESS, COMPLETED or FAILED; reason: AWS's, of the state."""

    revision: str
    running: int
    state: str
    reason: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    deployments: the one that is wanted (PRIMARY) first. ports: container and its port, of each target group.
    controller: ECS, CODE_DEPLOY or EXTERNAL. strategy: ROLLING, BLUE_GREEN, LINEAR or CANARY. minimum_percent,
    maximum_percent: of the desired count, what stays healthy and what runs during a deployment. gives_up: whether ECS
    ends a deployment that fails; goes_back: whether it puts the release before back then. events: AWS's, in its order.
    """

    name: str
    desired: int
    running: int
    revision: str
    deployments: tuple[Deployment, ...]
    ports: tuple[tuple[str, int], ...]
    controller: str
    strategy: str
    minimum_percent: int
    maximum_percent: int
    gives_up: bool
    goes_back: bool
    events: tuple[tuple[datetime, str], ...]

    @property
    def family(self) -> str:
        return family_of(self.revision)


def service_of(told: Mapping[str, Any]) -> Service:
    """Of one of the services that DescribeServices answers with."""
    # Source: ECS API reference, Deployment: PRIMARY is the most recent one, ACTIVE one that it replaces.
    ordered = sorted(told.get("deployments", ()), key=lambda each: each.get("status") != "PRIMARY")
    deployments = tuple(map(_deployment, ordered))
    configuration = told.get("deploymentConfiguration", {})
    # A deployment also fails where an alarm goes off. Source: ECS API reference, DeploymentAlarms.
    watches = [configuration.get(name) or {} for name in ("deploymentCircuitBreaker", "alarms")]
    return Service(
        name=str(told["serviceName"]),
        desired=int(told["desiredCount"]),
        running=int(told["runningCount"]),
        revision=deployments[0].revision if deployments else revision_of(str(told.get("taskDefinition", ""))),
        deployments=deployments,
        ports=tuple(
            (str(balancer["containerName"]), int(balancer["containerPort"]))
            for balancer in told.get("loadBalancers", ())
            if "containerName" in balancer and "containerPort" in balancer
        ),
        controller=str(told.get("deploymentController", {}).get("type", "ECS")),
        strategy=str(configuration.get("strategy", "ROLLING")),
        minimum_percent=int(configuration.get("minimumHealthyPercent", 100)),
        maximum_percent=int(configuration.get("maximumPercent", 200)),
        gives_up=any(each.get("enable") for each in watches),
        goes_back=any(each.get("enable") and each.get("rollback") for each in watches),
        events=tuple((event["createdAt"], str(event["message"])) for event in told.get("events", ())),
    )


def _deployment(told: Mapping[str, Any]) -> Deployment:
    return Deployment(
        revision=revision_of(str(told["taskDefinition"])),
        running=int(told["runningCount"]),
        state=str(told.get("rolloutState", "")),
        reason=str(told.get("rolloutStateReason", "")),
        created=told["createdAt"],
    )
