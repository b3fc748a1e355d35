"""Ctrl-C during a rollout, on a terminal: what is to become of it is asked, while it goes on and is watched."""

from __future__ import annotations

import select
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING

from toolkit.cli.rollout_words import phase_words

if TYPE_CHECKING:
    from toolkit.rollout.state import RolloutState
    from toolkit.runner.service import Wish

ANSWER_SECONDS = 60.0
"""A question that nobody answers goes away: whoever pressed Ctrl-C by accident is not asked for ever."""
_LOOK_SECONDS = 0.2


class Question:
    """One at a time. It runs in a thread of its own; a second Ctrl-C is heeded elsewhere, and ends it."""

    def __init__(self) -> None:
        self._moot = threading.Event()

    def withdraw(self) -> None:
        """Whatever is asked need not be answered any more."""
        self._moot.set()

    def ask(self, state: RolloutState) -> Wish:
        """What the operator wants. A terminal that is gone means pause; no answer in time, that it goes on."""
        from toolkit.runner.service import Wish

        self._moot.clear()
        answers = {"c": Wish.CONTINUE, "p": Wish.PAUSE, "r": Wish.ROLL_BACK}
        plan = state.plan
        step = f"step {min(state.step + 1, len(plan.steps))} of {len(plan.steps)}"
        _say(
            f"\n{state.id} is {phase_words(state)}, {step}, and goes on meanwhile. Continue, pause, or roll back to "
            f"{plan.base}? Another Ctrl-C rolls back.\n"
        )
        termios.tcflush(sys.stdin, termios.TCIFLUSH)  # keys that were pressed before are no answer
        end = time.monotonic() + ANSWER_SECONDS
        while (line := self._line(end)) is not None:
            wish = Wish.PAUSE if not line else answers.get(line.strip().lower()[:1])
            if wish is not None:
                return wish
        return Wish.CONTINUE

    def _line(self, end: float) -> str | None:
        """A line from the terminal; empty at its end, None where none came in time or none is wanted any more."""
        _say("continue, pause, roll back [c/p/r] ")
        while time.monotonic() < end and not self._moot.is_set():
            ready, _, _ = select.select([sys.stdin], [], [], _LOOK_SECONDS)
            if ready:
                return sys.stdin.readline()
        _say("\n")
        return None


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
