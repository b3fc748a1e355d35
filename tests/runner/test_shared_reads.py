"""Reads of several threads that go out in one call."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.runner.test_fleet import LONG_SECONDS, a_fleet, arn_of
from tests.support.fakes import a_world
from toolkit.contract import Route
from toolkit.errors import AccessDenied, BluegreenError, Throttled
from toolkit.runner.service import Service
from toolkit.runner.shared_reads import ROUTES_A_CALL, SharedReads


def test_a_call_that_is_full_waits_for_nobody() -> None:
    account, services = a_fleet(1)
    route = services[0].contract.routes[0]
    many = [replace(route, name=f"r{index}") for index in range(ROUTES_A_CALL)]
    reader = SharedReads(account, window_seconds=LONG_SECONDS)
    assert set(reader.read(many)) == {each.name for each in many}
    assert account.reads == [ROUTES_A_CALL]


def test_what_is_read_comes_under_the_names_that_were_asked_for() -> None:
    account, services = a_fleet(1)
    route = services[0].contract.routes[0]
    live = SharedReads(account, window_seconds=0).read([route])[route.name]
    assert live.route == route
    assert SharedReads(account, window_seconds=0).read([replace(route, arn="arn:gone")]) == {}


def test_rules_and_listeners_are_not_read_together() -> None:
    account, services = a_fleet(2)
    rule = services[0].contract.routes[0]
    listener = a_world(network=True).service.contract.routes[0]
    account.weights[listener.arn] = account.weights[rule.arn]
    reader = SharedReads(account, window_seconds=0.2)
    with ThreadPoolExecutor() as pool:
        for found in pool.map(reader.read, [[rule], [listener]]):
            assert len(found) == 1
    assert account.reads == [1, 1]


def read_both(reader: SharedReads, services: Sequence[Service]) -> list[int | type[BluegreenError]]:
    """How many routes each of two gets, or the error; the second one fills the call, so that neither waits."""
    first, second = (service.contract.routes[0] for service in services)

    def read(routes: list[Route]) -> int | type[BluegreenError]:
        try:
            return len(reader.read(routes))
        except BluegreenError as error:
            return type(error)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(read, [[first], [second] * (ROUTES_A_CALL - 1)]))


def test_a_call_that_fails_is_asked_again_by_each() -> None:
    account, services = a_fleet(2)
    account.fails[arn_of(services[0])] = AccessDenied("not that one")
    reader = SharedReads(account, window_seconds=LONG_SECONDS)
    assert read_both(reader, services) == [AccessDenied, 1]
    assert sorted(account.reads) == [1, ROUTES_A_CALL - 1, ROUTES_A_CALL]


def test_a_call_that_is_throttled_is_not_multiplied() -> None:
    account, services = a_fleet(2)
    account.fails[arn_of(services[0])] = Throttled("slow down")
    reader = SharedReads(account, window_seconds=LONG_SECONDS)
    assert read_both(reader, services) == [Throttled, Throttled]
    assert account.reads == [ROUTES_A_CALL]
