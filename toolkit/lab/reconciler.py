"""Telling the data plane of a change, and remembering how that went.

An error here must not fail the API call that caused it (AWS has accepted the write), and must not go unseen:
it is logged and kept for `lab status`.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """A reconciliation that failed; `at` is seconds since the epoch."""

    region: str
    at: float
    error: str


class Reconciler:
    """Calls `reconcile(region)` and never raises; keeps a region's error until a later run succeeds."""

    def __init__(self, reconcile: Callable[[str], None], *, clock: Callable[[], float] = time.time) -> None:
        self._reconcile = reconcile
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, Failure] = {}
        self._runs = 0

    def __call__(self, region: str) -> None:
        try:
            self._reconcile(region)
        except Exception as error:
            log.exception("the load balancer could not be programmed for %s", region)
            failure = Failure(region, self._clock(), f"{type(error).__name__}: {error}")
            with self._lock:
                self._runs += 1
                self._failures[region] = failure
        else:
            with self._lock:
                self._runs += 1
                self._failures.pop(region, None)

    @property
    def runs(self) -> int:
        return self._runs

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What is wrong now, per region: the last run's error where it failed."""
        with self._lock:
            return tuple(self._failures.values())
