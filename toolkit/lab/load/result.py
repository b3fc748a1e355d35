"""What the load met: counted as it goes, and as one JSON document at the end. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = ("status", "unexpected", "reset", "timeout", "connect", "protocol")
"""Why a request failed: its status is no 2xx; color or version are not the expected ones; its connection ended
before the answer did; no answer in time; no connection; an answer that is no HTTP."""

LOSSES = ("connect", "reset", "closed", "timeout", "changed", "status", "unexpected", "protocol")
"""Why a standing flow was lost: never open; reset; closed by the other side; a message without answer in time;
answered by another target than at first; and as `KINDS` says, for one of its messages."""

_MAX_FAILURES = 200
_NO_COLOR = "none"
_STEPS_PER_DOUBLING = 16


@dataclass(frozen=True, slots=True)
class Failure:
    """`at` is when it failed and `started` when its request did, both on the machine's monotonic clock."""

    kind: str
    detail: str
    started: float
    at: float


@dataclass(frozen=True, slots=True)
class LostFlow:
    """A standing flow that did not last. Times as in `Failure`; `opened` is that of its first answer.

    `color` and `target` are those that answered first, empty where nobody did; `messages` were answered before.
    """

    color: str
    target: str
    kind: str
    detail: str
    opened: float
    at: float
    messages: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of the standing flows.

    `opened` counts by color those that had a first answer, `targets` the same by target; `messages` the answers of all.
    `lost` holds every loss. What is neither opened nor lost was still waiting for its first answer at the end.
    """

    asked: int
    opened: Mapping[str, int]
    targets: Mapping[str, int]
    messages: int
    lost: Sequence[LostFlow] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Standing":
        return cls(**{**document, "lost": tuple(LostFlow(**each) for each in document["lost"])})

    def kept(self, color: str) -> int:
        """How many flows of `color` lasted to the end."""
        return self.opened.get(color, 0) - sum(1 for each in self.lost if each.color == color)


NONE_STANDING = Standing(0, {}, {}, 0)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """`requests` is how many ended, well or not. `colors` counts answers, failed ones too.

    `began` is a time of `time.monotonic`, which every process of one machine shares. `starts[color][i]` counts the
    requests answered by `color` that *started* within bucket i, `bucket_seconds` wide, from `began`; `answers`
    the same by when the answer was complete. `failures` holds the first of them; `failed` counts all. `standing` are
    the flows that were to last, which none of the other figures count. `bad_answers` counts by color those that were
    complete and no 2xx: the failures of kind `status`.
    """

    requests: int
    failed: int
    kinds: Mapping[str, int]
    colors: Mapping[str, int]
    began: float
    seconds: float
    rate: float
    latency_ms: Mapping[str, float]
    bucket_seconds: float
    starts: Mapping[str, Sequence[int]]
    answers: Mapping[str, Sequence[int]]
    failures: Sequence[Failure] = ()
    standing: Standing = NONE_STANDING
    bad_answers: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "LoadResult":
        failures = [Failure(**failure) for failure in document["failures"]]
        return cls(**{**document, "failures": failures, "standing": Standing.from_json(document["standing"])})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def started(self, color: str, after: float, before: float = math.inf) -> int:
        """How many requests that started between two times (monotonic) `color` answered.

        Whole buckets: the one that `after` lies in counts, so it rather counts too many than too few.
        """
        return self._between(self.starts, color, after, before)

    def answered(self, color: str, after: float, before: float = math.inf) -> int:
        """How many answers of `color` were complete between two times (monotonic). Whole buckets, as `started`."""
        return self._between(self.answers, color, after, before)

    def last_start(self, color: str, after: float, before: float) -> float | None:
        """When the last request in between started that `color` answered: the end of its bucket, or None."""
        buckets = self.starts.get(color, ())
        for index in range(min(self._bucket(before), len(buckets)) - 1, self._bucket(after) - 1, -1):
            if buckets[index]:
                return self.began + (index + 1) * self.bucket_seconds
        return None

    def _between(self, table: Mapping[str, Sequence[int]], color: str, after: float, before: float) -> int:
        buckets = table.get(color, ())
        end = len(buckets) if before == math.inf else self._bucket(before)
        return sum(buckets[self._bucket(after) : end])

    def _bucket(self, moment: float) -> int:
        return max(int((moment - self.began) / self.bucket_seconds), 0)


@dataclass(slots=True)
class Tally:
    """Counts while the load runs. Times are of the monotonic clock, in seconds."""

    began: float
    bucket_seconds: float
    expected: Mapping[str, str] = field(default_factory=dict)
    requests: int = 0
    failed: int = 0
    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    colors: dict[str, int] = field(default_factory=dict)
    starts: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    bad_answers: dict[str, int] = field(default_factory=dict)
    latencies: dict[int, int] = field(default_factory=dict)
    slowest: float = 0.0

    def answer(self, started: float, now: float, status: int, color: str, version: str) -> None:
        """One complete answer."""
        self.requests += 1
        name = color or _NO_COLOR
        self.colors[name] = self.colors.get(name, 0) + 1
        self._bucket(self.starts, name, started)
        self._bucket(self.answers, name, now)
        self._time(now - started)
        if not 200 <= status < 300:  # noqa: PLR2004
            self.bad_answers[name] = self.bad_answers.get(name, 0) + 1
            self._fail("status", str(status), started, now)
        elif self.expected and self.expected.get(color) != version:
            self._fail("unexpected", f"{color or 'no color'} {version or 'no version'}", started, now)

    def failure(self, kind: str, detail: str, started: float, now: float) -> None:
        """One request that got no complete answer."""
        self.requests += 1
        self._fail(kind, detail, started, now)

    def count(self, now: float) -> dict[str, Any]:
        """How things stand, for whoever drives the load."""
        return {"at": now, "requests": self.requests, "failed": self.failed, "colors": dict(self.colors)}

    def result(self, now: float, standing: Standing = NONE_STANDING) -> LoadResult:
        seconds = max(now - self.began, 1e-9)
        return LoadResult(
            requests=self.requests,
            failed=self.failed,
            kinds=dict(self.kinds),
            colors=dict(self.colors),
            began=self.began,
            seconds=round(seconds, 6),
            rate=round(self.requests / seconds, 1),
            latency_ms={
                "p50": self._percentile(0.5),
                "p99": self._percentile(0.99),
                "max": round(self.slowest * 1000, 3),
            },
            bucket_seconds=self.bucket_seconds,
            starts=self.starts,
            answers=self.answers,
            failures=self.failures,
            standing=standing,
            bad_answers=self.bad_answers,
        )

    def _fail(self, kind: str, detail: str, started: float, now: float) -> None:
        self.failed += 1
        self.kinds[kind] += 1
        if len(self.failures) < _MAX_FAILURES:
            self.failures.append(Failure(kind, detail, started, now))

    def _bucket(self, table: dict[str, list[int]], color: str, moment: float) -> None:
        buckets = table.get(color)
        if buckets is None:
            buckets = table[color] = []
        index = int((moment - self.began) / self.bucket_seconds)
        if index >= len(buckets):
            buckets.extend([0] * (index + 1 - len(buckets)))
        buckets[index] += 1

    def _time(self, seconds: float) -> None:
        """Sixteen steps to a doubling: 4 % wide, which is as exact as a percentile of load needs."""
        self.slowest = max(self.slowest, seconds)
        step = int(math.log2(max(seconds, 1e-6)) * _STEPS_PER_DOUBLING)
        self.latencies[step] = self.latencies.get(step, 0) + 1

    def _percentile(self, share: float) -> float:
        """Milliseconds; 0 where nothing was answered."""
        left = share * sum(self.latencies.values())
        for step in sorted(self.latencies):
            left -= self.latencies[step]
            if left <= 0:
                return round(1000 * math.pow(2, step / _STEPS_PER_DOUBLING), 3)
        return 0.0
