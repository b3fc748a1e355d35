"""Sync: what Terraform ignores of a route's action, as the contract asks for it, the weights as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from toolkit.contract import Route, same_actions
from toolkit.drift.service import needs_client_secret, sticky
from toolkit.errors import PreflightRefused
from toolkit.rollout.events import Kind, SuspendedStickiness
from toolkit.rollout.ports import Action
from toolkit.rollout.preflight import Finding, Level, Observation, preflight
from toolkit.rollout.routes import live_color, split_of_service
from toolkit.runner.carry_out import carry_out
from toolkit.runner.checked import Outcome, checked_move
from toolkit.runner.lease import leased
from toolkit.runner.move import Move
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.settings import CLIENT_SECRET
from toolkit.traffic import Split


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did. changes: by route name, each in words; empty where AWS held it all already."""

    outcome: Outcome
    changes: Mapping[str, tuple[str, ...]]


def plan_sync(
    service: Service, *, has_client_secret: bool = False, accept_drift: bool = False
) -> tuple[Move, list[Finding]]:
    """The move that `sync` would make, and every finding. Nothing is written, and only what is no move is refused.

    Raises:
        PreflightRefused: the routes hold different splits.
        RouteUnusable: a route is gone or is not of this pair.
        AwsError, JournalError: the world could not be read.
    """
    observation = service.observe()
    move = _move(observation, now=service.clock.now())
    findings = preflight(observation, move.to, service.settings, accept_drift=accept_drift)
    return move, [*findings, *_findings(observation, move, has_client_secret=has_client_secret)]


def sync(service: Service, *, has_client_secret: bool = False, accept_drift: bool = False) -> Synced:
    """Write the contract's stickiness and preceding actions into every route, keeping the weights.

    Stickiness that a rollback put aside stays off until its cookies have expired, and is said.
    `has_client_secret`: whether the router was given the secret of an OIDC client.

    Raises:
        PreflightRefused: the routes hold different splits, or an OIDC client's secret is missing; nothing was written.
        others as `shift`.
    """
    with leased(service, "sync") as keeper:
        observation = service.observe()
        move = _move(observation, now=service.clock.now())
        for finding in _findings(observation, move, has_client_secret=has_client_secret):
            if finding.level is Level.REFUSED:
                raise PreflightRefused(f"{service.name}: {finding.reason}. Nothing was changed.", hint=finding.mend)
            service.note(f"warning: {finding.reason}. {finding.mend}".rstrip())
        recorder = Recorder(service, observation.record.head, keeper)
        outcome = checked_move(service, observation, move, recorder, accept_drift=accept_drift)
        if move.is_done and move.restores and not observation.record.in_doubt:
            # AWS holds it all, but the record would bring back what the contract no longer asks for.
            carry_out(service, move, recorder)
            outcome = replace(outcome, sequence=recorder.head.sequence)
        return Synced(outcome, changes_of(move))


def changes_of(move: Move) -> dict[str, tuple[str, ...]]:
    """What the move changes on each route, in words; a route that holds it all is left out."""
    changes = {name: tuple(_changes(move, name)) for name in move.routes}
    return {name: told for name, told in changes.items() if told}


def _changes(move: Move, name: str) -> list[str]:
    live, action = move.routes[name], move.actions[name]
    told = []
    if live.stickiness != action.stickiness:
        told.append(f"{sticky(live.stickiness)} -> {sticky(action.stickiness)}")
    elif name in move.restores:
        told.append(f"{sticky(move.suspended[name].stickiness)} that a rollback put aside is forgotten")
    if action.preceding is not None and not same_actions(action.preceding, live.preceding):
        told.append(f"preceding actions: {_types(live.preceding)} -> {_types(action.preceding)}")
    return told


def _types(actions: tuple[Mapping[str, object], ...]) -> str:
    return ", ".join(str(action["type"]) for action in actions) or "none"


def _move(observation: Observation, *, now: datetime) -> Move:
    name, record = observation.contract.name, observation.record
    split = split_of_service(observation.routes, observation.contract)
    if split is None:
        raise PreflightRefused(
            f"{name}: the routes hold different splits. Nothing was changed.",
            hint=f"Bring them together first: a shift, or bluegreen rollback {name}.",
        )
    aside = {
        route.name: record.suspended[route.name]
        for route in observation.contract.routes
        if route.name in record.suspended and not observation.routes[route.name].stickiness.enabled
    }
    return Move(
        kind=Kind.SYNC,
        routes=observation.routes,
        to=split,
        base=record.base or live_color(split, record),
        record=record,
        actions={route.name: _action(observation, route, split, aside, now) for route in observation.contract.routes},
        suspended=aside,
        # Once verified, the contract's stickiness stands in its place, and it is forgotten.
        restores=tuple(each for each, held in aside.items() if held.until <= now),
    )


def _action(
    observation: Observation, route: Route, split: Split, aside: Mapping[str, SuspendedStickiness], now: datetime
) -> Action:
    live = observation.routes[route.name]
    waits = route.name in aside and aside[route.name].until > now
    return Action(
        weights=observation.contract.weights(split),
        stickiness=live.stickiness if waits else route.stickiness,
        preceding=None if same_actions(route.preceding_actions, live.preceding) else route.preceding_actions,
    )


def _findings(observation: Observation, move: Move, *, has_client_secret: bool) -> list[Finding]:
    found = []
    for route in observation.contract.routes:
        if route.name in move.suspended and route.name not in move.restores:
            until = move.suspended[route.name].until.isoformat(timespec="seconds")
            reason = f"route {route.name}: a rollback switched stickiness off until {until}, so it is left alone"
            found.append(Finding("sync", Level.WARNING, reason))
        if needs_client_secret(route, observation.routes[route.name]) and not has_client_secret:
            reason = (
                f"route {route.name}: AWS holds no client secret of the OIDC client that the contract asks for, and "
                "none was given"
            )
            found.append(
                Finding("sync", Level.REFUSED, reason, f"Put it into the environment variable {CLIENT_SECRET}.")
            )
    return found
