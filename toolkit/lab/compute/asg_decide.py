"""What an Auto Scaling group does next, from its members and what is wanted of it. Pure.

Sources: Amazon EC2 Auto Scaling user guide, "Control which instances terminate" (default policy), "Suspend and resume
processes", "Health checks for instances in an Auto Scaling group", "Set the health check grace period".
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum


class Lifecycle(StrEnum):
    """The lifecycle states that the lab plays."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    STANDBY = "Standby"
    TERMINATING = "Terminating"


COUNTED = frozenset({Lifecycle.PENDING, Lifecycle.IN_SERVICE})
"""The states that count as capacity."""


SURE_SECONDS = 2.0
"""How long a target must be unhealthy, at whatever pace of the lab, until its instance is: a machine with its hands
full lets a check or two of a hurried lab fail, and to replace what is well would give it more to do."""


class Check(StrEnum):
    """Who found an instance unhealthy."""

    EC2 = "EC2"
    ELB = "ELB"


class Why(Enum):
    """Why an instance leaves."""

    UNHEALTHY = "unhealthy"
    SURPLUS = "surplus"


@dataclass(frozen=True, slots=True)
class Member:
    """One instance of a group.

    Attributes:
        instance: its id.
        zone: its Availability Zone.
        version: of the launch template it came from; 0 for a launch configuration, which leaves first.
        launched: seconds since the epoch.
    """

    instance: str
    zone: str
    state: Lifecycle
    version: int
    launched: float
    is_healthy: bool = True
    is_protected: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a group.

    Attributes:
        zones: where it may launch.
        suspended: the names of the processes that rest.
        policies: its termination policies, the first before the others.
    """

    desired: int
    zones: Sequence[str]
    suspended: Collection[str] = ()
    policies: Sequence[str] = ("Default",)

    def may(self, *processes: str) -> bool:
        return not any(process in self.suspended for process in processes)


@dataclass(frozen=True, slots=True)
class Launch:
    """Start one instance in this zone; `replaces`: in place of an unhealthy one."""

    zone: str
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Terminate:
    """Let one instance go."""

    instance: str
    why: Why


Step = Launch | Terminate


def steps(wanted: Wanted, members: Sequence[Member]) -> tuple[Step, ...]:
    """What to do now: the unhealthy leave, then too many leave or what is missing is launched."""
    replaces = wanted.may("ReplaceUnhealthy", "Terminate")
    leaving = [
        Terminate(member.instance, Why.UNHEALTHY)
        for member in members
        if replaces and member.state in COUNTED and not member.is_healthy
    ]
    gone = {step.instance for step in leaving}
    staying = [member for member in members if member.state in COUNTED and member.instance not in gone]
    surplus = len(staying) - wanted.desired
    if surplus > 0:
        chosen = to_terminate(staying, surplus, wanted.policies) if wanted.may("Terminate") else ()
        return (*leaving, *(Terminate(instance, Why.SURPLUS) for instance in chosen))
    missing = -surplus if wanted.may("Launch") else 0
    zones = zones_for(missing, wanted.zones, [member.zone for member in staying])
    return (*leaving, *(Launch(zone, replaces=number < len(leaving)) for number, zone in enumerate(zones)))


# How the termination policies sort; the others (allocation strategies, billing hours) have nothing to sort in a lab.
_ORDERS: Mapping[str, Callable[[Member], tuple[float, ...]]] = {
    "Default": lambda member: (member.version, member.launched),
    "OldestLaunchTemplate": lambda member: (member.version,),
    "OldestLaunchConfiguration": lambda member: (float(member.version > 0),),
    "OldestInstance": lambda member: (member.launched,),
    "NewestInstance": lambda member: (-member.launched,),
}


def to_terminate(members: Sequence[Member], count: int, policies: Sequence[str] = ("Default",)) -> tuple[str, ...]:
    """Whom the termination policies pick, one after the other.

    From the zone with the most instances, among those not protected; by the default policy the oldest launch template
    version first, then the oldest instance. The unhealthy go before all others.
    """
    left, chosen = list(members), list[str]()
    while len(chosen) < count and (free := [member for member in left if not member.is_protected]):
        held = Counter(member.zone for member in left)

        def order(member: Member, held: Counter[str] = held) -> tuple[object, ...]:
            by_policy = [_ORDERS[name](member) for name in (*policies, "Default") if name in _ORDERS]
            return (member.is_healthy, -held[member.zone], member.zone, by_policy, member.instance)

        first = min(free, key=order)
        chosen.append(first.instance)
        left.remove(first)
    return tuple(chosen)


def zones_for(count: int, zones: Sequence[str], held: Sequence[str]) -> tuple[str, ...]:
    """Where `count` new instances go: each into the zone that has the fewest, the first named of several."""
    chosen: list[str] = []
    for _ in range(count):
        counts = Counter([*held, *chosen])
        chosen.append(min(zones, key=lambda zone: (counts[zone], zones.index(zone))))
    return tuple(chosen)


def failed_check(
    kind: str, *, is_up: bool, is_dead: bool, unhealthy_for: float | None, in_service: float, grace: float
) -> Check | None:
    """Which health check an instance in service fails. Times are seconds.

    Args:
        kind: the group's health check type, `EC2` or `ELB`.
        is_up: whether EC2 has it running. One that is not is unhealthy at once, grace period or not.
        is_dead: whether its process has ended.
        unhealthy_for: how long a target group has held it for unhealthy; None while none does.
        in_service: since when it is in service.
        grace: the health check grace period.
    """
    if not is_up:
        return Check.EC2
    is_sick = unhealthy_for is not None and (is_dead or unhealthy_for >= SURE_SECONDS)
    return Check.ELB if kind == "ELB" and in_service >= grace and is_sick else None


def pause_after(failures: int) -> float:
    """Seconds at AWS's pace until a launch is tried again after so many that failed in a row."""
    return float(min(300, 10 * 2 ** max(0, failures - 1)))


def color_of(*names: str) -> str:
    """The color that the first of the names ending in one tells, as in `web-green`; blue where none does."""
    endings = (name.rpartition("-")[2] for name in names)
    return next((ending for ending in endings if ending in {"blue", "green"}), "blue")


def scaled_in(minimum: int, desired: int, to: int, *, process: str, suspended: Collection[str]) -> tuple[int, str]:
    """What an autoscaler that wants only `to` instances can do: the desired capacity after it, and why it is that.

    `process`: what it acts through, `AlarmNotification` for a policy, `ScheduledActions` for a schedule.
    """
    if process in suspended:
        return desired, f"{process} is suspended"
    lowest = max(to, minimum)
    if lowest < desired:
        return lowest, f"the autoscaler wants {to} and the minimum size is {minimum}"
    return desired, f"the minimum size is {minimum}" if to < desired else "it has no more instances"
