"""Auto Scaling groups of the lab for the contract suite: a pair whose instances are real processes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from tests.contracts.workloads import COUNTS, GONE, MAXIMUM, NAMES, Case, session_in
from tests.support.provision import client
from toolkit.aws.autoscaling import AsgWorkload
from toolkit.aws.session import Session
from toolkit.contract import AsgPair
from toolkit.rollout.workload import Change

if TYPE_CHECKING:
    import pytest


def asg(request: pytest.FixtureRequest) -> Case:
    session = session_in(request)
    image = a_pair_of_groups(session, request)
    return Case(
        workload=AsgWorkload(session, AsgPair(NAMES)),
        gone=AsgWorkload(session, AsgPair(GONE)),
        change=Change(ami=image),
        image=image,
        alien=Change(image="registry.example/web:1.1.0"),
        missing=Change(template_version=99),
        rolls=False,
    )


def a_pair_of_groups(session: Session, request: pytest.FixtureRequest) -> str:
    """Both groups, each with a launch template and a target group of its own; the AMI of another release.

    No load balancer uses the target groups, so nobody waits for them to drain. All of it goes with the test.
    """
    endpoint = str(session.settings.endpoint_url)
    scaling, ec2, elbv2 = (client(endpoint, name) for name in ("autoscaling", "ec2", "elbv2"))
    image, other = (
        ec2.register_image(Name=f"web-{version}", Architecture="x86_64")["ImageId"] for version in ("1.0.0", "1.1.0")
    )
    network = ec2.describe_subnets()["Subnets"][0]
    for color, name in NAMES.items():
        data = {"ImageId": image, "InstanceType": "t3.micro"}
        template = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]
        request.addfinalizer(functools.partial(ec2.delete_launch_template, LaunchTemplateName=name))
        made = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=18_080, VpcId=network["VpcId"])
        target_group = made["TargetGroups"][0]["TargetGroupArn"]
        request.addfinalizer(functools.partial(elbv2.delete_target_group, TargetGroupArn=target_group))
        settings: dict[str, Any] = {
            "MinSize": 0,
            "MaxSize": MAXIMUM,
            "DesiredCapacity": COUNTS[color],
            "LaunchTemplate": {"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"},
            "VPCZoneIdentifier": network["SubnetId"],
            "TargetGroupARNs": [target_group],
            "HealthCheckType": "ELB",
        }
        scaling.create_auto_scaling_group(AutoScalingGroupName=name, **settings)
        end = functools.partial(scaling.delete_auto_scaling_group, AutoScalingGroupName=name, ForceDelete=True)
        request.addfinalizer(end)
    for each in (image, other):
        request.addfinalizer(functools.partial(ec2.deregister_image, ImageId=each))
    return str(other)
