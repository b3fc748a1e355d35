"""Cutover: everything to the idle color, a watch over its health, and back by itself if it falls."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from toolkit.errors import AwsError, RolledBack, Interrupted, JournalError, NoBase, NoHealthyTarget
from toolkit.rollout.events import Kind, Promoted
from toolkit.rollout.preflight import Finding, Observation, needed_targets, preflight
from toolkit.rollout.routes import live_color, split_of_service
from toolkit.runner.checked import Outcome, checked_move, move_to
from toolkit.runner.move import Move
from toolkit.runner.rollback import rollback
from toolkit.runner.service import Service
from toolkit.traffic import Color, Split


def idle_color(observation: Observation) -> Color:
    """The color that a cutover goes to: the one that is not live.

    Raises:
        NoBase: both carry traffic and no base is on record.
        RouteUnusable: a route is gone or is not of this pair.
    """
    split = split_of_service(observation.routes, observation.contract)
    live = live_color(split, observation.record)
    if live is None:
        name = observation.contract.name
        raise NoBase(
            f"{name}: both colors carry traffic and no base is on record, so neither is the idle one. "
            "Nothing was changed.",
            hint=f"Say where to go: bluegreen cutover {name} --to green (or blue).",
        )
    return live.other


def plan_cutover(
    service: Service, color: Color | None = None, *, accept_drift: bool = False
) -> tuple[Move, list[Finding]]:
    """The move that `cutover` would make, and every finding. Nothing is written, nothing refused."""
    observation = service.observe()
    to = Split.all_to(color or idle_color(observation))
    move = move_to(observation, to, kind=Kind.CUTOVER, now=service.clock.now())
    return move, preflight(observation, to, service.settings, accept_drift=accept_drift)


def cutover(
    service: Service,
    color: Color | None = None,
    *,
    bake_seconds: float | None = None,
    settle_seconds: float | None = None,
    accept_drift: bool = False,
) -> Outcome:
    """Everything to `color` (default: the idle one); then watch its health for `bake_seconds` (default: settings).

    The verdict waits for `settle_seconds` (default: settings), where that is longer than the bake.

    Raises:
        as `shift`, and
        NoBase: nobody knows which color is idle.
        RolledBack: the new side fell during the bake, and the traffic is back.
        NoHealthyTarget: both sides fell during the bake, so the traffic stays where it is.
        Interrupted: during the bake; the traffic stays on the new side.
    """
    observation = service.observe()
    target = color or idle_color(observation)
    to = Split.all_to(target)
    move = move_to(observation, to, kind=Kind.CUTOVER, now=service.clock.now())
    outcome = checked_move(service, observation, move, accept_drift=accept_drift)
    if not outcome.written:
        return outcome
    # The bake insists on what the preflight did: the capacity that the traffic was found to need.
    needed = needed_targets(observation.healthy(target.other), to.share(target), service.settings)
    settle = service.settle_seconds if settle_seconds is None else settle_seconds
    bake = max(settle, service.settings.bake_seconds if bake_seconds is None else bake_seconds)
    carries = "takes every new flow" if service.contract.is_network else "carries all traffic"
    service.note(f"{service.name}: {target} {carries}; watching its health for {bake:g} s")
    try:
        _bake(service, target, needed, bake)
    except KeyboardInterrupt:
        raise Interrupted(
            f"{service.name}: interrupted during the bake: {target} carries all traffic, and nobody watches it now",
            hint=f"To go back: bluegreen rollback {service.name}.",
        ) from None
    return replace(outcome, sequence=_promote(service, target, outcome.sequence))


def _bake(service: Service, color: Color, needed: int, seconds: float) -> None:
    """Look at the health of `color` until `seconds` have passed, at least once.

    A look that fails says nothing about the color, so it is no reason to go back; it is said, and looked again. A
    bake whose last look failed has not shown what it was for, and ends in that look's error.
    """
    end = service.clock.now() + timedelta(seconds=seconds)
    while True:
        unseen: AwsError | None = None
        try:
            healthy = service.healthy(color)
        except AwsError as error:
            unseen = error
            service.note(f"warning: {error.message}")
        else:
            if healthy < needed:
                _reverse(service, color, healthy, needed)
        left = (end - service.clock.now()).total_seconds()
        if left <= 0:
            break
        service.clock.sleep(min(left, service.settings.poll_seconds))
    if unseen is not None:
        raise type(unseen)(
            f"{service.name}: {color} carries all traffic, but its health could not be seen at the end of the bake: "
            f"{unseen.message}",
            hint=f"Look with `bluegreen status {service.name}`; go back with `bluegreen rollback {service.name}`.",
        )


def _reverse(service: Service, color: Color, healthy: int, needed: int) -> None:
    fell = (
        f"{color} fell to {healthy} healthy {'target' if healthy == 1 else 'targets'} during the bake, needs {needed}"
    )
    service.note(f"{service.name}: {fell}; going back")
    try:
        rollback(service, color.other)
    except NoHealthyTarget as error:
        raise NoHealthyTarget(
            f"{service.name}: {fell}, and {color.other} is no better; {color} keeps all traffic",
            hint=error.hint,
        ) from error
    raise RolledBack(
        f"{service.name}: {fell}; all traffic is back on {color.other}",
        hint=f"See `bluegreen doctor {service.name}` before the next try.",
    )


def _promote(service: Service, color: Color, sequence: int) -> int:
    try:
        return service.append(Promoted(color), after=sequence)
    except JournalError as error:
        service.note(f"warning: the end of the bake could not be recorded: {error.message}")
        return sequence
