"""Carrying a move out: intent recorded, every route written, read back, outcome recorded."""

from __future__ import annotations

from toolkit.errors import AwsError, BluegreenError, Interrupted, JournalConflict, JournalError
from toolkit.rollout.events import ShiftFailed as ShiftFailedEvent
from toolkit.rollout.events import ShiftIntended, ShiftVerified
from toolkit.rollout.routes import known_splits
from toolkit.runner.interrupts import deferred_interrupts
from toolkit.runner.move import Move
from toolkit.runner.readback import read_back
from toolkit.runner.service import Service
from toolkit.runner.write import splits_now, write_all

_WAIT = "bluegreen: finishing the write under way; then it stops"


def carry_out(service: Service, move: Move) -> int:
    """Do it, and prove it by reading back. Returns the journal's last sequence.

    Ctrl-C is held back until the outcome is recorded, then raised with the state of things.

    Raises:
        ShiftFailed: a write failed; the routes already written were put back (unless urgent).
        VerifyFailed: AWS holds something else than what was written.
        AwsError: a single route could not be written, or what was written could not be read back.
        JournalError: the intent could not be recorded (unless urgent); nothing was written.
        Interrupted: somebody pressed Ctrl-C meanwhile; the move is complete and recorded.
    """
    with deferred_interrupts(_WAIT) as interrupts:
        intent = _record_intent(service, move)
        try:
            write_all(service, move)
            read_back(service, move)
        except BluegreenError as error:
            _record_outcome(service, move, ShiftFailedEvent(error.message, splits_now(service)), intent)
            raise
        sequence = _record_outcome(service, move, ShiftVerified(_resolved_actor(service)), intent)
    if interrupts.asked:
        raise Interrupted(
            f"{service.name}: interrupted, after the {move.kind} was complete: every route holds {move.to}, recorded",
            hint=f"To go back: bluegreen rollback {service.name}.",
        )
    return sequence


def _record_intent(service: Service, move: Move) -> int | None:
    """The intent's sequence; None where an urgent move goes on unrecorded."""
    intent = ShiftIntended(
        kind=move.kind,
        base=move.base,
        before=known_splits(move.routes, service.contract),
        to=move.to,
        actor=_actor(service),
        suspended=move.suspended,
        restores=move.restores,
    )
    if not move.urgent:
        return service.append(intent, after=move.record.sequence)
    try:
        try:
            return service.append(intent, after=move.record.sequence)
        except JournalConflict:
            # A rollback goes past whoever was faster: their entry stands, ours comes after it.
            return service.append(intent, after=service.record().sequence)
    except JournalError as error:
        service.note(f"warning: the rollback is not recorded: {error.message}")
        return None


def _record_outcome(service: Service, move: Move, event: ShiftVerified | ShiftFailedEvent, intent: int | None) -> int:
    """The journal's last sequence. What happened to the traffic stands, so a failure to record it is said, not raised.

    An outcome means nothing without its intent, so an intent that could not be recorded is tried once more.
    """
    if intent is None:
        intent = _record_intent(service, move)
    if intent is None:
        return move.record.sequence
    try:
        return service.append(event, after=intent)
    except JournalError as error:
        service.note(f"warning: the outcome is not recorded: {error.message}")
        return intent


def _actor(service: Service) -> str | None:
    identity = service.identities.now()
    return identity.arn if identity else None


def _resolved_actor(service: Service) -> str | None:
    """The caller's ARN, waited for now that the traffic has moved."""
    try:
        return service.identities.resolve().arn
    except AwsError as error:
        service.note(f"warning: the actor is not recorded: {error.message}")
        return None
