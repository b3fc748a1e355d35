"""What the scheduler of ECS deals with, as values: what a service wishes, its deployments, its tasks. Pure.

Source: Amazon ECS API reference (Service, Deployment, Task), developer guide (task lifecycle).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MIN_FAILURES: Final = 3
MAX_FAILURES: Final = 200


class Phase(StrEnum):
    """A task's `lastStatus`. The lab has no PROVISIONING and DEPROVISIONING: an address costs it no time."""

    PENDING = "PENDING"
    ACTIVATING = "ACTIVATING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"

    @property
    def counts_as_running(self) -> bool:
        return self is Phase.RUNNING

    @property
    def counts_as_pending(self) -> bool:
        return self in {Phase.PENDING, Phase.ACTIVATING}

    @property
    def is_wanted(self) -> bool:
        """Whether it has not begun to end."""
        return self.counts_as_running or self.counts_as_pending


class Health(StrEnum):
    """How the load balancers find a task. Without one it is healthy as soon as it runs."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class Rollout(StrEnum):
    """A deployment's `rolloutState`."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a task definition.

    `color` is what its environment says in COLOR, or empty. `found_sick` is how long its own health check takes to find
    it sick, in seconds; None where it has no check.
    """

    name: str
    image: str
    essential: bool = True
    ports: tuple[int, ...] = ()
    color: str = ""
    found_sick: float | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A task definition's revision."""

    arn: str
    containers: tuple[Container, ...]
    network_mode: str = "awsvpc"
    cpu: str = ""
    memory: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One entry of a service's `loadBalancers`."""

    target_group: str
    container: str
    port: int


class Threshold(StrEnum):
    """How the circuit breaker's threshold comes of its value. Source: API_DeploymentCircuitBreaker, since July 2026."""

    BOUNDED_PERCENT = "BOUNDED_PERCENT"
    UNBOUNDED_PERCENT = "UNBOUNDED_PERCENT"
    COUNT = "COUNT"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The deployment circuit breaker.

    Attributes:
        rollback: whether it goes back to the last deployment that completed.
        threshold: how `value` says after how many failed tasks it gives a deployment up.
        resets: whether a task that gets healthy lets it count anew, so that only failures in a row count.
    """

    rollback: bool = False
    threshold: Threshold = Threshold.BOUNDED_PERCENT
    value: int = 50
    resets: bool = True

    def gives_up_after(self, desired: int) -> int:
        """So many failed tasks. A percentage is of the desired count, rounded up."""
        if self.threshold is Threshold.COUNT:
            return self.value
        share = -(-desired * self.value // 100)
        if self.threshold is Threshold.UNBOUNDED_PERCENT:
            return max(1, share)
        return min(MAX_FAILURES, max(MIN_FAILURES, share))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a service asks for. Times are seconds as the API has them, not scaled.

    Attributes:
        minimum_percent: of the desired count that must stay healthy during a deployment.
        maximum_percent: of the desired count that may run or start during a deployment.
        breaker: the deployment circuit breaker, where it is on.
        grace: how long a task's target health is disregarded after its start.
    """

    name: str
    desired: int
    attachments: tuple[Attachment, ...] = ()
    subnets: tuple[str, ...] = ()
    minimum_percent: int = 100
    maximum_percent: int = 200
    breaker: Breaker | None = None
    grace: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a task ends: `stopCode` and `stoppedReason`."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a service. Times are seconds since the epoch.

    It listens on `ports` of its private `address`; `targets` are its target groups, with the port there. `drained` is
    when its process may end. `health` is what the load balancers find, `own_health` what the container's own check
    does, None without one; `sick_since` is when the former turned unhealthy. `exit_code` and `trouble` are those of
    the container whose image is played.
    """

    id: str
    deployment: str
    definition: Definition
    container: str
    subnet: str
    address: str
    ports: tuple[int, ...]
    targets: tuple[tuple[str, int], ...]
    created: float
    phase: Phase = Phase.PENDING
    health: Health = Health.UNKNOWN
    own_health: Health | None = None
    sick_since: float | None = None
    started: float | None = None
    stopping: float | None = None
    drained: float | None = None
    stopped: float | None = None
    stop: Stop | None = None
    exit_code: int | None = None
    trouble: str = ""

    @property
    def key(self) -> str:
        """Its name in the pool."""
        return f"task/{self.id}"

    @property
    def is_wanted(self) -> bool:
        """Whether its `desiredStatus` is RUNNING."""
        return self.stop is None and self.phase.is_wanted

    @property
    def played(self) -> Container:
        """The container whose image is played."""
        return next(one for one in self.definition.containers if one.name == self.container)

    @property
    def is_ready(self) -> bool:
        is_fine = self.health is Health.HEALTHY and self.own_health in {None, Health.HEALTHY}
        return self.phase is Phase.RUNNING and is_fine


def pause_after(rounds: int) -> float:
    """Seconds before the next launch when `rounds` (1 or more) launches in a row have come to nothing.

    ECS makes the pauses grow to 27 minutes and publishes no steps; these double from five seconds.
    Source: developer guide, service throttle logic.
    """
    return min(27 * 60.0, 5.0 * 2.0 ** min(rounds - 1, 16))
