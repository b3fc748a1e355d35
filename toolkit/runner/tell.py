"""Telling a rollout something, from another terminal or machine: a command into the inbox of whoever runs it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from toolkit.errors import AwsError, Halted, NoRollout, RolledBack
from toolkit.rollout.events import CommandTaken, Word
from toolkit.rollout.ports import Command, Lease
from toolkit.rollout.state import Course, RolloutState
from toolkit.runner.attention import URGENT
from toolkit.runner.rollout import take_over
from toolkit.runner.service import Service
from toolkit.runner.states import state_of

_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a command. taken: the runner has it; else it waits in the inbox. lease: whose it is, if held."""

    rollout: str
    word: Word
    taken: bool
    state: RolloutState
    lease: Lease | None


def tell(
    service: Service, word: Word, *, reason: str = "", wait_seconds: float = 15.0, break_lease: bool = False
) -> Told:
    """Put the command down for the holder, and wait until it is taken; of a way back, until it is over.

    Where nobody holds the lease, a way back is run here; anything else waits for a `resume`. break_lease: take it from
    whoever holds it, for a way back.

    Raises:
        NoRollout: none is under way; or nobody runs it, and it was to be paused.
        JournalError: the store failed.
        others as `rollout.start`, where it is run here.
    """
    state = state_of(service, service.record().rollout)
    actor = _actor(service)
    lease = service.store.holder(service.name)
    held = lease is not None and lease.is_held(service.clock.now())
    if word in URGENT and (break_lease or not held):
        return _run_here(service, state, CommandTaken(word, actor, reason=reason), break_lease=break_lease)
    if not held and word is Word.PAUSE:
        raise NoRollout(
            f"{state.id}: nobody runs it now, so there is nothing to pause; it is {state.phase}",
            hint=f"Go on with it: bluegreen resume {service.name}. Take it back: bluegreen abort {service.name}.",
        )
    command = Command(secrets.token_hex(8), word, state.id, actor, service.clock.now(), reason)
    service.store.put(service.name, command)
    if not held:
        return Told(state.id, word, taken=False, state=state, lease=None)
    return _awaited(service, command, lease, wait_seconds)


def _run_here(service: Service, state: RolloutState, command: CommandTaken, *, break_lease: bool) -> Told:
    """Nobody runs it, so whoever asks takes the lease and brings the traffic back."""
    rollout = state.id
    try:
        take_over(service, command, break_lease=break_lease)
    except RolledBack:
        ended = state_of(service, rollout)
        return Told(rollout, command.word, taken=True, state=ended, lease=None)
    raise Halted(f"{service.name}: {rollout} was over before it could be taken back")


def _awaited(service: Service, command: Command, lease: Lease | None, seconds: float) -> Told:
    end = service.clock.now() + timedelta(seconds=seconds)
    while True:
        state = state_of(service, command.rollout)
        taken = command.id in state.commands
        if state.is_over or (taken and (command.word not in URGENT or state.course is Course.HALTED)):
            return Told(command.rollout, command.word, taken=taken, state=state, lease=lease)
        if service.clock.now() >= end:
            return Told(command.rollout, command.word, taken=taken, state=state, lease=lease)
        service.clock.sleep(_POLL_SECONDS)


def _actor(service: Service) -> str:
    try:
        return service.identities.resolve().arn
    except AwsError:
        return service.holder.name
