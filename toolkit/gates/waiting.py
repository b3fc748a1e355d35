"""Time that passes while somebody must be asked every second whether to go on: the pulse."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from toolkit.rollout.ports import Clock, Pulse, Result

_Made = TypeVar("_Made")

SLICE_SECONDS = 0.5
"""Half of what the pulse may wait."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0


class Stopped(Exception):
    """The pulse said to stop."""


class TookTooLong(Exception):
    """The time was up."""


class Beat:
    """A pulse that is asked no more than every half second, however often somebody thinks of it."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._asked = time.monotonic()

    def __call__(self) -> None:
        """Ask if it is time to. Raises Stopped, and whatever the pulse raises."""
        if time.monotonic() - self._asked >= SLICE_SECONDS:
            self.now()

    def now(self) -> None:
        """Ask. Raises Stopped, and whatever the pulse raises."""
        self._asked = time.monotonic()
        if not self._pulse():
            raise Stopped


@dataclass(frozen=True, slots=True)
class Try:
    """How one try ended. again: another may end otherwise. after: seconds that it asks to be left alone, if any."""

    passed: bool
    reason: str
    output: str = ""
    again: bool = True
    after: float = 0.0


def tried(attempt: Callable[[int], Try], *, retries: int, clock: Clock, beat: Beat) -> Result:
    """Tries, numbered from 1, until one passes or none is left; in between a pause of 1 s, doubling up to 10 s.

    Raises:
        Stopped: in a pause.
    """
    pause = _FIRST_PAUSE
    for number in range(1, retries + 2):
        beat()
        made = attempt(number)
        if made.passed or not made.again or number > retries:
            tries = f" (try {number} of {retries + 1})" if retries and (number > 1 or made.again) else ""
            return Result(made.passed, made.reason + tries, made.output)
        _wait(max(pause, made.after), clock, beat)
        pause = min(pause * 2, _LONGEST_PAUSE)
    raise AssertionError("a last try returns")  # pragma: no cover


def _wait(seconds: float, clock: Clock, beat: Beat) -> None:
    while seconds > 0:
        beat.now()
        clock.sleep(min(SLICE_SECONDS, seconds))
        seconds -= SLICE_SECONDS


def beside(
    work: Callable[[], _Made], beat: Beat, *, seconds: float | None = None, cancel: Callable[[], None] = lambda: None
) -> _Made:
    """What `work` gives, done in a thread of its own while the pulse goes on. Its errors are raised here.

    cancel: makes `work` end soon; called where nobody waits for it any more.

    Raises:
        TookTooLong: it was not done after `seconds`.
        Stopped: the pulse said so.
    """
    answers: SimpleQueue[tuple[_Made, None] | tuple[None, BaseException]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
            answers.put((None, error))

    end = None if seconds is None else time.monotonic() + seconds
    # A daemon, so that a name that is never looked up holds up nobody's exit.
    Thread(target=run, daemon=True).start()
    try:
        while True:
            left = SLICE_SECONDS if end is None else min(SLICE_SECONDS, end - time.monotonic())
            try:
                made, error = answers.get(timeout=max(left, 0.001))
                break
            except Empty:
                beat()
            if end is not None and time.monotonic() >= end:
                raise TookTooLong
    except BaseException:
        cancel()
        raise
    if error is not None:
        raise error
    return made  # type: ignore[return-value]  # one of the two is None


def in_words(seconds: float) -> str:
    """`12 ms`, `2.3 s`: as long as something took."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
