"""Writing one route for as long as it may take: again where AWS throttles, and a look where it does not answer.

The router makes single attempts. What is written is absolute, so to write it twice does no harm; but nothing is
written that AWS is seen to hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from toolkit.errors import AwsError, AwsUnreachable, BluegreenError, Throttled, VerifyFailed
from toolkit.rollout.ports import Action, LiveRoute
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS
from toolkit.runner.service import Service

PATIENT_SECONDS = 15.0
"""How long a shift's writes are tried. Then the world is put back, while whoever gave the command still looks on."""
URGENT_SECONDS = 60.0
"""How long a rollback's are. At three writes a second, AWS has room for 180 of others meanwhile."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0
_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.1, 1.0

Chance = Callable[[float, float], float]
"""A number between two."""


class Attempts:
    """The writes of one move, shared by the threads that make them.

    stops: the first that fails for good keeps all others from being begun. refusal: what the guard raised, if it did;
    then nothing more is written. doubtful_until: until when an attempt whose outcome was unknown may still arrive.
    """

    def __init__(
        self,
        service: Service,
        guard: Callable[[], None],
        *,
        seconds: float,
        stops: bool,
        chance: Chance = random.uniform,
    ) -> None:
        self._service = service
        self._clock = service.clock
        self._guard = guard
        self._stops = stops
        self._chance = chance
        self._deadline = service.clock.now() + timedelta(seconds=seconds)
        self._over = Event()
        self.refusal: Exception | None = None
        self.doubtful_until: datetime | None = None

    def put(self, live: LiveRoute, action: Action) -> BluegreenError | None:
        """Write `action` until AWS has taken it. Returns why it has not; None also where it was not begun."""
        longest = _FIRST_PAUSE_SECONDS
        in_doubt = False
        while not self._over.is_set():
            began, error = self._attempt(live, action)
            if error is None or self.refusal is not None:
                return None
            if isinstance(error, AwsUnreachable):
                in_doubt = True
                until = began + timedelta(seconds=WRITE_TIMEOUT_SECONDS)
                # AWS may still have the request, although nobody waits for its answer any more.
                doubtful = self._clock.now() + timedelta(seconds=WRITE_TIMEOUT_SECONDS)
                self.doubtful_until = max(doubtful, self.doubtful_until or doubtful)
            elif isinstance(error, Throttled):
                self._clock.sleep(min(self._chance(0, longest), max(0.0, self._seconds_left())))
                longest = min(2 * longest, _LONGEST_PAUSE_SECONDS)
                until = self._clock.now()
            else:
                return self._failed(error)
            if in_doubt:
                found = self._look(live, action, until=until)
                if found is not None and action.is_held_by(found):
                    return None
                if found is not None and self._stops and dict(found.weights) != dict(live.weights):
                    return self._failed(_stranger(live))
                live = found or live
            if self._seconds_left() <= 0:
                return self._failed(error)
        return None

    def _attempt(self, live: LiveRoute, action: Action) -> tuple[datetime, BluegreenError | None]:
        """When the one attempt began, and what came of it. The wait for the API's rate is no part of it."""
        began = self._clock.now()

        def guard() -> None:
            nonlocal began
            try:
                self._guard()
            except Exception as error:
                self.refusal = error
                self._over.set()
                raise
            began = self._clock.now()

        try:
            self._service.router.write(live, action, guard=guard)
        except BluegreenError as error:
            return began, error
        return began, None

    def _look(self, live: LiveRoute, action: Action, *, until: datetime) -> LiveRoute | None:
        """The route once it holds `action`, or as it was seen last when `until` has passed; None where it never was."""
        seen: LiveRoute | None = None
        pause = _FIRST_LOOK_SECONDS
        while True:
            now = self._clock.now()
            try:
                seen = self._service.router.read([live.route]).get(live.route.name)
            except AwsError:
                seen = None
            if now >= until or (seen is not None and action.is_held_by(seen)):
                return seen
            self._clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_LOOK_SECONDS)

    def _failed(self, error: BluegreenError) -> BluegreenError:
        if self._stops:
            self._over.set()
        return error

    def _seconds_left(self) -> float:
        return (self._deadline - self._clock.now()).total_seconds()


def _stranger(live: LiveRoute) -> VerifyFailed:
    return VerifyFailed(
        f"route {live.route.name} holds neither what stood there nor what was written",
        hint="Somebody else may be writing.",
    )
