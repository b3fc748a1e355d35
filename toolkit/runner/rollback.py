"""Rollback: all weight back on the base color, in one write a route, past every gate but one."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta

from toolkit.errors import (
    AwsError,
    Halted,
    JournalConflict,
    JournalError,
    LeaseLost,
    NoBase,
    NoHealthyTarget,
    ShiftFailed,
)
from toolkit.rollout.events import CommandTaken, Ending, Event, Kind, RolloutEnded, RunnerTookOver, Word
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.preflight import Observation
from toolkit.rollout.record import Record
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS, split_of_route
from toolkit.rollout.state import RolloutState
from toolkit.runner.carry_out import carry_out
from toolkit.runner.checked import Outcome, move_to, outcome_of
from toolkit.runner.flows import require_flows, standing, terminate
from toolkit.runner.lease import Keeper, give_back, take
from toolkit.runner.move import Move
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.traffic import Color, Split


class UpdatesInPlace(Halted):
    """The rollout under way updates the live color itself, so only its own way back brings it back (`tell`)."""


def plan_rollback(service: Service, color: Color | None = None, *, keep_sticky: bool = False) -> Move:
    """The move that takes everything back to `color` (default: the base on record). Nothing is written.

    It holds the routes that can be written: one that is gone or is not of this pair does not keep the others back.

    Raises:
        NoBase: no `color`, and no base on record (or the record cannot be read).
        RouteUnusable: no route can be written.
        AwsError: the routes could not be read.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        reading = pool.submit(service.read)
        record, unread = _record(service)
        routes = reading.result()
    target = color or record.goes_back_to
    if target is None:
        why = f"the record cannot be read ({unread.message})" if unread else "no base is on record"
        raise NoBase(
            f"{service.name}: {why}, so nobody knows which color to go back to. Nothing was changed.",
            hint=f"Say where: bluegreen rollback {service.name} --to blue (or green).",
        )
    if unread:
        service.note(f"warning: the record cannot be read: {unread.message}")
    return way_back(service, routes, record, target, keep_sticky=keep_sticky)


def way_back(
    service: Service, routes: Mapping[str, LiveRoute], record: Record, target: Color, *, keep_sticky: bool = False
) -> Move:
    """The urgent move that gives `target` everything, on the routes that can be written.

    Raises:
        RouteUnusable: none can.
    """
    observation = Observation(service.contract, of_the_pair(service, routes), {}, record)
    move = move_to(
        observation,
        Split.all_to(target),
        kind=Kind.ROLLBACK,
        now=service.clock.now(),
        keep_sticky=keep_sticky,
    )
    return replace(move, base=target, urgent=True)


def rollback(
    service: Service,
    color: Color | None = None,
    *,
    force: bool = False,
    keep_sticky: bool = False,
    terminate_flows: bool = False,
    break_lease: bool = False,
) -> Outcome:
    """Carry out `plan_rollback`, if the destination has at least one healthy target (or `force`).

    Target-group stickiness is written disabled, because a cookie beats weights; it is remembered and comes back once
    the cookies handed out before have expired. `keep_sticky` leaves it on.

    A rollout under way that nobody runs is ended with it. `break_lease` takes the lease from whoever holds it, and
    reads back until a write of theirs can no longer arrive.

    Behind a Network Load Balancer standing flows stay on the abandoned color. The outcome says how many at most;
    `terminate_flows` ends them.

    Raises:
        UsageError: `terminate_flows` behind an Application Load Balancer; nothing was written.
        Locked: somebody holds the lease (`tell` asks the runner of a rollout to go back); nothing was written.
        NoBase, RouteUnusable, NoHealthyTarget, AwsError: nothing was written.
        ShiftFailed: a route could not be written, is gone or is not of this pair; the others are back.
        VerifyFailed, LeaseLost, Interrupted: as `carry_out` says.
        Halted: the traffic is back, and a rule that diverts requests may stand.
        UpdatesInPlace: no weights would do; nothing was written.
    """
    service = service.urgently()
    if terminate_flows:
        require_flows(service)
    with ThreadPoolExecutor(max_workers=1) as pool, ExitStack() as stack:
        planning = pool.submit(plan_rollback, service, color, keep_sticky=keep_sticky)
        if break_lease:
            planning.result()  # nobody's lease is broken for a rollback that cannot be
        keeper = _lease(service, force=break_lease)
        if keeper is not None:
            stack.callback(give_back, service, keeper)
        move = planning.result()
        if keeper is not None and _is_stale(service, move, keeper):
            move = plan_rollback(service, color, keep_sticky=keep_sticky)
        if move.record.in_place:
            raise UpdatesInPlace(
                f"{service.name}: {move.record.rollout} updates {move.base} in place, and no weights take that back. "
                "Nothing was changed.",
                hint=f"Take it back by itself: bluegreen rollback {service.name}.",
            )
        outcome = _go_back(service, move, keeper, force=force)
    _tell_what_is_lost(service, move)
    if service.contract.is_network and move.base is not None:
        abandoned = move.base.other
        left = standing(service, abandoned)
        ended = terminate(service, abandoned) if terminate_flows else 0
        outcome = replace(outcome, standing=replace(left, terminated=ended))
    return outcome


