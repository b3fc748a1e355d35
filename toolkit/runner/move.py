"""One move: intent recorded, every route written, read back, outcome recorded. Every command that writes is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from toolkit.contract import Stickiness
from toolkit.errors import (
    AwsError,
    BluegreenError,
    Interrupted,
    JournalConflict,
    JournalError,
    ShiftFailed,
    VerifyFailed,
)
from toolkit.rollout.events import Kind, Record, ShiftIntended, ShiftVerified, SuspendedStickiness
from toolkit.rollout.events import ShiftFailed as ShiftFailedEvent
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.routes import known_splits
from toolkit.runner.interrupts import deferred_interrupts
from toolkit.runner.service import Service
from toolkit.traffic import Color, Split

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Move:
    """What is about to be done, complete: `before` as read, `to` on all routes, `stickiness` by route name.

    urgent: a rollback. It goes as far as it can: no journal and no failing route holds the others up, and what
    was written is never put back.
    """

    kind: Kind
    routes: Mapping[str, LiveRoute]
    to: Split
    base: Color | None
    record: Record
    stickiness: Mapping[str, Stickiness]
    suspended: Mapping[str, SuspendedStickiness] = field(default_factory=dict)
    urgent: bool = False

    def is_done(self, service: Service) -> bool:
        """Whether AWS holds all of it already."""
        return all(_holds(live, self, service) for live in self.routes.values())


def weights_for(service: Service, split: Split) -> dict[str, int]:
    """`split` by target group ARN."""
    return {service.contract.target_groups[color].arn: weight for color, weight in split}


def carry_out(service: Service, move: Move) -> int:
    """Do it, and prove it by reading back. Returns the journal's last sequence.

    Ctrl-C is held back until the outcome is recorded, then raised with the state of things.

    Raises:
        ShiftFailed: a write failed; the routes already written were put back (unless urgent).
        VerifyFailed: AWS holds something else than what was written.
        JournalError: the intent could not be recorded (unless urgent); nothing was written.
        Interrupted: somebody pressed Ctrl-C meanwhile; the move is complete and recorded.
    """
    with deferred_interrupts() as interrupts:
        intent = _record_intent(service, move)
        try:
            _write_all(service, move)
            _verify(service, move)
        except BluegreenError as error:
            _record_outcome(service, move, ShiftFailedEvent(error.message, _splits_now(service)), intent)
            raise
        sequence = _record_outcome(service, move, ShiftVerified(_actor(service)), intent)
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


def _splits_now(service: Service) -> dict[str, Split]:
    try:
        return known_splits(service.read(), service.contract)
    except AwsError as error:
        service.note(f"warning: the routes could not be read again: {error.message}")
        return {}


def _write_all(service: Service, move: Move) -> None:
    weights = weights_for(service, move.to)
    written: list[LiveRoute] = []
    failed: list[tuple[LiveRoute, BluegreenError]] = []
    for name, live in move.routes.items():
        if _holds(live, move, service):
            continue
        try:
            service.router.write(live, weights, move.stickiness[name])
        except BluegreenError as error:
            failed.append((live, error))
            if not move.urgent:
                break
        else:
            written.append(live)
    if failed:
        _give_up(service, move, written, failed)


def _give_up(
    service: Service, move: Move, written: list[LiveRoute], failed: list[tuple[LiveRoute, BluegreenError]]
) -> None:
    """Put back what was written (unless urgent) and what may have been, then say the state of each route.

    Raises:
        ShiftFailed: always, or the one error itself where one write failed and nothing else was touched.
    """
    live, error = failed[0]
    if not move.urgent:
        for earlier in [*reversed(written), live]:
            _put_back(service, move, earlier)
    states = _states(service, move)
    if len(move.routes) == 1:
        raise type(error)(f"{service.name}: {error.message}. {states}", hint=error.hint) from error
    names = ", ".join(route.route.name for route, _ in failed)
    what = "the others were written" if move.urgent else "the others were put back"
    raise ShiftFailed(
        f"{service.name}: writing route {names} failed ({error.message}); {what}. {states}", hint=error.hint
    ) from error


def _put_back(service: Service, move: Move, live: LiveRoute) -> None:
    try:
        now = service.router.read([live.route]).get(live.route.name)
        if now is None or (now.weights == live.weights and now.stickiness == live.stickiness):
            return
        if now.weights != weights_for(service, move.to):
            service.note(f"warning: route {live.route.name} holds neither the old nor the new weights; left alone")
            return
        service.router.write(now, live.weights, live.stickiness)
    except BluegreenError as error:
        service.note(f"warning: route {live.route.name} could not be put back: {error.message}")


def _states(service: Service, move: Move) -> str:
    splits = _splits_now(service)
    parts = [f"{name} holds {splits[name]}" if name in splits else f"{name} is unknown" for name in move.routes]
    return f"Now: {'; '.join(parts)}."


def _holds(live: LiveRoute, move: Move, service: Service) -> bool:
    return dict(live.weights) == weights_for(service, move.to) and live.stickiness == move.stickiness[live.route.name]


def _verify(service: Service, move: Move) -> None:
    """Read until every route holds it. ELBv2 gives no word on propagation, so the read-back is what there is."""
    deadline = service.clock.now() + timedelta(seconds=service.settings.verify_seconds)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        routes = service.read()
        wrong = [name for name in move.routes if name not in routes or not _holds(routes[name], move, service)]
        if not wrong:
            return
        if service.clock.now() >= deadline:
            raise VerifyFailed(
                f"{service.name}: {move.to} was written, but {_held(service, wrong, routes)} "
                f"after {service.settings.verify_seconds:g} s",
                hint=f"Somebody else may be writing; see `bluegreen status {service.name}`.",
            )
        service.clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _held(service: Service, wrong: list[str], routes: Mapping[str, LiveRoute]) -> str:
    splits = known_splits(routes, service.contract)
    parts = []
    for name in wrong:
        if name not in routes:
            parts.append(f"route {name} is gone")
        elif name in splits:
            stickiness = routes[name].stickiness
            sticky = f" with stickiness of {stickiness.duration_seconds} s" if stickiness.enabled else ""
            parts.append(f"route {name} holds {splits[name]}{sticky}")
        else:
            parts.append(f"route {name} no longer forwards to this pair")
    return ", ".join(parts)
