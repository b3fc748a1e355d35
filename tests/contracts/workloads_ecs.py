"""ECS services of the lab for the contract suite: a pair whose tasks are real processes, with autoscaling."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from tests.contracts.workloads import COUNTS, GONE, MAXIMUM, NAMES, Case, session_in
from tests.support.provision import client
from toolkit.aws.ecs_workload import EcsWorkload
from toolkit.aws.session import Session
from toolkit.contract import EcsPair
from toolkit.rollout.workload import Change

if TYPE_CHECKING:
    import pytest

CLUSTER = "bluegreen-web"
IMAGE, OTHER_IMAGE = "registry.example/web:1.0.0", "registry.example/web:1.1.0"
APP: dict[str, Any] = {
    "name": "app",
    "image": IMAGE,
    "essential": True,
    "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
    "environment": [{"name": "MODE", "value": "production"}],
}
TASK: dict[str, Any] = {
    "family": "web",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "containerDefinitions": [APP],
}


def ecs(request: pytest.FixtureRequest) -> Case:
    session = session_in(request)
    a_pair_of_services(session, request)
    return Case(
        workload=EcsWorkload(session, EcsPair(CLUSTER, NAMES)),
        gone=EcsWorkload(session, EcsPair(CLUSTER, GONE)),
        change=Change(image=OTHER_IMAGE),
        image=OTHER_IMAGE,
        alien=Change(ami="ami-12c6146b"),
        missing=Change(task_definition="web:99"),
    )


def a_pair_of_services(session: Session, request: pytest.FixtureRequest) -> None:
    """A cluster with both services; all of it goes with the test."""
    endpoint = str(session.settings.endpoint_url)
    api, scaling, network = (client(endpoint, name) for name in ("ecs", "application-autoscaling", "ec2"))
    api.create_cluster(clusterName=CLUSTER)

    def remove() -> None:
        # Its services are gone by then and their tasks about to be; an empty cluster is in nobody's way.
        with contextlib.suppress(api.exceptions.ClusterContainsTasksException):
            api.delete_cluster(cluster=CLUSTER)

    request.addfinalizer(remove)
    api.register_task_definition(**TASK)
    subnets = [subnet["SubnetId"] for subnet in network.describe_subnets()["Subnets"]][:1]
    for color, name in NAMES.items():
        api.create_service(
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition="web",
            desiredCount=COUNTS[color],
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": []}},
        )
        request.addfinalizer(functools.partial(api.delete_service, cluster=CLUSTER, service=name, force=True))
        target = {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": f"service/{CLUSTER}/{name}",
        }
        scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=MAXIMUM)
        request.addfinalizer(functools.partial(scaling.deregister_scalable_target, **target))
