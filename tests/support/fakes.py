"""In-memory stand-ins for the ports, and a service built of them in a line.

They keep the rules of the contract suites in tests/contracts, which run on them and on the real adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.metrics import FakeMetrics
from toolkit.contract import BalancerType, Contract, LoadBalancer, Priorities, Route, RouteKind, Stickiness, TargetGroup
from toolkit.errors import AwsUnreachable, RouteUnusable
from toolkit.journal.memory import MemoryStore
from toolkit.rollout.bypass import Rule
from toolkit.rollout.codec import seal
from toolkit.rollout.diverting import Diversion, Ground, PriorityTaken, Standing
from toolkit.rollout.events import Entry, Event, Head
from toolkit.rollout.ports import (
    Action,
    Draining,
    FlowCount,
    Holder,
    Identity,
    LiveRoute,
    Pulse,
    Result,
    TargetHealth,
    unguarded,
)
from toolkit.rollout.preview import Condition
from toolkit.rollout.steps import Hook, Probe
from toolkit.runner.service import Service
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color, Split

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
ACCOUNT, REGION = "123456789012", "eu-central-1"
PREFIX = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
OFF = Stickiness(enabled=False)
RESERVED = Priorities(90, 94)
HOLDER = Holder("alice", "here", 1, "tests")
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

    @property
    def urgent(self) -> FakeRouter:
        return self

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        self.reads += 1
        self.before_read()
        return {route.name: self.live[route.name] for route in routes if route.name in self.live}

    def write(self, live: LiveRoute, action: Action, *, guard: Callable[[], None] = unguarded) -> None:
        name = live.route.name
        guard()
        self.before_write(name)
        if name not in self.live:
            raise RouteUnusable(f"route {name} is gone")
        self.writes.append((name, dict(action.weights), action.stickiness))
        if not self.lost:
            now = self.live[name]
            weights = {arn: action.weights.get(arn, weight) for arn, weight in now.weights.items()}
            preceding = now.preceding if action.preceding is None else action.preceding
            self.live[name] = replace(now, weights=weights, stickiness=action.stickiness, preceding=preceding)
        self.after_write(name)

    def commands(self, live: LiveRoute, action: Action) -> str:
        return f"write {live.route.name} {sorted(action.weights.items())} {action.stickiness.enabled}"


@dataclass
class FakeTargets:
    """Target states by target group ARN. `before` may raise, and so may `before_call`, which is given the call's name.

    A deregistered target drains for `drains` looks at the health, then it is gone.
    """

    states: dict[str, list[str]]
    before: Callable[[], None] = lambda: None
    before_call: Callable[[str], None] = lambda _name: None
    drains: int = 2
    draining_of: dict[str, Draining] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    _left: dict[str, int] = field(default_factory=dict)

    @property
    def urgent(self) -> FakeTargets:
        return self

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]:
        self.before()
        states = self.states[group.arn]
        if group.arn in self._left:
            self._left[group.arn] -= 1
            if self._left[group.arn] < 0:
                return []
            states = ["draining"] * len(states)
        return [
            TargetHealth(f"10.0.0.{index}", 8080, state, "" if state == "healthy" else "Some.Reason")
            for index, state in enumerate(states)
        ]

    def draining(self, group: TargetGroup) -> Draining:
        return self.draining_of.get(group.arn, Draining(300, terminates=False))

    def set_draining(self, group: TargetGroup, draining: Draining) -> None:
        self._called("set_draining", draining)
        self.draining_of[group.arn] = draining

    def deregister(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        self._called("deregister", len(targets))
        self._left[group.arn] = self.drains

    def register(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        self._called("register", len(targets))
        self._left.pop(group.arn, None)

    def _called(self, name: str, what: Any) -> None:
        self.before_call(name)
        self.calls.append((name, what))


@dataclass
class FakeFlows:
    """A count of flows, or none. `before` may raise."""

    count: FlowCount | None = None
    before: Callable[[], None] = lambda: None

    def active(self, balancer: LoadBalancer, group: TargetGroup) -> FlowCount | None:
        self.before()
        return self.count


@dataclass
class FakeRules:
    """Rules and default actions beside those of the contract. `before` may raise."""

    rules: list[Rule] = field(default_factory=list)
    looks: int = 0
    before: Callable[[], None] = lambda: None

    def on(self, balancer: LoadBalancer) -> Sequence[Rule]:
        self.looks += 1
        self.before()
        return list(self.rules)


@dataclass
class FakeDiversions:
    """Rules in a dictionary by ARN. `before` may raise, given the call's name; `taken` are priorities of others.

    services: whose each rule is, where that is known. gone: routes whose own rule was deleted.
    """

    rules: dict[str, tuple[Diversion, str]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    services: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    own: tuple[Condition, ...] = (Condition("path-pattern", ("/*",)),)
    priority: int = 100
    preceding: tuple[str, ...] = ()
    made: int = 0
    before: Callable[[str], None] = lambda _name: None

    def ground(self, contract: Contract) -> Mapping[str, Ground]:
        self.before("ground")
        own = {self.priority + index for index, route in enumerate(contract.routes) if route.name not in self.gone}
        taken = frozenset({*own, *self.taken, *(rule.priority for rule, _ in self.rules.values())})
        others = {rule.priority for arn, (rule, _) in self.rules.items() if not self._is_of(arn, contract)}
        strangers = frozenset(others | self.taken)
        return {
            route.name: Ground(self.own, self.priority + index, taken, strangers, self.preceding)
            for index, route in enumerate(contract.routes)
            if route.name not in self.gone
        }

    def _is_of(self, arn: str, contract: Contract) -> bool:
        return self.services.get(arn, contract.name) == contract.name

    def standing(self, contract: Contract) -> Sequence[Standing]:
        self.before("standing")
        return [
            Standing(arn, rule.priority, of, rule.route)
            for arn, (rule, of) in self.rules.items()
            if self._is_of(arn, contract)
        ]

    def make(self, diversion: Diversion, contract: Contract, *, rollout: str, guard: Callable[[], None]) -> Diversion:
        guard()
        self.before("make")
        if diversion.priority in {*self.taken, *(rule.priority for rule, _ in self.rules.values())}:
            raise PriorityTaken(f"{diversion.priority} is in use")
        self.made += 1
        arn = f"{PREFIX}:listener-rule/app/web/1/2/diversion-{self.made}"
        self.rules[arn] = (diversion, rollout)
        self.services[arn] = contract.name
        return replace(diversion, arn=arn)

    def remove(self, arn: str) -> None:
        self.before("remove")
        self.rules.pop(arn, None)


@dataclass
class FakeHooks:
    """Answers with `results` in turn, then passes. `ran` are the hooks' names and what they were told."""

    results: list[Result] = field(default_factory=list)
    ran: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def run(self, hook: Hook, environment: Mapping[str, str], *, pulse: Pulse) -> Result:
        self.before()
        self.ran.append((hook.name, dict(environment)))
        if not pulse():
            return Result(passed=False, reason="stopped")
        return self.results.pop(0) if self.results else Result(passed=True, reason="well done", output="fine")


