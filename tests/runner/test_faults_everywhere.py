"""A port that fails at any call, heard or unheard, leaves a rollout whose journal tells the truth, or that resumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runner.test_crash_everywhere import (
    HOME,
    OLD,
    STRATEGIES,
    Life,
    back,
    carried_on,
    final,
    fleet,
    fresh,
    last,
    lived,
    started,
    undisturbed,
)
from tests.support.fakes import FakeWorld
from toolkit.errors import AwsUnreachable, BluegreenError, JournalError, NoBase, RolledBack, Throttled
from toolkit.rollout.ports import Action, LiveRoute
from toolkit.rollout.record import fold
from toolkit.rollout.state import Phase
from toolkit.runner.lease import LEASE_SECONDS
from toolkit.runner.rollback import UpdatesInPlace, rollback
from toolkit.runner.service import Service

_ERRORS: dict[str, type[BluegreenError]] = {
    "router": AwsUnreachable,
    "targets": Throttled,
    "store": JournalError,
    "workload": Throttled,
    "diversions": AwsUnreachable,
    "updates": Throttled,
}
UPDATED = {"a": "new, healthy", "b": "new, healthy"}
_TIMEOUT_SECONDS = 5.0
_BEGINNING = 3
"""Calls of a port before the engine runs; a failure of these is an error of the start."""


@dataclass
class Weather:
    """The `times` calls from number `at` (from 1) on fail. heard: AWS does not do what it is asked; else it does.

    port: only calls of this port count, and fail. late: a write that AWS does not answer is done so many seconds after
    the runner has given it up; None: at once.
    """

    world: FakeWorld
    port: str
    at: int
    times: int
    heard: bool
    late: float | None = None
    calls: int = 0

    def call(self, port: str, name: str, found: Callable[..., Any], *words: Any, **named: Any) -> Any:
        if port != self.port:
            return found(*words, **named)
        self.calls += 1
        if not self.at <= self.calls < self.at + self.times:
            return found(*words, **named)
        if not self.heard:
            if name == "write":
                self._written_unheard(found, *words, **named)
            else:
                found(*words, **named)
        raise _ERRORS[port](f"{port} did not answer")

    def _written_unheard(self, write: Callable[..., Any], live: LiveRoute, action: Action, **named: Any) -> None:
        clock = self.world.clock
        if self.late is None:
            write(live, action, **named)
            clock.sleep(_TIMEOUT_SECONDS)
            return
        clock.sleep(_TIMEOUT_SECONDS)
        due, before, done = clock.now().timestamp() + self.late, clock.on_sleep, list[bool]()

        def on_sleep() -> None:
            before()
            if not done and clock.now().timestamp() >= due:
                done.append(True)
                write(live, action)

        clock.on_sleep = on_sleep


class Port:
    """A port in this weather."""

    def __init__(self, name: str, port: Any, weather: Weather) -> None:
        self._name = name
        self._port = port
        self._weather = weather

    @property
    def urgent(self) -> Port:
        return self

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found
        return lambda *words, **named: self._weather.call(self._name, name, found, *words, **named)


def in_this(weather: Weather) -> Service:
    service = weather.world.service
    ports: dict[str, Any] = {name: Port(name, getattr(service, name), weather) for name in _ERRORS}
    return replace(service, **ports)


def tells_the_truth(world: FakeWorld) -> None:
    """A rollout that says it is over or paused stands where AWS does; one that is halted has said enough."""
    state, held = last(world), {f"route-{number}": world.split(number) for number in (0, 1)}
    if state is None:
        assert set(held.values()) == {HOME}
    elif state.phase is not Phase.HALTED and (state.is_over or state.phase is Phase.PAUSED):
        known = {name: state.splits.get(name, HOME) for name in held}
        meant = None if state.intent is None or state.is_over else state.intent.to
        assert all(held[name] in (known[name], meant) for name in held)


def ends_well(world: FakeWorld, strategy: str) -> None:
    """Now that all ports work again: what is not over is resumed, what is halted goes home."""
    tells_the_truth(world)
    state = last(world)
    if state is not None and state.is_over:
        return
    if state is None or state.phase is not Phase.HALTED:
        assert carried_on(world, STRATEGIES[strategy], Life())
        tells_the_truth(world)
        state = last(world)
        assert state is not None
    if state.phase is Phase.HALTED:
        back(world.service)
        assert {world.split(0), world.split(1)} == {HOME}
    state = last(world)
    assert state is not None
    assert state.is_over
    assert fleet(world) in (({}, UPDATED) if state.phase is Phase.COMPLETED else ({}, OLD))
    record = fold(world.store.since("web", 1))
    assert all(record.may_hold(f"route-{number}", world.split(number)) for number in (0, 1))


def asks(strategy: str, port: str) -> bool:
    """Whether the rollout asks the port again and again: only where something is deployed, or diverted."""
    kinds = {"workload": "deployment", "diversions": "ab", "updates": "rolling"}
    if strategy == "ab":
        return port == "diversions"
    return port not in kinds or strategy.endswith(kinds[port])


def harmed(strategy: str, port: str, at: int, times: int, *, heard: bool, late: float | None = None) -> Weather:
    """Run it in this weather; whatever is raised must be one of ours."""
    world = fresh(strategy)
    weather = Weather(world, port, at, times, heard, late)
    with suppress(BluegreenError):
        started(STRATEGIES[strategy])(in_this(weather))
    world.clock.sleep(60)  # whatever was late is there
    return weather


_TRIED = [("canary", 7), ("failing-gate", 7), ("failing-gate", 1000), ("hooks", 1000), ("deployment", 7), ("ab", 7)]
_TRIED += [("rolling", 7), ("rolling", 1000), ("failing-rolling", 1000)]
_LONG = ("rolling", "failing-rolling")
"""Tried with the slow tests: what AWS does to batches is tried call by call in test_rolling.py."""


def tried(*words: object) -> Any:
    """A row of parameters that begins with the strategy."""
    return pytest.param(*words, marks=pytest.mark.slow if words[0] in _LONG else ())


@pytest.mark.parametrize(
    ("strategy", "times", "port"),
    [tried(strategy, times, port) for strategy, times in _TRIED for port in _ERRORS if asks(strategy, port)],
)
@pytest.mark.parametrize("heard", [True, False])
def test_a_port_that_fails_from_any_call_on_leaves_a_rollout_that_ends_well(
    strategy: str, port: str, *, heard: bool, times: int
) -> None:
    for weather in everywhere(strategy, port, times, heard=heard):
        with named(weather):
            ends_well(weather.world, strategy)


@pytest.mark.parametrize(
    ("strategy", "port"),
    [
        tried(strategy, port)
        for strategy in ("canary", "failing-gate", "hooks", "deployment", "ab", "rolling", "failing-rolling")
        for port in _ERRORS
        if asks(strategy, port)
    ],
)
@pytest.mark.parametrize("heard", [True, False])
def test_one_call_that_fails_changes_nothing_of_the_end(strategy: str, port: str, *, heard: bool) -> None:
    wanted, _ = undisturbed(STRATEGIES[strategy])
    for weather in everywhere(strategy, port, 1, heard=heard):
        with named(weather):
            state = last(weather.world)
            if state is not None and state.is_over:
                assert final(weather.world) == wanted
            else:
                assert weather.at <= _BEGINNING + (port == "workload")


@contextmanager
def named(weather: Weather) -> Iterator[None]:
    """Which call it was, where something is wrong with what came of it."""
    try:
        yield
    except BaseException as error:
        heard = "refused" if weather.heard else "committed unheard"
        error.add_note(f"{weather.port}: {weather.times} calls from number {weather.at} on, {heard}")
        raise


def everywhere(strategy: str, port: str, times: int, *, heard: bool) -> Iterator[Weather]:
    """The calls fail from the first one on, from the second, and so on to the last that there is."""
    for at in count(1):
        weather = harmed(strategy, port, at, times, heard=heard)
        if weather.calls < at:
            assert at > (_BEGINNING if port != "updates" else 1)
            return
        yield weather


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    strategy=st.sampled_from(sorted(STRATEGIES)),
    at=st.integers(1, 20),
    times=st.integers(1, 12),
    late=st.floats(0, 4.9),
)
def test_a_write_that_arrives_after_it_was_given_up_ends_corrected_or_halted(
    strategy: str, at: int, times: int, late: float
) -> None:
    world = harmed(strategy, "router", at, times, heard=False, late=late).world
    ends_well(world, strategy)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    strategy=st.sampled_from(sorted(STRATEGIES)),
    death=st.tuples(st.integers(1, 40), st.booleans()),
    port=st.sampled_from(sorted(_ERRORS)),
    at=st.integers(1, 8),
    times=st.sampled_from([1, 2, 5, 1000]),
    heard=st.booleans(),
    late=st.none() | st.floats(0, 4.9),
    by_name=st.booleans(),
)
def test_a_rollback_that_says_it_is_done_is_done_and_any_other_can_be_repeated(
    strategy: str,
    death: tuple[int, bool],
    port: str,
    at: int,
    times: int,
    *,
    heard: bool,
    late: float | None,
    by_name: bool,
) -> None:
    """Of a rollout whose runner died: told to it by the rollout's name, or past it by force."""
    world = fresh(strategy)
    lived(world, Life(*death), started(STRATEGIES[strategy]))
    if last(world) is None:
        return
    world.clock.sleep(LEASE_SECONDS if by_name else 1)
    go_back = back if by_name else by_force
    try:
        go_back(in_this(Weather(world, port, at, times, heard, late)))
    except RolledBack:
        is_done = True
    except BluegreenError:
        is_done = False
    else:
        is_done = True
    world.clock.sleep(60)
    if is_done:
        assert {world.split(0), world.split(1)} == {HOME}
    with suppress(NoBase):  # nothing was ever shifted
        by_all_means(world)
    state = last(world)
    assert {world.split(0), world.split(1)} == {HOME}
    assert state is not None
    assert state.is_over


def by_all_means(world: FakeWorld) -> None:
    """No force of weights takes back what is updated in place, so that waits for the lease of the dead."""
    try:
        by_force(world.service)
    except UpdatesInPlace:
        world.clock.sleep(LEASE_SECONDS)
        back(world.service)
        assert fleet(world) == OLD


def by_force(service: Service) -> None:
    rollback(service, break_lease=True)