def _lease(service: Service, *, force: bool) -> Keeper | None:
    """The lease; None where the store fails, for a rollback goes on without. Raises Locked."""
    try:
        return take(service, "rollback", force=force)
    except JournalError as error:
        service.note(f"warning: the rollback goes on without a lease: {error.message}")
        return None


def _is_stale(service: Service, move: Move, keeper: Keeper) -> bool:
    """Whether somebody may have written after the world was read and before the lease was held."""
    if keeper.broke is not None:
        return True
    try:
        last = service.store.tail(service.name, 1)
    except JournalError:
        return False
    return bool(last) and last[-1].head != move.record.head


def _go_back(service: Service, move: Move, keeper: Keeper | None, *, force: bool) -> Outcome:
    """Carry the move out under the lease, and end the rollout that was under way, if one was."""
    recorder = Recorder(service, move.record.head, keeper, rollout=move.record.rollout)
    until = _stale_until(service, recorder)
    done = move.is_done
    outcome = outcome_of(move, service)
    if not (done and _on_record(move) and until is None):
        if not (done or force) and move.base is not None:
            _require_the_destination(service, move.base, recorder)
        carry_out(service, move, recorder, until=until)
        outcome = replace(outcome, written=not done)
    if move.record.rollout:
        _end(service, recorder)
    return replace(outcome, sequence=recorder.head.sequence)


def _require_the_destination(service: Service, base: Color, recorder: Recorder) -> None:
    """A healthy target where the traffic goes; a side that was retired is scaled up first. Raises NoHealthyTarget."""
    if service.workload is not None:
        from toolkit.runner.scaling import bring_up

        try:
            bring_up(base, service, recorder)
        except AwsError as error:  # whether somebody there is healthy is what counts
            service.note(f"warning: {error.message}")
    require_a_healthy_target(service, base)


def _stale_until(service: Service, recorder: Recorder) -> datetime | None:
    """Until when a write of the one whose lease was taken may still arrive; its taking is recorded in a rollout."""
    broke = recorder.keeper.broke if recorder.keeper else None
    if recorder.keeper is None or broke is None:
        return None
    if recorder.rollout:
        try:
            recorder.append(
                RunnerTookOver(str(recorder.keeper.lease.holder), str(broke.holder), broke=recorder.keeper.by_force)
            )
        except JournalConflict:
            recorder.head = service.record().head
        except JournalError as error:
            service.note(f"warning: it is not recorded that the lease was broken: {error.message}")
    return service.clock.now() + timedelta(seconds=WRITE_TIMEOUT_SECONDS)


def _end(service: Service, recorder: Recorder) -> None:
    try:
        if service.workload is not None or service.settings.hooks or service.may_divert:
            _leave(service, recorder)
        recorder.append(RolloutEnded(Ending.ROLLED_BACK))
    except (JournalError, LeaseLost) as error:
        service.note(f"warning: the end of rollout {recorder.rollout} is not recorded: {error.message}")
        if service.may_divert and recorder.rollout and isinstance(error, JournalError):
            _remove_unrecorded(service, recorder.rollout)


def _remove_unrecorded(service: Service, rollout: str) -> None:
    """A store that is away holds no rule up either."""
    from toolkit.runner.diverting import remove_now

    try:
        remove_now(service, rollout)
    except AwsError as error:
        service.note(f"warning: a rule that diverts requests may stand: {error.message}")


