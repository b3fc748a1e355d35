"""One call for the routes of many services: what several threads want to read at the same time is read together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event, Lock

from toolkit.contract import Route
from toolkit.errors import AwsUnreachable, BluegreenError, Throttled
from toolkit.rollout.ports import Action, LiveRoute, Router, unguarded

ROUTES_A_CALL = 20
"""As many ARNs as the adapter puts into one call."""


@dataclass(eq=False, slots=True)
class _Batch:
    """Routes that are read together, and what came of it. error: until they are read, that they are not."""

    routes: list[Route] = field(default_factory=list)
    full: Event = field(default_factory=Event)
    done: Event = field(default_factory=Event)
    found: Mapping[str, LiveRoute] = field(default_factory=dict)
    error: BluegreenError | None = field(default_factory=lambda: AwsUnreachable("the routes were not read"))


class SharedReads:
    """A Router whose reads wait up to `window_seconds` for those of other threads, and go out in one call.

    Services name their routes as they like, so in between a route goes by its ARN.
    """

    def __init__(self, router: Router, *, window_seconds: float) -> None:
        self._router = router
        self._window_seconds = window_seconds
        self._lock = Lock()
        self._open: dict[bool, _Batch] = {}  # by whether they are listeners, for those take a call of their own

    @property
    def urgent(self) -> Router:
        """Itself: it is made for rollbacks, of a router that is."""
        return self

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        """As `Router.read`. What fails for all of them is asked again for each service by itself.

        Raises:
            AwsError: and its children.
        """
        batch, leads = self._join(routes)
        if leads:
            batch.full.wait(self._window_seconds)
            self._close(batch)
            self._carry_out(batch)
        batch.done.wait()
        if batch.error is not None:
            if len(batch.routes) == len(routes):
                raise batch.error
            if isinstance(batch.error, (Throttled, AwsUnreachable)):
                raise type(batch.error)(batch.error.message, hint=batch.error.hint) from batch.error
            return self._router.read(routes)
        return {
            route.name: replace(batch.found[route.arn], route=route) for route in routes if route.arn in batch.found
        }

    def write(self, live: LiveRoute, action: Action, *, guard: Callable[[], None] = unguarded) -> None:
        """As `Router.write`."""
        self._router.write(live, action, guard=guard)

    def commands(self, live: LiveRoute, action: Action) -> str:
        """As `Router.commands`."""
        return self._router.commands(live, action)

    def _join(self, routes: Sequence[Route]) -> tuple[_Batch, bool]:
        """The batch that takes the routes, and whether the caller is its first, who reads for all."""
        kind = any(route.kind.is_listener for route in routes)
        with self._lock:
            batch = self._open.get(kind)
            if batch is not None and len(batch.routes) + len(routes) > ROUTES_A_CALL:
                batch.full.set()
                batch = None
            leads = batch is None
            if batch is None:
                batch = self._open[kind] = _Batch()
            batch.routes += routes
            if len(batch.routes) >= ROUTES_A_CALL:
                batch.full.set()
                del self._open[kind]
            return batch, leads

    def _close(self, batch: _Batch) -> None:
        with self._lock:
            for kind in [kind for kind, each in self._open.items() if each is batch]:
                del self._open[kind]

    def _carry_out(self, batch: _Batch) -> None:
        try:
            batch.found = self._router.read([replace(route, name=route.arn) for route in batch.routes])
            batch.error = None
        except BluegreenError as error:
            batch.error = error
        finally:
            batch.done.set()