@dataclass
class FakeHeads:
    """Ends of journals, remembered in memory."""

    noted: list[Head] = field(default_factory=list)

    def note(self, service: str, head: Head, *, at: datetime) -> None:
        self.noted.append(head)

    def known(self, service: str) -> Sequence[Head]:
        return self.noted


@dataclass
class FakeProbes:
    """Answers with `results` in turn, then passes."""

    results: list[Result] = field(default_factory=list)
    sent: list[tuple[str, Color]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def probe(self, probe: Probe, color: Color, *, pulse: Pulse) -> Result:
        self.before()
        self.sent.append((probe.path, color))
        return self.results.pop(0) if self.results else Result(passed=True, reason="answered 200")


@dataclass
class FakeIdentities:
    identity: Identity | None = ALICE

    def now(self) -> Identity | None:
        return self.identity

    def resolve(self) -> Identity:
        if self.identity is None:
            raise AwsUnreachable("STS did not answer")
        return self.identity


def a_contract(*, routes: int = 1, network: bool = False) -> Contract:
    """Rules of one listener; with `network`, listeners of a Network Load Balancer."""
    kind, place = (RouteKind.NLB_LISTENER, "net/web/1") if network else (RouteKind.ALB_RULE, "app/web/1")
    balancer_type = BalancerType.NETWORK if network else BalancerType.APPLICATION
    what = "listener" if network else "listener-rule"
    arns = [f"{PREFIX}:{what}/{place}/2/{index}" for index in range(routes)]
    return Contract(
        name="web",
        account_id=ACCOUNT,
        region=REGION,
        load_balancer=LoadBalancer(balancer_type, f"{PREFIX}:loadbalancer/{place}", place, "web.example"),
        routes=tuple(
            Route(
                name=f"route-{index}",
                kind=kind,
                arn=arn,
                listener_arn=arn if network else f"{PREFIX}:listener/app/web/1/2",
                stickiness=OFF,
                reserved_priorities=None if network else RESERVED,
            )
            for index, arn in enumerate(arns)
        ),
        target_groups={
            color: TargetGroup(f"web-{color}", f"{PREFIX}:targetgroup/web-{color}/1", f"targetgroup/web-{color}/1")
            for color in Color
        },
    )


@dataclass
class FakeWorld:
    """A service on fakes, and handles on each of them."""

    service: Service
    router: FakeRouter
    targets: FakeTargets
    flows: FakeFlows
    store: MemoryStore
    clock: FakeClock
    identities: FakeIdentities
    hooks: FakeHooks
    probes: FakeProbes
    metrics: FakeMetrics
    rules: FakeRules
    notes: list[str]
    diversions: FakeDiversions

    def split(self, route: int = 0) -> Split:
        live = self.router.live[f"route-{route}"]
        groups = self.service.contract.target_groups
        return Split(*(live.weights[groups[color].arn] for color in Color))

    def put(self, split: Split, *, stickiness: Stickiness = OFF) -> None:
        """As somebody else would: on every route, past the service."""
        for name, live in self.router.live.items():
            self.router.live[name] = replace(live, weights=self.service.contract.weights(split), stickiness=stickiness)

    def health(self, color: Color, *states: str) -> None:
        self.targets.states[self.service.contract.target_groups[color].arn] = list(states)

    def events(self) -> list[Any]:
        return [entry.event for entry in self.store.tail("web", 1000)]

    def append(self, event: Event, *, rollout: str | None = None) -> Entry:
        """As somebody else would, past every lease."""
        head = self.service.record().head
        entry = seal("web", head, event, at=self.clock.now(), actor=None, rollout=rollout)
        self.store.append("web", entry)
        return entry


def a_world(
    *,
    split: Split | None = None,
    routes: int = 1,
    blue: int = 3,
    green: int = 3,
    stickiness: Stickiness = OFF,
    settings: ServiceSettings | None = None,
    network: bool = False,
) -> FakeWorld:
    """A service at `split` (default 100/0) with so many healthy targets a color."""
    contract = a_contract(routes=routes, network=network)
    held = contract.weights(split or Split(blue=100, green=0))
    router = FakeRouter({route.name: LiveRoute(route, held, stickiness) for route in contract.routes})
    counts = {Color.BLUE: blue, Color.GREEN: green}
    targets = FakeTargets({contract.target_groups[color].arn: ["healthy"] * counts[color] for color in Color})
    notes: list[str] = []
    flows, store, clock, identities = FakeFlows(), MemoryStore(), FakeClock(), FakeIdentities()
    hooks, probes, metrics, rules = FakeHooks(), FakeProbes(), FakeMetrics(), FakeRules()
    diversions = FakeDiversions()
    service = Service(
        contract=contract,
        settings=settings or ServiceSettings(),
        router=router,
        targets=targets,
        flows=flows,
        store=store,
        identities=identities,
        clock=clock,
        hooks=hooks,
        probes=probes,
        holder=HOLDER,
        heads=FakeHeads(),
        metrics=metrics,
        rules=rules,
        diversions=None if network else diversions,
        note=notes.append,
    )
    ports = (router, targets, flows, store, clock, identities, hooks, probes, metrics, rules)
    return FakeWorld(service, *ports, notes, diversions)
