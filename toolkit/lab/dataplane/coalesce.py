"""One worker at a time, and callers that come while it works share the next run."""

import threading
from collections.abc import Callable

_REMEMBERED = 16
"""Runs whose error is kept for callers that have not looked yet."""


class Coalescer:
    """Runs `work` for callers who each need a run that *began* after they asked.

    Ten callers at once cost two runs, not ten: one that was under way already and one for all of them.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._begun = 0
        self._ended = 0
        self._waiting = 0
        self._errors: dict[int, Exception] = {}

    def run(self) -> None:
        """Return when a run that began after this call has ended; raises what that run raised."""
        with self._changed:
            wanted = self._begun + 1
            self._waiting += 1
            self._changed.wait_for(lambda: self._ended == self._begun or self._ended >= wanted)
            self._waiting -= 1
            is_mine = self._begun < wanted
            if is_mine:
                self._begun = wanted
        if is_mine:
            self._carry_out(wanted)
        else:
            self._wait_for(wanted)

    def _carry_out(self, number: int) -> None:
        error: Exception | None = None
        try:
            self._work()
        except Exception as caught:
            error = caught
            raise
        finally:
            with self._changed:
                self._ended = number
                if error is not None:
                    self._errors[number] = error
                self._errors = {n: e for n, e in self._errors.items() if n > number - _REMEMBERED}
                self._changed.notify_all()

    def _wait_for(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended >= number)
            error = self._errors.get(number)
        if error is not None:
            raise error