def _leave(service: Service, recorder: Recorder) -> None:
    """What a rollout does before its end, now that the traffic is home.

    Raises:
        Halted: a rule that diverts requests may stand, so it does not end.
        JournalError, LeaseLost
    """
    from toolkit.rollout.agenda import effect_of
    from toolkit.rollout.effects import LetGo, RunHooks, Undivert
    from toolkit.rollout.machine import evolve
    from toolkit.rollout.state import Course
    from toolkit.runner.behind import let_go_after
    from toolkit.runner.diverting import remove_after
    from toolkit.runner.gates import ran
    from toolkit.runner.interrupts import Signals, heeded_signals
    from toolkit.runner.states import state_of

    def hooked(effect: RunHooks, state: RolloutState, signals: Signals) -> Event:
        def goes_on() -> bool:
            recorder.renew_if_due()
            return not (signals.terminated or signals.interrupts)

        running = ", ".join(f"hook {hook.name}" for hook in effect.hooks)
        service.note(f"{service.name}: the traffic is back; {effect.at}: {running}")
        return ran(service, effect, state, goes_on)

    state = state_of(service, recorder.rollout)
    # The traffic was home already, so nothing that was written says that it goes back; or it has failed to before.
    if not state.back or state.course is Course.HALTED:
        state = evolve(state, recorder.append(CommandTaken(Word.ROLLBACK, service.holder.name)))
    with heeded_signals() as signals:  # Ctrl-C ends a hook that hangs, and what has happened is recorded all the same
        while isinstance(effect := effect_of(state), LetGo | RunHooks | Undivert):
            match effect:
                case Undivert():
                    event: Event = remove_after(service, state)
                case LetGo():
                    event = let_go_after(service, state)
                case RunHooks():
                    event = hooked(effect, state, signals)
            state = evolve(state, recorder.append(event))
    if state.course is Course.HALTED:
        raise Halted(
            f"{service.name}: all traffic is on {state.plan.base}, but {state.reason}",
            hint=f"Again: bluegreen rollback {service.name}. See `bluegreen doctor {service.name}`.",
        )


def require_a_healthy_target(service: Service, destination: Color) -> None:
    """Raises NoHealthyTarget where nobody at `destination` is healthy, saying how the other side is."""
    if service.healthy(destination):
        return
    other = service.healthy(destination.other)
    sides = (
        "both sides are sick: neither has a healthy target"
        if not other
        else f"{destination} has no healthy target, {destination.other} has {other}"
    )
    raise NoHealthyTarget(
        f"{service.name}: {sides}. Nothing was changed.",
        hint=f"See `bluegreen status {service.name}`; --force goes to {destination} all the same.",
    )


def _on_record(move: Move) -> bool:
    """Whether nothing on record speaks against what AWS holds. Where something does, a read-back settles it."""
    return not move.record.in_doubt and all(move.record.may_hold(name, move.to) for name in move.routes)


def _record(service: Service) -> tuple[Record, JournalError | None]:
    """The record; an empty one and the reason where it cannot be read, for a rollback goes on without."""
    try:
        return service.record(), None
    except JournalError as error:
        return Record(), error


def of_the_pair(service: Service, routes: Mapping[str, LiveRoute]) -> dict[str, LiveRoute]:
    """The routes that forward to exactly this pair. That both weigh 0 is no hindrance: a rollback is the way out of it.

    Raises:
        RouteUnusable: there is none; the first is named.
    """
    pair = {group.arn for group in service.contract.target_groups.values()}
    usable = {name: live for name, live in routes.items() if set(live.weights) == pair}
    if not usable:
        split_of_route(service.contract.routes[0], routes, service.contract)
    return usable


def _tell_what_is_lost(service: Service, move: Move) -> None:
    """Raises ShiftFailed where routes of the service were no part of the move."""
    lost = [route.name for route in service.contract.routes if route.name not in move.routes]
    if lost:
        raise ShiftFailed(
            f"{service.name}: {move.to} is in place on {', '.join(move.routes)}; "
            f"not on {', '.join(lost)}, gone or not of this pair",
            hint=f"See `bluegreen doctor {service.name}`.",
        )
