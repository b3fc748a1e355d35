"""How one task goes on: from what its process does and what the load balancers find. Pure.

Each function returns the task as it is now; who calls it acts on the difference.
"""

from collections.abc import Mapping
from dataclasses import replace

from toolkit.lab.compute.ecs.model import Health, Phase, Stop, Task
from toolkit.lab.compute.ecs.words import ESSENTIAL_EXITED, cannot_pull, could_not_start
from toolkit.lab.compute.images import Behaviour, behaviour_of
from toolkit.lab.compute.pool import Exited, Running, Starting, State
from toolkit.lab.fidelity import ReportedHealth

Reports = Mapping[tuple[str, int], ReportedHealth]
"""The health of a target group's targets by address and port."""

LASTING_SECONDS = 2.0
"""At a fast pace a check may fail for no more than a busy machine; ECS itself looks every few seconds."""

_SIGNAL_BASE = 128  # a shell's and Docker's way to say that a signal ended a process
_FINE = frozenset({"healthy", "unused"})


def behaviour(task: Task) -> Behaviour:
    """How the image that is played behaves."""
    return behaviour_of(task.played.image)


def lost_its_address(task: Task, state: State | None) -> bool:
    """Whether somebody else took the address between the choice of it and the start."""
    return (
        task.phase is Phase.PENDING
        and isinstance(state, Exited)
        and not state.listened
        and "cannot listen" in state.said
    )


def observed(task: Task, state: State | None, now: float) -> Task:
    """The task after a look at its process; `state` is None where it has none."""
    if task.phase is Phase.STOPPED:
        return task
    if task.phase is Phase.PENDING and (stop := _why_it_never_starts(task, state)) is not None:
        return _ended(task, now, stop=stop, trouble=stop.reason)
    match state:
        case Running():
            return _running(task, now)
        case Exited(code):
            shown = code if code >= 0 else _SIGNAL_BASE - code
            return _ended(task, now, stop=task.stop or ESSENTIAL_EXITED, code=shown)
        case None:
            return _ended(task, now, stop=task.stop or ESSENTIAL_EXITED)
        case Starting():
            return task


def _why_it_never_starts(task: Task, state: State | None) -> Stop | None:
    if not behaviour(task).pulls:
        return cannot_pull(task.played.image)
    return could_not_start("the lab could not start a process; its log says why") if state is None else None


def _running(task: Task, now: float) -> Task:
    """The task now that its process listens."""
    match task.phase:
        case Phase.PENDING:
            return replace(task, phase=Phase.ACTIVATING)
        case Phase.ACTIVATING:
            health = Health.UNKNOWN if task.targets else Health.HEALTHY
            return replace(task, phase=Phase.RUNNING, started=now, health=health)
        case Phase.DEACTIVATING if task.drained is not None and now >= task.drained:
            return replace(task, phase=Phase.STOPPING)
        case _:
            return task


def _ended(task: Task, now: float, *, stop: Stop, code: int | None = None, trouble: str = "") -> Task:
    return replace(
        task,
        phase=Phase.STOPPED,
        stopping=task.stopping or now,
        stopped=now,
        stop=stop,
        exit_code=code,
        trouble=trouble,
    )


def leaving(task: Task, stop: Stop, now: float, delay: float) -> Task:
    """A task that begins to end; its process may do so in `delay` seconds, when its targets have drained."""
    phase = Phase.DEACTIVATING if delay > 0 else Phase.STOPPING
    return replace(task, phase=phase, stop=stop, stopping=now, drained=now + delay)


def self_checked(task: Task, now: float, time_scale: float) -> Task:
    """The task with what the container's own health check says, if it has one."""
    found_sick = task.played.found_sick
    if found_sick is None or task.started is None or task.phase is not Phase.RUNNING:
        return task
    if not behaviour(task).is_unhealthy:
        return replace(task, own_health=Health.HEALTHY)
    is_known = now - task.started >= found_sick * time_scale
    return replace(task, own_health=Health.UNHEALTHY if is_known else Health.UNKNOWN)


def checked(task: Task, reports: Mapping[str, Reports], now: float, grace: float) -> Task:
    """The task with the health that its target groups report; sickness does not count within `grace` seconds."""
    if task.phase is not Phase.RUNNING or not task.targets or any(arn not in reports for arn, _ in task.targets):
        return task
    states = {_state(reports[arn], (task.address, port)) for arn, port in task.targets}
    if states <= _FINE:
        return replace(task, health=Health.HEALTHY, sick_since=None)
    within_grace = task.started is not None and now - task.started < grace
    if "unhealthy" in states and not within_grace:
        return replace(task, health=Health.UNHEALTHY, sick_since=now if task.sick_since is None else task.sick_since)
    return replace(task, health=Health.UNKNOWN, sick_since=None)


def is_lasting(task: Task, now: float) -> bool:
    """Whether it has been unhealthy for so long that it is to be replaced."""
    return task.health is Health.UNHEALTHY and task.sick_since is not None and now - task.sick_since >= LASTING_SECONDS


def sick_in(task: Task, reports: Mapping[str, Reports]) -> tuple[str, int, str] | None:
    """Target group, port and reason of the first target that is unhealthy."""
    for arn, port in task.targets:
        report = reports.get(arn, {}).get((task.address, port))
        if report is not None and report.state == "unhealthy":
            return arn, port, report.description or report.reason or "Health checks failed"
    return None


def _state(reports: Reports, address: tuple[str, int]) -> str:
    report = reports.get(address)
    return "initial" if report is None else report.state
