"""What the core needs from outside, in the core's words. One contract suite a port: tests/contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from toolkit.contract import Route, Stickiness, TargetGroup
from toolkit.rollout.events import Entry, Event


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """A route as the load balancer holds it now.

    weights: target group ARN -> weight, of the action that forwards; empty when nothing forwards.
    stickiness: of that action. kept: the adapter's own memory of everything else, handed back on a write.
    """

    route: Route
    weights: Mapping[str, int]
    stickiness: Stickiness
    kept: Any = None


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """One target as ELBv2 reports it: `state` is AWS's word (healthy, initial, unhealthy, unused, draining, ...)."""

    id: str
    port: int | None
    state: str
    reason: str = ""

    @property
    def is_healthy(self) -> bool:
        return self.state == "healthy"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the STS caller."""

    arn: str
    account_id: str


class Router(Protocol):
    """Where the weights live. Raises AwsError and its children."""

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        """Every route by name, in as few calls as the API allows; a route that is gone is left out."""

    def write(self, live: LiveRoute, split: Mapping[str, int], stickiness: Stickiness) -> None:
        """Put weights (by target group ARN) and stickiness on a route; all else of its action stays."""

    def commands(self, live: LiveRoute, split: Mapping[str, int], stickiness: Stickiness) -> str:
        """The AWS CLI command that does what `write` would, for a person to run."""


class Targets(Protocol):
    """Who stands behind a target group. Raises AwsError and its children."""

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]: ...


class Journal(Protocol):
    """The append-only record of one service. Raises JournalError."""

    def tail(self, service: str, limit: int) -> Sequence[Entry]:
        """The last `limit` entries, oldest first."""

    def append(self, service: str, event: Event, *, at: datetime, after: int) -> Entry:
        """Add `event` as entry `after + 1`.

        Raises:
            JournalConflict: entry `after + 1` exists: somebody else was here.
        """


class Identities(Protocol):
    """Who the credentials belong to."""

    def now(self) -> Identity | None:
        """The caller if already known, without waiting."""

    def resolve(self) -> Identity:
        """The caller, waiting for AWS if need be. Raises AwsError and its children."""


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC."""

    def sleep(self, seconds: float) -> None: ...
