"""In-memory stand-ins for the ports, and a service built of them in a line.

They keep the rules of the contract suites in tests/contracts, which run on them and on the real adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from toolkit.contract import Contract, LoadBalancer, Route, Stickiness, TargetGroup
from toolkit.errors import AwsUnreachable, RouteUnusable
from toolkit.journal.memory import MemoryJournal
from toolkit.rollout.ports import Identity, LiveRoute, TargetHealth
from toolkit.runner.service import Service
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color, Split

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
ACCOUNT, REGION = "123456789012", "eu-central-1"
PREFIX = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
OFF = Stickiness(enabled=False)
ALICE = Identity(f"arn:aws:sts::{ACCOUNT}:assumed-role/release/alice", ACCOUNT)


class FakeClock:
    """Time that passes only by sleeping, or when told."""

    def __init__(self) -> None:
        self.time = NOON
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)
        self.on_sleep()


@dataclass
class FakeRouter:
    """Routes in a dictionary. `before_write` may raise; `lost` writes are accepted and never seen again."""

    live: dict[str, LiveRoute]
    writes: list[tuple[str, dict[str, int], Stickiness]] = field(default_factory=list)
    reads: int = 0
    lost: bool = False
    before_write: Callable[[str], None] = lambda _name: None
    after_write: Callable[[str], None] = lambda _name: None
    before_read: Callable[[], None] = lambda: None

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        self.reads += 1
        self.before_read()
        return {route.name: self.live[route.name] for route in routes if route.name in self.live}

    def write(self, live: LiveRoute, split: Mapping[str, int], stickiness: Stickiness) -> None:
        name = live.route.name
        self.before_write(name)
        if name not in self.live:
            raise RouteUnusable(f"route {name} is gone")
        self.writes.append((name, dict(split), stickiness))
        if not self.lost:
            now = self.live[name]
            weights = {arn: split.get(arn, weight) for arn, weight in now.weights.items()}
            self.live[name] = replace(now, weights=weights, stickiness=stickiness)
        self.after_write(name)

    def commands(self, live: LiveRoute, split: Mapping[str, int], stickiness: Stickiness) -> str:
        return f"write {live.route.name} {sorted(split.items())} {stickiness.enabled}"


@dataclass
class FakeTargets:
    """Target states by target group ARN. `before` may raise."""

    states: dict[str, list[str]]
    before: Callable[[], None] = lambda: None

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]:
        self.before()
        return [
            TargetHealth(f"10.0.0.{index}", 8080, state, "" if state == "healthy" else "Some.Reason")
            for index, state in enumerate(self.states[group.arn])
        ]


@dataclass
class FakeIdentities:
    identity: Identity | None = ALICE

    def now(self) -> Identity | None:
        return self.identity

    def resolve(self) -> Identity:
        if self.identity is None:
            raise AwsUnreachable("STS did not answer")
        return self.identity


def a_contract(*, routes: int = 1) -> Contract:
    return Contract(
        name="web",
        account_id=ACCOUNT,
        region=REGION,
        load_balancer=LoadBalancer("application", f"{PREFIX}:loadbalancer/app/web/1", "app/web/1", "web.example"),
        routes=tuple(
            Route(
                name=f"route-{index}",
                kind="alb-rule",
                arn=f"{PREFIX}:listener-rule/app/web/1/2/{index}",
                listener_arn=f"{PREFIX}:listener/app/web/1/2",
                stickiness=OFF,
            )
            for index in range(routes)
        ),
        target_groups={
            color: TargetGroup(f"web-{color}", f"{PREFIX}:targetgroup/web-{color}/1", f"targetgroup/web-{color}/1")
            for color in Color
        },
    )


def weights(contract: Contract, split: Split) -> dict[str, int]:
    return {contract.target_groups[color].arn: weight for color, weight in split}


@dataclass
class FakeWorld:
    """A service on fakes, and handles on each of them."""

    service: Service
    router: FakeRouter
    targets: FakeTargets
    journal: MemoryJournal
    clock: FakeClock
    identities: FakeIdentities
    notes: list[str]

    def split(self, route: int = 0) -> Split:
        live = self.router.live[f"route-{route}"]
        groups = self.service.contract.target_groups
        return Split(*(live.weights[groups[color].arn] for color in Color))

    def put(self, split: Split, *, stickiness: Stickiness = OFF) -> None:
        """As somebody else would: on every route, past the service."""
        for name, live in self.router.live.items():
            self.router.live[name] = replace(live, weights=weights(self.service.contract, split), stickiness=stickiness)

    def health(self, color: Color, *states: str) -> None:
        self.targets.states[self.service.contract.target_groups[color].arn] = list(states)

    def events(self) -> list[Any]:
        return [entry.event for entry in self.journal.tail("web", 100)]


def a_world(
    *,
    split: Split | None = None,
    routes: int = 1,
    blue: int = 3,
    green: int = 3,
    stickiness: Stickiness = OFF,
    settings: ServiceSettings | None = None,
) -> FakeWorld:
    """A service at `split` (default 100/0) with so many healthy targets a color."""
    contract = a_contract(routes=routes)
    held = weights(contract, split or Split(blue=100, green=0))
    router = FakeRouter({route.name: LiveRoute(route, held, stickiness) for route in contract.routes})
    counts = {Color.BLUE: blue, Color.GREEN: green}
    targets = FakeTargets({contract.target_groups[color].arn: ["healthy"] * counts[color] for color in Color})
    notes: list[str] = []
    journal, clock, identities = MemoryJournal(), FakeClock(), FakeIdentities()
    service = Service(
        contract=contract,
        settings=settings or ServiceSettings(),
        router=router,
        targets=targets,
        journal=journal,
        identities=identities,
        clock=clock,
        note=notes.append,
    )
    return FakeWorld(service, router, targets, journal, clock, identities, notes)
