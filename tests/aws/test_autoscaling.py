"""Auto Scaling groups as a workload: on the lab's groups in this process, at a time of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.aws.asg_answers import NOON, TEMPLATE, a_group, a_session, an_instance
from tests.lab.compute.asg_rig import NAME, REGION, Rig, rigged
from toolkit.aws.autoscaling import AsgWorkload
from toolkit.aws.session import Session
from toolkit.contract import AsgPair
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, PreflightRefused, UsageError
from toolkit.lab.compute.pool import Starting
from toolkit.lab.fidelity.readback import ReadbackFidelity
from toolkit.rollout.workload import Capacity, Change, Release
from toolkit.traffic import Color

BLUE, GREEN = Color.BLUE, Color.GREEN
PAIR = AsgPair({BLUE: NAME, GREEN: "web-green"})
GRACE, BAD = 30.0, 5.0
"""Seconds: of the rig's group, and of bad health until an instance is replaced there at the latest."""


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """Blue launches version 1 of its template; two instances of it are in service, at noon."""
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # there are thousands
    with rigged() as rig, ReadbackFidelity():
        rig.make(version="1")
        rig.after(1)
        yield rig


@pytest.fixture
def workload(rig: Rig) -> AsgWorkload:
    return AsgWorkload(a_session(None), PAIR)


@pytest.fixture
def session() -> Session:
    return a_session()


@pytest.fixture
def asg(session: Session) -> Iterator[Stubber]:
    with Stubber(session.client("autoscaling")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def deployed(rig: Rig, workload: AsgWorkload, image: str = "web-1.5.0") -> Release:
    """A new release of that AMI's name, made and put on blue."""
    release = workload.make(Change(ami=rig.image(image)), BLUE)
    workload.put(BLUE, release)
    return release


# How much


def test_what_is_scaled_to_is_wanted_and_the_minimum_in_one_call(session: Session, asg: Stubber) -> None:
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [a_group()]})
    asked = {"AutoScalingGroupName": "web-green", "MinSize": 2, "DesiredCapacity": 2}
    asg.add_response("update_auto_scaling_group", {}, asked)
    AsgWorkload(session, PAIR).scale(GREEN, 2)


def test_a_group_that_is_held_keeps_its_alarms(rig: Rig, workload: AsgWorkload) -> None:
    workload.hold(BLUE)
    assert workload.capacity(BLUE) == Capacity(2, 2, 2, 4, ("AZRebalance", "ScheduledActions"))


def test_what_a_person_suspended_stays_so_through_a_rollout(rig: Rig, workload: AsgWorkload) -> None:
    suspend = rig.autoscaling.suspend_processes
    suspend(AutoScalingGroupName=NAME, ScalingProcesses=["AZRebalance", "Terminate"])
    before = workload.capacity(BLUE)
    workload.hold(BLUE)
    suspend(AutoScalingGroupName=NAME, ScalingProcesses=["HealthCheck"])
    workload.let_go(BLUE, before)
    assert workload.capacity(BLUE).suspended == ("AZRebalance", "HealthCheck", "Terminate")


def test_a_group_is_let_go_whatever_an_answer_says_that_may_be_old(session: Session, asg: Stubber) -> None:
    name = {"AutoScalingGroupName": "web-green"}
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [a_group()]})
    asg.add_response("update_auto_scaling_group", {}, {**name, "MinSize": 1})
    asg.add_response("resume_processes", {}, {**name, "ScalingProcesses": ["AZRebalance", "ScheduledActions"]})
    AsgWorkload(session, PAIR).let_go(GREEN, Capacity(3, 3, 1, 4))


def test_what_was_suspended_before_is_so_again(rig: Rig, workload: AsgWorkload) -> None:
    workload.let_go(BLUE, Capacity(2, 2, 1, 4, ("ScheduledActions",)))
    assert workload.capacity(BLUE).suspended == ("ScheduledActions",)


def test_a_minimum_above_what_is_asked_for_raises_that(rig: Rig, workload: AsgWorkload) -> None:
    workload.let_go(BLUE, Capacity(1, 1, 3, 4))
    capacity = workload.capacity(BLUE)
    assert (capacity.minimum, capacity.desired) == (3, 3)


