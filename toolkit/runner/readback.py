"""Reading back what was written, until AWS holds it or the time is up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from toolkit.errors import AwsError, Throttled, VerifyFailed
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.routes import known_splits
from toolkit.runner.move import Move
from toolkit.runner.service import Service

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_THROTTLED_SECONDS = 5.0


def read_back(service: Service, move: Move, *, until: datetime | None = None) -> None:
    """Return when every route holds the move. ELBv2 gives no word on propagation, so a read-back is what there is.

    A read that fails says nothing about the weights, so it is tried again while there is time; one that is throttled
    is tried less often.

    until: go on reading until then even if all is well, because somebody's write may still arrive.

    Raises:
        VerifyFailed: AWS holds something else when `verify_seconds` have passed, or again after it held the move.
        AwsError: or the routes could not be read then; the message says that they were written.
    """
    began = service.clock.now()
    deadline = began + timedelta(seconds=service.settings.verify_seconds)
    deadline = max(deadline, until) if until else deadline
    pause, held = _FIRST_PAUSE_SECONDS, False
    while True:
        now = service.clock.now()
        unread: AwsError | None = None
        wrong: list[str] = []
        routes: Mapping[str, LiveRoute] = {}
        try:
            routes = service.read()
        except AwsError as error:
            unread = error
        else:
            wrong = [name for name in move.routes if name not in routes or not move.is_held_by(routes[name])]
            if not wrong and (until is None or now >= until):
                return
            if wrong and held:
                raise _mismatch(service, move, "was read back", _held(service, wrong, routes), since=began)
            held = held or not wrong
        if now >= deadline:
            if unread is not None:
                raise _unread(service, move, unread)
            raise _mismatch(service, move, "was written", _held(service, wrong, routes), since=began)
        end = until if until is not None and now < until else deadline
        service.clock.sleep(min(pause, (end - now).total_seconds()))
        longest = _LONGEST_PAUSE_THROTTLED_SECONDS if isinstance(unread, Throttled) else _LONGEST_PAUSE_SECONDS
        pause = min(pause * 2, longest)


def _unread(service: Service, move: Move, error: AwsError) -> AwsError:
    return type(error)(
        f"{service.name}: {move.to} was written to every route, but could not be read back: {error.message}",
        hint=f"See `bluegreen status {service.name}`. {error.hint}".rstrip(),
    )


def _mismatch(service: Service, move: Move, what: str, held: str, *, since: datetime) -> VerifyFailed:
    seconds = (service.clock.now() - since).total_seconds()
    return VerifyFailed(
        f"{service.name}: {move.to} {what}, but {held} after {seconds:.1f} s",
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
