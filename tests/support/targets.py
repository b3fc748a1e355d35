"""Targets in memory that come, drain and go one by one, and a service whose live color is updated in place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.fakes import FakeClock, FakeWorld, a_world
from tests.support.rolling import FakeUpdates
from toolkit.contract import TargetGroup
from toolkit.rollout.ports import Draining, TargetHealth
from toolkit.rollout.rolling import Member
from toolkit.settings import OnFailure, ServiceSettings, Update
from toolkit.traffic import Color

PORT = 8080
UPDATE = Update(command=("./update.sh",), timeout_seconds=30.0)


@dataclass
class Life:
    """One registration: since when, and since when it drains."""

    since: datetime
    draining: datetime | None = None


@dataclass
class MemberTargets:
    """Each target of each group, by the group's ARN, on `clock`.

    A registered one is healthy after `warm_seconds`, unless it is `sick`; a deregistered one is gone after
    `drain_seconds`, unless it is `stubborn`: both by id. `before` may raise; it is told each call. That a healthy one
    is deregistered while fewer than `keeps` others are healthy is an error.
    """

    clock: FakeClock
    lives: dict[str, dict[Member, Life]]
    sick: set[str] = field(default_factory=set)
    stubborn: set[str] = field(default_factory=set)
    warm_seconds: float = 4.0
    drain_seconds: float = 6.0
    delay_seconds: float = 20.0
    terminates: bool = False
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    before: Callable[[str], None] = lambda _name: None
    keeps: int = 0

    @property
    def urgent(self) -> MemberTargets:
        return self

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]:
        self.before("health")
        lives = self.lives[group.arn]
        for member in [each for each, life in lives.items() if self._is_gone(each, life)]:
            del lives[member]
        return [self._told(member, lives[member]) for member in sorted(lives, key=str)]

    def draining(self, group: TargetGroup) -> Draining:
        self.before("draining")
        return Draining(self.delay_seconds, terminates=self.terminates)

    def set_draining(self, group: TargetGroup, draining: Draining) -> None:
        raise AssertionError("a rolling update leaves the group's attributes as they are")

    def deregister(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        self._called("deregister", targets)
        healthy = {Member(each.id, each.port) for each in self.health(group) if each.is_healthy}
        leaving = {Member(each.id, each.port) for each in targets}
        assert not healthy & leaving or len(healthy - leaving) >= self.keeps, f"{healthy - leaving} are left"
        for each in targets:
            life = self.lives[group.arn].get(Member(each.id, each.port))
            if life is not None and life.draining is None:
                life.draining = self.clock.now()

    def register(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        self._called("register", targets)
        lives = self.lives[group.arn]
        for each in targets:
            member = Member(each.id, each.port, each.zone)
            if member not in lives or lives[member].draining is not None or self._is_gone(member, lives[member]):
                lives[member] = Life(self.clock.now())

    def _called(self, name: str, targets: Sequence[TargetHealth]) -> None:
        self.before(name)
        self.calls.append((name, tuple(f"{each.id}:{each.port}" for each in targets)))

    def _is_gone(self, member: Member, life: Life) -> bool:
        if life.draining is None or member.id in self.stubborn:
            return False
        return self.clock.now() >= life.draining + timedelta(seconds=self.drain_seconds)

    def _told(self, member: Member, life: Life) -> TargetHealth:
        state, reason = "healthy", ""
        if life.draining is not None:
            state, reason = "draining", "Target.DeregistrationInProgress"
        elif self.clock.now() < life.since + timedelta(seconds=self.warm_seconds):
            state, reason = "initial", "Elb.RegistrationInProgress"
        elif member.id in self.sick:
            state, reason = "unhealthy", "Target.FailedHealthChecks"
        return TargetHealth(member.id, member.port, state, reason, member.zone)


@dataclass
class InPlace:
    """A world on blue whose targets are `a`, `b`, `c`, ..., and what is done to them."""

    world: FakeWorld
    targets: MemberTargets
    updates: FakeUpdates

    @property
    def arn(self) -> str:
        return self.world.service.contract.target_groups[Color.BLUE].arn

    @property
    def health(self) -> Mapping[str, str]:
        """The state of each blue target by its name."""
        group = self.world.service.contract.target_groups[Color.BLUE]
        return {f"{each.id}:{each.port}": each.state for each in self.targets.health(group)}

    @property
    def versions(self) -> Mapping[str, str]:
        """What each blue target runs; what was never updated is old."""
        return {member.id: self.updates.runs.get(member.id, "old") for member in self.targets.lives[self.arn]}

    def gone(self, name: str) -> None:
        """Somebody takes this one out, past everybody."""
        self.targets.lives[self.arn].pop(Member(name, PORT), None)

    def leaves(self, name: str) -> None:
        """Somebody deregisters this one, past everybody."""
        self.targets.lives[self.arn][Member(name, PORT)].draining = self.world.clock.now()

    def came(self, name: str, port: int = PORT) -> None:
        """Somebody registers another one."""
        self.targets.lives[self.arn][Member(name, port)] = Life(self.world.clock.now())


def in_place(
    *members: str, network: bool = False, settings: ServiceSettings | None = None, port: int = PORT
) -> InPlace:
    """A service whose live color, blue, has these targets (`a`, `b` and `c` without any), all healthy.

    An update that is begun on a target which requests may reach is an error, and so is one that nobody waits for.
    """
    world = a_world(network=network, settings=settings or ServiceSettings(ready_seconds=60.0))
    return updated_in_place(world, *(members or ("a", "b", "c")), port=port)


def updated_in_place(world: FakeWorld, *members: str, port: int = PORT) -> InPlace:
    """Give the world these targets behind blue, as `in_place` says."""
    groups = world.service.contract.target_groups
    since = world.clock.now() - timedelta(hours=1)
    blue = {_named(name, port): Life(since) for name in members}
    green = {Member("g", port): Life(since)}
    targets = MemberTargets(world.clock, {groups[Color.BLUE].arn: blue, groups[Color.GREEN].arn: green})
    updates = FakeUpdates(world.clock)
    targets.sick = updates.dead

    ports = Counter(member.id for member in blue)

    def nobody_is_reached(name: str, _back: bool) -> None:
        left = [each for each, life in blue.items() if each.id == name and not targets._is_gone(each, life)]
        assert len(left) < ports[name], f"{name} is updated while it is in"

    updates.before = nobody_is_reached
    world.service.targets = targets
    world.service.updates = updates
    return InPlace(world, targets, updates)


def _named(name: str, port: int) -> Member:
    """`a`, `a:8081`, or `a@eu-central-1a`."""
    place, _, zone = name.partition("@")
    found, _, own = place.partition(":")
    return Member(found, int(own) if own else port, zone or None)


__all__ = ["PORT", "UPDATE", "InPlace", "Life", "MemberTargets", "OnFailure", "in_place"]
