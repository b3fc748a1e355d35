"""Load balancers that others made, in memory: what `adopt` reads and writes, without AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.fakes import ACCOUNT, ALICE, PREFIX, REGION, FakeClock
from toolkit.adoption.ownership import CodeDeployGroup, EcsService
from toolkit.adoption.places import Balancer, Group, Place
from toolkit.contract import Contract, StateTable, Stickiness
from toolkit.errors import AdoptionRefused, UnknownService
from toolkit.rollout.ports import Identity
from toolkit.runner.adopt import Surroundings

BALANCER = Balancer(f"{PREFIX}:loadbalancer/app/shop/1a", "shop", "application", "shop-1.elb.amazonaws.com")
NETWORK = Balancer(f"{PREFIX}:loadbalancer/net/shop/1a", "shop", "network", "shop-1.elb.amazonaws.com")


def group(name: str, **changed: Any) -> Group:
    """A target group of that name, of which no load balancer is known."""
    return replace(
        Group(
            arn=f"{PREFIX}:targetgroup/{name}/{sum(name.encode()):x}",
            name=name,
            target_type="ip",
            vpc_id="vpc-1",
            protocol="HTTP",
            protocol_version="HTTP1",
            port=8080,
            ip_address_type="ipv4",
            health_check=("--health-check-enabled", "--health-check-path", "/healthz"),
        ),
        **changed,
    )


BLUE, GREEN = group("shop-blue"), group("shop-green")


def listener(*weights: tuple[Group, int], port: int = 80, network: bool = False, **changed: Any) -> Place:
    """The default action of a listener."""
    arn = f"{PREFIX}:listener/{'net' if network else 'app'}/shop/1a/{port:x}"
    place = Place(arn, arn, "TCP" if network else "HTTP", port, weights={held.arn: weight for held, weight in weights})
    return replace(place, **changed)


def rule(*weights: tuple[Group, int], port: int = 80, priority: int = 10, **changed: Any) -> Place:
    """A rule of an ALB listener."""
    of = listener(port=port)
    arn = f"{PREFIX}:listener-rule/app/shop/1a/{port:x}/{priority:x}"
    place = replace(of, arn=arn, priority=priority, weights={held.arn: weight for held, weight in weights})
    return replace(place, **changed)


def sticky(seconds: int) -> Stickiness:
    return Stickiness(enabled=True, duration_seconds=seconds)


@dataclass
class FakeInventory:
    """One load balancer. `before_write` may raise; `lost` writes are accepted and never seen again."""

    held: list[Place]
    all_groups: list[Group] = field(default_factory=lambda: [BLUE, GREEN])
    of: Balancer = BALANCER
    tagged: dict[str, dict[str, str]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    lost: bool = False
    before_write: Callable[[str], None] = lambda _name: None
    tags_error: Exception | None = None

    def balancer(self, named: str) -> Balancer:
        if named not in (self.of.name, self.of.arn):
            raise AdoptionRefused(f"AWS knows no load balancer {named}")
        return self.of

    def places(self, arns: Sequence[str]) -> list[Place]:
        by_arn = {place.arn: place for place in self.held}
        if missing := [arn for arn in arns if arn not in by_arn]:
            raise AdoptionRefused(f"AWS knows no {missing[0]}")
        return [by_arn[arn] for arn in arns]

    def places_on(self, balancer: Balancer) -> list[Place]:
        return list(self.held)

    def groups(self, arns: Sequence[str] | None = None) -> list[Group]:
        by_arn = {each.arn: each for each in self.all_groups}
        return self.all_groups if arns is None else [by_arn[arn] for arn in arns]

    def tags(self, arns: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        if self.tags_error:
            raise self.tags_error
        return {arn: self.tagged.get(arn, {}) for arn in arns}

    def add_group(self, place: Place, name: str, second: str) -> None:
        self.before_write(name)
        self.writes.append((name, second))
        if not self.lost:
            with_second = {**dict.fromkeys(place.weights, 100), second: 0}
            self.held = [replace(each, weights=with_second) if each.arn == place.arn else each for each in self.held]


@dataclass
class FakeCaller:
    identity: Identity = ALICE

    def now(self) -> Identity | None:
        return self.identity

    def resolve(self) -> Identity:
        return self.identity


def surroundings(
    inventory: FakeInventory,
    *,
    ecs: Callable[[], Iterable[EcsService]] = list,
    codedeploy: Callable[[], Iterable[CodeDeployGroup]] = list,
    contracts: Mapping[str, Contract] | None = None,
    account: str = ACCOUNT,
) -> Surroundings:
    """Ports around the inventory; nobody else owns anything unless said."""
    known = contracts or {}

    def contract(service: str) -> Contract:
        if service not in known:
            raise UnknownService(f"no service {service!r}")
        return known[service]

    return Surroundings(
        inventory=inventory,
        ecs_services=ecs,
        codedeploy_groups=codedeploy,
        services=lambda _adopted: known,
        contract=contract,
        state_table=lambda name: StateTable(name, f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"),
        identities=FakeCaller(Identity(ALICE.arn, account)),
        clock=FakeClock(),
        where=("--region", REGION),
    )
