"""What an instance of a group is launched from, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.compute.asg_rig import NAME, Rig, rigged
from toolkit.lab.compute import instances
from toolkit.lab.compute.instances import ports_of


@pytest.fixture(autouse=True)
def _no_machine_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


@pytest.fixture
def rig() -> Iterator[Rig]:
    with rigged() as made:
        yield made


@dataclass
class Checked:
    """A target group's ports."""

    port: int | str | None
    health_check_port: str | None = "traffic-port"


def test_an_instance_listens_on_the_ports_of_traffic_and_of_health_checks() -> None:
    groups = [Checked(8080), Checked("8443", "9000"), Checked(8080, "traffic-port"), Checked(None, None)]
    assert ports_of(groups) == (8080, 8443, 9000)


def instance(rig: Rig) -> dict[str, Any]:
    """The only one, as EC2 tells of it."""
    (one,) = rig.ids()
    found: dict[str, Any] = rig.ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]
    return found


def test_it_has_what_its_launch_template_says(rig: Rig) -> None:
    vpc = rig.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    firewall = rig.ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    rig.iam.create_instance_profile(InstanceProfileName="web")
    rig.make(DesiredCapacity=0, MinSize=0, Tags=[{"Key": "side", "Value": "blue", "PropagateAtLaunch": True}])
    rig.ec2.create_launch_template_version(
        LaunchTemplateName=NAME,
        LaunchTemplateData={
            "ImageId": rig.image("web-1.5.0"),
            "InstanceType": "t3.small",
            "SecurityGroupIds": [firewall],
            "IamInstanceProfile": {"Name": "web"},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "shop"}]}],
        },
    )
    rig.update(DesiredCapacity=1)
    one = instance(rig)
    tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
    assert one["InstanceType"] == "t3.small"
    assert [group["GroupId"] for group in one["SecurityGroups"]] == [firewall]
    assert one["IamInstanceProfile"]["Arn"].endswith(":instance-profile/web")
    assert tags["aws:ec2launchtemplate:version"] == "2"
    assert (tags["side"], tags["team"], tags["aws:autoscaling:groupName"]) == ("blue", "shop", NAME)


def test_what_ec2_refuses_is_a_failed_activity_and_leaves_no_instance(rig: Rig) -> None:
    rig.make(DesiredCapacity=0, MinSize=0)
    rig.ec2.create_launch_template_version(
        LaunchTemplateName=NAME,
        LaunchTemplateData={"ImageId": rig.image("web-1.5.0"), "IamInstanceProfile": {"Name": "gone"}},
    )
    rig.update(DesiredCapacity=1)
    failed = rig.activities()[0]
    assert failed["StatusCode"] == "Failed"
    assert "gone" in failed["StatusMessage"]
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    assert rig.ec2.describe_instances(Filters=running)["Reservations"] == []


def test_a_launch_template_that_was_deleted_is_told(rig: Rig) -> None:
    rig.make(DesiredCapacity=0, MinSize=0)
    rig.ec2.delete_launch_template(LaunchTemplateName=NAME)
    rig.update(DesiredCapacity=1)
    assert "The specified launch template" in rig.activities()[0]["StatusMessage"]


def test_a_group_with_a_launch_configuration_has_instances_too(rig: Rig) -> None:
    rig.autoscaling.create_launch_configuration(
        LaunchConfigurationName=NAME, ImageId=rig.image("web-1.4.2"), InstanceType="t3.micro"
    )
    rig.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        LaunchConfigurationName=NAME,
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["eu-central-1b"],
    )
    assert rig.states() == ["InService"]
    assert instance(rig)["Placement"]["AvailabilityZone"] == "eu-central-1b"


def test_no_two_instances_have_one_address_and_it_is_free_again_after_one_ends(rig: Rig) -> None:
    rig.make(DesiredCapacity=4)
    assert len({site.address for site in rig.pool.sites.values()}) == 4
    before = len(rig.ec2.describe_network_interfaces()["NetworkInterfaces"])
    rig.update(MinSize=0, DesiredCapacity=0)
    rig.after(61)
    assert len(rig.ec2.describe_network_interfaces()["NetworkInterfaces"]) == before - 4


def test_a_subnet_without_a_free_address_is_a_failed_activity(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "choose", lambda *_: None)
    rig.make()
    failed = rig.activities()[0]
    assert failed["StatusMessage"].startswith("There are not enough free addresses in subnet 'subnet-")
    assert rig.ids() == []
