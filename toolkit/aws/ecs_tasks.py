"""The tasks of an ECS service: which image runs, and why some ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors
from toolkit.aws.task_definitions import revision_of

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_TASKS_A_CALL = 100  # Source: ECS API reference, DescribeTasks
_BY_ITSELF = frozenset({"EssentialContainerExited", "TaskFailedToStart"})


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """A task that has ended, or is about to. by_itself: nobody asked for it, so it failed."""

    revision: str
    at: datetime
    by_itself: bool
    line: str


class Tasks:
    """The tasks of one cluster. cluster: its name or ARN."""

    def __init__(self, session: Session, cluster: str) -> None:
        self._session = session
        self._cluster = cluster
        self._ended: dict[str, StoppedTask] = {}

    @property
    def _client(self) -> Any:
        return self._session.client("ecs")

    def digest(self, service: str, revision: str, container: str) -> str:
        """Of the image that `container` of a running task of that revision runs; empty where AWS tells none.

        Raises:
            AwsError: and its children.
        """
        with aws_errors(f"reading the tasks of the ECS service {service}"):
            arns = self._client.list_tasks(cluster=self._cluster, serviceName=service)["taskArns"]
            tasks = self._described(arns[:_TASKS_A_CALL])
        of_revision = (task for task in tasks if revision_of(task["taskDefinitionArn"]) == revision)
        digests = (
            str(each["imageDigest"])
            for task in of_revision
            for each in task.get("containers", ())
            if each.get("name") == container and each.get("imageDigest")
        )
        return next(digests, "")

    def stopped(self, service: str) -> Sequence[StoppedTask]:
        """Those that AWS still tells, for about an hour. One that has ended is described once.

        Raises:
            AwsError: and its children.
        """
        with aws_errors(f"reading the stopped tasks of the ECS service {service}"):
            pages = self._client.get_paginator("list_tasks").paginate(
                cluster=self._cluster, serviceName=service, desiredStatus="STOPPED"
            )
            arns = [str(arn) for page in pages for arn in page["taskArns"]]
            new = [arn for arn in arns if arn not in self._ended]
            told = {
                str(task["taskArn"]): task
                for start in range(0, len(new), _TASKS_A_CALL)
                for task in self._described(new[start : start + _TASKS_A_CALL])
            }
        read = {arn: stopped_task(task) for arn, task in told.items()}
        self._ended |= {arn: read[arn] for arn, task in told.items() if task.get("lastStatus") == "STOPPED"}
        return [found for arn in arns if (found := self._ended.get(arn) or read.get(arn))]

    def _described(self, arns: Sequence[str]) -> Sequence[Any]:
        if not arns:
            return ()
        return list(self._client.describe_tasks(cluster=self._cluster, tasks=list(arns))["tasks"])


def stopped_task(task: Mapping[str, Any]) -> StoppedTask:
    """Of one of the tasks that DescribeTasks answers with."""
    reason = str(task.get("stoppedReason", ""))
    return StoppedTask(
        revision=revision_of(str(task["taskDefinitionArn"])),
        at=task.get("stoppedAt") or task.get("stoppingAt") or task["createdAt"],
        by_itself=task.get("stopCode") in _BY_ITSELF or "health check" in reason,
        line=_line(task, reason),
    )


def _line(task: Mapping[str, Any], reason: str) -> str:
    """`task 1a2b3c stopped: Essential container in task exited (app: exit code 1)`."""
    why = "; ".join(detail for each in task.get("containers", ()) if (detail := _detail(each, reason)))
    name = revision_of(str(task["taskArn"]))[:TASK_CHARACTERS]
    return f"task {name} stopped: {reason or 'AWS does not say why'}{f' ({why})' if why else ''}"


TASK_CHARACTERS = 6
"""So much of a task's id, of 32, is enough to find it."""


def _detail(container: Mapping[str, Any], reason: str) -> str:
    return f"{container.get('name')}: {', '.join(parts)}" if (parts := list(_parts(container, reason))) else ""


def _parts(container: Mapping[str, Any], reason: str) -> Iterator[str]:
    own = str(container.get("reason", ""))
    if own and own not in reason:
        yield own
    if container.get("exitCode"):
        yield f"exit code {container['exitCode']}"
