"""How a group is kept as it is wished, on moto in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from moto.moto_api._internal.models import MotoAPIBackend

from tests.lab.compute.asg_rig import NAME, REGION, Rig, rigged
from toolkit.errors import LabError
from toolkit.lab.compute.pool import Exited, Running, Starting


@pytest.fixture(autouse=True)
def _no_machine_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


@pytest.fixture
def rig() -> Iterator[Rig]:
    with rigged() as made:
        yield made


def test_an_instance_is_pending_until_its_process_listens_and_then_a_target(rig: Rig) -> None:
    rig.pool.first = Starting()
    rig.make()
    assert (rig.states(), rig.targets()) == (["Pending", "Pending"], set())
    rig.pool.states = dict.fromkeys(rig.pool.states, Running(1))
    rig.after(1)
    assert rig.states() == ["InService", "InService"]
    assert rig.targets() == set(rig.ids())


def test_processes_listen_at_the_counterpart_of_the_private_address_and_tell_version_and_color(rig: Rig) -> None:
    rig.make()
    for instance in rig.ids():
        found = rig.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        site = rig.pool.sites[instance]
        assert site.address == "127." + found["PrivateIpAddress"].partition(".")[2]
        assert (site.port, site.version, site.color) == (18080, "1.4.2", "blue")
    assert len({site.address for site in rig.pool.sites.values()}) == 2


def test_one_process_listens_wherever_an_instance_is_asked(rig: Rig) -> None:
    rig.make(DesiredCapacity=1)
    vpc = rig.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    wanted = {"Protocol": "HTTP", "Port": 18081, "HealthCheckPort": "18082", "VpcId": vpc}
    other = rig.elbv2.create_target_group(Name="other", **wanted)["TargetGroups"][0]["TargetGroupArn"]
    rig.autoscaling.attach_load_balancer_target_groups(AutoScalingGroupName=NAME, TargetGroupARNs=[other])
    (first,) = rig.ids()
    assert set(rig.pool.listening) == {(first, 18080), (f"{first}:18081", 18081), (f"{first}:18081", 18082)}
    rig.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    second = rig.ids()[1]
    assert {port for key, port in rig.pool.listening if key == second} == {18080, 18081, 18082}


def test_instances_are_spread_over_the_subnets(rig: Rig) -> None:
    rig.make()
    assert len({one["AvailabilityZone"] for one in rig.group()["Instances"]}) == 2


def test_a_new_version_changes_nothing_until_an_instance_is_launched(rig: Rig) -> None:
    rig.make()
    rig.new_version(rig.image("web-1.5.0"))
    rig.after(100)
    assert rig.versions() == ["1", "1"]
    rig.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=3)
    assert rig.versions() == ["1", "1", "2"]
    assert rig.pool.sites[rig.ids()[2]].version == "1.5.0"


@pytest.mark.parametrize(("named", "version"), [("$Default", "1"), ("1", "1"), ("2", "2"), ("$Latest", "2")])
def test_new_instances_use_the_version_that_the_group_names(rig: Rig, named: str, version: str) -> None:
    rig.make(DesiredCapacity=1)
    rig.new_version(rig.image("web-1.5.0"))
    rig.update(LaunchTemplate={"LaunchTemplateName": NAME, "Version": named}, DesiredCapacity=2)
    assert rig.versions() == ["1", version]


def test_scaling_in_takes_the_oldest_version_first_and_drains_it(rig: Rig) -> None:
    rig.make()
    rig.new_version(rig.image("web-1.5.0"))
    rig.update(DesiredCapacity=4)
    old, new = rig.ids()[:2], rig.ids()[2:]
    rig.update(DesiredCapacity=2)
    assert rig.states() == ["Terminating", "Terminating", "InService", "InService"]
    assert rig.targets() == set(new)
    assert rig.activities()[0]["StatusCode"] == "WaitingForELBConnectionDraining"
    rig.after(59)
    assert rig.pool.stopped == []
    rig.after(2)
    assert rig.ids() == new
    assert sorted(rig.pool.stopped) == sorted(old)
    assert {one["StatusCode"] for one in rig.activities()} == {"Successful"}


def test_an_instance_leaves_the_target_group_before_it_ends_even_without_a_delay(rig: Rig) -> None:
    rig.make()
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "0"}
    rig.elbv2.modify_target_group_attributes(TargetGroupArn=rig.target_group, Attributes=[delay])
    before = rig.ids()
    rig.update(DesiredCapacity=1)
    (stays,) = rig.ids()
    (gone,) = set(before) - {stays}
    assert rig.when_told[-1][gone] == "running"
    assert rig.targets() == {stays}


def test_the_deregistration_delay_and_the_grace_period_follow_the_time_scale() -> None:
    with rigged(time_scale=0.1) as rig:
        rig.make(DesiredCapacity=1)
        (one,) = rig.ids()
        rig.checks.unhealthy = {one}
        rig.after(0.5)
        rig.after(2.4)
        assert rig.states() == ["InService"]
        rig.after(0.2)
        assert rig.states() == ["Terminating", "InService"]
        rig.after(6.1)
        assert rig.states() == ["InService"]


def test_an_unhealthy_target_is_replaced_after_the_grace_period(rig: Rig) -> None:
    rig.make(DesiredCapacity=1)
    (sick,) = rig.ids()
    rig.checks.unhealthy = {sick}
    rig.after(29)
    assert rig.ids() == [sick]
    rig.after(2)
    assert rig.group()["Instances"][0]["HealthStatus"] == "Unhealthy"
    launch, leave, *_ = rig.activities()
    assert "in response to an unhealthy instance needing to be replaced" in launch["Cause"]
    assert "in response to an ELB system health check failure" in leave["Cause"]
    rig.after(61)
    assert sick not in rig.ids()
    assert rig.states() == ["InService"]


def test_a_target_that_recovers_within_a_moment_is_kept(rig: Rig) -> None:
    rig.make(DesiredCapacity=1)
    before = rig.ids()
    rig.after(60)
    for _ in range(3):
        rig.checks.unhealthy = set(before)
        rig.after(0.2)
        rig.after(1.7)
        rig.checks.unhealthy = set()
        rig.after(0.2)
    assert rig.ids() == before


def test_what_the_load_balancer_says_counts_for_nothing_in_a_group_of_type_ec2(rig: Rig) -> None:
    rig.make(DesiredCapacity=1, HealthCheckType="EC2")
    before = rig.ids()
    rig.checks.unhealthy = set(before)
    rig.after(999)
    assert rig.ids() == before


@pytest.mark.parametrize("process", ["HealthCheck", "ReplaceUnhealthy"])
def test_an_unhealthy_instance_stays_while_that_is_suspended(rig: Rig, process: str) -> None:
    rig.make(DesiredCapacity=1)
    before = rig.ids()
    rig.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=[process])
    rig.checks.unhealthy = set(before)
    rig.after(999)
    assert rig.ids() == before
    rig.autoscaling.resume_processes(AutoScalingGroupName=NAME, ScalingProcesses=[process])
    rig.after(1)
    rig.after(2)
    assert rig.ids() != before


def test_an_instance_whose_release_crashes_runs_and_never_answers(rig: Rig) -> None:
    rig.make(image="web-1.4.3-crash", DesiredCapacity=1)
    (first,) = rig.ids()
    assert rig.states() == ["InService"]
    rig.checks.unhealthy = {first}
    rig.after(31)
    (second,) = rig.ids()
    assert second != first  # nothing drains where nothing answers
    rig.checks.unhealthy = {second}
    rig.after(31)
    assert rig.ids() not in ([first], [second])


def test_an_instance_whose_process_cannot_have_its_address_is_replaced_unseen(rig: Rig) -> None:
    rig.pool.first = Exited(1, listened=False, said="Address already in use")
    rig.make(DesiredCapacity=1)
    before = rig.ids()
    rig.pool.first = Running(1)
    rig.after(1)
    assert (rig.states(), rig.targets()) == (["InService"], set(rig.ids()))
    assert rig.ids() != before


@pytest.mark.parametrize("image", ["web-1.4.3-missing", None])
def test_an_image_that_is_not_there_is_a_failed_activity_and_tried_ever_later(rig: Rig, image: str | None) -> None:
    rig.make(DesiredCapacity=1)
    missing = rig.image(image) if image else "ami-0123456789abcdef0"
    rig.new_version(missing)
    rig.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=3)
    failed = rig.activities()[0]
    said = f"The image id '[{missing}]' does not exist. Launching EC2 instance failed."
    assert (failed["StatusCode"], failed["StatusMessage"]) == ("Failed", said)
    assert failed["Description"] == f"Launching a new EC2 instance.  Status Reason: {said}"
    assert len(rig.ids()) == 1
    for seconds, tries in ((9, 1), (2, 2), (18, 2), (3, 3)):
        rig.after(seconds)
        assert sum(one["StatusCode"] == "Failed" for one in rig.activities()) == tries
    rig.new_version(rig.image("web-1.5.0"))
    rig.update(MaxSize=4)
    assert rig.states() == ["InService"] * 3


def test_activities_tell_what_was_asked_newest_first(rig: Rig) -> None:
    rig.make(DesiredCapacity=1)
    rig.now += 5
    rig.update(MinSize=2)
    newest, oldest = rig.activities()
    assert newest["Description"] == f"Launching a new EC2 instance: {rig.ids()[1]}"
    assert "update of AutoScalingGroup constraints to min: 2, max: 4, desired: 2" in newest["Cause"]
    assert "increasing the capacity from 1 to 2" in newest["Cause"]
    assert "a user request created an AutoScalingGroup" in oldest["Cause"]
    assert newest["StartTime"] > oldest["StartTime"]
    assert newest["StatusCode"] == "Successful"


def test_activities_of_a_deleted_group_are_told_when_asked_for(rig: Rig) -> None:
    rig.make()
    rig.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    with pytest.raises(ClientError, match="name not found"):
        rig.activities()
    ask = {"AutoScalingGroupName": NAME, "IncludeDeletedGroups": True}
    assert len(rig.autoscaling.describe_scaling_activities(**ask)["Activities"]) == 4
    launch = {"LaunchTemplateName": NAME}
    rig.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        MinSize=0,
        MaxSize=1,
        LaunchTemplate=launch,
        AvailabilityZones=["eu-central-1a"],
    )
    assert rig.activities() == []


def test_terminating_one_replaces_it_or_shrinks_the_group(rig: Rig) -> None:
    rig.make()
    first, second = rig.ids()
    answer = rig.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=first, ShouldDecrementDesiredCapacity=False
    )
    assert answer["Activity"]["Description"].startswith(f"Terminating EC2 instance: {first}")
    assert (rig.group()["DesiredCapacity"], len(rig.ids())) == (2, 3)
    rig.autoscaling.terminate_instance_in_auto_scaling_group(InstanceId=second, ShouldDecrementDesiredCapacity=True)
    assert rig.group()["DesiredCapacity"] == 1
    assert rig.states() == ["Terminating", "Terminating", "InService"]
    assert "shrinking the capacity from 2 to 1" in rig.activities()[0]["Cause"]


def test_terminating_one_below_the_minimum_is_refused(rig: Rig) -> None:
    rig.make(DesiredCapacity=1)
    with pytest.raises(ClientError, match="desiredSize equals minSize"):
        rig.autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=rig.ids()[0], ShouldDecrementDesiredCapacity=True
        )
    assert rig.group()["DesiredCapacity"] == 1


def test_an_instance_terminated_in_ec2_is_found_and_replaced(rig: Rig) -> None:
    rig.make(DesiredCapacity=1)
    (gone,) = rig.ids()
    rig.ec2.terminate_instances(InstanceIds=[gone])
    assert gone not in rig.ids()
    assert rig.targets() == set(rig.ids())
    assert any("an EC2 health check" in one["Cause"] for one in rig.activities())


def test_suspended_processes_are_kept_and_told(rig: Rig) -> None:
    rig.make()
    rig.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["ScheduledActions", "AZRebalance"])
    told = rig.group()["SuspendedProcesses"]
    assert [one["ProcessName"] for one in told] == ["AZRebalance", "ScheduledActions"]
    assert all(one["SuspensionReason"].startswith("User suspended at 20") for one in told)
    rig.autoscaling.resume_processes(AutoScalingGroupName=NAME, ScalingProcesses=["AZRebalance"])
    assert [one["ProcessName"] for one in rig.group()["SuspendedProcesses"]] == ["ScheduledActions"]
    rig.autoscaling.resume_processes(AutoScalingGroupName=NAME)
    assert rig.group()["SuspendedProcesses"] == []


def test_nothing_is_launched_or_terminated_while_that_is_suspended(rig: Rig) -> None:
    rig.make()
    rig.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["Launch", "Terminate"])
    for desired in (4, 1):
        rig.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=desired)
        rig.after(60)
        assert rig.states() == ["InService", "InService"]
    rig.autoscaling.resume_processes(AutoScalingGroupName=NAME)
    assert rig.states().count("InService") == 1


def test_nobody_becomes_a_target_while_that_is_suspended(rig: Rig) -> None:
    rig.make()
    before = set(rig.ids())
    rig.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["AddToLoadBalancer"])
    rig.update(DesiredCapacity=3)
    assert (rig.states(), rig.targets()) == (["InService"] * 3, before)
    rig.autoscaling.resume_processes(AutoScalingGroupName=NAME)
    assert rig.targets() == set(rig.ids())


def test_an_instance_on_standby_is_no_target_and_counts_for_nothing(rig: Rig) -> None:
    rig.make()
    first, second = rig.ids()
    aside = {"AutoScalingGroupName": NAME, "InstanceIds": [first]}
    rig.autoscaling.enter_standby(**aside, ShouldDecrementDesiredCapacity=True)
    assert (rig.states(), rig.targets()) == (["Standby", "InService"], {second})
    rig.autoscaling.exit_standby(**aside)
    assert (rig.states(), rig.targets()) == (["InService", "InService"], {first, second})


def test_a_detached_instance_serves_on_but_for_nobody(rig: Rig) -> None:
    rig.make()
    first, second = rig.ids()
    rig.autoscaling.detach_instances(
        AutoScalingGroupName=NAME, InstanceIds=[first], ShouldDecrementDesiredCapacity=True
    )
    assert (rig.ids(), rig.targets(), rig.pool.stopped) == ([second], {second}, [])
    rig.ec2.terminate_instances(InstanceIds=[first])
    rig.after(1)
    assert rig.pool.stopped == [first]


def test_an_instance_attached_by_hand_gets_a_process_and_becomes_a_target(rig: Rig) -> None:
    rig.make(DesiredCapacity=1)
    image = rig.image("web-1.3.0")
    made = rig.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    rig.autoscaling.attach_instances(AutoScalingGroupName=NAME, InstanceIds=[made])
    assert (rig.group()["DesiredCapacity"], rig.targets()) == (2, set(rig.ids()))
    assert rig.pool.sites[made].version == "1.3.0"


def test_a_protected_instance_stays_when_the_group_shrinks(rig: Rig) -> None:
    rig.make()
    first, second = rig.ids()
    rig.autoscaling.set_instance_protection(AutoScalingGroupName=NAME, InstanceIds=[first], ProtectedFromScaleIn=True)
    rig.update(MinSize=0, DesiredCapacity=0)
    rig.after(61)
    assert (rig.ids(), second in rig.pool.stopped) == ([first], True)


def test_an_autoscaler_that_scales_in_stops_at_the_minimum(rig: Rig) -> None:
    rig.make(DesiredCapacity=3)
    ask = {"region": REGION, "group": NAME, "to": 0}
    assert rig.controller.scale_in(ask)["desired_capacity"] == 1
    assert rig.states().count("InService") == 1
    assert "a monitor alarm in state ALARM" in rig.activities()[0]["Cause"]
    rig.update(MinSize=3)
    assert rig.controller.scale_in(ask) == {"desired_capacity": 3, "because": "the minimum size is 3"}


@pytest.mark.parametrize("ask", [{}, {"region": REGION, "group": "other", "to": 0}])
def test_a_scale_in_of_nothing_is_refused(rig: Rig, ask: dict[str, object]) -> None:
    with pytest.raises(LabError):
        rig.controller.scale_in(ask)


def test_a_deleted_group_leaves_no_target_no_instance_and_no_process(rig: Rig) -> None:
    rig.make()
    ids = rig.ids()
    with pytest.raises(ClientError, match="while there are instances still in the group"):
        rig.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME)
    rig.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    assert rig.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert rig.targets() == set()
    states = rig.ec2.describe_instances(InstanceIds=ids)["Reservations"]
    assert {one["Instances"][0]["State"]["Name"] for one in states} == {"terminated"}
    assert len(rig.pool.stopped) == 2


def test_detaching_the_target_group_takes_the_targets_out_of_it(rig: Rig) -> None:
    rig.make()
    where = {"AutoScalingGroupName": NAME, "TargetGroupARNs": [rig.target_group]}
    rig.autoscaling.detach_load_balancer_target_groups(**where)
    assert (rig.targets(), len(rig.ids())) == (set(), 2)
    rig.autoscaling.attach_load_balancer_target_groups(**where)
    assert rig.targets() == set(rig.ids())


def test_without_a_target_group_instances_serve_at_once_and_leave_at_once(rig: Rig) -> None:
    rig.make(TargetGroupARNs=[], MinSize=0)
    assert (rig.states(), rig.pool.sites) == (["InService", "InService"], {})
    rig.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=0)
    assert rig.ids() == []


def test_settings_that_moto_would_drop_are_kept(rig: Rig) -> None:
    rig.make(DefaultInstanceWarmup=20, HealthCheckGracePeriod=0)
    rig.update(DefaultCooldown=7, TerminationPolicies=["OldestInstance"])
    group = rig.group()
    assert (group["DefaultInstanceWarmup"], group["HealthCheckGracePeriod"]) == (20, 0)
    assert (group["DefaultCooldown"], group["TerminationPolicies"]) == (7, ["OldestInstance"])


def test_a_mixed_instances_policy_outlives_an_update_of_something_else(rig: Rig) -> None:
    rig.template(rig.image("web-1.4.2"))
    specification = {"LaunchTemplateName": NAME, "Version": "$Latest"}
    rig.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        MinSize=0,
        MaxSize=3,
        MixedInstancesPolicy={"LaunchTemplate": {"LaunchTemplateSpecification": specification}},
        AvailabilityZones=["eu-central-1a"],
    )
    rig.update(MinSize=1)
    rig.new_version(rig.image("web-1.5.0"))
    rig.update(DesiredCapacity=2)
    named = rig.group()["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    assert (named["LaunchTemplateName"], named["Version"]) == (NAME, "$Latest")
    assert rig.versions() == ["1", "2"]


def test_a_second_group_of_the_name_is_refused(rig: Rig) -> None:
    rig.make()
    with pytest.raises(ClientError, match="AlreadyExists"):
        rig.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=NAME,
            MinSize=0,
            MaxSize=1,
            LaunchTemplate={"LaunchTemplateName": NAME},
            AvailabilityZones=["eu-central-1a"],
        )


def test_a_version_that_is_not_there_is_refused(rig: Rig) -> None:
    rig.make()
    with pytest.raises(ClientError, match="valid fully-formed launch template"):
        rig.update(LaunchTemplate={"LaunchTemplateName": NAME, "Version": "7"})


def test_a_reset_ends_every_process(rig: Rig) -> None:
    rig.make()
    MotoAPIBackend(REGION, "123456789012").reset()
    assert rig.pool.states == {}
    rig.after(1)
    assert rig.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_moto_is_itself_again_without_the_patches(rig: Rig) -> None:
    rig.controller.fidelity.uninstall()
    rig.template(rig.image("web-1.4.2"))
    rig.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=1,
        LaunchTemplate={"LaunchTemplateName": NAME, "Version": "$Latest"},
        AvailabilityZones=["eu-central-1a"],
    )
    assert rig.states() == ["InService"]
    rig.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["Launch"])
    assert rig.group()["SuspendedProcesses"][0]["ProcessName"] == "Launch"
