"""A fleet: many services taken back side by side, on one router, by the rules of a single rollback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import TYPE_CHECKING

from tests.support.fakes import OFF, FakeTargets, FakeWorld, a_world
from toolkit.contract import Route
from toolkit.errors import (
    AccessDenied,
    BluegreenError,
    Interrupted,
    NoBase,
    NoHealthyTarget,
    RouteUnusable,
)
from toolkit.journal.memory import MemoryStore
from toolkit.rollout.codec import seal
from toolkit.rollout.events import Head, Kind, ShiftIntended, ShiftVerified
from toolkit.rollout.ports import Action, LiveRoute, unguarded
from toolkit.runner import fleet
from toolkit.runner.checked import Outcome
from toolkit.runner.fleet import roll_back
from toolkit.runner.interrupts import Deferred
from toolkit.runner.service import Service
from toolkit.runner.shared_reads import ROUTES_A_CALL
from toolkit.traffic import Color, Split

if TYPE_CHECKING:
    import pytest

BLUE, GREEN = Split(blue=100, green=0), Split(blue=0, green=100)
LONG_SECONDS = 20.0


@dataclass
class Account:
    """A Router of many services' routes, by ARN. `fails` maps an ARN to what a read of it raises."""

    weights: dict[str, Mapping[str, int]] = field(default_factory=dict)
    reads: list[int] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    fails: dict[str, BluegreenError] = field(default_factory=dict)
    before_write: Callable[[LiveRoute], None] = lambda _live: None
    lock: Lock = field(default_factory=Lock)

    @property
    def urgent(self) -> Account:
        return self

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        with self.lock:
            self.reads.append(len(routes))
        for route in routes:
            if route.arn in self.fails:
                raise self.fails[route.arn]
        return {
            route.name: LiveRoute(route, self.weights[route.arn], OFF) for route in routes if route.arn in self.weights
        }

    def write(self, live: LiveRoute, action: Action, *, guard: Callable[[], None] = unguarded) -> None:
        guard()
        self.before_write(live)
        with self.lock:
            self.writes.append(live.route.arn)
            self.weights[live.route.arn] = dict(action.weights)

    def commands(self, live: LiveRoute, action: Action) -> str:
        raise NotImplementedError


def a_fleet(count: int) -> tuple[Account, list[Service]]:
    """Services s0, s1, … of one account at green 100, blue on record; their routes are all called the same."""
    account, store = Account(), MemoryStore()
    return account, [a_service(f"s{index}", account, store) for index in range(count)]


def a_service(name: str, account: Account, store: MemoryStore) -> Service:
    world: FakeWorld = a_world()
    contract = world.service.contract
    groups = {
        color: replace(group, name=f"{name}-{color}", arn=f"{group.arn}/{name}")
        for color, group in contract.target_groups.items()
    }
    routes = tuple(replace(route, arn=f"{route.arn}/{name}") for route in contract.routes)
    contract = replace(contract, name=name, routes=routes, target_groups=groups)
    for route in routes:
        account.weights[route.arn] = contract.weights(GREEN)
    head = Head()
    before = {route.name: BLUE for route in routes}
    for event in (ShiftIntended(Kind.SHIFT, Color.BLUE, before, GREEN), ShiftVerified()):
        entry = seal(name, head, event, at=world.clock.now(), actor=None, rollout=None)
        store.append(name, entry)
        head = entry.head
    targets = FakeTargets({group.arn: ["healthy"] for group in groups.values()})
    return replace(world.service, contract=contract, router=account, store=store, targets=targets)


def arn_of(service: Service) -> str:
    return service.contract.routes[0].arn


def is_on(service: Service, account: Account, split: Split) -> bool:
    return dict(account.weights[arn_of(service)]) == dict(service.contract.weights(split))


def test_every_service_goes_back_and_each_has_its_own_record() -> None:
    account, services = a_fleet(30)
    ends = roll_back(services)
    assert [service.name for service, _ in ends] == [service.name for service in services]
    assert all(isinstance(end, Outcome) for _, end in ends)
    assert all(is_on(service, account, BLUE) for service in services)
    for service in services:
        record = service.record()
        assert (record.kind, record.in_doubt, record.base) == (Kind.ROLLBACK, False, Color.BLUE)
        assert service.store.holder(service.name) is None


def test_each_route_is_written_once_and_the_reads_are_shared() -> None:
    account, services = a_fleet(40)
    roll_back(services)
    assert sorted(account.writes) == sorted(map(arn_of, services))
    assert sum(account.reads) == 2 * len(services), "each route is read before and after"
    assert max(account.reads) <= ROUTES_A_CALL
    assert len(account.reads) <= len(services) / 2


def test_a_service_that_fails_holds_no_other_up() -> None:
    account, services = a_fleet(5)
    gone, sick, refused, unknown = services[:4]
    del account.weights[arn_of(gone)]
    nobody = FakeTargets({group.arn: ["unhealthy"] for group in sick.contract.target_groups.values()})
    services[1] = sick = replace(sick, targets=nobody)
    services[3] = unknown = replace(unknown, store=MemoryStore())

    def deny(live: LiveRoute) -> None:
        if live.route.arn == arn_of(refused):
            raise AccessDenied("not you")

    account.before_write = deny
    ends = {service.name: end for service, end in roll_back(services)}
    assert [type(ends[service.name]) for service in services] == [
        RouteUnusable,
        NoHealthyTarget,
        AccessDenied,
        NoBase,
        Outcome,
    ]
    assert is_on(services[4], account, BLUE)
    assert all(is_on(service, account, GREEN) for service in (sick, refused, unknown))


def test_a_route_that_may_not_be_read_keeps_only_its_own_service_back() -> None:
    account, services = a_fleet(6)
    account.fails[arn_of(services[2])] = AccessDenied("not that one")
    ends = [end for _, end in roll_back(services)]
    assert [isinstance(end, Outcome) for end in ends] == [True, True, False, True, True, True]
    assert isinstance(ends[2], AccessDenied)


def test_each_end_is_told_when_it_comes() -> None:
    account, services = a_fleet(3)
    others = Event()

    def wait(live: LiveRoute) -> None:
        if live.route.arn == arn_of(services[0]):
            assert others.wait(LONG_SECONDS)

    account.before_write = wait
    told: list[str] = []

    def tell(service: Service, _end: fleet.Ended) -> None:
        told.append(service.name)
        if len(told) == 2:
            others.set()

    roll_back(services, ended=tell)
    assert told[-1] == "s0"
    assert sorted(told) == ["s0", "s1", "s2"]


def test_after_an_interrupt_no_service_is_begun_and_those_under_way_end(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupts = Deferred()
    monkeypatch.setattr(fleet, "deferred_interrupts", lambda _word: nullcontext(interrupts))
    monkeypatch.setattr(fleet, "WORKERS", 1)
    account, services = a_fleet(3)

    def interrupt(_live: LiveRoute) -> None:
        interrupts.asked = True

    account.before_write = interrupt
    (_, first), (_, second), (_, third) = roll_back(services)
    assert isinstance(first, Outcome)
    assert isinstance(second, Interrupted)
    assert isinstance(third, Interrupted)
    assert is_on(services[0], account, BLUE)
    assert is_on(services[1], account, GREEN)


def test_what_is_done_with_each_can_be_said() -> None:
    account, services = a_fleet(2)

    def refuse(service: Service) -> Outcome:
        raise BluegreenError(f"{service.name}: not today")

    ends = roll_back(services, refuse)
    assert [end.message for _, end in ends if isinstance(end, BluegreenError)] == ["s0: not today", "s1: not today"]
    assert account.writes == []
