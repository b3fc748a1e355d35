"""EC2 Auto Scaling groups as a workload: how many instances stand behind a color, and which release they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from toolkit.aws.autoscaling_group import HELD, Group, Template
from toolkit.aws.autoscaling_remarks import on_the_groups, on_the_newest
from toolkit.aws.launch_templates import LaunchTemplates, TemplateVersion
from toolkit.aws.scaling_activities import ScalingActivities, Told
from toolkit.aws.session import aws_errors
from toolkit.errors import AwsError, PreflightRefused, UsageError
from toolkit.rollout.workload import Capacity, Change, Progress, Release, Replacement
from toolkit.traffic import Color

if TYPE_CHECKING:
    from toolkit.aws.session import Session
    from toolkit.contract import AsgPair

_MEND_TEMPLATE = "Give it one launch template of its own, as the Terraform module asg-pair does."

_MEND_IN_PLACE = (
    "Put it on the other color with bluegreen deploy, or update the instances batch by batch with a hook of your own."
)


class AsgWorkload:
    """The Auto Scaling group of each color, and the launch template that each has for itself.

    target_groups: the ARN of each color's, to see whether the groups are attached to them; empty where not known.
    """

    def __init__(self, session: Session, pair: AsgPair, target_groups: Mapping[Color, str] | None = None) -> None:
        self._session = session
        self._names = pair.groups
        self._target_groups = target_groups or {}

    @property
    def _client(self) -> Any:
        return self._session.client("autoscaling")

    @cached_property
    def _templates(self) -> LaunchTemplates:
        return LaunchTemplates(self._session)

    @cached_property
    def _activities(self) -> ScalingActivities:
        return ScalingActivities(self._session)

    def capacity(self, color: Color) -> Capacity:
        """running: instances in service that the group holds for healthy. suspended: names of processes.

        Raises:
            AwsError: and its children: among others where the group is gone.
        """
        return self._group(color).capacity

    def scale(self, color: Color, targets: int) -> None:
        """Ask for so many instances, and for no fewer at any time; the group's cooldown holds nothing up.

        Raises:
            AwsError: and its children; `targets` is above the group's maximum, and nothing was written.
        """
        name, maximum = self._names[color], self.capacity(color).maximum
        if maximum is not None and targets > maximum:
            raise AwsError(
                f"Auto Scaling group {name} may hold {maximum} instances at most, and {targets} are wanted. "
                "Nothing was changed.",
                hint="Raise its max_size in Terraform and apply, or scale to less.",
            )
        with aws_errors(f"scaling the Auto Scaling group {name} to {targets}"):
            self._client.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=targets, DesiredCapacity=targets)

    def hold(self, color: Color) -> None:
        """Let its minimum be what is asked for now, and its schedules and the balancing of its zones rest.

        Its alarms go on, so it is still scaled out. Raises AwsError and its children.
        """
        name = self._names[color]
        self._group(color)  # one that is gone is told in our words
        with aws_errors(f"suspending processes of the Auto Scaling group {name}"):
            self._client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=[*HELD])
        self._bound(name, self.capacity(color).desired)

    def let_go(self, color: Color, bounds: Capacity) -> None:
        """As the port says. A minimum above what is asked for raises that to it: so AWS has it.

        Only what `hold` suspends is resumed or suspended; what a person suspended meanwhile stays so. What stands there
        is not asked for first: an answer may be older than the last write, and a group would stay bound.
        Source: Auto Scaling API reference, UpdateAutoScalingGroup. Raises AwsError and its children.
        """
        name = self._group(color).name
        if bounds.minimum is not None:
            self._bound(name, bounds.minimum)
        resumed = [process for process in HELD if process not in bounds.suspended]
        suspended = [process for process in HELD if process in bounds.suspended]
        with aws_errors(f"resuming processes of the Auto Scaling group {name}"):
            if resumed:  # without a name AWS would resume all there are
                self._client.resume_processes(AutoScalingGroupName=name, ScalingProcesses=resumed)
            if suspended:
                self._client.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=suspended)

    def release(self, color: Color) -> Release:
        """The version of the launch template that the group names, by its number, and the AMI in it.

        image: `resolve:ssm:…` where the version says so. Raises AwsError and its children.
        """
        group = self._group(color)
        if group.template is None:
            raise AwsError(f"Auto Scaling group {group.name} {group.barrier}", hint=_MEND_TEMPLATE)
        version = self._templates.find(group.template.id, group.template.version)
        if version is None:
            raise _no_version(group.template.version, group)
        return Release(version.revision, version.image)

    def foresee(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        """It goes by the launch template version that is named, else by the one that the color's own group names."""
        by, image = self._wanted(change, color, in_place=in_place)
        known = self._templates.with_image(by, image)
        return Release(known.revision if known else "", image)

    def make(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        """As the port says.

        Raises:
            VerifyFailed: AWS made a version that differs in more than its AMI; nothing uses it.
            others as `foresee`.
        """
        by, image = self._wanted(change, color, in_place=in_place)
        made = self._templates.with_image(by, image)
        if made is None:
            made = self._templates.make(by, image, f"bluegreen: {change}; by version {by.number}")
        return Release(made.revision, image)

    def put(self, color: Color, release: Release) -> None:
        """Let the group launch that version, by its number, and end its instances of others; it replaces them.

        One that a person has put on standby stays: it gets no traffic. Raises AwsError and its children.
        """
        group, wanted = self._group(color), _template(release)
        if group.template != wanted:
            with aws_errors(f"letting the Auto Scaling group {group.name} launch {wanted}"):
                self._client.update_auto_scaling_group(AutoScalingGroupName=group.name, **group.launching(wanted))
            group = self._group(color)
            if group.template != wanted:
                raise AwsError(
                    f"Auto Scaling group {group.name} was given {wanted}, and AWS says that it launches "
                    f"{group.template}",
                    hint="Either AWS has not caught up yet, or somebody else changes it at the same time.",
                )
        for instance in group.others(release.revision):
            if not instance.is_leaving:
                with aws_errors(f"ending {instance.id} of the Auto Scaling group {group.name}"):
                    self._client.terminate_instance_in_auto_scaling_group(
                        InstanceId=instance.id, ShouldDecrementDesiredCapacity=False
                    )

    def progress(self, color: Color, release: Release, since: datetime) -> Progress:
        """older: instances of another version that may still get a request: those that do not drain yet.

        Raises AwsError and its children.
        """
        group = self._group(color)
        told = self._activities.since(group.name, since)
        older = [
            instance
            for instance in group.others(release.revision)
            if not instance.has_left and instance.id not in told.draining
        ]
        return Progress(
            running=group.running(release.revision),
            older=len(older),
            failures=told.failures,
            lines=told.lines,
            given_up=_given_up(group, release, told),
        )

    def replacement(self, color: Color) -> Replacement:
        """Raises PreflightRefused: a group replaces instances by an instance refresh, which is nothing of ours yet."""
        raise PreflightRefused(
            f"the Auto Scaling group {self._names[color]} has no rolling update that could be followed",
            hint=_MEND_IN_PLACE,
        )

    def remarks(self) -> Sequence[str]:
        """Raises AwsError and its children."""
        groups = {color: self._group(color) for color in Color}
        found = [*on_the_groups(groups, self._target_groups)]
        for color, group in groups.items():
            if group.template is None or group.template.version == "$Latest":
                continue
            used = self._templates.find(group.template.id, group.template.version)
            newest = self._templates.find(group.template.id, "$Latest")
            if used is None:
                found.append(f"{_no_version(group.template.version, group).message}.")
            elif newest is not None:
                found += on_the_newest(color, used, newest)
        return found

    def _group(self, color: Color) -> Group:
        name = self._names[color]
        with aws_errors(f"reading the Auto Scaling group {name}"):
            found = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        if not found:
            raise AwsError(
                f"Auto Scaling group {name} is gone: AWS knows none of that name",
                hint="Apply the Terraform again, or correct the `workload` that it puts into the contract.",
            )
        return Group.of(found[0])

    def _bound(self, name: str, minimum: int) -> None:
        with aws_errors(f"giving the Auto Scaling group {name} a minimum of {minimum}"):
            self._client.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=minimum)

    def _wanted(self, change: Change, color: Color, *, in_place: bool) -> tuple[TemplateVersion, str]:
        """The launch template version to go by, and the AMI that is to run."""
        if change.is_for_ecs:
            raise UsageError(
                f"{color} is an Auto Scaling group, and {change} is for ECS services",
                hint="Say --ami or --launch-template-version.",
            )
        if in_place:
            raise UsageError(
                f"{color} is an Auto Scaling group, and {change} cannot be put on one in place: it would take an "
                "instance refresh",
                hint=_MEND_IN_PLACE,
            )
        group = self._group(color)
        if group.barrier or group.template is None:
            raise PreflightRefused(
                f"no release can be put on {color}: Auto Scaling group {group.name} {group.barrier}",
                hint=_MEND_TEMPLATE,
            )
        number = change.template_version
        version = group.template.version if number is None else str(number)
        by = self._templates.find(group.template.id, version)
        if by is None:
            refused = _no_version(version, group)
            raise PreflightRefused(refused.message, hint=refused.hint)
        image = change.ami or by.image
        if change.ami or image.startswith("ami-"):
            self._templates.refuse_unfit(image, str(by.data.get("InstanceType", "")))
        return by, image


def _template(release: Release) -> Template:
    identifier, _, version = release.revision.rpartition(":")
    if not identifier:
        raise AwsError(f"{release} names no launch template and version, so no Auto Scaling group can launch it")
    return Template(identifier, version)


def _no_version(version: str, group: Group) -> AwsError:
    template = group.template.id if group.template else ""
    return AwsError(
        f"launch template {template} of the Auto Scaling group {group.name} has no version {version}",
        hint=f"aws ec2 describe-launch-template-versions --launch-template-id {template} shows those there are.",
    )


def _given_up(group: Group, release: Release, told: Told) -> str:
    if str(group.template) != release.revision:
        stands = f"launches {group.template}" if group.template else group.barrier
        return f"somebody else changed it: Auto Scaling group {group.name} {stands}, not {release.revision}"
    if "Launch" in group.capacity.suspended and group.capacity.running < group.capacity.desired:
        return f"Auto Scaling group {group.name} launches nothing, as its process Launch is suspended"
    return told.never
