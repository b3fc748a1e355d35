"""How the readings of a foreign endpoint go: what is wrong now, and one line when that changes."""

import logging
import threading
import time
from collections.abc import Callable

from toolkit.errors import BluegreenError
from toolkit.lab.reconciler import Failure

log = logging.getLogger(__name__)


class Readings:
    """Told of every reading. Thread-safe.

    Args:
        came_back: called when a region is read again after it could not be: the endpoint may have been started anew
            and remember nothing.
        clock: epoch seconds.
    """

    def __init__(self, came_back: Callable[[], None], *, clock: Callable[[], float] = time.time) -> None:
        self._came_back = came_back
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, Failure] = {}
        self._count = 0

    def __call__(self, region: str, error: Exception | None) -> None:
        """Take note that `region` was read and is routed by, or of the `error` that prevented it."""
        words, now = None if error is None else _words(error), self._clock()
        with self._lock:
            self._count += 1
            before = self._failures.pop(region, None)
            if words is not None:
                # Since when it has been so, whatever was wrong first.
                self._failures[region] = Failure(region, now if before is None else before.at, words)
        if words is not None and (before is None or before.error != words):
            log.warning("%s; what was routed before stays, and it is tried again", words)
            if not isinstance(error, BluegreenError):
                log.error("this error is not known", exc_info=error)
        if words is None and before is not None:
            log.info("%s is read again, after %.0f s", region, now - before.at)
            self._came_back()

    @property
    def count(self) -> int:
        return self._count

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What is wrong now, per region, and since when."""
        with self._lock:
            return tuple(self._failures.values())


def _words(error: Exception) -> str:
    return error.message if isinstance(error, BluegreenError) else f"{type(error).__name__}: {error}"
