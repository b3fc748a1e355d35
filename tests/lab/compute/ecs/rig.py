"""ECS services on moto in this process, with processes and health checks that do as they are told."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import boto3
from moto import mock_aws

from toolkit.lab.app import Site
from toolkit.lab.compute.ecs import EcsController
from toolkit.lab.compute.images import Behaviour
from toolkit.lab.compute.pool import Exited, Pool, Running, State
from toolkit.lab.compute.surroundings import Surroundings
from toolkit.lab.fidelity import Fidelity, Health, HealthSource
from toolkit.lab.fidelity.ecs import EcsFidelity
from toolkit.lab.fidelity.ecs_scaling import ScalingFidelity
from toolkit.lab.fidelity.health import Address

REGION = "eu-central-1"


@functools.cache
def client(service: str) -> Any:
    """One for all tests: making a client costs more than a test does."""
    return boto3.client(service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


class FakePool:
    """Processes that listen at once and end at once."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.sites: dict[str, tuple[Site, ...]] = {}

    def start(self, key: str, site: Site, behaviour: Behaviour, *more: Site) -> None:
        self.states[key] = Exited(1, listened=False, said="") if behaviour.crashes else Running(1)
        self.sites[key] = (site, *more)

    def state(self, key: str) -> State | None:
        return self.states.get(key)

    def stop(self, key: str, after: float = 0.0) -> None:
        self.states[key] = Exited(0, listened=True, said="")

    def forget(self, key: str) -> None:
        self.states.pop(key, None)


class AllHealthy(HealthSource):
    """A load balancer that finds everybody healthy."""

    def health(self, target_group_arn: str) -> Mapping[Address, Health]:
        return _Always()


class _Always(dict[Address, Health]):
    def get(self, _key: object, _default: object = None) -> Health:
        return Health("healthy")


class Rig:
    """A cluster `c`, a load balancer that uses the target groups `web-blue` and `web-green`, and one `idle` group."""

    def __init__(self, controller: EcsController, pool: FakePool) -> None:
        self.controller, self.pool = controller, pool
        self.ecs, self.elbv2, self.scaling, self.ec2 = map(client, ("ecs", "elbv2", "application-autoscaling", "ec2"))
        self.now = 1_767_355_200.0
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnets = [one["SubnetId"] for one in self.ec2.describe_subnets()["Subnets"]][:2]
        balancer = self.elbv2.create_load_balancer(Name="web", Subnets=self.subnets)["LoadBalancers"][0]
        self.groups = {
            name: self.elbv2.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")[
                "TargetGroups"
            ][0]["TargetGroupArn"]
            for name in ("web-blue", "web-green", "idle")
        }
        forward = {"TargetGroups": [{"TargetGroupArn": self.groups[n], "Weight": 1} for n in ("web-blue", "web-green")]}
        self.elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "ForwardConfig": forward}],
        )
        self.ecs.create_cluster(clusterName="c")

    def registered(self, tag: str = "1.4.2", port: int = 8080, **more: Any) -> str:
        """A task definition's ARN."""
        container = {"name": "web", "image": f"registry.example/web:{tag}", "portMappings": [{"containerPort": port}]}
        answer = self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[container | more],
        )  # fmt: skip
        arn: str = answer["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create(self, name: str = "web-blue", **more: Any) -> dict[str, Any]:
        group = self.groups[name if name in self.groups else "web-blue"]
        asked: dict[str, Any] = {
            "cluster": "c",
            "serviceName": name,
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": self.subnets}},
            "loadBalancers": [{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}],
        }
        asked |= more
        if "taskDefinition" not in asked:
            asked["taskDefinition"] = self.registered()
        service: dict[str, Any] = self.ecs.create_service(**asked)["service"]
        return service

    def service(self, name: str = "web-blue", **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_services(cluster="c", services=[name], **more)["services"][0]
        return found

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(cluster="c", serviceName="web-blue", desiredStatus=status)["taskArns"]
        if not arns:
            return []
        found: list[dict[str, Any]] = self.ecs.describe_tasks(cluster="c", tasks=arns)["tasks"]
        return found

    def targets(self, name: str = "web-blue") -> set[str]:
        answer = self.elbv2.describe_target_health(TargetGroupArn=self.groups[name])
        return {one["Target"]["Id"] for one in answer["TargetHealthDescriptions"]}

    def tick(self, count: int = 8, seconds: float = 0.25) -> None:
        for _ in range(count):
            self.now += seconds
            self.controller.tick(self.now)

    def scalable(self, **more: Any) -> None:
        self.scaling.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId="service/c/web-blue",
            ScalableDimension="ecs:service:DesiredCount",
            **more,
        )


@contextmanager
def rig(changed: Callable[[str], None] = lambda _region: None) -> Iterator[Rig]:
    """One on a fresh moto; `changed` hears of each change of the load balancers, as the data plane does."""
    pool = FakePool()
    with mock_aws():
        controller = EcsController(Surroundings(cast("Pool", pool), AllHealthy(), time_scale=0.0))
        with Fidelity(health=None, on_change=changed), EcsFidelity(controller), ScalingFidelity(controller):
            yield Rig(controller, pool)
