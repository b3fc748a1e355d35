"""What the toolkit does to groups and launch templates is never undone by Terraform: `asg-pair` alone, by real applies.

One world, its tests in order. There is no load balancer, for which any emulator would keep Terraform waiting a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.command import Commands, Ended
from tests.e2e.release import TERRAFORM, copied, infra
from tests.support.provision import CREDENTIALS, REGION
from toolkit.lab.handle import start_lab
from toolkit.lab.options import LabOptions

pytestmark = [pytest.mark.e2e, pytest.mark.lab, pytest.mark.terraform, pytest.mark.slow]

RESTING = ["AZRebalance", "ScheduledActions"]
ROOT = """
provider "aws" {
  region = "eu-central-1"
}

variable "image_id" {
  type = string
}

variable "instance_type" {
  type    = string
  default = "t3.micro"
}

variable "maximum" {
  type    = number
  default = 6
}

module "network" {
  source = "../../modules/network"
  name   = "web"
}

module "pair" {
  source      = "../../modules/target-group-pair"
  name        = "web"
  vpc_id      = module.network.vpc_id
  port        = 8080
  target_type = "instance"
}

module "instances" {
  source                    = "../../modules/asg-pair"
  name                      = "web"
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.subnet_ids
  target_groups             = module.pair.target_groups
  route_arns                = ["none, so there is nothing to wait for"]
  load_balancer             = { security_group_id = module.network.load_balancer_security_group_id }
  image_id                  = var.image_id
  instance_type             = var.instance_type
  capacity                  = { max = var.maximum }
  root_volume               = { size_gib = 8 }
  scaling                   = { cpu_percent = 60 }
  wait_for_capacity_timeout = "0"
}

output "launch_templates" {
  value = module.instances.launch_templates
}
"""


@dataclass
class World:
    """A lab with the pair of groups on it."""

    bluegreen: Commands
    directory: Path
    endpoint: str
    image: str

    def client(self, service: str) -> Any:
        """A client of this AWS service."""
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, **CREDENTIALS)

    def infra(self, command: str, *words: str, **changed: Any) -> Ended:
        """`bluegreen infra COMMAND`, with variables of the root `changed`."""
        return infra(self.bluegreen, self.directory, command, {"image_id": self.image, **changed}, *words)

    def plan(self, **changed: Any) -> int:
        """0: an apply would change nothing."""
        planned = self.infra("plan", "--detailed-exitcode", **changed)
        assert planned.code in {0, 2, 42}, planned.err
        return planned.code

    def group(self, color: str) -> dict[str, Any]:
        """What stands in a group that the toolkit owns, and its maximum."""
        named = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"web-{color}"])
        group = named["AutoScalingGroups"][0]
        return {
            "sizes": (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]),
            "version": group["LaunchTemplate"]["Version"],
            "resting": sorted(process["ProcessName"] for process in group["SuspendedProcesses"]),
        }

    def versions(self, color: str) -> list[tuple[str, str]]:
        """The image and the instance type of each version of a launch template, the oldest first."""
        held = self.client("ec2").describe_launch_template_versions(LaunchTemplateName=f"web-{color}")
        told = sorted(held["LaunchTemplateVersions"], key=lambda version: int(version["VersionNumber"]))
        return [(each["LaunchTemplateData"]["ImageId"], each["LaunchTemplateData"]["InstanceType"]) for each in told]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    scratch = tmp_path_factory.mktemp("asg")
    directory = copied(TERRAFORM, scratch) / "examples" / "pair"
    directory.mkdir()
    (directory / "main.tf").write_text(ROOT)
    with start_lab(LabOptions(name="asg"), root=scratch / "labs") as lab:
        environ = {**lab.environ, "XDG_CACHE_HOME": str(scratch / "cache"), "XDG_STATE_HOME": str(scratch / "state")}
        world = World(Commands(environ, scratch), directory, lab.endpoint_url, "")
        world.image = world.client("ec2").register_image(Name="web-1.4.1")["ImageId"]
        begun = world.bluegreen("infra", "init", "--dir", str(directory))
        assert begun.code == 0, begun.err
        applied = world.infra("apply", "--yes")
        assert applied.code == 0, applied.err
        yield world


def test_blue_begins_with_the_instances_and_a_plan_after_the_apply_is_empty(world: World) -> None:
    assert world.group("blue") == {"sizes": (1, 2, 6), "version": "1", "resting": []}
    assert world.group("green") == {"sizes": (0, 0, 6), "version": "1", "resting": []}
    assert world.plan() == 0


def test_a_release_leaves_the_plan_empty(world: World) -> None:
    image = world.client("ec2").register_image(Name="web-1.4.2")["ImageId"]
    made = world.client("ec2").create_launch_template_version(
        LaunchTemplateName="web-green",
        SourceVersion="1",
        VersionDescription="bluegreen",
        LaunchTemplateData={"ImageId": image},
    )
    version = {"LaunchTemplateName": "web-green", "Version": str(made["LaunchTemplateVersion"]["VersionNumber"])}
    scaling = world.client("autoscaling")
    scaling.update_auto_scaling_group(
        AutoScalingGroupName="web-green", LaunchTemplate=version, MinSize=2, DesiredCapacity=3
    )
    scaling.update_auto_scaling_group(AutoScalingGroupName="web-blue", MinSize=0, DesiredCapacity=1)
    for color in ("blue", "green"):
        scaling.suspend_processes(AutoScalingGroupName=f"web-{color}", ScalingProcesses=RESTING)
    assert world.plan() == 0


def test_a_change_of_the_template_waits_in_a_new_version_with_the_image_of_the_release(world: World) -> None:
    applied = world.infra("apply", "--yes", instance_type="t3.small")
    assert applied.code == 0, applied.err
    released = world.versions("green")[1][0]
    assert world.versions("green")[1:] == [(released, "t3.micro"), (released, "t3.small")]
    assert world.versions("blue") == [(world.image, "t3.micro"), (world.image, "t3.small")]
    assert world.group("green") == {"sizes": (2, 3, 6), "version": "2", "resting": RESTING}
    assert world.group("blue") == {"sizes": (0, 1, 6), "version": "1", "resting": RESTING}
    assert world.plan(instance_type="t3.small") == 0


def test_a_change_of_the_groups_leaves_what_the_toolkit_owns(world: World) -> None:
    applied = world.infra("apply", "--yes", instance_type="t3.small", maximum=8)
    assert applied.code == 0, applied.err
    assert world.group("green") == {"sizes": (2, 3, 8), "version": "2", "resting": RESTING}
    assert world.group("blue") == {"sizes": (0, 1, 8), "version": "1", "resting": RESTING}
    assert world.plan(instance_type="t3.small", maximum=8) == 0


def test_a_destroy_leaves_nothing(world: World) -> None:
    destroyed = world.infra("destroy", "--yes", instance_type="t3.small", maximum=8)
    assert destroyed.code == 0, destroyed.err
    assert world.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert world.client("ec2").describe_launch_templates()["LaunchTemplates"] == []
    reservations = world.client("ec2").describe_instances()["Reservations"]
    assert {each["State"]["Name"] for found in reservations for each in found["Instances"]} == {"terminated"}
    assert world.client("iam").list_roles()["Roles"] == []
