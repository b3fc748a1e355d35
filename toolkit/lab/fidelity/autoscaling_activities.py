"""The scaling activities of Auto Scaling groups, in AWS's words. Pure.

Source for fields and states: API_Activity; the sentences of `Cause` are those that AWS answers with.
"""

import json
import uuid
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

SUCCESSFUL: Final = "Successful"
FAILED: Final = "Failed"
IN_PROGRESS: Final = "InProgress"
DRAINING: Final = "WaitingForELBConnectionDraining"
_KEPT: Final = 2000
_PAGE: Final = 100


@dataclass(slots=True)
class Activity:
    """One launch or termination. Times are seconds since the epoch; `ended` is None while it is under way."""

    group: str
    group_arn: str
    description: str
    cause: str
    started: float
    details: str = "{}"
    status: str = IN_PROGRESS
    progress: int = 30
    message: str | None = None
    ended: float | None = None
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or str(uuid.uuid4())

    def succeed(self, now: float) -> None:
        self.status, self.progress, self.ended = SUCCESSFUL, 100, now
        self.description = self.description.partition(" - Waiting For")[0]

    def fail(self, now: float, message: str) -> None:
        self.status, self.progress, self.ended, self.message = FAILED, 100, now, message
        self.description = f"{self.description}.  Status Reason: {message}"

    def drain(self) -> None:
        self.status, self.progress = DRAINING, 50
        self.description = f"{self.description} - Waiting For ELB Connection Draining."

    def answer(self) -> dict[str, Any]:
        """As DescribeScalingActivities gives it."""
        found = {
            "ActivityId": self.id,
            "AutoScalingGroupName": self.group,
            "AutoScalingGroupARN": self.group_arn,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": datetime.fromtimestamp(self.started, UTC),
            "EndTime": None if self.ended is None else datetime.fromtimestamp(self.ended, UTC),
            "StatusCode": self.status,
            "StatusMessage": self.message,
            "Progress": self.progress,
            "Details": self.details,
        }
        return {key: value for key, value in found.items() if value is not None}


class ActivityLog:
    """The activities of all groups of a region. Deleted groups' stay, as on AWS."""

    def __init__(self) -> None:
        self._held: deque[Activity] = deque(maxlen=_KEPT)

    def add(self, activity: Activity) -> Activity:
        self._held.append(activity)
        return activity

    def newest_first(self, group: str | None = None, ids: Collection[str] = ()) -> Iterator[Activity]:
        """Those of a group, by its name or its ARN: a name may have been another group's before."""
        for activity in reversed(tuple(self._held)):
            if (not group or group in {activity.group, activity.group_arn}) and (not ids or activity.id in ids):
                yield activity

    def page(
        self, group: str | None, ids: Collection[str], token: str | None, most: int | None
    ) -> tuple[list[Activity], str | None]:
        """One page and the token of the next, which is the id of the last activity told."""
        found = list(self.newest_first(group, ids))
        told = [activity.id for activity in found]
        start = told.index(token) + 1 if token in told else 0
        end = start + min(most or _PAGE, _PAGE)
        return found[start:end], (told[end - 1] if end < len(found) else None)


def details(zone: str, subnet: str | None) -> str:
    """Where an instance was to be, as AWS tells it."""
    named = {"Subnet ID": subnet, "Availability Zone": zone}
    return json.dumps({key: value for key, value in named.items() if value}, separators=(",", ":"))


def stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def made(now: float, desired: int) -> str:
    """The sentence about the request that made a group."""
    return (
        f"At {stamp(now)} a user request created an AutoScalingGroup changing the desired capacity from 0 to {desired}."
    )


def set_to(now: float, before: int, after: int) -> str:
    """The sentence about a SetDesiredCapacity."""
    return (
        f"At {stamp(now)} a user request explicitly set group desired capacity changing the desired capacity "
        f"from {before} to {after}."
    )


def bounded(now: float, minimum: int, maximum: int, before: int, after: int) -> str:
    """The sentence about an UpdateAutoScalingGroup."""
    return (
        f"At {stamp(now)} a user request update of AutoScalingGroup constraints to min: {minimum}, max: {maximum}, "
        f"desired: {after} changing the desired capacity from {before} to {after}."
    )


def scaled_in(now: float, process: str, before: int, after: int) -> str:
    """The sentence about an autoscaler that acts through this process."""
    change = f"changing the desired capacity from {before} to {after}."
    if process == "ScheduledActions":
        return f"At {stamp(now)} a scheduled action update of AutoScalingGroup constraints {change}"
    return f"At {stamp(now)} a monitor alarm in state ALARM triggered a policy {change}"


def started(now: float, request: str, actual: int, desired: int) -> str:
    """Why an instance is launched; `request` is the sentence about what was asked, if somebody asked."""
    sentence = (
        f"At {stamp(now)} an instance was started in response to a difference between desired and actual capacity, "
        f"increasing the capacity from {actual} to {desired}."
    )
    return f"{request}  {sentence}".strip()


def shrunk(now: float, request: str, actual: int, desired: int, instance: str) -> str:
    """Why an instance is one too many."""
    sentence = (
        f"At {stamp(now)} an instance was taken out of service in response to a difference between desired and actual "
        f"capacity, shrinking the capacity from {actual} to {desired}.  "
        f"At {stamp(now)} instance {instance} was selected for termination."
    )
    return f"{request}  {sentence}".strip()


def replacing(now: float) -> str:
    """Why an instance is launched in place of an unhealthy one."""
    return f"At {stamp(now)} an instance was launched in response to an unhealthy instance needing to be replaced."


def unhealthy(now: float, found_by: str) -> str:
    """Why an unhealthy instance leaves; `found_by` is ELB, EC2, or user for SetInstanceHealth."""
    response = {
        "ELB": "an ELB system health check failure.",
        "EC2": "an EC2 health check indicating it has been terminated or stopped.",
    }.get(found_by, "a user health-check.")
    return f"At {stamp(now)} an instance was taken out of service in response to {response}"


def asked_to_leave(now: float, instance: str, *, before: int, after: int) -> str:
    """The sentence about a TerminateInstanceInAutoScalingGroup."""
    shrinking = f", shrinking the capacity from {before} to {after}" if after < before else ""
    return f"At {stamp(now)} instance {instance} was taken out of service in response to a user request{shrinking}."
