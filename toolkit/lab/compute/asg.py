"""Auto Scaling groups: instances with real processes, in and out of the target groups as AWS has it."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from moto.autoscaling.models import autoscaling_backends

from toolkit.errors import LabError
from toolkit.lab.compute import asg_decide as decide
from toolkit.lab.compute.asg_decide import COUNTED, Launch, Lifecycle, Member, Terminate, Wanted, Why
from toolkit.lab.compute.asg_targets import Targets
from toolkit.lab.compute.images import behaviour_of
from toolkit.lab.compute.instances import GroupInstance, Machines, NoLaunch, Phase, Source, launch, ports_of, subnets_of
from toolkit.lab.compute.surroundings import Surroundings
from toolkit.lab.fidelity import autoscaling_activities as words
from toolkit.lab.fidelity.autoscaling import AutoScalingFidelity, bounds_of, log_of, notes_of
from toolkit.lab.fidelity.autoscaling_activities import Activity, details

_PROCESS_OF: Final = {"alarm": "AlarmNotification", "schedule": "ScheduledActions"}


class AsgController:
    """Keeps every Auto Scaling group of moto as it is wished.

    `fidelity` is to be entered while the lab runs: it makes moto leave the work to this controller.

    Args:
        around: the lab around it.
        clock: seconds since the epoch, for what happens within a request.
        start: where the search for free addresses begins; another one in each lab.
    """

    def __init__(
        self, around: Surroundings, *, clock: Callable[[], float] = time.time, start: int | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.fidelity = AutoScalingFidelity(self, clock=clock)
        self._scale = around.time_scale
        self._clock = clock
        self._start = random.randrange(1 << 16) if start is None else start  # noqa: S311  no secret
        self._machines = Machines(around.pool)
        self._targets = Targets(around.health, around.time_scale)

    def tick(self, now: float) -> None:
        """One look at every group. One that fails does not keep the others from theirs."""
        problems: list[Exception] = []
        with self.lock:
            for backend, group in _groups():
                try:
                    self._look(backend, group, now)
                except Exception as error:  # noqa: BLE001  told below
                    problems.append(error)
            self._machines.sweep()
        if problems:
            raise problems[0]

    def reset(self) -> None:
        """Forget all groups, as moto has done: end their processes."""
        with self.lock:
            self._machines.clear()

    def scale_in(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Play an autoscaler that wants only so many instances of a group.

        Args:
            asked: {"region", "group", "to"}; "by": "alarm" (a scaling policy, the default) or "schedule".

        Returns:
            {"desired_capacity": its desired capacity now, "because": why it is that}.

        Raises:
            LabError: a member is missing or unknown, or there is no such group.
        """
        try:
            region, name, to = str(asked["region"]), str(asked["group"]), int(asked["to"])
            process = _PROCESS_OF[asked.get("by", "alarm")]
        except (KeyError, TypeError, ValueError) as error:
            message = "a scale-in of a group takes region, group, to, and by, which is alarm or schedule"
            raise LabError(f"{message}: {error!r}.") from error
        with self.lock:
            group = next((one for _, one in _groups() if one.name == name and one.region == region), None)
            if group is None:
                raise LabError(f"there is no Auto Scaling group {name} in {region}.", hint="Name one that there is.")
            bounds, now = bounds_of(group), self._clock()
            desired, because = decide.scaled_in(
                bounds.minimum, bounds.desired, to, process=process, suspended=group.lab_suspended
            )
            if desired != bounds.desired:
                group.desired_capacity = desired
                notes_of(group).request = words.scaled_in(now, process, bounds.desired, desired)
                self._look(group.autoscaling_backend, group, now)
            return {"desired_capacity": desired, "because": because}

    def changed(self, backend: Any, group: Any) -> None:
        """See `Keeper`."""
        self._look(backend, group, self._clock())

    def removed(self, backend: Any, group: Any) -> None:
        """See `Keeper`."""
        now = self._clock()
        self._adopt(group, now)
        self._targets.withdraw(backend, group)
        for member in group.instance_states:
            if member.lifecycle_state != Lifecycle.TERMINATING:
                cause = words.asked_to_leave(now, member.instance.id, before=0, after=0)
                self._let_go(backend, group, member, cause, now)
            self._end(group, member, now)
        group.instance_states = []
        self._machines.sweep()

    def leave(self, backend: Any, group: Any, instance_id: str, cause: str) -> Activity:
        """See `Keeper`."""
        now = self._clock()
        self._adopt(group, now)
        member = next(one for one in group.instance_states if one.instance.id == instance_id)
        if member.lifecycle_state != Lifecycle.TERMINATING:
            self._let_go(backend, group, member, cause, now)
        found: Activity = member.activity
        return found

    def _look(self, backend: Any, group: Any, now: float) -> None:
        self._adopt(group, now)
        self._progress(backend, group, now)
        if self._act(backend, group, now):
            self._progress(backend, group, now)

    def _adopt(self, group: Any, now: float) -> None:
        """Take over instances that were attached by hand."""
        if all(isinstance(one, GroupInstance) for one in group.instance_states):
            return
        group.instance_states = [
            one if isinstance(one, GroupInstance) else _attached(group, one.instance, now)
            for one in group.instance_states
        ]

    def _progress(self, backend: Any, group: Any, now: float) -> None:
        """Let each instance take its next step."""
        attached = self._targets.groups_of(backend, group)
        ports, names = ports_of(attached), (group.name, *(one.name for one in attached))
        for member in tuple(group.instance_states):
            if member.lifecycle_state != Lifecycle.TERMINATING:
                self._machines.ensure(member, ports, names)
            match member.lifecycle_state:
                case Lifecycle.PENDING:
                    self._come_into_service(member, now)
                case Lifecycle.IN_SERVICE:
                    self._check(group, member, attached, now)
        self._targets.keep(backend, group)  # before anybody ends: who leaves must be out of the target groups
        for member in tuple(group.instance_states):
            if member.lifecycle_state == Lifecycle.TERMINATING and now >= member.leaves_at:
                self._end(group, member, now)

    def _come_into_service(self, member: GroupInstance, now: float) -> None:
        match self._machines.phase(member):
            case Phase.UP | Phase.DOWN:
                member.lifecycle_state, member.in_service_at = Lifecycle.IN_SERVICE.value, now
                if member.activity is not None:
                    member.activity.succeed(now)
            case Phase.UNSTARTED:
                member.health_status, member.found_by = "Unhealthy", decide.Check.EC2.value

    def _check(self, group: Any, member: GroupInstance, attached: list[Any], now: float) -> None:
        if member.health_status != "Healthy" or "HealthCheck" in group.lab_suspended:
            return
        if "unhealthy" not in self._targets.states(member, attached):
            member.sick_since = None
        elif member.sick_since is None:
            member.sick_since = now
        failed = decide.failed_check(
            group.health_check_type,
            is_up=member.instance.state == "running",
            is_dead=self._machines.phase(member) is Phase.DOWN,
            unhealthy_for=None if member.sick_since is None else now - member.sick_since,
            in_service=now - (member.in_service_at or now),
            grace=(group.health_check_grace_period or 0) * self._scale,
        )
        if failed is not None:
            member.health_status, member.found_by = "Unhealthy", failed.value

    def _act(self, backend: Any, group: Any, now: float) -> bool:
        """Do what is to be done now; whether anything was."""
        members = [_member(one) for one in group.instance_states]
        actual = sum(member.state in COUNTED for member in members)
        steps = decide.steps(_wanted(group, now), members)
        for step in steps:
            if isinstance(step, Terminate):
                leaving = next(one for one in group.instance_states if one.instance.id == step.instance)
                self._let_go(backend, group, leaving, _cause(group, leaving, step.why, actual, now), now)
            elif not self._launch(backend, group, step, actual, now):
                break
        if actual == bounds_of(group).desired and not steps:
            notes_of(group).request = ""
        return bool(steps)

    def _launch(self, backend: Any, group: Any, step: Launch, actual: int, now: float) -> bool:
        """Launch an instance and tell of it; whether that went well."""
        notes = notes_of(group)
        asked = words.started(now, notes.request, actual, bounds_of(group).desired)
        cause = words.replacing(now) if step.replaces else asked
        subnet = next((one.id for one in subnets_of(group) if one.availability_zone == step.zone), None)
        activity = log_of(backend).add(
            Activity(group.name, group.arn, "Launching a new EC2 instance", cause, now, details(step.zone, subnet))
        )
        self._start += 1
        try:
            ports = ports_of(self._targets.groups_of(backend, group))
            member = launch(group, step.zone, ports, self._start, now)
        except NoLaunch as refused:
            activity.fail(now, str(refused))
            notes.failures += 1
            notes.retry_at = now + decide.pause_after(notes.failures) * self._scale
            return False
        notes.failures, notes.retry_at = 0, 0.0
        activity.description += f": {member.instance.id}"
        member.activity = activity
        group.instance_states = [*group.instance_states, member]
        return True

    def _let_go(self, backend: Any, group: Any, member: GroupInstance, cause: str, now: float) -> None:
        if member.activity is not None and member.activity.ended is None:
            member.activity.succeed(now)
        member.activity = self._leaving(backend, group, member.instance, cause, now)
        is_asked = self._targets.has(group, member) and self._machines.phase(member) is Phase.UP
        drain = self._targets.drain_seconds(backend, group) if is_asked and member.instance.state == "running" else 0.0
        if drain:
            member.activity.drain()
        member.lifecycle_state, member.leaves_at = Lifecycle.TERMINATING.value, now + drain

    def _leaving(self, backend: Any, group: Any, instance: Any, cause: str, now: float) -> Activity:
        where = details(instance.placement.zone, instance.subnet_id)
        description = f"Terminating EC2 instance: {instance.id}"
        return log_of(backend).add(Activity(group.name, group.arn, description, cause, now, where))

    def _end(self, group: Any, member: GroupInstance, now: float) -> None:
        if member.instance.state != "terminated":
            member.instance.terminate()
        member.activity.succeed(now)
        group.instance_states = [one for one in group.instance_states if one is not member]


