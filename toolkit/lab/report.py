"""What the demo found, as a value. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from toolkit.lab.load import LoadResult


@dataclass(frozen=True, slots=True)
class Release:
    """One command that moved the traffic to the color `to`. Times are of the monotonic clock, in seconds."""

    to: str
    command: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Moved:
    """How a release went, in seconds.

    Attributes:
        to: the color that carries the traffic since.
        command: what was run.
        command_seconds: from its start to its end, the bake included.
        traffic_seconds: from its start to the last answer of the other color; None if that never answered.
    """

    to: str
    command: str
    command_seconds: float
    traffic_seconds: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What happened, and whether all was well."""

    requests: int
    failed: int
    kinds: Mapping[str, int]
    colors: Mapping[str, int]
    latency_ms: Mapping[str, float]
    releases: Sequence[Moved]
    plan_empty: bool
    seconds: float

    @classmethod
    def of(cls, load: LoadResult, releases: Sequence[Release], *, plan_empty: bool, seconds: float) -> Self:
        """Put together; `releases` in the order they were made."""
        ends = [*(release.began for release in releases[1:]), load.began + load.seconds]
        return cls(
            requests=load.requests,
            failed=load.failed,
            kinds={kind: count for kind, count in load.kinds.items() if count},
            colors=dict(load.colors),
            latency_ms=dict(load.latency_ms),
            releases=[_moved(load, release, end) for release, end in zip(releases, ends, strict=True)],
            plan_empty=plan_empty,
            seconds=round(seconds, 1),
        )

    @property
    def faults(self) -> list[str]:
        """What was not as it must be; empty when all was well."""
        faults = []
        if not self.requests:
            faults.append("not one request was sent")
        if self.failed:
            faults.append(f"{self.failed} of {self.requests} requests failed ({_counted(self.kinds)})")
        faults += [f"{color} never answered" for color in ("blue", "green") if not self.colors.get(color)]
        if not self.plan_empty:
            faults.append("terraform plan is not empty")
        return faults

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"ok": not self.faults}


def _moved(load: LoadResult, release: Release, until: float) -> Moved:
    others = [color for color in load.answers if color != release.to]
    last = max((moment for color in others if (moment := _last_answer(load, color, until)) is not None), default=None)
    return Moved(
        to=release.to,
        command=release.command,
        command_seconds=round(release.ended - release.began, 2),
        traffic_seconds=None if last is None else round(max(0.0, last - release.began), 2),
    )


def _last_answer(load: LoadResult, color: str, until: float) -> float | None:
    """When `color` answered last before `until`: the end of that bucket."""
    buckets = load.answers.get(color, ())
    last = min(len(buckets), max(0, int((until - load.began) / load.bucket_seconds)))
    for index in range(last - 1, -1, -1):
        if buckets[index]:
            return load.began + (index + 1) * load.bucket_seconds
    return None


def _counted(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())
