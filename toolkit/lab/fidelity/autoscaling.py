"""The seam with moto's Auto Scaling: a request only says what is wished, and a keeper makes it so, as on AWS.

moto launches and terminates within the request, knows no activities, and drops some settings.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, Protocol

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.moto_api._internal.models import MotoAPIBackend

from toolkit.lab.fidelity import autoscaling_activities as words
from toolkit.lab.fidelity import autoscaling_checks as checks
from toolkit.lab.fidelity import autoscaling_responses as responses
from toolkit.lab.fidelity.autoscaling_activities import Activity, ActivityLog
from toolkit.lab.fidelity.autoscaling_checks import Bounds
from toolkit.lab.fidelity.patches import Patches

_WITH_A_GROUP: Final = (
    "attach_instances", "attach_load_balancer_target_groups", "detach_instances", "enter_standby_instances",
    "execute_policy", "exit_standby_instances", "resume_processes", "set_instance_protection", "suspend_processes",
)  # fmt: skip
"""moto's methods after which a group is looked at; each has the group's name, or its policy's, first."""


class Keeper(Protocol):
    """Who launches and terminates instances."""

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held while a request changes a group, and while the keeper does."""
        ...

    def reset(self) -> None:
        """All groups and instances are forgotten."""
        ...

    def changed(self, backend: Any, group: Any) -> None:
        """A group is wished otherwise now."""
        ...

    def removed(self, backend: Any, group: Any) -> None:
        """A group is gone: so are its instances, at once."""
        ...

    def leave(self, backend: Any, group: Any, instance_id: str, cause: str) -> Activity:
        """An instance is to leave, whatever else is wished."""
        ...


@dataclass(slots=True)
class Notes:
    """What is kept beside moto's group.

    Attributes:
        request: the sentence about what was last asked, until it is fulfilled.
        failures: launches that failed in a row.
        retry_at: when the next is tried, seconds since the epoch.
    """

    request: str = ""
    failures: int = 0
    retry_at: float = 0.0


def notes_of(group: Any) -> Notes:
    found: Notes = group.__dict__.setdefault("lab_notes", Notes())
    return found


def log_of(backend: Any) -> ActivityLog:
    """The activities of a region. They are kept on moto's backend, so its reset forgets them."""
    found: ActivityLog = backend.__dict__.setdefault("lab_activities", ActivityLog())
    return found


def bounds_of(group: Any) -> Bounds:
    return Bounds(int(group.min_size or 0), int(group.desired_capacity or 0), int(group.max_size or 0))


