"""An Auto Scaling group as AWS tells of it: its bounds, what it launches, its instances. Pure: no call is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.rollout.workload import Capacity

HELD = ("AZRebalance", "ScheduledActions")
"""The processes that could take instances away while a minimum stands: they rest during a rollout. Sorted."""

_LEAVING = ("Terminating", "Detaching", "Standby", "EnteringStandby", "Warmed")
_WITHOUT_TRAFFIC = ("Terminated", "Detached", "Standby", "Warmed")


@dataclass(frozen=True, slots=True)
class Template:
    """A launch template and the version of it that is named: a number, `$Latest` or `$Default`."""

    id: str
    version: str

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> Template:
        """From AWS's LaunchTemplateSpecification, which stands for the default version where it names none."""
        return cls(str(named["LaunchTemplateId"]), str(named.get("Version") or "$Default"))

    @property
    def specification(self) -> dict[str, str]:
        """As AWS takes it."""
        return {"LaunchTemplateId": self.id, "Version": self.version}

    @property
    def is_moving(self) -> bool:
        """Whether it names another version tomorrow."""
        return self.version.startswith("$")

    def __str__(self) -> str:
        return f"{self.id}:{self.version}"


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance. revision: the launch template and version that it came from; empty where it came from none."""

    id: str
    state: str
    is_healthy: bool
    revision: str

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Instance:
        named = answer.get("LaunchTemplate")
        return cls(
            id=str(answer["InstanceId"]),
            state=str(answer["LifecycleState"]),
            is_healthy=answer.get("HealthStatus") == "Healthy",
            revision=str(Template.of(named)) if named else "",
        )

    @property
    def runs(self) -> bool:
        return self.state == "InService" and self.is_healthy

    @property
    def is_leaving(self) -> bool:
        """Whether it leaves by itself, or a person has taken it aside, where it gets no traffic."""
        return self.state.startswith(_LEAVING) or self.has_left

    @property
    def has_left(self) -> bool:
        """Whether no request can reach it any more, as far as its state tells."""
        return self.state.startswith(_WITHOUT_TRAFFIC)


@dataclass(frozen=True, slots=True)
class Group:
    """One Auto Scaling group.

    template: what it launches; None where a launch configuration says it. policy: its mixed-instances policy, as AWS
    has it. barrier: why no release can be put on it; empty where one can. target_groups: ARNs that it is attached to.
    checks: its health check types.
    """

    name: str
    capacity: Capacity
    template: Template | None
    policy: Mapping[str, Any] | None
    barrier: str
    instances: tuple[Instance, ...]
    checks: frozenset[str]
    target_groups: frozenset[str]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Group:
        """From one of the groups of DescribeAutoScalingGroups."""
        policy = answer.get("MixedInstancesPolicy")
        named = policy["LaunchTemplate"]["LaunchTemplateSpecification"] if policy else answer.get("LaunchTemplate")
        instances = tuple(map(Instance.of, answer.get("Instances", ())))
        return cls(
            name=str(answer["AutoScalingGroupName"]),
            capacity=Capacity(
                desired=int(answer["DesiredCapacity"]),
                running=sum(instance.runs for instance in instances),
                minimum=int(answer["MinSize"]),
                maximum=int(answer["MaxSize"]),
                suspended=tuple(sorted(each["ProcessName"] for each in answer.get("SuspendedProcesses", ()))),
            ),
            template=Template.of(named) if named else None,
            policy=policy,
            barrier=_barrier(answer),
            instances=instances,
            checks=frozenset(str(answer.get("HealthCheckType", "EC2")).split(",")),
            target_groups=_attached(answer),
        )

    def launching(self, template: Template) -> dict[str, Any]:
        """What UpdateAutoScalingGroup takes for it to launch `template`; all else of a policy stays."""
        if self.policy is None:
            return {"LaunchTemplate": template.specification}
        held = self.policy["LaunchTemplate"]
        return {
            "MixedInstancesPolicy": {
                **self.policy,
                "LaunchTemplate": {**held, "LaunchTemplateSpecification": template.specification},
            }
        }

    def running(self, revision: str) -> int:
        """How many run that version, healthy."""
        return sum(instance.runs for instance in self.instances if instance.revision == revision)

    def others(self, revision: str) -> tuple[Instance, ...]:
        """The instances of any other version."""
        return tuple(instance for instance in self.instances if instance.revision != revision)


def _barrier(answer: Mapping[str, Any]) -> str:
    policy = answer.get("MixedInstancesPolicy")
    if policy is None and not answer.get("LaunchTemplate"):
        held = answer.get("LaunchConfigurationName")
        return f"launches by the launch configuration {held}, which has no versions" if held else "has no template"
    overrides = policy["LaunchTemplate"].get("Overrides", ()) if policy else ()
    if any(override.get("LaunchTemplateSpecification") for override in overrides):
        return "has a mixed-instances policy whose overrides name launch templates of their own"
    if answer.get("WarmPoolConfiguration"):
        return "has a warm pool, whose instances would come up with the old release"
    return ""


def _attached(answer: Mapping[str, Any]) -> frozenset[str]:
    sources = (each["Identifier"] for each in answer.get("TrafficSources", ()) if each.get("Identifier"))
    return frozenset((*answer.get("TargetGroupARNs", ()), *sources))