# Which release


def test_what_runs_is_told_by_the_number_of_the_version(rig: Rig, workload: AsgWorkload) -> None:
    release = workload.release(BLUE)
    assert release.revision.startswith("lt-")
    assert release.revision.endswith(":1")
    assert release.image.startswith("ami-")
    for alias in ("$Latest", "$Default"):
        rig.update(LaunchTemplate={"LaunchTemplateName": NAME, "Version": alias})
        assert workload.release(BLUE) == release


def test_a_launch_configuration_is_no_release(session: Session, asg: Stubber) -> None:
    held = a_group(LaunchTemplate=None, LaunchConfigurationName="web")
    for _ in range(3):
        asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [held]})
    workload = AsgWorkload(session, PAIR)
    with pytest.raises(AwsError, match="web-green launches by the launch configuration web") as caught:
        workload.release(GREEN)
    assert "asg-pair" in caught.value.hint
    for ask in (workload.foresee, workload.make):
        with pytest.raises(PreflightRefused, match=r"no release can be put on green: .* the launch configuration web"):
            ask(Change(ami="ami-1"), GREEN)


def test_a_release_goes_by_the_version_the_group_names_and_not_by_the_newest(rig: Rig, workload: AsgWorkload) -> None:
    changed = {"ImageId": rig.image("web-9.9.9"), "InstanceType": "t3.small"}
    rig.ec2.create_launch_template_version(LaunchTemplateName=NAME, LaunchTemplateData=changed)
    release = workload.make(Change(ami=rig.image("web-1.5.0")), BLUE)
    assert release.revision.endswith(":3")
    held = rig.ec2.describe_launch_template_versions(LaunchTemplateName=NAME, Versions=["3"])["LaunchTemplateVersions"]
    assert held[0]["LaunchTemplateData"] == {"ImageId": release.image, "InstanceType": "t3.micro"}
    assert held[0]["VersionDescription"] == f"bluegreen: AMI {release.image}; by version 1"


def test_a_live_group_is_not_updated_in_place_and_nothing_is_made(rig: Rig, workload: AsgWorkload) -> None:
    before = workload.release(Color.BLUE)
    for ask in (workload.foresee, workload.make):
        with pytest.raises(UsageError, match=r"cannot be put on one in place.* instance refresh"):
            ask(Change(ami=rig.image("web-1.5.0")), Color.BLUE, in_place=True)
    with pytest.raises(PreflightRefused, match="has no rolling update"):
        workload.replacement(Color.BLUE)
    assert workload.release(Color.BLUE) == before


def test_a_version_that_is_named_is_gone_by_and_is_the_release_where_nothing_else_is_asked(
    rig: Rig, workload: AsgWorkload
) -> None:
    changed = {"ImageId": rig.image("web-1.5.0"), "InstanceType": "t3.small"}
    rig.ec2.create_launch_template_version(LaunchTemplateName=NAME, LaunchTemplateData=changed)
    named = workload.foresee(Change(template_version=2), BLUE)
    assert (named.revision.rpartition(":")[2], named.image) == ("2", changed["ImageId"])
    assert workload.make(Change(template_version=2), BLUE) == named
    other = workload.make(Change(template_version=2, ami=rig.image("web-1.6.0")), BLUE)
    assert other.revision.endswith(":3")


def test_a_version_that_was_made_before_a_crash_is_foreseen_and_not_made_again(rig: Rig, workload: AsgWorkload) -> None:
    change = Change(ami=rig.image("web-1.5.0"))
    made = workload.make(change, BLUE)
    assert workload.foresee(change, BLUE) == workload.make(change, BLUE) == made


def test_an_ami_that_is_not_there_is_refused_and_nothing_is_made(rig: Rig, workload: AsgWorkload) -> None:
    for ask in (workload.foresee, workload.make):
        with pytest.raises(PreflightRefused, match="there is no AMI ami-0123456789abcdef0"):
            ask(Change(ami="ami-0123456789abcdef0"), BLUE)
    assert workload.foresee(Change(template_version=1), BLUE).revision.endswith(":1")
    newest = rig.ec2.describe_launch_template_versions(LaunchTemplateName=NAME, Versions=["$Latest"])
    assert newest["LaunchTemplateVersions"][0]["VersionNumber"] == 1


