"""Carrying a move out: intent recorded, every route written, read back, outcome recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

from toolkit.errors import AwsError, BluegreenError, Interrupted, JournalConflict, JournalError, LeaseLost
from toolkit.rollout.events import Event, ShiftIntended, ShiftVerified
from toolkit.rollout.events import ShiftFailed as ShiftFailedEvent
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS, known_splits
from toolkit.runner.interrupts import deferred_interrupts
from toolkit.runner.move import Move
from toolkit.runner.readback import read_back
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.runner.write import splits_now, write_all

_WAIT = "bluegreen: finishing the write under way; then it stops"


def carry_out(service: Service, move: Move, recorder: Recorder, *, until: datetime | None = None) -> None:
    """Do it, and prove it by reading back; a write whose outcome was unknown is waited out.

    Ctrl-C is held back until the outcome is recorded, then raised with the state of things. until: read back so long,
    because a lease was broken and its last holder may still be writing.

    Raises:
        ShiftFailed: a write failed; the routes already written were put back (unless urgent).
        VerifyFailed: AWS holds something else than what was written.
        AwsError: a single route could not be written, or what was written could not be read back.
        JournalError: the intent could not be recorded (unless urgent); nothing was written.
        LeaseLost: somebody took the lease over; nothing more was written.
        Interrupted: somebody pressed Ctrl-C meanwhile; the move is complete and recorded.
    """
    with deferred_interrupts(_WAIT) as interrupts:
        recorded = _record_intent(service, move, recorder)
        try:
            put(service, move, recorder, until=until)
        except LeaseLost:
            raise
        except BluegreenError as error:
            _record_outcome(service, move, recorder, ShiftFailedEvent(error.message, splits_now(service)), recorded)
            raise
        _record_outcome(service, move, recorder, ShiftVerified(), recorded)
    if interrupts.asked:
        raise Interrupted(
            f"{service.name}: interrupted, after the {move.kind} was complete: every route holds {move.to}, recorded",
            hint=f"To go back: bluegreen rollback {service.name}.",
        )


def put(service: Service, move: Move, recorder: Recorder, *, until: datetime | None = None) -> None:
    """Write every route that does not hold the move, under the lease, and read back. Raises as `carry_out`."""
    written = write_all(service, move, guard=lambda: _require_the_lease(recorder, urgent=move.urgent))
    if written.doubtful:
        settled = service.clock.now() + timedelta(seconds=WRITE_TIMEOUT_SECONDS)
        until = max(until, settled) if until else settled
    read_back(service, move, until=until)


def _require_the_lease(recorder: Recorder, *, urgent: bool) -> None:
    """Before each attempt: it must end while the lease lasts. A store that is away holds no rollback up."""
    if recorder.keeper is None:
        return
    try:
        recorder.keeper.require(WRITE_TIMEOUT_SECONDS)
    except JournalError:
        if not urgent:
            raise


def intent_of(service: Service, move: Move) -> ShiftIntended:
    """The entry that goes before the move's first write."""
    return ShiftIntended(
        kind=move.kind,
        base=move.base,
        before=known_splits(move.routes, service.contract),
        to=move.to,
        suspended=move.suspended,
        restores=move.restores,
    )


def _record_intent(service: Service, move: Move, recorder: Recorder) -> bool:
    """Whether it is recorded: an urgent move goes on without."""
    intent = intent_of(service, move)
    if not move.urgent:
        recorder.append(intent)
        return True
    try:
        try:
            recorder.append(intent)
        except JournalConflict:
            # A rollback goes past whoever was faster: their entry stands, ours comes after it.
            recorder.head = service.record().head
            recorder.append(intent)
    except JournalError as error:
        service.note(f"warning: the rollback is not recorded: {error.message}")
        return False
    return True


def _record_outcome(service: Service, move: Move, recorder: Recorder, event: Event, recorded: bool) -> None:
    """What happened to the traffic stands, so a failure to record it is said, not raised.

    An outcome means nothing without its intent, so an intent that could not be recorded is tried once more.
    """
    if not recorded and not _record_intent(service, move, recorder):
        return
    try:
        recorder.append(event, actor=_resolved_actor(service) if isinstance(event, ShiftVerified) else None)
    except (JournalError, LeaseLost) as error:
        service.note(f"warning: the outcome is not recorded: {error.message}")


def _resolved_actor(service: Service) -> str | None:
    """The caller's ARN, waited for now that the traffic has moved."""
    try:
        return service.identities.resolve().arn
    except AwsError as error:
        service.note(f"warning: the actor is not recorded: {error.message}")
        return None
