"""Keeping to a rate: a number of calls at once, then one at a time, so that AWS need not throttle us."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock


class Pace:
    """A token bucket: `burst` calls at once, and `per_second` more each second. Shared by threads."""

    def __init__(
        self,
        *,
        burst: int,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._tokens = float(burst)
        self._at = clock()

    def wait(self) -> None:
        """Return when one more call fits."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
            self._at = now
            self._tokens -= 1  # below zero: taken in advance by those who wait
            pause = -self._tokens / self._per_second
        if pause > 0:
            self._sleep(pause)
