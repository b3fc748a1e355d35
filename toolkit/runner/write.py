"""Writing the routes of a move, and putting them back where one cannot be written."""

from __future__ import annotations

from toolkit.errors import AwsError, BluegreenError, ShiftFailed
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.routes import known_splits
from toolkit.runner.move import Move, weights_for
from toolkit.runner.service import Service
from toolkit.traffic import Split


def write_all(service: Service, move: Move) -> None:
    """One write for each route that does not hold the move yet.

    Raises:
        ShiftFailed: a write of several failed. What was written before was put back, unless the move is urgent: then
            the other routes are written all the same.
        BluegreenError: the error itself, where there is one route only.
    """
    weights = weights_for(service, move.to)
    written: list[LiveRoute] = []
    failed: list[tuple[LiveRoute, BluegreenError]] = []
    for name, live in move.routes.items():
        if move.is_held_by(live, service):
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
        ShiftFailed: always, or the one error itself where there is one route only.
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
    splits = splits_now(service)
    parts = [f"{name} holds {splits[name]}" if name in splits else f"{name} is unknown" for name in move.routes]
    return f"Now: {'; '.join(parts)}."


def splits_now(service: Service) -> dict[str, Split]:
    """What the routes hold now, by name; a route that cannot be read is left out, and that is said."""
    try:
        return known_splits(service.read(), service.contract)
    except AwsError as error:
        service.note(f"warning: the routes could not be read again: {error.message}")
        return {}
