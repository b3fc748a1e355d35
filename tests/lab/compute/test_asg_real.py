"""Auto Scaling groups of a real lab: real processes behind its load balancer."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.lab.world import client, wait_until
from toolkit.lab.handle import Lab

PORT = 18_090
PATIENCE = 60.0


@dataclass
class Fleet:
    """A group of two instances with all that is in front of it."""

    lab: Lab
    name: str

    def __post_init__(self) -> None:
        services = ("ec2", "elbv2", "autoscaling")
        self.ec2, self.elbv2, self.autoscaling = (client(service, self.lab.endpoint_url) for service in services)

    def make(self, minimum: int = 0) -> None:
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [subnet["SubnetId"] for subnet in self.ec2.describe_subnets()["Subnets"]][:2]
        balancer = self.elbv2.create_load_balancer(Name=self.name, Subnets=subnets)["LoadBalancers"][0]
        wanted = {"Protocol": "HTTP", "Port": PORT, "VpcId": vpc, "HealthCheckPath": "/healthz"}
        checks = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "HealthyThresholdCount": 2}
        self.group = self.elbv2.create_target_group(Name=self.name, **wanted, **checks)["TargetGroups"][0][
            "TargetGroupArn"
        ]
        delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "10"}
        self.elbv2.modify_target_group_attributes(TargetGroupArn=self.group, Attributes=[delay])
        self.listener = self.elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Port=80,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )["Listeners"][0]["ListenerArn"]
        self.ec2.create_launch_template(
            LaunchTemplateName=self.name, LaunchTemplateData={"ImageId": self.image("web-1.4.2")}
        )
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            MinSize=minimum,
            MaxSize=4,
            DesiredCapacity=2,
            LaunchTemplate={"LaunchTemplateName": self.name, "Version": "$Latest"},
            VPCZoneIdentifier=",".join(subnets),
            TargetGroupARNs=[self.group],
            HealthCheckType="ELB",
            HealthCheckGracePeriod=10,
        )

    def image(self, name: str) -> str:
        return str(self.ec2.register_image(Name=name)["ImageId"])

    def scale(self, desired: int) -> None:
        self.autoscaling.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=desired)

    def healthy(self) -> set[str]:
        told = self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return {one["Target"]["Id"] for one in told if one["TargetHealth"]["State"] == "healthy"}

    def instances(self) -> set[str]:
        found = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"]
        return {one["InstanceId"] for one in found[0]["Instances"]}

    def activities(self) -> list[dict[str, Any]]:
        answer = self.autoscaling.describe_scaling_activities(AutoScalingGroupName=self.name)
        found: list[dict[str, Any]] = answer["Activities"]
        return found

    def answer(self) -> dict[str, str]:
        """The headers of one answer through the load balancer."""
        place = urlsplit(self.lab.listeners()[self.listener])
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
        try:
            connection.request("GET", "/")
            return {key.lower(): value for key, value in connection.getresponse().getheaders()}
        finally:
            connection.close()

    def pids(self) -> dict[str, int]:
        """The processes behind the instances of this group, by instance."""
        written = {one["what"].rpartition(" ")[2]: one["pid"] for one in self.lab.status()["children"]}
        return {name: pid for name, pid in written.items() if name in self.instances()}


def scale_in(lab: Lab, group: str, to: int) -> dict[str, Any]:
    """Play an autoscaler through the lab's door."""
    place = urlsplit(lab.door_url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
    try:
        asked = {"region": lab.region, "group": group, "to": to}
        connection.request("POST", "/_lab/compute/scale-in-group", json.dumps(asked))
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def test_a_group_answers_replaces_who_dies_and_goes_when_it_is_told(shared: Lab) -> None:
    fleet = Fleet(shared, "fleet-green")
    fleet.make()
    wait_until(lambda: len(fleet.healthy()) == 2, PATIENCE)
    answer = fleet.answer()
    assert (answer["x-version"], answer["x-color"]) == ("1.4.2", "green")
    assert answer["x-target"].startswith("127.")

    dying, pid = next(iter(fleet.pids().items()))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: dying not in fleet.instances() and len(fleet.healthy()) == 2, PATIENCE)
    assert any("ELB system health check failure" in one["Cause"] for one in fleet.activities())

    left = fleet.pids().values()
    fleet.scale(0)
    wait_until(lambda: not fleet.instances() and not any(map(psutil.pid_exists, left)), PATIENCE)
    assert fleet.healthy() == set()


def test_a_release_that_cannot_start_leaves_those_that_serve(shared: Lab) -> None:
    fleet = Fleet(shared, "stubborn-blue")
    fleet.make(minimum=2)
    wait_until(lambda: len(fleet.healthy()) == 2, PATIENCE)
    before = fleet.instances()
    assert scale_in(shared, fleet.name, 1)["desired_capacity"] == 2
    missing = fleet.image("web-1.4.3-missing")
    fleet.ec2.create_launch_template_version(
        LaunchTemplateName=fleet.name, SourceVersion="$Latest", LaunchTemplateData={"ImageId": missing}
    )
    fleet.scale(3)
    failed = fleet.activities()[0]
    assert failed["StatusMessage"] == f"The image id '[{missing}]' does not exist. Launching EC2 instance failed."
    assert fleet.instances() == before
    fleet.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=fleet.name, ForceDelete=True)
    assert fleet.healthy() == set()


@pytest.mark.slow
def test_the_end_of_the_lab_is_the_end_of_every_instance(start: Callable[..., Lab]) -> None:
    lab = start(name="ending", time_scale=0.05)
    fleet = Fleet(lab, "ending-blue")
    fleet.make()
    wait_until(lambda: len(fleet.healthy()) == 2, PATIENCE)
    pids = list(fleet.pids().values())
    assert len(pids) == 2
    lab.stop()
    assert not any(map(psutil.pid_exists, pids))
