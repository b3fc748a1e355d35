"""Writing the routes of a move side by side, and putting them back where one cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from toolkit.errors import AwsError, BluegreenError, ShiftFailed
from toolkit.rollout.ports import Action, LiveRoute
from toolkit.rollout.routes import known_splits
from toolkit.runner.move import Move
from toolkit.runner.service import Service
from toolkit.traffic import Split

_Answer = TypeVar("_Answer")

WRITERS = 8
"""Routes written at once. The adapter keeps to the API's rate; more writers than this would only wait for it."""


def write_all(service: Service, move: Move) -> None:
    """One write for each route that does not hold the move yet, several at once.

    Raises:
        ShiftFailed: a write of several failed. What was written was put back, unless the move is urgent: then the
            other routes are written all the same.
        BluegreenError: the error itself, where there is one route only.
    """
    pending = [live for live in move.routes.values() if not move.is_held_by(live)]
    given_up = Event()

    def write(live: LiveRoute) -> BluegreenError | None:
        if given_up.is_set():
            return None
        try:
            service.router.write(live, move.actions[live.route.name])
        except BluegreenError as error:
            if not move.urgent:
                given_up.set()
            return error
        return None

    failed = [(live, error) for live, error in zip(pending, _side_by_side(write, pending), strict=True) if error]
    if failed:
        _give_up(service, move, pending, failed)


def _side_by_side(work: Callable[[LiveRoute], _Answer], routes: Sequence[LiveRoute]) -> list[_Answer]:
    if len(routes) <= 1:
        return [work(live) for live in routes]
    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        return list(pool.map(work, routes))


def _give_up(
    service: Service, move: Move, pending: Sequence[LiveRoute], failed: Sequence[tuple[LiveRoute, BluegreenError]]
) -> None:
    """Put back what was written or may have been (unless urgent), then say the state of each route.

    Raises:
        ShiftFailed: always, or the one error itself where there is one route only.
    """
    error = failed[0][1]
    if not move.urgent:
        _side_by_side(lambda live: _put_back(service, move, live), pending)
    states = _states(service, move)
    if len(move.routes) == 1:
        raise type(error)(f"{service.name}: {error.message}. {states}", hint=error.hint) from error
    names = ", ".join(route.route.name for route, _ in failed)
    what = "the others were written" if move.urgent else "the others were put back"
    raise ShiftFailed(
        f"{service.name}: writing route {names} failed ({error.message}); {what}. {states}", hint=error.hint
    ) from error


def _put_back(service: Service, move: Move, live: LiveRoute) -> None:
    """Write what stood there, where the move stands now; a write whose answer was lost may have arrived."""
    action = move.actions[live.route.name]
    before = Action(live.weights, live.stickiness, None if action.preceding is None else live.preceding)
    try:
        now = service.router.read([live.route]).get(live.route.name)
        if now is None or before.is_held_by(now):
            return
        if now.weights != action.weights:
            service.note(f"warning: route {live.route.name} holds neither the old nor the new weights; left alone")
            return
        service.router.write(now, before)
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
