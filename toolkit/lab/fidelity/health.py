"""Target health as DescribeTargetHealth words it. Source: ELBv2 API reference, TargetHealth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

Address = tuple[str, int]  # a target's id (instance id or IP address) and port


class ReportedHealth(Protocol):
    """One target's health in AWS's words. A protocol, so that a data plane need not import this room."""

    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...


class HealthUnknown(Exception):
    """The source cannot say: nobody checks the targets at this moment."""


class HealthSource(Protocol):
    """Who knows the health of targets."""

    def health(self, target_group_arn: str) -> Mapping[Address, ReportedHealth]:
        """The health of each target of the group, and of those that drain though they are registered no more.

        Raises:
            HealthUnknown: it cannot be found out now; every target is then `unhealthy` with `Elb.InternalError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """`ReportedHealth` as a value."""

    state: str
    reason: str | None = None
    description: str | None = None


HEALTHY = Health("healthy")
UNUSED = Health("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
NOT_REGISTERED = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
STOPPED = Health("unused", "Target.InvalidState", "Target is in the stopped state")
INITIAL = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
INTERNAL_ERROR = Health("unhealthy", "Elb.InternalError", "Health checks failed due to an internal error")
DRAINING = "draining"


def listed(
    registered: Iterable[Address],
    reported: Mapping[Address, ReportedHealth],
    *,
    attached: bool,
    stopped: frozenset[str] = frozenset(),
    asked: Iterable[Address] = (),
) -> dict[Address, ReportedHealth]:
    """The health of each target that DescribeTargetHealth lists, in its order.

    Args:
        registered: the targets registered now, in order of registration.
        reported: what the health source says.
        attached: whether a listener or rule forwards to the group; if none does, AWS checks nothing.
        stopped: ids of instances that are not running.
        asked: the targets the caller named; empty for all, which includes the draining ones.
    """
    known = dict.fromkeys(registered)
    draining = [a for a, health in reported.items() if a not in known and health.state == DRAINING]

    def of(address: Address) -> ReportedHealth:
        if address not in known:
            return reported[address] if address in draining else NOT_REGISTERED
        if not attached:
            return UNUSED
        if address[0] in stopped:
            return STOPPED
        return reported.get(address, INITIAL)

    return {address: of(address) for address in tuple(asked) or (*known, *draining)}