# Putting it, and how it comes


def test_a_release_is_put_by_its_number_and_the_instances_of_others_leave(rig: Rig, workload: AsgWorkload) -> None:
    release = deployed(rig, workload)
    assert rig.group()["LaunchTemplate"]["Version"] == "2"
    assert workload.release(BLUE) == release
    assert rig.group()["DesiredCapacity"] == 2
    rig.after(1)
    assert sorted(zip(rig.versions(), rig.states(), strict=True)) == [
        ("1", "Terminating"),
        ("1", "Terminating"),
        ("2", "InService"),
        ("2", "InService"),
    ]


def test_put_again_it_ends_nobody_twice(rig: Rig, workload: AsgWorkload) -> None:
    release = deployed(rig, workload)
    rig.after(1)
    before = rig.activities()
    workload.put(BLUE, release)
    assert rig.activities() == before


def test_of_a_mixed_instances_policy_the_version_alone_is_written(session: Session, asg: Stubber) -> None:
    launches: dict[str, Any] = {"LaunchTemplateSpecification": TEMPLATE, "Overrides": [{"InstanceType": "t3a.micro"}]}
    policy = {"LaunchTemplate": launches, "InstancesDistribution": {"OnDemandBaseCapacity": 1}}
    group = a_group(an_instance(1), LaunchTemplate=None, MixedInstancesPolicy=policy)
    named = {"LaunchTemplateId": "lt-1", "Version": "8"}
    written = {**policy, "LaunchTemplate": {**launches, "LaunchTemplateSpecification": named}}
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [group]})
    asked = {"AutoScalingGroupName": "web-green", "MixedInstancesPolicy": written}
    asg.add_response("update_auto_scaling_group", {}, asked)
    asg.add_response(
        "describe_auto_scaling_groups", {"AutoScalingGroups": [{**group, "MixedInstancesPolicy": written}]}
    )
    ended = {"InstanceId": "i-1", "ShouldDecrementDesiredCapacity": False}
    asg.add_response("terminate_instance_in_auto_scaling_group", {}, ended)
    AsgWorkload(session, PAIR).put(GREEN, Release("lt-1:8", "ami-2"))


def test_an_instance_that_a_person_set_aside_or_that_leaves_already_is_let_be(session: Session, asg: Stubber) -> None:
    aside = [an_instance(number, state, version="6") for number, state in enumerate(("Standby", "Terminating:Wait"))]
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [a_group(*aside)]})
    AsgWorkload(session, PAIR).put(GREEN, Release("lt-1:7", "ami-2"))


def test_a_group_that_does_not_take_the_version_is_an_error_and_keeps_its_instances(
    session: Session, asg: Stubber
) -> None:
    held = {"AutoScalingGroups": [a_group(an_instance(1))]}
    asked = {"AutoScalingGroupName": "web-green", "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "8"}}
    asg.add_response("describe_auto_scaling_groups", held)
    asg.add_response("update_auto_scaling_group", {}, asked)
    asg.add_response("describe_auto_scaling_groups", held)
    with pytest.raises(AwsError, match="was given lt-1:8, and AWS says that it launches lt-1:7"):
        AsgWorkload(session, PAIR).put(GREEN, Release("lt-1:8", "ami-2"))


def test_a_release_without_a_version_cannot_be_put(session: Session, asg: Stubber) -> None:
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [a_group()]})
    with pytest.raises(AwsError, match="names no launch template and version"):
        AsgWorkload(session, PAIR).put(GREEN, Release("", "ami-2"))


def test_what_drains_gets_no_request_and_holds_nothing_up(rig: Rig, workload: AsgWorkload) -> None:
    rig.pool.first = Starting()
    release = deployed(rig, workload)
    rig.after(1)
    progress = workload.progress(BLUE, release, NOON)
    assert (progress.running, progress.older, progress.hopeless) == (0, 0, "")
    assert rig.states().count("Terminating") == 2


