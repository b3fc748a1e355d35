"""Launch templates and scaling policies say of themselves what AWS says, so that Terraform finds nothing to change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ec2.responses.launch_templates import LaunchTemplates

from toolkit.lab.fidelity.readback import ReadbackFidelity

REGION = "eu-central-1"
OWN = {"ResourceType": "launch-template", "Tags": [{"Key": "service", "Value": "web"}]}
OF_VOLUMES = {"ResourceType": "volume", "Tags": [{"Key": "color", "Value": "blue"}]}
TRACKING: dict[str, Any] = {
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
    "TargetValue": 60.0,
}


@pytest.fixture
def patched() -> Iterator[None]:
    with mock_aws(), ReadbackFidelity():
        yield


def data_of(name: str, **launched: Any) -> dict[str, Any]:
    ec2 = boto3.client("ec2", region_name=REGION)
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=launched, TagSpecifications=[OWN])
    held = ec2.describe_launch_template_versions(LaunchTemplateName=name, Versions=["$Latest"])
    data: dict[str, Any] = held["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return data


def policy(**more: Any) -> dict[str, Any]:
    autoscaling = boto3.client("autoscaling", region_name=REGION)
    named = {"AutoScalingGroupName": "web-blue", "PolicyName": "web-blue-cpu"}
    autoscaling.put_scaling_policy(
        **named, PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=TRACKING, **more
    )
    found: dict[str, Any] = autoscaling.describe_policies(PolicyNames=["web-blue-cpu"])["ScalingPolicies"][0]
    return found


@pytest.mark.usefixtures("patched")
def test_the_tags_of_a_launch_template_are_its_own_and_no_part_of_what_it_launches() -> None:
    assert data_of("web-blue", InstanceType="t3.micro") == {"InstanceType": "t3.micro"}
    assert data_of("web-green", TagSpecifications=[OF_VOLUMES]) == {"TagSpecifications": [OF_VOLUMES]}
    templates = boto3.client("ec2", region_name=REGION).describe_launch_templates()["LaunchTemplates"]
    assert [template["Tags"] for template in templates] == [OWN["Tags"], OWN["Tags"]]


@pytest.mark.usefixtures("patched")
def test_a_version_is_made_of_its_source() -> None:
    data_of("web-blue", InstanceType="t3.micro", ImageId="ami-1")
    made = boto3.client("ec2", region_name=REGION).create_launch_template_version(
        LaunchTemplateName="web-blue", SourceVersion="$Latest", LaunchTemplateData={"ImageId": "ami-2"}
    )
    held = made["LaunchTemplateVersion"]["LaunchTemplateData"]
    assert held == {"InstanceType": "t3.micro", "ImageId": "ami-2"}


@pytest.mark.usefixtures("patched")
def test_a_policy_is_on_unless_it_was_made_off_and_predicts_nothing() -> None:
    made = policy()
    assert made["Enabled"] is True
    assert "PredictiveScalingConfiguration" not in made
    assert policy(Enabled=False)["Enabled"] is False


def test_afterwards_moto_is_as_it_was_and_only_one_may_patch_it() -> None:
    before = LaunchTemplates.create_launch_template
    with ReadbackFidelity() as patch:
        assert LaunchTemplates.create_launch_template is not before
        with pytest.raises(RuntimeError, match="installed already"):
            patch.install()
    assert LaunchTemplates.create_launch_template is before
