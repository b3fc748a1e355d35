"""Writing the routes of a move side by side, and putting them back where one cannot be written."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from toolkit.errors import AwsError, BluegreenError, ShiftFailed
from toolkit.rollout.ports import Action, LiveRoute, unguarded
from toolkit.rollout.routes import known_splits
from toolkit.runner.attempts import PATIENT_SECONDS, URGENT_SECONDS, Attempts, Chance
from toolkit.runner.move import Move
from toolkit.runner.service import Service
from toolkit.traffic import Split

_Answer = TypeVar("_Answer")

_LOOK_SECONDS = 1.0
WRITERS = 8
"""Routes written at once. The adapter keeps to the API's rate; more writers than this would only wait for it."""


@dataclass(frozen=True, slots=True)
class Written:
    """Every route was written. doubtful: some attempt may arrive once more, within `WRITE_TIMEOUT_SECONDS`."""

    doubtful: bool


def write_all(
    service: Service,
    move: Move,
    *,
    guard: Callable[[], None] = unguarded,
    chance: Chance = random.uniform,
) -> Written:
    """Write each route that does not hold the move yet, several at once.

    guard: called before every single attempt. What it raises is raised here, and from then on nothing is written and
    nothing is put back.

    Raises:
        ShiftFailed: a write of several failed. What was written was put back, unless the move is urgent: then the
            other routes are written all the same.
        BluegreenError: the error itself, where there is one route only; or what `guard` raised.
    """
    pending = [live for live in move.routes.values() if not move.is_held_by(live)]
    seconds = URGENT_SECONDS if move.urgent else PATIENT_SECONDS
    attempts = Attempts(service, guard, seconds=seconds, stops=not move.urgent, chance=chance)
    errors = _side_by_side(lambda live: attempts.put(live, move.actions[live.route.name]), pending)
    if attempts.refusal is not None:
        raise attempts.refusal
    failed = [(live, error) for live, error in zip(pending, errors, strict=True) if error]
    if failed:
        if not move.urgent:
            backward = Attempts(service, guard, seconds=seconds, stops=False, chance=chance)
            _put_back_for_good(service, move, pending, attempts, backward)
        raise _failure(service, move, failed)
    return Written(attempts.doubtful_until is not None)


def _side_by_side(work: Callable[[LiveRoute], _Answer], routes: Sequence[LiveRoute]) -> list[_Answer]:
    if len(routes) <= 1:
        return [work(live) for live in routes]
    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        return list(pool.map(work, routes))


def _put_back_for_good(
    service: Service, move: Move, pending: Sequence[LiveRoute], forward: Attempts, backward: Attempts
) -> None:
    """Put back, and again what arrives late: an attempt that was given up may still be under way.

    Raises:
        BluegreenError: what the guard raised.
    """
    _put_back(service, move, pending, backward)
    while doubts := [each.doubtful_until for each in (forward, backward) if each.doubtful_until is not None]:
        left = (max(doubts) - service.clock.now()).total_seconds()
        if left <= 0:
            break
        service.clock.sleep(min(left, _LOOK_SECONDS))
        _put_back(service, move, pending, backward)


def _put_back(service: Service, move: Move, pending: Sequence[LiveRoute], attempts: Attempts) -> None:
    """Write what stood there, where the move stands now; a write whose answer was lost may have arrived.

    Raises:
        BluegreenError: what the guard raised.
    """

    def put_back(live: LiveRoute) -> None:
        action = move.actions[live.route.name]
        before = Action(live.weights, live.stickiness, None if action.preceding is None else live.preceding)
        error: BluegreenError | None = None
        try:
            now = service.router.read([live.route]).get(live.route.name)
            if now is None or before.is_held_by(now):
                return
            if now.weights != action.weights:
                service.note(f"warning: route {live.route.name} holds neither the old nor the new weights; left alone")
                return
            error = attempts.put(now, before)
        except AwsError as unread:
            error = unread
        if error is not None and attempts.refusal is None:
            service.note(f"warning: route {live.route.name} could not be put back: {error.message}")

    _side_by_side(put_back, pending)
    if attempts.refusal is not None:
        raise attempts.refusal


def _failure(service: Service, move: Move, failed: Sequence[tuple[LiveRoute, BluegreenError]]) -> BluegreenError:
    """ShiftFailed with the state of each route, or the one error itself where there is one route only."""
    error = failed[0][1]
    states = _states(service, move)
    if len(move.routes) == 1:
        made: BluegreenError = type(error)(f"{service.name}: {error.message}. {states}", hint=error.hint)
    else:
        names = ", ".join(live.route.name for live, _ in failed)
        what = "the others were written" if move.urgent else "the others were put back"
        made = ShiftFailed(
            f"{service.name}: writing route {names} failed ({error.message}); {what}. {states}", hint=error.hint
        )
    made.__cause__ = error
    return made


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
