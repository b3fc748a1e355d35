"""What EC2 Auto Scaling says of its launches and terminations.

Source of its words: Amazon EC2 Auto Scaling user guide, troubleshooting and "Verify a scaling activity"; API reference,
Activity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_LAUNCH = re.compile(r"Launching a new EC2 instance(?:: (?P<id>i-\w+))?")
_END = re.compile(r"Terminating EC2 instance: (?P<id>i-\w+)")
_UNHEALTHY = re.compile(r"an instance was taken out of service in response to an? [^.]*health.check[^.]*")
_DRAINING = frozenset({"WaitingForELBConnectionDraining", "WaitingForConnectionDraining"})
_FAILED = frozenset({"Failed", "Cancelled"})
_NO_CAPACITY = re.compile(r"sufficient \S+ capacity|InsufficientInstanceCapacity", re.IGNORECASE)
_NEVER = re.compile(r"\bdoes not exist|\barchitecture\b")
"""What no second try mends: an AMI, a key pair or a security group that is not there, an AMI for other processors."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the activities say.

    failures: launches that failed for another reason than that AWS had no room just then, and instances launched
    meanwhile that ended as unhealthy. lines: of all that went wrong, oldest first. draining: ids of instances on their
    way out that get no new requests any more. never: the words of a failure that no second try mends.
    """

    failures: int = 0
    lines: tuple[str, ...] = ()
    draining: frozenset[str] = frozenset()
    never: str = ""


class ScalingActivities:
    """The scaling activities of the account and region."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("autoscaling")

    def since(self, group: str, begin: datetime) -> Told:
        """What `group` has told since then. Raises AwsError and its children."""
        with aws_errors(f"reading the scaling activities of the Auto Scaling group {group}"):
            return told(list(self._newest_first(group, begin)))

    def _newest_first(self, group: str, begin: datetime) -> Iterator[Mapping[str, Any]]:
        """AWS gives the newest first, six weeks of them: no more pages are asked for than needed."""
        for page in self._client.get_paginator("describe_scaling_activities").paginate(AutoScalingGroupName=group):
            for activity in page["Activities"]:
                if activity["StartTime"] < begin:
                    return
                yield activity


def told(newest_first: Sequence[Mapping[str, Any]]) -> Told:
    """What activities say, of which the newest come first."""
    launched = {found["id"] for each in newest_first if (found := _LAUNCH.match(each["Description"]))}
    failures, lines, never = 0, [], ""
    for activity in reversed(newest_first):
        line = _trouble(activity)
        if not line:
            continue
        lines.append(line)
        ended = _END.match(activity["Description"])
        if ended:
            failures += ended["id"] in launched
        elif not _NO_CAPACITY.search(line):
            failures += 1
            never = line if _NEVER.search(line) else never
    return Told(failures, tuple(lines), frozenset(_draining(newest_first)), never)


def _trouble(activity: Mapping[str, Any]) -> str:
    """In AWS's words, what went wrong; empty where nothing did, or it was only asked for."""
    description = " ".join(str(activity["Description"]).split())
    if _LAUNCH.match(description) and activity["StatusCode"] in _FAILED:
        message = " ".join(str(activity.get("StatusMessage", "")).split())
        return description if message in description else f"{description}: {message}"
    ended, why = _END.match(description), _UNHEALTHY.search(str(activity.get("Cause", "")))
    return f"{ended.group()}: {why.group()}" if ended and why else ""


def _draining(activities: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for activity in activities:
        found = _END.match(activity["Description"])
        if found and activity["StatusCode"] in _DRAINING:
            yield found["id"]