def test_an_old_instance_counts_until_aws_says_that_it_drains(session: Session, asg: Stubber) -> None:
    group = a_group(an_instance(1), an_instance(2, "Terminating", version="6"), an_instance(3, "Standby", version="6"))
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [group]})
    asg.add_response("describe_scaling_activities", {"Activities": []})
    progress = AsgWorkload(session, PAIR).progress(GREEN, Release("lt-1:7", "ami-2"), NOON)
    assert (progress.running, progress.older) == (1, 1)


def test_instances_whose_app_never_gets_healthy_make_a_release_hopeless(rig: Rig, workload: AsgWorkload) -> None:
    release = deployed(rig, workload)
    for _ in range(2):
        rig.after(1)
        new = [each for each, version in zip(rig.ids(), rig.versions(), strict=True) if version == "2"]
        rig.checks.unhealthy.update(new)
        rig.after(GRACE)
        rig.after(BAD)
    progress = workload.progress(BLUE, release, NOON)
    assert progress.failures >= 3
    assert "an instance was taken out of service in response to an ELB system health check failure" in progress.hopeless


def test_an_ami_that_vanished_ends_the_wait_at_once(rig: Rig, workload: AsgWorkload) -> None:
    release = deployed(rig, workload)
    rig.ec2.deregister_image(ImageId=release.image)
    workload.scale(BLUE, 3)
    progress = workload.progress(BLUE, release, NOON)
    assert progress.failures == 1
    assert f"The image id '[{release.image}]' does not exist" in progress.given_up


def test_somebody_else_who_changed_the_version_is_told(rig: Rig, workload: AsgWorkload) -> None:
    release = deployed(rig, workload)
    rig.update(LaunchTemplate={"LaunchTemplateName": NAME, "Version": "$Latest"})
    told = workload.progress(BLUE, release, NOON).given_up
    assert told.startswith(f"somebody else changed it: Auto Scaling group {NAME} launches lt-")
    assert told.endswith(f":$Latest, not {release.revision}")


def test_a_group_that_may_not_launch_is_told_while_something_is_missing(rig: Rig, workload: AsgWorkload) -> None:
    release = deployed(rig, workload)
    rig.after(1)
    rig.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["Launch"])
    assert workload.progress(BLUE, release, NOON).given_up == ""
    workload.scale(BLUE, 3)
    assert "its process Launch is suspended" in workload.progress(BLUE, release, NOON).given_up


# What else is to be said


def test_remarks_tell_of_both_groups_and_of_what_waits_in_their_templates(rig: Rig, workload: AsgWorkload) -> None:
    rig.update(HealthCheckType="EC2")
    rig.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="web-green",
        MinSize=0,
        MaxSize=4,
        LaunchTemplate={"LaunchTemplateName": NAME, "Version": "1"},
        AvailabilityZones=[f"{REGION}a"],
        HealthCheckType="ELB",
        TargetGroupARNs=[rig.target_group],
    )
    changed = {"ImageId": "ami-1", "InstanceType": "t3.small"}
    rig.ec2.create_launch_template_version(LaunchTemplateName=NAME, LaunchTemplateData=changed)
    told = workload.remarks()
    assert [remark.partition(" ")[0] for remark in told] == ["blue's", "blue", "green"]
    assert "make it ELB" in told[0]
    assert all("version 2 differs in InstanceType" in remark for remark in told[1:])


def test_what_is_denied_says_what_was_being_done(session: Session, asg: Stubber) -> None:
    asg.add_client_error("describe_auto_scaling_groups", "AccessDenied", "no", 403)
    with pytest.raises(AccessDenied, match="reading the Auto Scaling group web-green"):
        AsgWorkload(session, PAIR).capacity(GREEN)
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [a_group()]})
    asg.add_client_error("update_auto_scaling_group", "AccessDenied", "no", 403)
    with pytest.raises(AccessDenied, match="scaling the Auto Scaling group web-green to 2"):
        AsgWorkload(session, PAIR).scale(GREEN, 2)


def test_no_answer_is_one_clear_error(session: Session) -> None:
    with pytest.raises(AwsUnreachable):
        AsgWorkload(session, PAIR).scale(GREEN, 1)
