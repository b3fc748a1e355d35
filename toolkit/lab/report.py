"""What the demo found, as a value. Pure."""

from collections import Counter
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
class BadRelease:
    """A release on `color` that answered a part of its requests with 500, and what became of it.

    Attributes:
        color: which had it.
        command: what was run.
        exit_code: its.
        rolled_back: whether that command took it back by itself.
        detected_after_s: from its first shift until the analysis failed it; None if it did not.
        reason: what the analysis said of it.
    """

    color: str
    command: str
    exit_code: int
    rolled_back: bool
    detected_after_s: float | None
    reason: str


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
    """What happened, and whether all was well.

    `failed` and `kinds` are without what the bad release itself answered: those are `bad_requests`. Where there was no
    second act, that and `bad_release` are None. `latency_ms` is of the first act.
    """

    requests: int
    failed: int
    kinds: Mapping[str, int]
    colors: Mapping[str, int]
    latency_ms: Mapping[str, float]
    releases: Sequence[Moved]
    plan_empty: bool
    seconds: float
    bad_release: BadRelease | None = None
    bad_requests: int | None = None

    @classmethod
    def of(
        cls,
        load: LoadResult,
        releases: Sequence[Release],
        *,
        plan_empty: bool,
        seconds: float,
        bad_release: BadRelease | None = None,
        met: LoadResult | None = None,
    ) -> Self:
        """Put together; `releases` in the order they were made. met: by the traffic of the second act."""
        ends = [*(release.began for release in releases[1:]), load.began + load.seconds]
        loads = [load] if met is None else [load, met]
        bad = met.bad_answers.get(bad_release.color, 0) if met and bad_release else None
        kinds = sum((Counter(one.kinds) for one in loads), Counter[str]())
        kinds["status"] -= bad or 0
        return cls(
            requests=sum(one.requests for one in loads),
            failed=sum(one.failed for one in loads) - (bad or 0),
            kinds={kind: count for kind, count in kinds.items() if count},
            colors=dict(sum((Counter(one.colors) for one in loads), Counter[str]())),
            latency_ms=dict(load.latency_ms),
            releases=[_moved(load, release, end) for release, end in zip(releases, ends, strict=True)],
            plan_empty=plan_empty,
            seconds=round(seconds, 1),
            bad_release=bad_release,
            bad_requests=bad,
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
        if self.bad_release and not self.bad_release.rolled_back:
            faults.append(
                f"the release with errors was not rolled back: `{self.bad_release.command}` "
                f"ended with exit code {self.bad_release.exit_code}"
            )
        if not self.plan_empty:
            faults.append("terraform plan is not empty")
        return faults

    def to_json(self) -> dict[str, Any]:
        """As one flat document; `detected_after_s`, `bad_requests` and `rolled_back` are null without a second act."""
        bad = self.bad_release
        return asdict(self) | {
            "detected_after_s": bad.detected_after_s if bad else None,
            "rolled_back": bad.rolled_back if bad else None,
            "ok": not self.faults,
        }


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
