"""What stands in for parts of moto's Auto Scaling: the settings it drops, suspended processes, the activities."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError

from toolkit.lab.fidelity import autoscaling_activities as words
from toolkit.lab.fidelity import autoscaling_checks as checks
from toolkit.lab.fidelity.autoscaling_activities import ActivityLog
from toolkit.lab.fidelity.checks import Refused

PROCESSES: Final = (
    "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh", "Launch",
    "ReplaceUnhealthy", "ScheduledActions", "Terminate",
)  # fmt: skip
"""The processes that can be suspended. Source: user guide, "Suspend and resume processes"."""

# Members of the requests that moto drops -> its group's attribute, which its answers are made from.
_NUMBERS: Final = {
    "DefaultCooldown": "default_cooldown",
    "DefaultInstanceWarmup": "default_instance_warmup",
    "MaxInstanceLifetime": "max_instance_lifetime",
}
_OTHERS: Final = {
    "AvailabilityZoneDistribution": "availability_zone_distribution",
    "CapacityRebalance": "capacity_rebalance",
    "Context": "context",
    "DesiredCapacityType": "desired_capacity_type",
    "InstanceMaintenancePolicy": "instance_maintenance_policy",
    "PlacementGroup": "placement_group",
    "TerminationPolicies": "termination_policies",
}


def complete(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap the answer to a request that makes or changes a group, so that nothing it says is dropped."""

    @wraps(original)
    def answer(response: Any) -> Any:
        result = original(response)
        name = response._get_param("AutoScalingGroupName")  # noqa: SLF001  moto's own way to read a request
        group = response.autoscaling_backend.autoscaling_groups[name]
        for member, attribute in (*_NUMBERS.items(), *_OTHERS.items()):
            value = response._get_param(member)  # noqa: SLF001
            if value is not None and value != []:
                setattr(group, attribute, int(value) if member in _NUMBERS else value)
        return result

    return answer


def delete_auto_scaling_group(response: Any) -> Any:
    """In place of moto's, which does not read `ForceDelete`."""
    name = response._get_param("AutoScalingGroupName")  # noqa: SLF001
    force = bool(response._get_bool_param("ForceDelete", False))  # noqa: SLF001
    response.autoscaling_backend.delete_auto_scaling_group(name, force=force)
    return EmptyResult()


def describing(log_of: Callable[[Any], ActivityLog]) -> Callable[[Any], Any]:
    """DescribeScalingActivities, which moto answers with nothing."""

    def describe_scaling_activities(response: Any) -> Any:
        backend, ask = response.autoscaling_backend, response._get_param  # noqa: SLF001
        name = ask("AutoScalingGroupName")
        if name and not response._get_bool_param("IncludeDeletedGroups", False):  # noqa: SLF001
            with refusals_as_aws_errors():
                checks.check_name_is_known(name, backend.autoscaling_groups)
            name = backend.autoscaling_groups[name].arn
        most = response._get_int_param("MaxRecords")  # noqa: SLF001
        found, token = log_of(backend).page(name, ask("ActivityIds") or (), ask("NextToken"), most)
        return ActionResult({"Activities": [activity.answer() for activity in found], "NextToken": token})

    return describe_scaling_activities


def suspended_processes() -> property:
    """The property of moto's group, with the reason that AWS tells."""

    def told(group: Any) -> list[dict[str, str]]:
        held: dict[str, str] = group.lab_suspended
        return [{"ProcessName": name, "SuspensionReason": reason} for name, reason in sorted(held.items())]

    def hold(group: Any, names: Collection[str]) -> None:
        group.lab_suspended = dict.fromkeys(names, "")

    return property(told, hold)


def suspend_processes(backend: Any, group_name: str, scaling_processes: list[str]) -> None:
    """In place of moto's, which keeps no reason."""
    checks.check_processes(scaling_processes, PROCESSES)
    reason = f"User suspended at {datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"
    held = backend.autoscaling_groups[group_name].lab_suspended
    for name in scaling_processes or PROCESSES:
        held.setdefault(name, reason)


def resume_processes(backend: Any, group_name: str, scaling_processes: list[str]) -> None:
    """In place of moto's."""
    checks.check_processes(scaling_processes, PROCESSES)
    held = backend.autoscaling_groups[group_name].lab_suspended
    for name in scaling_processes or PROCESSES:
        held.pop(name, None)


def detach_target_groups(backend: Any, group_name: str, target_group_arns: list[str]) -> None:
    """In place of moto's `detach_load_balancer_target_groups`: the keeper deregisters."""
    group = backend.autoscaling_groups[group_name]
    group.target_group_arns = [arn for arn in group.target_group_arns if arn not in target_group_arns]


def takers_of_instances(backend: Any) -> frozenset[str]:
    """The target groups that a group may be attached to."""
    groups = backend.elbv2_backend.target_groups
    return frozenset(arn for arn, group in groups.copy().items() if group.target_type == "instance")


def check_launch_template(backend: Any, asked: Mapping[str, Any] | None) -> None:
    """Refuse a launch template, or a version of it, that is not there."""
    if not asked:
        return
    ec2, template_id = backend.ec2_backend, asked.get("LaunchTemplateId")
    try:
        if template_id:
            template = ec2.get_launch_template(template_id)
        else:
            template = ec2.get_launch_template_by_name(asked.get("LaunchTemplateName"))
        template.get_version(asked.get("Version") or "$Default")
    except (EC2ClientError, ValueError) as error:
        said = getattr(error, "message", str(error))
        message = f"You must use a valid fully-formed launch template. {said}"
        raise Refused(checks.INVALID, message) from None


def group_with(backend: Any, instance_id: str) -> Any:
    """The group that an instance belongs to."""
    for group in tuple(backend.autoscaling_groups.values()):
        if any(one.instance.id == instance_id for one in group.instance_states):
            return group
    message = f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
    raise Refused(checks.INVALID, message)


def bounded(now: float, before: checks.Bounds, after: checks.Bounds) -> str:
    """What an update says of itself in the causes of activities."""
    return words.bounded(now, after.minimum, after.maximum, before.desired, after.desired)


@contextmanager
def refusals_as_aws_errors() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise AutoscalingClientError(refused.code, refused.message) from None
