"""The instances of Auto Scaling groups in the target groups: registered while in service, and deregistered after."""

from collections.abc import Collection
from typing import Any
from weakref import WeakKeyDictionary

from toolkit.lab.compute.asg_decide import Lifecycle
from toolkit.lab.compute.instances import GroupInstance
from toolkit.lab.fidelity import HealthSource, HealthUnknown
from toolkit.lab.fidelity.targets import registered

Place = tuple[str, str, int]
"""Target group's ARN, instance id, port."""


class Targets:
    """Who of a group is registered where, by this lab's doing. What others deregistered stays so, as on AWS."""

    def __init__(self, health: HealthSource, time_scale: float) -> None:
        self._health = health
        self._scale = time_scale
        self._places: WeakKeyDictionary[Any, frozenset[Place]] = WeakKeyDictionary()

    def groups_of(self, backend: Any, group: Any) -> list[Any]:
        """The target groups that a group is attached to and that are still there."""
        known = backend.elbv2_backend.target_groups
        return [known[arn] for arn in group.target_group_arns if arn in known]

    def has(self, group: Any, member: GroupInstance) -> bool:
        return any(instance == member.instance.id for _, instance, _ in self._places.get(group, ()))

    def states(self, member: GroupInstance, attached: Collection[Any]) -> set[str]:
        """Its states in the target groups it is registered in; empty where nobody can say."""
        found: set[str] = set()
        for target_group in attached:
            try:
                health = self._health.health(target_group.arn).get((member.instance.id, int(target_group.port)))
            except HealthUnknown:
                continue
            if health is not None:
                found.add(health.state)
        return found

    def drain_seconds(self, backend: Any, group: Any) -> float:
        """How long its instances drain: the longest deregistration delay of what a load balancer uses."""
        delays = [
            float(one.attributes.get("deregistration_delay.timeout_seconds", 300))
            for one in self.groups_of(backend, group)
            if one.load_balancer_arns
        ]
        return max(delays, default=0.0) * self._scale

    def keep(self, backend: Any, group: Any) -> None:
        """Register who is in service, deregister who is so no longer."""
        held = self._places.get(group, frozenset())
        wanted = frozenset(
            (one.arn, member.instance.id, int(one.port))
            for one in self.groups_of(backend, group)
            for member in group.instance_states
            if member.lifecycle_state == Lifecycle.IN_SERVICE and member.instance.state == "running"
        )
        if "AddToLoadBalancer" in group.lab_suspended:
            wanted &= held
        if wanted != held:
            self._move(backend, held - wanted, wanted - held)
            self._places[group] = wanted

    def withdraw(self, backend: Any, group: Any) -> None:
        """Deregister everybody."""
        self._move(backend, self._places.pop(group, frozenset()), frozenset())

    def _move(self, backend: Any, leaving: frozenset[Place], coming: frozenset[Place]) -> None:
        elbv2 = backend.elbv2_backend
        for arn in sorted({place[0] for place in leaving | coming}):
            target_group = elbv2.target_groups.get(arn)
            if target_group is None:
                continue
            here = set(registered(target_group))
            if new := _described(arn, coming, absent=here):
                elbv2.register_targets(arn, new)
            if old := [target for target in _described(arn, leaving) if (target["Id"], target["Port"]) in here]:
                elbv2.deregister_targets(arn, old)


def _described(arn: str, places: Collection[Place], absent: Collection[tuple[str, int]] = ()) -> list[dict[str, Any]]:
    return [
        {"Id": instance, "Port": port}
        for where, instance, port in sorted(places)
        if where == arn and (instance, port) not in absent
    ]
