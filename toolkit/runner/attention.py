"""What a runner must heed while something takes its time: its lease, its inbox, Ctrl-C, and its peers."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Protocol

from toolkit.errors import JournalError
from toolkit.rollout.events import CommandTaken, Event, GateFailed, RunnerPaused, Word
from toolkit.rollout.ports import Command
from toolkit.rollout.state import RolloutState
from toolkit.runner.interrupts import Signals
from toolkit.runner.lease import Keeper
from toolkit.runner.service import Service, Wish

INBOX_SECONDS = 2.0
_SLICE_SECONDS = 0.5
URGENT = (Word.ROLLBACK, Word.ABORT)


class Peers(Protocol):
    """The other services of a release."""

    def failure(self, service: str) -> str:
        """Why the release goes back, of another service; empty while it does not."""

    def has_arrived(self, service: str, shifts: int) -> bool:
        """Say that `service` has so many shifts behind it and begins the next; whether every other one is as far."""


class Attention:
    """Asked often; answers with an event where something must be heeded now."""

    def __init__(self, service: Service, keeper: Keeper, signals: Signals, peers: Peers | None = None) -> None:
        self._service = service
        self._keeper = keeper
        self._signals = signals
        self._peers = peers
        self._looked: datetime | None = None
        self._question: _Question | None = None
        self._heeded = 0
        self._unread = ""

    @property
    def is_impatient(self) -> bool:
        """Whether somebody pressed Ctrl-C or ended the process, on a way back that heeds neither."""
        return self._signals.terminated or self._signals.interrupts > self._heeded

    def beat(self, state: RolloutState, *, only_urgent: bool = False) -> Event | None:
        """Renew the lease if due, and see whether somebody wants something.

        only_urgent: leave what can wait for the end of a step.

        Raises:
            LeaseLost: somebody took the lease over.
        """
        self._keeper.renew_if_due()
        if state.back:
            self._withdraw()
            return None
        said = self._signalled(state) or self._failed_peer(state)
        if said is not None:
            return said
        now = self._service.clock.now()
        if self._looked is not None and now - self._looked < timedelta(seconds=INBOX_SECONDS):
            return None
        self._looked = now
        return self._commanded(state, only_urgent=only_urgent)

    def wait(self, seconds: float, state: RolloutState, *, only_urgent: bool = False) -> Event | None:
        """Let time pass, heeding; the event ends it early."""
        end = self._service.clock.now() + timedelta(seconds=seconds)
        while (left := (end - self._service.clock.now()).total_seconds()) > 0:
            self._service.clock.sleep(min(left, _SLICE_SECONDS))
            event = self.beat(state, only_urgent=only_urgent)
            if event is not None:
                return event
        return None

    def _commanded(self, state: RolloutState, *, only_urgent: bool) -> Event | None:
        service = self._service
        try:
            waiting = service.store.pending(service.name)
            stale = [each.id for each in waiting if each.rollout != state.id or each.id in state.commands]
            if stale:
                service.store.remove(service.name, stale)
        except JournalError as error:
            if error.message != self._unread:
                service.note(f"warning: the inbox cannot be read: {error.message}")
            self._unread = error.message
            return None
        fresh = [each for each in waiting if each.id not in stale]
        chosen = _first(fresh, only_urgent=only_urgent)
        return CommandTaken(chosen.word, chosen.actor, chosen.id, chosen.reason) if chosen else None

    def _failed_peer(self, state: RolloutState) -> Event | None:
        reason = self._peers.failure(self._service.name) if self._peers else ""
        return GateFailed(state.step, "release", reason) if reason else None

    def _signalled(self, state: RolloutState) -> Event | None:
        pressed = self._signals.interrupts - self._heeded
        if self._signals.terminated:
            return RunnerPaused("the process was asked to end (SIGTERM)")
        if pressed > 1:
            return self._rolling_back("Ctrl-C, twice")
        if pressed == 0:
            return None
        if self._service.ask is None:
            return RunnerPaused("Ctrl-C")
        if self._question is None:
            self._question = _Question(self._service, state)
        return self._answered(self._question)

    def _withdraw(self) -> None:
        """Nobody need answer any more; and the Ctrl-C that asked is no impatience with the way back."""
        if self._question is not None:
            self._question = None
            self._heeded += 1

    def _answered(self, question: _Question) -> Event | None:
        if question.is_open:
            return None
        self._question = None
        self._heeded = self._signals.interrupts
        match question.wish:
            case Wish.CONTINUE:
                return None
            case Wish.PAUSE:
                return RunnerPaused("Ctrl-C")
            case Wish.ROLL_BACK:
                return self._rolling_back("Ctrl-C")

    def _rolling_back(self, reason: str) -> Event:
        self._heeded = self._signals.interrupts
        return CommandTaken(Word.ROLLBACK, self._service.holder.name, reason=reason)


def _first(commands: list[Command], *, only_urgent: bool) -> Command | None:
    """A rollback jumps the queue."""
    urgent = [command for command in commands if command.word in URGENT]
    waiting = urgent or ([] if only_urgent else commands)
    return waiting[0] if waiting else None


class _Question:
    """Asked in a thread of its own, so that gates, lease and a second Ctrl-C are heeded while it stands."""

    def __init__(self, service: Service, state: RolloutState) -> None:
        self.wish = Wish.PAUSE
        self._thread = threading.Thread(target=self._ask, args=(service, state), daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        return self._thread.is_alive()

    def _ask(self, service: Service, state: RolloutState) -> None:
        if service.ask is not None:
            self.wish = service.ask(state)
