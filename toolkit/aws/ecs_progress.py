"""How an ECS service comes to run a release, from what AWS says of the service and of its stopped tasks. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from toolkit.aws.ecs_service import Service
from toolkit.aws.ecs_tasks import TASK_CHARACTERS, StoppedTask
from toolkit.rollout.workload import Progress

_TASK = re.compile(rf"\b([0-9a-f]{{{TASK_CHARACTERS}}})[0-9a-f]{{26}}\b")
_TARGET_GROUP = re.compile(r"\barn:\S+:targetgroup/([^/\s]+)/\w+")
_WENT_BACK = "rolling back to deployment"  # of the event and of the state's reason, in ECS's words


def is_short_of(service: Service, revision: str) -> bool:
    """Whether it is worth looking for tasks that have ended: fewer run than are asked for."""
    return _running(service, revision) < service.desired


def progress(service: Service, revision: str, stopped: Sequence[StoppedTask], since: datetime) -> Progress:
    """stopped: tasks of the service that have ended, of whatever revision, whenever it was."""
    failed = sorted(
        (task for task in stopped if task.revision == revision and task.by_itself and task.at >= since),
        key=lambda task: task.at,
    )
    running = _running(service, revision)
    return Progress(
        running=running,
        older=sum(each.running for each in service.deployments) - running,
        failures=len(failed),
        lines=_lines(service, failed, since),
        given_up=_given_up(service, revision, failed, since),
        is_settled=_is_settled(service, revision),
    )


def _is_settled(service: Service, revision: str) -> bool:
    """Whether ECS goes on with nothing: until it says so, it may still find the deployment failed, and go back."""
    wanted = service.deployments[0] if service.deployments else None
    return wanted is None or (wanted.revision == revision and wanted.state in ("COMPLETED", ""))


def _running(service: Service, revision: str) -> int:
    return sum(each.running for each in service.deployments if each.revision == revision)


def _lines(service: Service, failed: Sequence[StoppedTask], since: datetime) -> tuple[str, ...]:
    """Once tasks have failed, the last line is why the last of them did: what came after it is told at a later look."""
    # AWS tells the newest first, and what happened at one moment has its order by that alone.
    events = [(at, readable(message, service.name)) for at, message in reversed(service.events) if at >= since]
    if failed:
        events = [(at, line) for at, line in events if at <= failed[-1].at]
    # A failure is told after the events of the same moment.
    told = [(at, 0, line) for at, line in events] + [(task.at, 1, task.line) for task in failed]
    return tuple(line for *_, line in sorted(told, key=lambda each: each[:2]))


def readable(message: str, service: str) -> str:
    """An event without the service's name before it, with short names in place of ids and ARNs."""
    short = _TARGET_GROUP.sub(r"\1", _TASK.sub(r"\1", message))
    return short.removeprefix(f"(service {service})").removeprefix(",").strip()


def _given_up(service: Service, revision: str, failed: Sequence[StoppedTask], since: datetime) -> str:
    if not service.deployments:
        return ""
    wanted = service.deployments[0]
    last = f" ({failed[-1].line})" if failed else ""
    if wanted.revision == revision:
        reason = wanted.reason.removesuffix(".") or "ECS has given the deployment up"
        return f"{reason}{last}" if wanted.state == "FAILED" else ""
    went_back = _WENT_BACK in wanted.reason or any(_WENT_BACK in text for at, text in service.events if at >= since)
    if went_back:
        return f"ECS went back to {wanted.revision} by itself: {revision} failed{last}"
    # Where neither holds, AWS may not have heard of the release yet.
    is_replaced = any(each.revision == revision for each in service.deployments)
    if is_replaced or wanted.created >= since:
        return f"somebody else deployed {wanted.revision} in place of {revision}{last}"
    return ""
