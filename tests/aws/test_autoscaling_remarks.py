"""What doctor warns of, where Auto Scaling groups are set up so that they would surprise somebody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.asg_answers import a_group
from toolkit.aws.autoscaling_group import Group
from toolkit.aws.autoscaling_remarks import on_the_groups, on_the_newest
from toolkit.aws.launch_templates import TemplateVersion
from toolkit.traffic import Color

ARNS = {Color.BLUE: "arn:blue", Color.GREEN: "arn:green"}
PLAIN: dict[str, Any] = {"AutoScalingGroupName": "web-blue", "TargetGroupARNs": ["arn:blue"]}


def remarks(*, known: bool = True, **green: Any) -> list[str]:
    """With blue as it should be and green `changed`."""
    groups = {Color.BLUE: Group.of(a_group(**PLAIN)), Color.GREEN: Group.of(a_group(**green))}
    return [*on_the_groups(groups, ARNS if known else {})]


def test_a_pair_as_the_module_makes_it_is_worth_no_remark() -> None:
    assert remarks() == []
    assert remarks(known=False) == []


@pytest.mark.parametrize(
    ("green", "told"),
    [
        ({"HealthCheckType": "EC2"}, "never replaces an instance whose app is dead, as its health check type is EC2"),
        (
            {"SuspendedProcesses": [{"ProcessName": "Launch"}, {"ProcessName": "AZRebalance"}]},
            "does not work as a whole: Launch is suspended",
        ),
        ({"TargetGroupARNs": []}, "is attached to no target group"),
        ({"TargetGroupARNs": ["arn:other"]}, "is not attached to green's target group"),
        ({"TargetGroupARNs": ["arn:green", "arn:blue"]}, "is attached to blue's target group"),
        ({"MaxSize": 3}, "green may have 3 instances at most and blue 4"),
        ({"MaxSize": 5}, "blue may have 4 instances at most and green 5"),
        (
            {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "$Latest"}},
            "launches by $Latest of lt-1: whatever is newest runs after the next scale-out",
        ),
        ({"LaunchTemplate": {"LaunchTemplateId": "lt-1"}}, "launches by $Default of lt-1"),
        (
            {"LaunchTemplate": None, "LaunchConfigurationName": "web"},
            "no release can be put on green: its Auto Scaling group web-green launches by the launch configuration web",
        ),
    ],
)
def test_what_would_surprise_is_told_in_one_sentence(green: dict[str, Any], told: str) -> None:
    (remark,) = remarks(**green)
    assert told in remark
    assert remark.endswith(".")


def test_what_waits_in_a_newer_version_is_told_unless_it_is_an_ami_alone() -> None:
    used = TemplateVersion("lt-1", 7, {"ImageId": "ami-1", "InstanceType": "t3.micro"})
    released = TemplateVersion("lt-1", 8, {**used.data, "ImageId": "ami-2"})
    changed = TemplateVersion("lt-1", 9, {**used.data, "InstanceType": "t3.small", "UserData": "eA=="})
    assert [*on_the_newest(Color.GREEN, used, released)] == []
    (remark,) = on_the_newest(Color.GREEN, used, changed)
    assert "version 9 differs in InstanceType, UserData" in remark
    assert "--launch-template-version 9" in remark
