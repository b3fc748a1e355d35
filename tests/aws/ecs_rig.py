"""ECS as AWS tells of it, for tests: services, deployments, stopped tasks, task definitions; and a pair on moto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from toolkit.aws.session import Session
from toolkit.aws.task_definitions import TaskDefinition, task_definition
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

REGION, ACCOUNT = "eu-central-1", "123456789012"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
CLUSTER = "prod"
NAMES = {Color.BLUE: "web-blue", Color.GREEN: "web-green"}
BEGAN = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
TASK_ID = "1a2b3c" + "0" * 26


def at(seconds: float) -> datetime:
    """So many seconds after the rollout began."""
    return BEGAN + timedelta(seconds=seconds)


def a_deployment(revision: str = "web:7", running: int = 0, status: str = "PRIMARY", **changed: Any) -> dict[str, Any]:
    return {
        "id": "ecs-svc/1",
        "status": status,
        "taskDefinition": f"{ARN}:task-definition/{revision}",
        "runningCount": running,
        "createdAt": at(1),
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": "ECS deployment ecs-svc/1 in progress.",
        **changed,
    }


def a_service(*deployments: dict[str, Any], desired: int = 2, **changed: Any) -> dict[str, Any]:
    held = list(deployments) or [a_deployment()]
    return {
        "serviceName": "web-green",
        "status": "ACTIVE",
        "desiredCount": desired,
        "runningCount": sum(each["runningCount"] for each in held),
        "deployments": held,
        "events": [],
        "loadBalancers": [{"targetGroupArn": "tg", "containerName": "app", "containerPort": 8080}],
        **changed,
    }


def an_event(seconds: float, message: str) -> dict[str, Any]:
    return {"id": str(seconds), "createdAt": at(seconds), "message": message}


def a_stopped_task(revision: str = "web:7", seconds: float = 5, **changed: Any) -> dict[str, Any]:
    return {
        "taskArn": f"{ARN}:task/prod/{TASK_ID}",
        "taskDefinitionArn": f"{ARN}:task-definition/{revision}",
        "lastStatus": "STOPPED",
        "createdAt": at(seconds - 3),
        "stoppedAt": at(seconds),
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "app", "exitCode": 1}],
        **changed,
    }


def a_container(name: str = "app", image: str = "web:1.0", port: int | None = 8080, **changed: Any) -> dict[str, Any]:
    ports = [] if port is None else [{"containerPort": port}]
    return {"name": name, "image": image, "memory": 64, "essential": True, "portMappings": ports, **changed}


def a_definition(*containers: dict[str, Any], revision: str = "web:7", **changed: Any) -> TaskDefinition:
    family, _, number = revision.partition(":")
    told = {
        "taskDefinitionArn": f"{ARN}:task-definition/{revision}",
        "family": family,
        "revision": int(number),
        "status": "ACTIVE",
        "containerDefinitions": list(containers) or [a_container()],
    }
    return task_definition({"taskDefinition": told | changed})


@contextmanager
def some_session(endpoint_url: str | None = None) -> Iterator[Session]:
    """One for many tests: making its clients takes far longer than what they ask."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        yield Session(AwsSettings(region=REGION, endpoint_url=endpoint_url))


class Pair:
    """Two services of the family `web` in moto, blue asked for 2 and green for 0, neither with autoscaling."""

    def __init__(self, session: Session, *containers: dict[str, Any]) -> None:
        self.api = session.client("ecs")
        self.scaling = session.client("application-autoscaling")
        self.api.create_cluster(clusterName=CLUSTER)
        self.register(*(containers or (a_container(),)))
        self.create(Color.BLUE, "web:1", count=2)
        self.create(Color.GREEN, "web:1")

    def create(self, color: Color, revision: str, count: int = 0) -> None:
        self.api.create_service(cluster=CLUSTER, serviceName=NAMES[color], taskDefinition=revision, desiredCount=count)

    def run(self, color: Color, revision: str) -> None:
        """Let a service run a revision; made anew, since moto's UpdateService leaves its deployment as it was."""
        self.api.delete_service(cluster=CLUSTER, service=NAMES[color], force=True)
        self.create(color, revision)

    def register(self, *containers: dict[str, Any], family: str = "web", **words: Any) -> str:
        made = self.api.register_task_definition(family=family, containerDefinitions=list(containers), **words)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def bind(self, color: Color, **words: Any) -> None:
        """Give a service autoscaling, or change it."""
        self.scaling.register_scalable_target(**self._target(color), **words)

    def bounds(self, color: Color) -> dict[str, Any]:
        target = self._target(color)
        found = self.scaling.describe_scalable_targets(
            ServiceNamespace=target["ServiceNamespace"], ResourceIds=[target["ResourceId"]]
        )
        return dict(found["ScalableTargets"][0])

    def revisions(self) -> list[str]:
        arns = self.api.list_task_definitions()["taskDefinitionArns"]
        return sorted(str(arn).rpartition("/")[2] for arn in arns)

    @staticmethod
    def _target(color: Color) -> dict[str, str]:
        return {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": f"service/{CLUSTER}/{NAMES[color]}",
        }


@contextmanager
def heard(client: Any, event: str, handler: Callable[..., Any]) -> Iterator[None]:
    """A handler on an event of a client's, for a while."""
    client.meta.events.register(event, handler)
    yield
    client.meta.events.unregister(event, handler)


@contextmanager
def on_moto() -> Iterator[None]:
    with mock_aws():
        yield
