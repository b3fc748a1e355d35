"""An Auto Scaling group on moto in this process, with processes and health checks that do as they are told."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from toolkit.lab.app.site import Site
from toolkit.lab.compute.asg import AsgController
from toolkit.lab.compute.images import Behaviour
from toolkit.lab.compute.pool import Exited, Pool, Running, Starting, State
from toolkit.lab.compute.surroundings import Surroundings
from toolkit.lab.fidelity import Fidelity, Health, HealthSource
from toolkit.lab.fidelity.health import Address

REGION = "eu-central-1"
NAME = "web-blue"
NOON = 1_767_355_200.0  # 2026-01-02T12:00:00Z


class FakePool:
    """Processes that listen at once, unless told otherwise."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.sites: dict[str, Site] = {}
        self.listening: list[tuple[str, int]] = []
        self.stopped: list[str] = []
        self.first: State = Running(1)

    def start(self, key: str, site: Site, behaviour: Behaviour, *more: Site) -> None:
        self.states[key] = Exited(1, listened=False, said="") if behaviour.crashes else self.first
        self.sites[key] = site
        self.listening.extend((key, one.port) for one in (site, *more))

    def state(self, key: str) -> State | None:
        return self.states.get(key)

    def stop(self, key: str, after: float = 0.0) -> None:
        self.stopped.append(key)
        self.states[key] = Exited(0, listened=True, said="")

    def forget(self, key: str) -> None:
        self.states.pop(key, None)


class Checks(HealthSource):
    """The load balancer's health checks: everybody is healthy who is not named."""

    def __init__(self) -> None:
        self.unhealthy: set[str] = set()
        self.registered: Mapping[str, list[Address]] = {}

    def health(self, target_group_arn: str) -> Mapping[Address, Health]:
        return _States(self.unhealthy)


class _States(dict[Address, Health]):
    def __init__(self, unhealthy: set[str]) -> None:
        super().__init__()
        self._unhealthy = unhealthy

    def get(self, key: Address, default: Any = None) -> Health:
        return Health("unhealthy" if key[0] in self._unhealthy else "healthy")


@functools.cache
def _client(service: str) -> Any:
    """Made once: that takes longer than a test."""
    return boto3.session.Session().client(
        service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


class Rig:
    """The group and what is around it. `now` is the time that the next look or request happens at."""

    def __init__(self, time_scale: float) -> None:
        self.now = NOON
        self.pool = FakePool()
        self.checks = Checks()
        around = Surroundings(cast("Pool", self.pool), self.checks, time_scale)
        self.controller = AsgController(around, clock=lambda: self.now, start=0)
        self.target_group = ""
        self.when_told: list[dict[str, str]] = []

    def __getattr__(self, service: str) -> Any:
        """A client of this AWS service."""
        return _client(service)

    def balancer_changed(self, region: str) -> None:
        """Note which instances EC2 has in which state when the load balancer is told of a change."""
        instances = ec2_backends[DEFAULT_ACCOUNT_ID][region].all_instances()
        self.when_told.append({one.id: str(one.state) for one in instances})

    def image(self, name: str) -> str:
        return str(self.ec2.register_image(Name=name)["ImageId"])

    def template(self, image: str) -> None:
        self.ec2.create_launch_template(
            LaunchTemplateName=NAME, LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"}
        )

    def new_version(self, image: str) -> None:
        self.ec2.create_launch_template_version(
            LaunchTemplateName=NAME, SourceVersion="$Latest", LaunchTemplateData={"ImageId": image}
        )

    def make_target_group(self, port: int = 18080) -> str:
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        made = self.elbv2.create_target_group(Name=NAME, Protocol="HTTP", Port=port, VpcId=vpc)
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        subnets = [subnet["SubnetId"] for subnet in self.ec2.describe_subnets()["Subnets"]][:2]
        balancer = self.elbv2.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        self.elbv2.create_listener(
            LoadBalancerArn=balancer,
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        self.elbv2.modify_target_group_attributes(
            TargetGroupArn=arn, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "60"}]
        )
        return arn

    def make(self, *, image: str = "web-1.4.2", version: str = "$Latest", **changed: Any) -> None:
        """A launch template of that AMI's name, a target group, and the group: two instances in two zones."""
        self.template(self.image(image))
        self.target_group = self.make_target_group()
        subnets = [subnet["SubnetId"] for subnet in self.ec2.describe_subnets()["Subnets"]][:2]
        wanted = {
            "AutoScalingGroupName": NAME,
            "MinSize": 1,
            "MaxSize": 4,
            "DesiredCapacity": 2,
            "LaunchTemplate": {"LaunchTemplateName": NAME, "Version": version},
            "VPCZoneIdentifier": ",".join(subnets),
            "TargetGroupARNs": [self.target_group],
            "HealthCheckType": "ELB",
            "HealthCheckGracePeriod": 30,
        }
        self.autoscaling.create_auto_scaling_group(**wanted | changed)

    def update(self, **changes: Any) -> None:
        self.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, **changes)

    def after(self, seconds: float) -> None:
        """Look again when so many seconds have passed."""
        self.now += seconds
        self.controller.tick(self.now)

    def group(self) -> dict[str, Any]:
        found: dict[str, Any] = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])[
            "AutoScalingGroups"
        ][0]
        return found

    def states(self) -> list[str]:
        return [one["LifecycleState"] for one in self.group()["Instances"]]

    def ids(self) -> list[str]:
        return [one["InstanceId"] for one in self.group()["Instances"]]

    def versions(self) -> list[str]:
        return [one["LaunchTemplate"]["Version"] for one in self.group()["Instances"]]

    def targets(self) -> set[str]:
        told = self.elbv2.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        return {one["Target"]["Id"] for one in told}

    def activities(self) -> list[dict[str, Any]]:
        answer = self.autoscaling.describe_scaling_activities(AutoScalingGroupName=NAME)
        found: list[dict[str, Any]] = answer["Activities"]
        return found


@contextmanager
def rigged(time_scale: float = 1.0) -> Iterator[Rig]:
    """A fresh world with the patches in force."""
    with mock_aws():
        rig = Rig(time_scale)
        with Fidelity(health=None, on_change=rig.balancer_changed), rig.controller.fidelity:
            yield rig


__all__ = ["NAME", "NOON", "REGION", "Rig", "Starting", "rigged"]
