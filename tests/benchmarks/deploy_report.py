"""What a row of releases has shown, and whether that is the goal. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from toolkit.lab.load.result import Failure, LoadResult

ROLLED_BACK = 32
ERROR_RATE = 0.1
"""Of an image `…-errors`, as `toolkit.lab.compute.images` has it."""


class Kind(Enum):
    """What a release is like."""

    GOOD = "good"
    CRASH = "crash"
    ERRORS = "errors"

    @property
    def suffix(self) -> str:
        """Of its version, as the lab reads it."""
        return "" if self is Kind.GOOD else f"-{self.value}"


def plan(releases: int) -> list[Kind]:
    """A row with one that crashes after a third of it, and one with errors after two thirds."""
    bad = {releases // 3: Kind.CRASH, 2 * releases // 3: Kind.ERRORS}
    return [bad.get(number, Kind.GOOD) for number in range(releases)]


@dataclass(frozen=True, slots=True)
class Release:
    """One release as it went. side: the color that it was brought to. live: the one that has all traffic afterwards.

    answered_by_new: of `asked` requests after its end. began, ended: monotonic seconds, and what was
    asked and failed then.
    """

    number: int
    kind: Kind
    code: int
    seconds: float
    side: str
    live: str
    answered_by_new: int
    asked: int
    began: float
    ended: float
    requests: int
    failed: int
    said: str = ""

    @property
    def is_promoted(self) -> bool:
        """It has all traffic, and nobody else answers."""
        return self.code == 0 and self.live == self.side and self.answered_by_new == self.asked

    @property
    def is_rolled_back(self) -> bool:
        """The other side has all traffic, and the new version answers nobody."""
        return self.code == ROLLED_BACK and self.live not in (self.side, "both") and not self.answered_by_new

    def __str__(self) -> str:
        return (
            f"{self.number}: {self.kind.value} to {self.side}, exit {self.code} after {self.seconds:g} s, "
            f"{self.live} is live, {self.requests} requests, {self.failed} failed; {self.said}"
        )


def figures(releases: Sequence[Release], result: LoadResult, *, share: float) -> dict[str, Any]:
    """The figures of a row. share: of the traffic, that a canary gets.

    The own errors of the bad release are the bad answers of its color, no more than failed while it was under way.
    """
    faulty = [each for each in releases if each.kind is Kind.ERRORS]
    crashed = [each for each in releases if each.kind is Kind.CRASH]
    at_faulty = sum(result.started(each.side, each.began, each.ended) for each in faulty)
    during = sum(_during_canary(result, each) for each in faulty)
    own = sum(min(each.failed, result.bad_answers.get(each.side, 0)) for each in faulty)
    promoted = [each.seconds for each in releases if each.is_promoted]
    return {
        "releases": len(releases),
        "promoted": len(promoted),
        "rolled_back": sum(each.is_rolled_back for each in releases),
        "failed_requests_good": result.failed - own,
        "failed_requests_bad": own,
        "seconds_p50": round(statistics.median(promoted), 1) if promoted else None,
        "requests": result.requests,
        "requests_at_bad": at_faulty,
        "requests_during_canary": during,
        "most_explained": most_of(during, share * ERROR_RATE),
        "requests_at_crashed": sum(result.started(each.side, each.began, each.ended) for each in crashed),
        "latency_ms": dict(result.latency_ms),
        "failures": [f"{each.kind}: {each.detail}" for each in result.failures if not _is_own(each, faulty)][:5],
    }


def _is_own(failure: Failure, faulty: Sequence[Release]) -> bool:
    """Whether it is an error that a release with errors answered itself."""
    is_error = (failure.kind, failure.detail) == ("status", "500")
    return is_error and any(each.began <= failure.at <= each.ended for each in faulty)


def _during_canary(result: LoadResult, release: Release) -> int:
    """All requests that began while the release got some, a bucket more at either end."""
    colors, step = tuple(result.starts), result.bucket_seconds
    last = result.last_start(release.side, release.began, release.ended)
    if last is None:
        return 0
    first = release.began
    while first < last and not result.started(release.side, first, first + step):
        first += step
    return sum(result.started(color, first, last + step) for color in colors)


def most_of(count: int, probability: float) -> int:
    """The most of `count` that a chance of `probability` explains: five deviations, and five for small numbers."""
    mean = count * probability
    return math.floor(mean + 5 * math.sqrt(mean) + 5)


def missed(document: Mapping[str, Any], *, releases: int) -> list[str]:
    """What of the goal is not reached, in words."""
    is_probed = document.get("judge") == "probe"  # which may be faster than the first request
    bad = sum(kind is not Kind.GOOD for kind in plan(releases))
    goals = (
        ("releases", document["releases"] == releases, f"{releases} releases"),
        ("promoted", document["promoted"] == releases - bad, f"{releases - bad} promoted"),
        ("rolled_back", document["rolled_back"] == bad, f"{bad} rolled back"),
        ("failed_requests_good", document["failed_requests_good"] == 0, "no failed request but the bad release's own"),
        ("requests_at_crashed", document["requests_at_crashed"] == 0, "no request at the release that crashed"),
        ("requests_at_bad", document["requests_at_bad"] > 0 or is_probed, "traffic at the release with errors"),
        (
            "failed_requests_bad",
            document["failed_requests_bad"] <= document["most_explained"],
            f"no more than the canary's share explains, {document['most_explained']}",
        ),
    )
    return [f"{key} is {document[key]}, and the goal is {goal}" for key, holds, goal in goals if not holds]
