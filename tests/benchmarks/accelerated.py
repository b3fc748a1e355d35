"""Time that passes faster than it should: clocks for operators in child processes, and timeouts to match.

A clock of one's own is enough for the engine, which reads and waits on the one it is given. botocore knows nothing of
it, so its timeouts and the pauses before its retries are divided by the same factor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from toolkit.rollout.ports import Clock

EPOCH = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
"""When every operator's day begins, plus what it is told."""


class VirtualClock:
    """Time that passes by sleeping alone, and at once: the same run makes the same calls, whatever the machine does."""

    def __init__(self, begins: datetime) -> None:
        self._now = begins
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=max(seconds, 0.0))


class ScaledClock:
    """The machine's monotonic clock, `scale` times as fast: the same moment in every process, so leases run out."""

    def __init__(self, scale: float, zero: float) -> None:
        self._scale = scale
        self._zero = zero

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=(time.monotonic() - self._zero) * self._scale)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0) / self._scale)


@dataclass(frozen=True, slots=True)
class Time:
    """Which clock an operator gets. scale 0: a virtual one that begins `at` seconds after EPOCH; else zero at `at`."""

    scale: float = 0.0
    at: float = 0.0

    def clock(self) -> Clock:
        return ScaledClock(self.scale, self.at) if self.scale else VirtualClock(EPOCH + timedelta(seconds=self.at))

    def to_json(self) -> Mapping[str, float]:
        return {"scale": self.scale, "at": self.at}


def scale_botocore(scale: float) -> None:
    """Divide this process's AWS timeouts and pauses by `scale`; without pauses for 0. For child processes only."""
    import botocore.endpoint

    from toolkit.aws import session

    def sleep(seconds: float) -> None:
        if scale:
            time.sleep(seconds / scale)

    own: Any = botocore.endpoint
    own.time = SimpleNamespace(sleep=sleep)
    if scale:
        for name in [name for name in vars(session) if name.endswith("_TIMEOUT_SECONDS")]:
            setattr(session, name, getattr(session, name) / scale)
