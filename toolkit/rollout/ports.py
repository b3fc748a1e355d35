"""What the core needs from outside, in the core's words. One contract suite a port: tests/contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from toolkit.contract import LoadBalancer, Route, Stickiness, TargetGroup, same_actions
from toolkit.rollout.events import Entry, Event


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """A route as the load balancer holds it now.

    weights: target group ARN -> weight, of the action that forwards; empty when nothing forwards.
    stickiness: of that action. preceding: the actions before it, as `Route.preceding_actions` has them.
    kept: the adapter's own memory of everything, handed back on a write.
    """

    route: Route
    weights: Mapping[str, int]
    stickiness: Stickiness
    preceding: tuple[Mapping[str, Any], ...] = ()
    kept: Any = None


@dataclass(frozen=True, slots=True)
class Action:
    """What a write puts on a route: weights by target group ARN, stickiness, and what precedes the forward.

    preceding: as `Route.preceding_actions`; None leaves what stands there.
    """

    weights: Mapping[str, int]
    stickiness: Stickiness
    preceding: tuple[Mapping[str, Any], ...] | None = None

    def is_held_by(self, live: LiveRoute) -> bool:
        """Whether a route, as read, holds all of it."""
        return (
            dict(live.weights) == dict(self.weights)
            and live.stickiness == self.stickiness
            and (self.preceding is None or same_actions(self.preceding, live.preceding))
        )


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """One target as ELBv2 reports it: `state` is AWS's word (healthy, initial, unhealthy, unused, draining, ...).

    port: None for a Lambda function. zone: the availability zone it was registered with, where one was said.
    """

    id: str
    port: int | None
    state: str
    reason: str = ""
    zone: str | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether it may be sent traffic. Where health checks are off (the default for Lambda), AWS sends it too."""
        return self.state == "healthy" or (self.state, self.reason) == ("unavailable", "Target.HealthCheckDisabled")


@dataclass(frozen=True, slots=True)
class Draining:
    """How a target group lets go of a deregistered target.

    delay_seconds: how long its flows may last (0-3600). terminates: whether those left are then closed (NLB only).
    """

    delay_seconds: float
    terminates: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the STS caller."""

    arn: str
    account_id: str


@dataclass(frozen=True, slots=True)
class FlowCount:
    """Connections open at once, the most in the minute that began at `at` (UTC).

    of_group: of the target group; else of the whole load balancer, with all its listeners and colors.
    """

    count: int
    at: datetime
    of_group: bool


class Router(Protocol):
    """Where the weights live. Raises AwsError and its children."""

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        """Every route by name, in as few calls as the API allows; a route that is gone is left out."""

    def write(self, live: LiveRoute, action: Action) -> None:
        """Put `action` on a route; all else of its actions stays as `live` has it. Several threads may call it."""

    def commands(self, live: LiveRoute, action: Action) -> str:
        """The AWS CLI command that does what `write` would, for a person to run."""


class Targets(Protocol):
    """Who stands behind a target group. Raises AwsError and its children."""

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]: ...

    def draining(self, group: TargetGroup) -> Draining: ...

    def set_draining(self, group: TargetGroup, draining: Draining) -> None: ...

    def deregister(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None: ...

    def register(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None: ...


class Flows(Protocol):
    """How many connections a Network Load Balancer carries. Raises AwsError and its children."""

    def active(self, balancer: LoadBalancer, group: TargetGroup) -> FlowCount | None:
        """The last count there is, of the group if AWS has one, else of the load balancer; None without any."""


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