def _groups() -> Iterator[tuple[Any, Any]]:
    """Every group with the backend of its region."""
    for account in tuple(autoscaling_backends.values()):
        for backend in tuple(account.values()):
            for group in tuple(backend.autoscaling_groups.values()):
                yield backend, group


def _attached(group: Any, instance: Any, now: float) -> GroupInstance:
    image = group.ec2_backend.amis.get(instance.image_id)
    source = Source(instance.image_id, behaviour_of((image.name if image is not None else "") or ""))
    return GroupInstance(instance, group, source, now)


def _member(one: GroupInstance) -> Member:
    return Member(
        instance=one.instance.id,
        zone=str(one.instance.placement.zone),
        state=Lifecycle(one.lifecycle_state),
        version=one.source.version,
        launched=one.launched,
        is_healthy=one.health_status == "Healthy",
        is_protected=bool(one.protected_from_scale_in),
    )


def _wanted(group: Any, now: float) -> Wanted:
    suspended: Mapping[str, str] = group.lab_suspended
    waits = {"Launch"} if now < notes_of(group).retry_at else set[str]()
    zones = list(dict.fromkeys(one.availability_zone for one in subnets_of(group))) or list(group.availability_zones)
    return Wanted(bounds_of(group).desired, zones, suspended.keys() | waits, tuple(group.termination_policies))


def _cause(group: Any, member: GroupInstance, why: Why, actual: int, now: float) -> str:
    if why is Why.UNHEALTHY:
        return words.unhealthy(now, member.found_by)
    return words.shrunk(now, notes_of(group).request, actual, bounds_of(group).desired, member.instance.id)
