"""What the core needs from outside, in the core's words. One contract suite a port: tests/contracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from toolkit.contract import LoadBalancer, Route, Stickiness, TargetGroup, same_actions
from toolkit.rollout.events import Entry, Word
from toolkit.rollout.rolling import Member
from toolkit.rollout.steps import Hook, Probe
from toolkit.settings import Update
from toolkit.traffic import Color


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


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease: the caller's name (ARN or user), the machine, the process, and what it is doing."""

    name: str
    host: str
    pid: int
    doing: str

    def __str__(self) -> str:
        return f"{self.name} on {self.host} (process {self.pid}, {self.doing})"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to advance `service`, by a token that grows with every taking. `since` and `expires` are UTC."""

    service: str
    token: int
    holder: Holder
    since: datetime
    expires: datetime

    def is_held(self, now: datetime) -> bool:
        return now < self.expires


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants of a rollout. `id` is unique; `rollout` the one that is meant; `actor` who asks."""

    id: str
    word: Word
    rollout: str
    actor: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a notifier has come: number (0 before the first), hash and time (UTC) of the last entry it has told."""

    sequence: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """How a hook or a probe ended: `reason` is one sentence, `output` what it said."""

    passed: bool
    reason: str
    output: str = ""


Pulse = Callable[[], bool]
"""Called at least once a second while something takes its time; False: stop it now."""


def unguarded() -> None:
    """Nothing speaks against a write."""


class Router(Protocol):
    """Where the weights live. Raises AwsError and its children."""

    @property
    def urgent(self) -> Router:
        """The same for a rollback, which may use what others must leave of the API's rate."""

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        """Every route by name, in as few calls as the API allows; a route that is gone is left out."""

    def write(self, live: LiveRoute, action: Action, *, guard: Callable[[], None] = unguarded) -> None:
        """Put `action` on a route; all else of its actions stays as `live` has it. Several threads may call it.

        It is one attempt of at most `WRITE_TIMEOUT_SECONDS`, after a wait for the API's rate. guard: called between
        the two; what it raises is raised, and nothing is written.

        Raises:
            AwsUnreachable: whether it was done is not known, or it may be done yet.
            others: it was not done.
        """

    def commands(self, live: LiveRoute, action: Action) -> str:
        """The AWS CLI command that does what `write` would, for a person to run."""


class Targets(Protocol):
    """Who stands behind a target group. Raises AwsError and its children."""

    @property
    def urgent(self) -> Targets:
        """The same for a rollback, as `Router.urgent`."""

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

    def since(self, service: str, sequence: int) -> Sequence[Entry]:
        """Every entry from number `sequence` on, oldest first, however many."""

    def texts(self, service: str) -> Sequence[tuple[int, str]]:
        """Number and stored text of every entry, oldest first, not read further: what an audit looks at."""

    def append(self, service: str, entry: Entry, *, lease: Lease | None = None) -> None:
        """Add a sealed entry (`codec.seal`), in one atomic step with the check that `lease` is still held.

        Raises:
            JournalConflict: an entry of that number exists: somebody else was here.
            LeaseLost: `lease` was taken over (its token is not the current one). That it has expired is no hindrance
                while nobody took it.
        """


class Leases(Protocol):
    """Who may advance a service now. Raises JournalError where the store fails."""

    def holder(self, service: str) -> Lease | None:
        """Who holds it or held it last, expired or not; None where nobody ever did or it was released."""

    def acquire(
        self,
        service: str,
        holder: Holder,
        *,
        now: datetime,
        seconds: float,
        over: Lease | None = None,
        force: bool = False,
    ) -> Lease:
        """Take it until `now + seconds`, with a token above every earlier one.

        over: a lease that may be broken, as long as it is still the one that is held. force: break whatever is held.

        Raises:
            Locked: another holds it (`now` is not past its expiry); the message says who, since when, doing what.
        """

    def renew(self, lease: Lease, *, now: datetime, seconds: float) -> Lease:
        """The same lease until `now + seconds`, expired or not. Raises LeaseLost where the token has changed."""

    def release(self, lease: Lease) -> None:
        """Give it back; no error where it was lost. The next token is above this one all the same."""


class Inbox(Protocol):
    """Commands for a rollout, put down by others for the holder. Raises JournalError."""

    def put(self, service: str, command: Command) -> None: ...

    def pending(self, service: str) -> Sequence[Command]:
        """What nobody has taken yet, oldest first."""

    def remove(self, service: str, ids: Sequence[str]) -> None:
        """Forget these; those that are gone already are no error."""


class Store(Journal, Leases, Inbox, Protocol):
    """Journal, lease and inbox in one place, so that an append and the check of its lease are one step."""


class Cursors(Protocol):
    """Where notifiers stand, beside the journal and never under its lease. Raises JournalError."""

    def cursor(self, service: str, name: str) -> Cursor | None:
        """That of the notifier `name`; None where it has told nothing yet."""

    def keep_cursor(self, service: str, name: str, cursor: Cursor) -> None:
        """Remember it in place of the last one. Of two notifiers of one name the later stands."""


class Hooks(Protocol):
    """Runs commands and webhooks."""

    def run(self, hook: Hook, environment: Mapping[str, str], *, pulse: Pulse) -> Result:
        """Every try of it. Never raises for what the hook does; `output` is at most OUTPUT_LIMIT bytes.

        environment: what the hook is told (BLUEGREEN_SERVICE, ...); for a webhook the JSON body.
        """


class Updates(Protocol):
    """Has targets run another version. Raises AwsError where it cannot be asked for."""

    def update(
        self, update: Update, members: Sequence[Member], environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Result:
        """Every one of `members`, several at a time or one after the other; `output` is at most OUTPUT_LIMIT bytes.

        environment: what every update is told, beside BLUEGREEN_TARGET_ID, _PORT and _ZONE. back: to what it ran.
        """

    def unable(self, update: Update) -> str:
        """Why it cannot be begun from here, as far as that is seen without a target; empty where nothing is seen."""


class Probes(Protocol):
    """Sends the requests of a probe. Raises AwsError where the way to the load balancer cannot be read."""

    def probe(self, probe: Probe, color: Color, *, pulse: Pulse) -> Result:
        """Every try of it. color: the new one, whose test route or name is meant."""


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
