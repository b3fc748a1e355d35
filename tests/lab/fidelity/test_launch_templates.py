"""A new version of a launch template is made from its source, as on AWS."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.ec2.responses.launch_templates import LaunchTemplates

from toolkit.lab.fidelity.launch_templates import create_launch_template_version

USER_DATA = base64.b64encode(b"#!/bin/sh\n").decode()
DATA = {
    "ImageId": "ami-1",
    "InstanceType": "t3.micro",
    "UserData": USER_DATA,
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "SnapshotId": "snap-1"}}],
}


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(LaunchTemplates, "create_launch_template_version", create_launch_template_version)
    with mock_aws():
        yield boto3.client("ec2", region_name="eu-central-1")


@pytest.fixture
def template(ec2: Any) -> str:
    made = ec2.create_launch_template(LaunchTemplateName="web-green", LaunchTemplateData=DATA)
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def test_a_version_takes_over_all_that_the_request_does_not_name(ec2: Any, template: str) -> None:
    asked: dict[str, Any] = {"LaunchTemplateId": template, "LaunchTemplateData": {"ImageId": "ami-2"}}
    made = ec2.create_launch_template_version(**asked, SourceVersion="1")["LaunchTemplateVersion"]
    devices = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8}}]  # without the snapshot
    assert made["LaunchTemplateData"] == {**DATA, "ImageId": "ami-2", "BlockDeviceMappings": devices}
    held = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["1", "2"])
    first, second = held["LaunchTemplateVersions"]
    assert first["LaunchTemplateData"] == DATA
    assert second["LaunchTemplateData"] == made["LaunchTemplateData"]


def test_without_a_source_a_version_says_what_the_request_says_alone(ec2: Any, template: str) -> None:
    asked = {"ImageId": "ami-2", "UserData": USER_DATA}
    made = ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=asked)
    assert made["LaunchTemplateVersion"]["LaunchTemplateData"] == asked


def test_a_token_makes_one_version(ec2: Any, template: str) -> None:
    asked: dict[str, Any] = {"LaunchTemplateName": "web-green", "SourceVersion": "1", "LaunchTemplateData": {}}
    numbers = [
        ec2.create_launch_template_version(**asked, ClientToken=token)["LaunchTemplateVersion"]["VersionNumber"]
        for token in ("a", "a", "b")
    ]
    assert numbers == [2, 2, 3]


def test_a_source_that_is_not_there_is_refused(ec2: Any, template: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateId\.VersionNotFound"):
        ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="9", LaunchTemplateData={})
