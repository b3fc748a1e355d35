"""What the tests of hooks and probes share: a clock that passes by sleeping, and a pulse that counts."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

A_SECOND = 3.0
"""How long a pulse may be silent at most, and what a busy machine adds."""
LONG = 4.0
"""Seconds of work in which a pulse that nobody asks is silent for too long."""


class QuickClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


@dataclass
class Pulsing:
    """A pulse: at which time it was asked, and from which time (or count) on it says stop.

    Times are of `time.monotonic`.
    """

    stop_after: int | None = None
    stop_when: float | None = None
    asked: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def __call__(self) -> bool:
        self.asked.append(time.monotonic())
        if self.stop_when is not None and time.monotonic() >= self.stop_when:
            return False
        return self.stop_after is None or len(self.asked) <= self.stop_after

    def longest_silence(self, *, until_now: bool = True) -> float:
        """Seconds between two questions, or from the beginning to the first, and the last to now."""
        times = [self.began, *self.asked, *([time.monotonic()] if until_now else [])]
        return max(after - before for before, after in pairwise(times))


def python(code: str) -> tuple[str, ...]:
    """The argument vector that runs `code`, without the site's start-up."""
    return (sys.executable, "-S", "-E", "-c", code)


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
