"""Reading back what was written, until AWS holds it or the time is up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from toolkit.errors import AwsError, VerifyFailed
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.routes import known_splits
from toolkit.runner.move import Move
from toolkit.runner.service import Service

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0


def read_back(service: Service, move: Move) -> None:
    """Return when every route holds the move. ELBv2 gives no word on propagation, so a read-back is what there is.

    A read that fails says nothing about the weights, so it is tried again while there is time.

    Raises:
        VerifyFailed: AWS holds something else when `verify_seconds` have passed.
        AwsError: or the routes could not be read then; the message says that they were written.
    """
    deadline = service.clock.now() + timedelta(seconds=service.settings.verify_seconds)
    pause = _FIRST_PAUSE_SECONDS
    while True:
        unread: AwsError | None = None
        wrong: list[str] = []
        routes: Mapping[str, LiveRoute] = {}
        try:
            routes = service.read()
        except AwsError as error:
            unread = error
        else:
            wrong = [name for name in move.routes if name not in routes or not move.is_held_by(routes[name])]
            if not wrong:
                return
        if service.clock.now() >= deadline:
            raise _unread(service, move, unread) if unread else _mismatch(service, move, wrong, routes)
        service.clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _unread(service: Service, move: Move, error: AwsError) -> AwsError:
    return type(error)(
        f"{service.name}: {move.to} was written to every route, but could not be read back: {error.message}",
        hint=f"See `bluegreen status {service.name}`. {error.hint}".rstrip(),
    )


def _mismatch(service: Service, move: Move, wrong: list[str], routes: Mapping[str, LiveRoute]) -> VerifyFailed:
    return VerifyFailed(
        f"{service.name}: {move.to} was written, but {_held(service, wrong, routes)} "
        f"after {service.settings.verify_seconds:g} s",
        hint=f"Somebody else may be writing; see `bluegreen status {service.name}`.",
    )


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
