"""What every move has before it: which base, what becomes of stickiness, and the checks that may refuse it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from toolkit.contract import Stickiness
from toolkit.errors import PreflightRefused
from toolkit.rollout.events import DriftAccepted, Kind, SuspendedStickiness
from toolkit.rollout.ports import Action, LiveRoute
from toolkit.rollout.preflight import Finding, Level, Observation, preflight, refuse
from toolkit.rollout.record import Record
from toolkit.rollout.routes import known_splits, live_color
from toolkit.runner.carry_out import carry_out
from toolkit.runner.flows import Standing
from toolkit.runner.move import Move
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.traffic import Color, Split

COOKIE_GRACE_SECONDS = 60
"""Cookies handed out while the write was still spreading; AWS gives no figure for that, so a minute is assumed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. `before` by route name; `written` False where AWS held it all already.

    sequence: the journal's last. suspended: stickiness that is switched off now, by route name; restored: the names of
    the routes where it came back. standing: the flows that may be left, where a Network Load Balancer was rolled back.
    """

    service: str
    kind: Kind
    before: Mapping[str, Split]
    after: Split
    base: Color | None
    written: bool
    sequence: int
    findings: tuple[Finding, ...] = ()
    suspended: Mapping[str, SuspendedStickiness] = field(default_factory=dict)
    restored: tuple[str, ...] = ()
    standing: Standing | None = None


def move_to(observation: Observation, to: Split, *, kind: Kind, now: datetime, keep_sticky: bool = True) -> Move:
    """The move from what is observed to `to`.

    Stickiness stays as it is, with two exceptions: a rollback switches it off (unless `keep_sticky`), and what an
    earlier rollback switched off comes back once its cookies have expired.
    """
    actions: dict[str, Action] = {}
    suspended: dict[str, SuspendedStickiness] = {}
    for name, live in observation.routes.items():
        held = observation.record.suspended.get(name)
        stickiness, aside = _stickiness_of(live, held, kind=kind, now=now, keep=keep_sticky)
        actions[name] = Action(observation.contract.weights(to), stickiness)
        if aside:
            suspended[name] = aside
    splits = set(known_splits(observation.routes, observation.contract).values())
    return Move(
        kind=kind,
        routes=observation.routes,
        to=to,
        base=live_color(splits.pop() if len(splits) == 1 else None, observation.record),
        record=observation.record,
        actions=actions,
        suspended=suspended,
        restores=tuple(name for name in suspended if actions[name].stickiness.enabled),
    )


def _stickiness_of(
    live: LiveRoute, held: SuspendedStickiness | None, *, kind: Kind, now: datetime, keep: bool
) -> tuple[Stickiness, SuspendedStickiness | None]:
    """What to write, and what is put aside: what comes back with this write is so until the write is verified."""
    if live.stickiness.enabled:
        if keep:
            return live.stickiness, None
        seconds = (live.stickiness.duration_seconds or 0) + COOKIE_GRACE_SECONDS
        return Stickiness(enabled=False), SuspendedStickiness(live.stickiness, now + timedelta(seconds=seconds))
    if held and held.until <= now and kind is not Kind.ROLLBACK:
        return held.stickiness, held
    return live.stickiness, held


def require_no_rollout(service: Service, record: Record) -> None:
    """Raises PreflightRefused where a rollout is under way, for it would find weights that it did not write."""
    if record.rollout:
        raise PreflightRefused(
            f"{service.name}: rollout {record.rollout} is under way, and nobody runs it now. Nothing was changed.",
            hint=f"Go on with it (bluegreen resume {service.name}) or take it back (bluegreen abort {service.name}).",
        )


def checked_move(
    service: Service, observation: Observation, move: Move, recorder: Recorder, *, accept_drift: bool = False
) -> Outcome:
    """The checks, then the move.

    Raises:
        PreflightRefused, WrongAccount, RouteUnusable: nothing was written.
        others as `carry_out` says.
    """
    require_no_rollout(service, observation.record)
    findings = preflight(observation, move.to, service.settings, accept_drift=accept_drift)
    refuse(findings, service.name)
    tell_warnings(service, findings)
    if accept_drift:
        accept(recorder, observation)
    outcome = replace(outcome_of(move, service), findings=tuple(findings), sequence=recorder.head.sequence)
    if move.is_done and not observation.record.in_doubt:
        return outcome
    carry_out(service, move, recorder)
    outcome = replace(outcome, written=not move.is_done, sequence=recorder.head.sequence)
    if outcome.written and service.contract.is_network:
        service.note(
            f"{service.name}: new flows follow the weights; standing ones stay on their targets until they end, "
            f"so allow {service.settle_seconds:g} s before you judge or scale down"
        )
    return outcome


def tell_warnings(service: Service, findings: Sequence[Finding]) -> None:
    """Each warning in a line to whoever watches."""
    for finding in findings:
        if finding.level is Level.WARNING:
            service.note(f"warning: {finding.reason}. {finding.mend}".rstrip())


def accept(recorder: Recorder, observation: Observation) -> None:
    """Record that what AWS holds is the truth, where the record says otherwise. Raises JournalError, LeaseLost."""
    splits = known_splits(observation.routes, observation.contract)
    if all(observation.record.may_hold(name, split) for name, split in splits.items()):
        return
    recorder.append(DriftAccepted(splits), actor=observation.identity.arn if observation.identity else None)


def outcome_of(move: Move, service: Service) -> Outcome:
    """The outcome of a move that nothing has been written of yet."""
    return Outcome(
        service=service.name,
        kind=move.kind,
        before=known_splits(move.routes, service.contract),
        after=move.to,
        base=move.base,
        written=False,
        sequence=move.record.sequence,
        suspended={name: held for name, held in move.suspended.items() if name not in move.restores},
        restored=move.restores,
    )
