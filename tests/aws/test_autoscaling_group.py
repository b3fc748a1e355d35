"""What the answers about an Auto Scaling group mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.asg_answers import TEMPLATE, a_group, an_instance
from toolkit.aws.autoscaling_group import Group, Instance, Template
from toolkit.rollout.workload import Capacity

BASE: dict[str, Any] = {"LaunchTemplateSpecification": TEMPLATE}
POLICY: dict[str, Any] = {
    "LaunchTemplate": {**BASE, "Overrides": [{"InstanceType": "t3.micro"}, {"InstanceType": "t3a.micro"}]},
    "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 50},
}
OWN = {
    **POLICY,
    "LaunchTemplate": {**BASE, "Overrides": [{"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-2"}}]},
}


def test_only_instances_that_are_in_service_and_healthy_run() -> None:
    group = Group.of(
        a_group(
            an_instance(1),
            an_instance(2, health="Unhealthy"),
            an_instance(3, "Pending:Wait"),
            an_instance(4, "Terminating"),
            an_instance(5, version="6"),
        )
    )
    assert group.capacity == Capacity(3, 2, 1, 4)
    assert group.running("lt-1:7") == 1
    assert [instance.id for instance in group.others("lt-1:7")] == ["i-5"]


def test_suspended_processes_are_told_by_name_and_sorted() -> None:
    held = [{"ProcessName": name, "SuspensionReason": "User suspended"} for name in ("Launch", "AZRebalance")]
    assert Group.of(a_group(SuspendedProcesses=held)).capacity.suspended == ("AZRebalance", "Launch")


@pytest.mark.parametrize(
    ("state", "leaves", "has_left"),
    [
        ("Pending", False, False),
        ("Pending:Wait", False, False),
        ("InService", False, False),
        ("EnteringStandby", True, False),
        ("Standby", True, True),
        ("Terminating", True, False),
        ("Terminating:Wait", True, False),
        ("Terminated", True, True),
        ("Detaching", True, False),
        ("Detached", True, True),
        ("Warmed:Running", True, True),
    ],
)
def test_who_leaves_and_who_can_get_no_request_any_more(state: str, *, leaves: bool, has_left: bool) -> None:
    instance = Instance.of(an_instance(1, state))
    assert (instance.is_leaving, instance.has_left) == (leaves, has_left)


def test_an_instance_that_came_from_no_launch_template_runs_no_release() -> None:
    assert Instance.of(an_instance(1, version=None)).revision == ""


def test_a_template_without_a_version_means_the_default_one() -> None:
    template = Template.of({"LaunchTemplateId": "lt-1"})
    assert (template.version, template.is_moving) == ("$Default", True)
    assert not Template.of(TEMPLATE).is_moving


def test_a_new_version_is_all_that_is_written_of_a_group_or_of_its_policy() -> None:
    wanted = Template("lt-1", "8")
    named = {"LaunchTemplateId": "lt-1", "Version": "8"}
    assert Group.of(a_group()).launching(wanted) == {"LaunchTemplate": named}
    group = Group.of(a_group(LaunchTemplate=None, MixedInstancesPolicy=POLICY))
    assert group.template == Template("lt-1", "7")
    written = {**POLICY["LaunchTemplate"], "LaunchTemplateSpecification": named}
    assert group.launching(wanted) == {"MixedInstancesPolicy": {**POLICY, "LaunchTemplate": written}}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"LaunchTemplate": None, "MixedInstancesPolicy": POLICY}, ""),
        ({"LaunchTemplate": None, "MixedInstancesPolicy": OWN}, "overrides name launch templates of their own"),
        ({"LaunchTemplate": None, "LaunchConfigurationName": "web"}, "launch configuration web, which has no versions"),
        ({"LaunchTemplate": None}, "has no template"),
        ({"WarmPoolConfiguration": {"MinSize": 1}, "WarmPoolSize": 1}, "has a warm pool"),
    ],
)
def test_where_no_release_can_be_put_it_is_said_why(changed: dict[str, Any], why: str) -> None:
    barrier = Group.of(a_group(**changed)).barrier
    assert why in barrier
    assert bool(barrier) is bool(why)


def test_it_is_known_what_a_group_is_attached_to_and_how_it_is_checked() -> None:
    sources = [{"Identifier": "arn:blue", "Type": "elbv2"}]
    group = Group.of(a_group(TrafficSources=sources, HealthCheckType="EC2,ELB"))
    assert group.target_groups == {"arn:blue", "arn:green"}
    assert group.checks == {"EC2", "ELB"}
