"""Notifiers beside a rollout: a thread each, which can neither hold it nor make it fail.

They hear of every entry that is appended here, and look by themselves now and then for those of others. At the end they
have a few seconds to catch up; what is left then goes with the next run, for the cursor stands before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event, Thread

from toolkit.errors import AuditFailed, BluegreenError
from toolkit.notify.notifier import Notifier, Wait
from toolkit.rollout.notification import Unsent
from toolkit.rollout.plain import plain

LOOK_SECONDS = 30.0
"""Between two looks, if nothing is heard."""
END_SECONDS = 5.0
"""How long they may take together at the end."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0

Make = Callable[[Wait], Notifier]


class Beside:
    """Notifiers at work. Nothing here raises."""

    def __init__(self, note: Callable[[str], None], look_seconds: float = LOOK_SECONDS) -> None:
        self._note = note
        self._look_seconds = look_seconds
        self._threads: list[_Following] = []

    def start(self, service: str, name: str, make: Make) -> None:
        """Begin one. `make` is called in its thread, so that whatever it takes or breaks holds nobody."""
        following = _Following(service, name, make, self._note, self._look_seconds)
        self._threads.append(following)
        following.start()

    def wake(self) -> None:
        """There is something new."""
        for each in self._threads:
            each.heard.set()

    def wait(self) -> None:
        """Until none of them can go on."""
        for each in self._threads:
            each.join()

    def close(self, seconds: float = END_SECONDS) -> None:
        """Let them catch up for so long at most, and say which of them are behind."""
        end = time.monotonic() + seconds
        for each in self._threads:
            each.finish()
        with suppress(KeyboardInterrupt):  # whoever presses Ctrl-C now wants no more waiting
            for each in self._threads:
                each.join(max(0.0, end - time.monotonic()))
        for each in self._threads:
            if each.is_alive():
                each.lags("it is still at it")


class _Following(Thread):
    """One notifier. A daemon, so that it holds up nobody's exit."""

    def __init__(self, service: str, name: str, make: Make, note: Callable[[str], None], look_seconds: float) -> None:
        super().__init__(name=f"notifier {name}", daemon=True)
        self.heard = Event()
        self._ending = Event()
        self._said: set[str] = set()
        self._service = service
        self._notifier = name
        self._make = make
        self._note = note
        self._look_seconds = look_seconds

    def finish(self) -> None:
        """One more look, each notification tried once, and out."""
        self._ending.set()
        self.heard.set()

    def lags(self, reason: str) -> None:
        """Say it, once."""
        self._say(
            "lags",
            f"{self._service}: the notifier {self._notifier} lags: {reason}. No rollout waits for it; the rest "
            f"goes with its next run, or with `bluegreen notify {self._service}`",
        )

    def run(self) -> None:
        try:
            self._follow(self._make(self._ending.wait))
        except BluegreenError as error:
            self.lags(f"{error.message} {error.hint}".strip().removesuffix("."))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not reach a rollout either
            self.lags(f"{type(error).__name__}: {error}")

    def _follow(self, notifier: Notifier) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self.heard.clear()  # before the look, so that what comes during it is looked at too
            last = self._ending.is_set()
            try:
                notifier.catch_up()
                pause = _FIRST_PAUSE_SECONDS
                self._said.discard("lags")
            except AuditFailed as error:
                self._say("broken", f"{error.message} {error.hint}")
            except (Unsent, BluegreenError) as error:
                if last or not self._ending.is_set():  # else it was cut short, and has one more try
                    self.lags(str(error))
                self._ending.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                self.heard.set()
            if last:
                return
            self.heard.wait(self._look_seconds)

    def _say(self, kind: str, text: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            with suppress(OSError, ValueError):  # nobody listens any more
                self._note(plain(text))


def beside(
    note: Callable[[str], None], notifiers: Iterable[tuple[str, str, Make]], *, look_seconds: float = LOOK_SECONDS
) -> Beside:
    """Begin all of them: (service, name of the notifier, what makes it)."""
    made = Beside(note, look_seconds)
    for service, name, make in notifiers:
        made.start(service, name, make)
    return made
