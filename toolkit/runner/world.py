"""The world as a rollout's journal explains it, or does not."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.contract import Contract, Stickiness
from toolkit.errors import RouteUnusable
from toolkit.rollout.events import GateFailed, ShiftIntended, WorldDiffers
from toolkit.rollout.ports import Action, LiveRoute
from toolkit.rollout.record import Record
from toolkit.rollout.routes import known_splits, split_of_route
from toolkit.rollout.state import RolloutState
from toolkit.runner.move import Move


def differs(
    contract: Contract, routes: Mapping[str, LiveRoute], record: Record, state: RolloutState
) -> WorldDiffers | GateFailed | None:
    """What the record does not explain; None where it explains all.

    Where all traffic is on the base already, somebody went back and could not record it: the rollout follows.
    """
    found = known_splits(routes, contract)
    if (
        state.touched
        and all(found.get(name) == state.plan.home for name in state.plan.routes)
        and any(not record.may_hold(name, split) for name, split in found.items())
    ):
        reason = f"all traffic is on {state.plan.base} already, and the journal does not say who went back"
        return GateFailed(state.step, "rollback", reason)
    for route in contract.routes:
        try:
            split = split_of_route(route, routes, contract)
        except RouteUnusable as error:
            return WorldDiffers(error.message, found)
        if not record.may_hold(route.name, split):
            meant = f" (or {record.meant})" if record.in_doubt else ""
            reason = f"route {route.name} holds {split}, and the journal says {record.splits[route.name]}{meant}"
            return WorldDiffers(reason, found)
        if state.plan.in_place and split != state.plan.home:
            reason = (
                f"route {route.name} holds {split}, and {state.plan.base} is updated in place with all of the traffic"
            )
            return WorldDiffers(reason, found)
    return None


def move_again(contract: Contract, routes: Mapping[str, LiveRoute], record: Record, intent: ShiftIntended) -> Move:
    """The move that an earlier runner meant by `intent`, over the routes as they are now."""
    return Move(
        kind=intent.kind,
        routes=routes,
        to=intent.to,
        base=intent.base,
        record=record,
        actions={
            name: Action(contract.weights(intent.to), _stickiness(live, name, intent)) for name, live in routes.items()
        },
        suspended=intent.suspended,
        restores=intent.restores,
    )


def _stickiness(live: LiveRoute, name: str, intent: ShiftIntended) -> Stickiness:
    held = intent.suspended.get(name)
    if held is None:
        return live.stickiness
    return held.stickiness if name in intent.restores else Stickiness(enabled=False)