class AutoScalingFidelity(Patches):
    """The patches, in force from `install` to `uninstall`; one at a time, since moto's classes are global.

    Args:
        keeper: told after each change, before the API's reply is sent, in the thread of the request.
        clock: seconds since the epoch.
    """

    def __init__(self, keeper: Keeper, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._keeper = keeper
        self._clock = clock

    def _patch(self) -> None:
        self._replace(FakeAutoScalingGroup, "set_desired_capacity", _wish)
        self._replace(AutoScalingBackend, "update_attached_target_groups", _leave_it_to_the_keeper)
        self._replace(FakeAutoScalingGroup, "suspended_processes", responses.suspended_processes())
        for name in ("suspend_processes", "resume_processes"):
            self._replace(AutoScalingBackend, name, getattr(responses, name))
        self._replace(AutoScalingBackend, "detach_load_balancer_target_groups", responses.detach_target_groups)
        for name in (*_WITH_A_GROUP, "detach_load_balancer_target_groups"):
            self._replace(AutoScalingBackend, name, self._followed(getattr(AutoScalingBackend, name)))
        for name in (
            "create_auto_scaling_group", "update_auto_scaling_group", "set_desired_capacity",
            "delete_auto_scaling_group", "terminate_instance", "notify_terminate_instances", "set_instance_health",
        ):  # fmt: skip
            own = getattr(self, f"_{name}")
            self._replace(AutoScalingBackend, name, self._guarded(getattr(AutoScalingBackend, name), own))
        for name in ("create_auto_scaling_group", "update_auto_scaling_group"):
            self._replace(AutoScalingResponse, name, responses.complete(getattr(AutoScalingResponse, name)))
        self._replace(AutoScalingResponse, "delete_auto_scaling_group", responses.delete_auto_scaling_group)
        self._replace(AutoScalingResponse, "describe_scaling_activities", responses.describing(log_of))
        self._replace(MotoAPIBackend, "reset", self._resetting(MotoAPIBackend.reset))

    def _guarded(self, original: Callable[..., Any], own: Callable[..., Any]) -> Callable[..., Any]:
        """`own(original, backend, ...)` in place of `original(backend, ...)`; what it refuses becomes AWS's error."""

        @wraps(original)
        def call(backend: Any, *args: Any, **kwargs: Any) -> Any:
            with self._keeper.lock, responses.refusals_as_aws_errors():
                return own(original, backend, *args, **kwargs)

        return call

    def _resetting(self, original: Callable[..., None]) -> Callable[..., None]:
        """The reset, with nothing launched meanwhile."""

        @wraps(original)
        def reset(backend: Any) -> None:
            with self._keeper.lock:
                original(backend)
                self._keeper.reset()

        return reset

    def _followed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`original`, and then a look at the group."""

        def own(original: Callable[..., Any], backend: Any, group_name: str, *args: Any, **kwargs: Any) -> Any:
            policy = backend.policies.get(group_name) if original.__name__ == "execute_policy" else None
            name = group_name if policy is None else policy.auto_scaling_group_name
            checks.check_name_is_known(name, backend.autoscaling_groups)
            if original.__name__ == "attach_load_balancer_target_groups":
                checks.check_target_groups(args[0], responses.takers_of_instances(backend))
            result = original(backend, group_name, *args, **kwargs)
            self._touched(backend, backend.autoscaling_groups[name])
            return result

        return self._guarded(original, own)

    def _touched(self, backend: Any, group: Any, request: str | None = None) -> None:
        """A request changed the group: a launch that failed may be tried anew at once."""
        notes = notes_of(group)
        notes.failures, notes.retry_at = 0, 0.0
        if request is not None:
            notes.request = request
        self._keeper.changed(backend, group)

    def _create_auto_scaling_group(self, original: Callable[..., Any], backend: Any, **call: Any) -> Any:
        checks.check_name_is_free(call["name"], backend.autoscaling_groups)
        checks.check_target_groups(call.get("target_group_arns") or (), responses.takers_of_instances(backend))
        sizes = {key: call.get(key) for key in ("min_size", "desired_capacity", "max_size")}
        bounds = checks.created(*(None if size is None else int(size) for size in sizes.values()))  # type: ignore[arg-type]
        responses.check_launch_template(backend, call.get("launch_template"))
        group = original(backend, **{**call, "desired_capacity": bounds.desired})
        group.health_check_grace_period = int(call.get("health_check_period") or 0)  # AWS's default; moto has 300
        self._touched(backend, group, words.made(self._clock(), bounds.desired))
        return group

    def _update_auto_scaling_group(self, original: Callable[..., Any], backend: Any, **call: Any) -> Any:
        checks.check_name_is_known(call["name"], backend.autoscaling_groups)
        group = backend.autoscaling_groups[call["name"]]
        before = bounds_of(group)
        after = checks.updated(
            before, minimum=call["min_size"], desired=call["desired_capacity"], maximum=call["max_size"]
        )
        responses.check_launch_template(backend, call.get("launch_template"))
        policy = group.mixed_instances_policy
        original(backend, **{**call, "desired_capacity": after.desired})
        if not any(call.get(source) for source in ("launch_template", "launch_config_name", "mixed_instances_policy")):
            group.mixed_instances_policy = policy  # moto drops what is not named again
        moved = before.desired != after.desired
        self._touched(backend, group, responses.bounded(self._clock(), before, after) if moved else None)
        return group

    def _set_desired_capacity(
        self, _original: Callable[..., Any], backend: Any, group_name: str, desired_capacity: int
    ) -> None:
        checks.check_name_is_known(group_name, backend.autoscaling_groups)
        group = backend.autoscaling_groups[group_name]
        before, after = bounds_of(group), int(desired_capacity)
        checks.check_desired(after, before)
        group.desired_capacity = after
        said = words.set_to(self._clock(), before.desired, after) if before.desired != after else None
        self._touched(backend, group, said)

    def _delete_auto_scaling_group(
        self, _original: Callable[..., Any], backend: Any, group_name: str, *, force: bool = False
    ) -> None:
        checks.check_name_is_known(group_name, backend.autoscaling_groups)
        group = backend.autoscaling_groups[group_name]
        leaving = sum(one.lifecycle_state == "Terminating" for one in group.instance_states)
        checks.check_deletion(force=force, instances=len(group.instance_states), leaving=leaving)
        del backend.autoscaling_groups[group_name]
        self._keeper.removed(backend, group)

    def _terminate_instance(
        self, _original: Callable[..., Any], backend: Any, instance_id: str, should_decrement: bool
    ) -> Mapping[str, Any]:
        group = responses.group_with(backend, instance_id)
        bounds = bounds_of(group)
        if should_decrement:
            checks.check_decrement(bounds)
            group.desired_capacity = bounds.desired - 1
        cause = words.asked_to_leave(self._clock(), instance_id, before=bounds.desired, after=bounds_of(group).desired)
        activity = self._keeper.leave(backend, group, instance_id, cause)
        answer = activity.answer()
        self._touched(backend, group)
        return answer

    def _notify_terminate_instances(self, _original: Callable[..., Any], backend: Any, instance_ids: list[str]) -> None:
        """Somebody terminated instances by EC2: a health check will find out, and they are replaced."""
        for group in tuple(backend.autoscaling_groups.values()):
            if any(one.instance.id in instance_ids for one in group.instance_states):
                self._keeper.changed(backend, group)

    def _set_instance_health(
        self, _original: Callable[..., Any], backend: Any, instance_id: str, health_status: str
    ) -> None:
        group = responses.group_with(backend, instance_id)
        for one in group.instance_states:
            if one.instance.id == instance_id:
                one.health_status = health_status
        self._keeper.changed(backend, group)


def _wish(group: Any, new_capacity: int | None) -> None:
    """In place of `FakeAutoScalingGroup.set_desired_capacity`: the keeper does the rest."""
    group.desired_capacity = group.min_size if new_capacity is None else new_capacity


def _leave_it_to_the_keeper(_backend: Any, _group_name: str) -> None:
    """In place of `AutoScalingBackend.update_attached_target_groups`, which registers whatever the group has."""
