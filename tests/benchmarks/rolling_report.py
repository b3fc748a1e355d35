"""What a row of rolling releases has shown, and whether that is the goal. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.benchmarks.deploy_report import ROLLED_BACK, most_of
from tests.support.update_target import ERROR_RATE
from toolkit.lab.load.result import Failure, LoadResult

ERRORS = "errors"
"""What a version with errors names as its color, so that its answers are told from those of all others."""


class Kind(Enum):
    """What a release is like."""

    GOOD = "good"
    DEAD = "dead"
    ERRORS = ERRORS

    @property
    def suffix(self) -> str:
        """Of its version, as `tests.support.update_target` reads it."""
        return "" if self is Kind.GOOD else f"-{self.value}"


def plan(releases: int) -> list[Kind]:
    """A row with one that is dead after a third of it, and one with errors after two thirds."""
    bad = {releases // 3: Kind.DEAD, 2 * releases // 3: Kind.ERRORS}
    return [bad.get(number, Kind.GOOD) for number in range(releases)]


@dataclass(frozen=True, slots=True)
class Release:
    """One release as it went.

    before, after: what the targets answered that they run. reached: how many of them were updated to it. began, ended:
    monotonic seconds, and what was asked and failed then.
    """

    number: int
    kind: Kind
    version: str
    code: int
    seconds: float
    before: tuple[str, ...]
    after: tuple[str, ...]
    reached: int
    began: float
    ended: float
    requests: int
    failed: int
    said: str = ""

    @property
    def is_completed(self) -> bool:
        """Every target runs it."""
        return self.code == 0 and set(self.after) == {self.version}

    @property
    def is_taken_back(self) -> bool:
        """Every target runs what it ran before."""
        return self.code == ROLLED_BACK and self.after == self.before

    def __str__(self) -> str:
        return (
            f"{self.number}: {self.version}, exit {self.code} after {self.seconds:g} s, {self.reached} of "
            f"{len(self.before)} targets updated, {self.requests} requests, {self.failed} failed; {self.said}"
        )


def figures(releases: Sequence[Release], result: LoadResult) -> dict[str, Any]:
    """The figures of a row. The bad batch's own share is what the version with errors answered itself."""
    faulty = [each for each in releases if each.kind is Kind.ERRORS]
    completed = [each.seconds for each in releases if each.is_completed]
    own = result.bad_answers.get(ERRORS, 0)
    at_bad = result.colors.get(ERRORS, 0)
    meant = sum(result.started(ERRORS, each.began, each.ended) for each in faulty)
    return {
        "releases": len(releases),
        "completed": len(completed),
        "taken_back": sum(each.is_taken_back for each in releases),
        "failed_requests": result.failed - own,
        "failed_requests_bad": own,
        "most_explained": most_of(at_bad, ERROR_RATE),
        "seconds_p50": round(statistics.median(completed), 1) if completed else None,
        "requests": result.requests,
        "requests_at_bad": at_bad,
        "requests_at_bad_elsewhere": at_bad - meant,
        "targets_of_bad": max((each.reached for each in releases if each.kind is not Kind.GOOD), default=0),
        "latency_ms": dict(result.latency_ms),
        "failures": [f"{each.kind}: {each.detail}" for each in result.failures if not _may_be_own(each, faulty)][:5],
    }


def _may_be_own(failure: Failure, faulty: Sequence[Release]) -> bool:
    is_error = (failure.kind, failure.detail) == ("status", "500")
    return is_error and any(each.began <= failure.at <= each.ended for each in faulty)


def missed(document: Mapping[str, Any], *, releases: int) -> list[str]:
    """What of the goal is not reached, in words."""
    bad = sum(kind is not Kind.GOOD for kind in plan(releases))
    has_errors = Kind.ERRORS in plan(releases)
    goals = (
        ("releases", document["releases"] == releases, f"{releases} releases"),
        ("completed", document["completed"] == releases - bad, f"{releases - bad} completed"),
        ("taken_back", document["taken_back"] == bad, f"{bad} taken back"),
        ("failed_requests", document["failed_requests"] == 0, "no failed request but the bad batch's own"),
        (
            "failed_requests_bad",
            document["failed_requests_bad"] <= document["most_explained"],
            f"no more than its error rate explains, {document['most_explained']}",
        ),
        ("requests_at_bad", document["requests_at_bad"] > 0 or not has_errors, "traffic at the version with errors"),
        ("requests_at_bad_elsewhere", document["requests_at_bad_elsewhere"] == 0, "none before and after its release"),
        ("targets_of_bad", document["targets_of_bad"] == (1 if bad else 0), "one batch of one target"),
    )
    return [f"{key} is {document[key]}, and the goal is {goal}" for key, holds, goal in goals if not holds]
