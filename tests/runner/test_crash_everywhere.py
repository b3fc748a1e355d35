"""A runner that dies at any call of any port, before or after it, leaves a rollout that resumes, or goes home."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.endings import HowItEnded
from tests.support.fakes import FakeHooks, FakeWorld, a_world
from tests.support.rolling import FakeUpdates
from tests.support.targets import UPDATE, updated_in_place
from tests.support.workload import FakeWorkload, autoscaled, follow
from toolkit.errors import BluegreenError, NoRollout
from toolkit.rollout.events import RolloutStarted, Word
from toolkit.rollout.machine import fold_rollout
from toolkit.rollout.ports import Command, Result
from toolkit.rollout.preview import Condition
from toolkit.rollout.record import fold
from toolkit.rollout.rolling_plan import RollingStrategy
from toolkit.rollout.state import Phase, RolloutState
from toolkit.rollout.steps import Analyze, Approve, Bake, Divert, Hook, Probe, Shift
from toolkit.rollout.strategy import Strategy
from toolkit.rollout.workload import Capacity, Change
from toolkit.runner.lease import LEASE_SECONDS
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import Wanted, resume, start
from toolkit.runner.service import Service
from toolkit.runner.tell import tell
from toolkit.settings import HookPoint, HookSettings, RetireSettings, ServiceSettings
from toolkit.traffic import Color, Split


@dataclass(frozen=True)
class _Named(RollingStrategy):
    """A rolling update under a name of its own."""

    named: str = ""

    @property
    def name(self) -> str:
        return self.named


def rolling(name: str, **words: Any) -> RollingStrategy:
    return _Named(named=name, update=UPDATE, **words)


BETA = (Condition("http-header", ("yes",), header="X-Beta"),)
TENTH, HALF, ALL = Shift(Fraction(1, 10)), Shift(Fraction(1, 2)), Shift(Fraction(1))
FINE, SICK = Hook("fine", command=("true",)), Hook("sick", command=("false",))
STRATEGIES: dict[str, Strategy | RollingStrategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy("canary", (TENTH, Bake(4), HALF, Bake(4), ALL, Bake(4))),
        Strategy("all-at-once", (ALL, Bake(4))),
        Strategy("failing-gate", (TENTH, Bake(4), ALL), gates=(SICK,)),
        Strategy("approved", (TENTH, Approve(600), ALL)),
        Strategy("hooks", (FINE, TENTH, Analyze(), Probe(), HALF, SICK, ALL)),
        Strategy("ab", (Divert(BETA), Approve(600), ALL, Bake(4))),
        Strategy("failing-ab", (Divert(BETA), Approve(600), ALL), gates=(SICK,)),
        Strategy("deployment", (TENTH, Bake(4), ALL, Bake(4))),
        Strategy("failing-deployment", (TENTH, Bake(4), ALL), gates=(SICK,)),
        Strategy("hooked", (TENTH, ALL)),
        Strategy("failing-hooked-deployment", (TENTH, Bake(4), ALL), gates=(SICK,)),
        rolling("rolling", bake_seconds=4.0),
        rolling("failing-rolling", bake_seconds=4.0),
        rolling("dying-rolling", bake_seconds=0.0),
        rolling("hooked-rolling", bake_seconds=0.0),
    )
}
EVERY = tuple(HookSettings(at=point, name="fine", command=("true",)) for point in HookPoint)
BEFALLS = {"failing-rolling": "fails", "dying-rolling": "kills"}
"""What the update of the second batch does."""
_LONG = ("failing-ab", "failing-deployment", "hooked", "rolling", "dying-rolling", "hooked-rolling")
"""Their ways are parts of the others' ways: tried with the slow tests."""


def but(*slow: str) -> list[Any]:
    """The names of all, these among the slow tests."""
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in STRATEGIES]


HOME = Split(blue=100, green=0)
NEW = Change(image="web:2.0")
_PORTS = ("router", "targets", "store", "hooks", "probes", "workload", "diversions", "updates")


class Dead(BaseException):
    """What no code of ours catches: the end of the process."""


@dataclass
class Life:
    """One process: it dies before or after its call number `at` (from 1), and then nothing of it does anything."""

    at: int = 0
    after: bool = False
    calls: int = 0
    is_dead: bool = False

    def call(self, port: Callable[..., Any], *words: Any, **named: Any) -> Any:
        if self.is_dead:
            raise Dead
        self.calls += 1
        is_last = self.calls == self.at
        if is_last and not self.after:
            self.die()
        answer = port(*words, **named)
        if is_last:
            self.die()
        return answer

    def die(self) -> None:
        self.is_dead = True
        raise Dead


class Port:
    """A port as one process sees it."""

    def __init__(self, port: Any, life: Life) -> None:
        self._port = port
        self._life = life

    @property
    def urgent(self) -> Port:
        return self

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return (lambda *words, **named: self._life.call(found, *words, **named)) if callable(found) else found


class Hooks(FakeHooks):
    def run(self, hook: Hook, environment: Any, *, pulse: Any) -> Result:
        return replace(super().run(hook, environment, pulse=pulse), passed=hook.name != "sick")


def fresh(strategy: str) -> FakeWorld:
    """A world in which somebody approves as soon as they are waited for, and all writes are noted.

    Where something is deployed nothing runs on the idle side yet. One that is hooked has a hook at every point.
    """
    deploys = strategy.endswith("deployment")
    # The retirement waits for the last shift to settle: a shorter wait is just as good here, and sooner over.
    chosen = ServiceSettings(
        settle_seconds=2.0 if deploys else None,
        hooks=EVERY if "hooked" in strategy else (),
        ready_seconds=20.0 if strategy.endswith("rolling") else 900.0,
    )
    world = a_world(routes=2, settings=chosen)
    world.service.hooks = Hooks()
    follow(world, autoscaled(blue=3, green=0 if deploys else 3))
    if strategy.endswith("rolling"):
        place = updated_in_place(world, "a", "b")
        place.targets.keeps = 1
        getattr(place.updates, BEFALLS.get(strategy, "fails")).update([("b", False)] if strategy in BEFALLS else [])

    def approve() -> None:
        state = last(world)
        if state is not None and state.phase is Phase.AWAITING_APPROVAL and not world.store.pending("web"):
            world.store.put("web", Command(f"yes-{state.id}", Word.APPROVE, state.id, "bob", world.clock.now()))

    world.clock.on_sleep = approve
    return world


def service_of(world: FakeWorld, life: Life) -> Service:
    """The service as a new process has it."""
    ports: dict[str, Any] = {name: Port(getattr(world.service, name), life) for name in _PORTS}
    return replace(world.service, **ports)


def last(world: FakeWorld) -> RolloutState | None:
    entries = world.store.since("web", 1)
    starts = [index for index, entry in enumerate(entries) if isinstance(entry.event, RolloutStarted)]
    return fold_rollout(entries[starts[-1] :]) if starts else None


Final = tuple[list[Split], HowItEnded | None, Mapping[Color, Capacity], Mapping[Color, str], Mapping[str, str]]


def final(world: FakeWorld) -> Final:
    """What AWS holds and how the rollout ended, whenever and whichever it was."""
    workload = world.service.workload
    assert isinstance(workload, FakeWorkload)
    asked = {color: replace(each, running=each.desired) for color, each in workload.held.items()}
    assert not world.diversions.rules, "a rule was left"
    return [world.split(0), world.split(1)], HowItEnded.of(last(world)), asked, workload.runs, fleet(world)


def fleet(world: FakeWorld) -> Mapping[str, str]:
    """What each target that is updated in place runs, and how it is."""
    targets, updates = world.service.targets, world.service.updates
    if not isinstance(updates, FakeUpdates):
        return {}
    found = targets.health(world.service.contract.target_groups[Color.BLUE])
    return {each.id: f"{updates.runs.get(each.id, 'old')}, {each.state}" for each in found}


OLD = {"a": "old, healthy", "b": "old, healthy"}


def lived(world: FakeWorld, life: Life, act: Callable[[Service], object]) -> bool:
    """Whether the process came to its end by itself, well or not."""
    try:
        act(service_of(world, life))
    except Dead:
        return False
    except BluegreenError:
        return True
    return True


def started(strategy: Strategy | RollingStrategy) -> Callable[[Service], object]:
    change = NEW if strategy.name.endswith("deployment") else None
    return lambda service: start(
        service, Wanted(strategy=strategy, change=change, retire=RetireSettings(after_seconds=0.0))
    )


def back(service: Service) -> None:
    """As the command does."""
    try:
        tell(service, Word.ROLLBACK)
    except NoRollout:
        rollback(service)


def carried_on(world: FakeWorld, strategy: Strategy | RollingStrategy, life: Life) -> bool:
    """Once the lease has run out: resume, or start where nothing had begun."""
    world.clock.time += timedelta(seconds=LEASE_SECONDS)
    return lived(world, life, started(strategy) if last(world) is None else resume)


def sane(world: FakeWorld) -> None:
    """AWS holds what the journal explains, and nothing was written that AWS held."""
    record = fold(world.store.since("web", 1))
    for number in (0, 1):
        assert record.may_hold(f"route-{number}", world.split(number))
    assert record.base is not None or {world.split(0), world.split(1)} == {HOME}
    held: dict[str, dict[str, int]] = {}
    for name, weights, _ in world.router.writes:
        assert held.get(name, world.service.contract.weights(HOME)) != weights
        held[name] = weights


def undisturbed(strategy: Strategy | RollingStrategy) -> tuple[Any, int]:
    """How it ends when nobody dies, and with how many calls."""
    world, life = fresh(strategy.name), Life()
    assert lived(world, life, started(strategy))
    sane(world)
    ended = final(world)
    assert ended[1] is not None
    assert ended[1].is_over
    return ended, life.calls


@pytest.mark.parametrize("name", but(*_LONG, "failing-rolling"))
def test_whoever_resumes_after_a_crash_at_any_call_ends_where_the_rollout_would_have(name: str) -> None:
    strategy = STRATEGIES[name]
    wanted, calls = undisturbed(strategy)
    assert calls > 15
    for at in range(1, calls + 1):
        for after in (False, True):
            world = fresh(name)
            assert not lived(world, Life(at, after), started(strategy))
            sane(world)
            assert carried_on(world, strategy, Life())
            sane(world)
            assert final(world) == wanted, f"killed {'after' if after else 'before'} call {at}"


@pytest.mark.parametrize("name", but(*_LONG))
def test_whoever_rolls_back_after_a_crash_at_any_call_takes_everything_home(name: str) -> None:
    strategy = STRATEGIES[name]
    _, calls = undisturbed(strategy)
    for at in range(1, calls + 1):
        for after in (False, True):
            world = fresh(name)
            assert not lived(world, Life(at, after), started(strategy))
            world.clock.time += timedelta(seconds=LEASE_SECONDS)
            if last(world) is not None:
                assert lived(world, Life(), back)
            sane(world)
            splits, state, held, _, targets = final(world)
            assert set(splits) == {HOME}, f"killed {'after' if after else 'before'} call {at}"
            assert state is None or state.is_over
            if state is None or state.phase is not Phase.COMPLETED:
                assert targets in (OLD, {}), f"killed {'after' if after else 'before'} call {at}"
            before = fresh(name).service.workload
            assert isinstance(before, FakeWorkload)
            for color, each in held.items() if state is None or not state.promoted else ():
                assert (each.minimum, each.suspended) == (before.held[color].minimum, ())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    st.sampled_from(sorted(STRATEGIES)),
    st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=2, max_size=5),
)
def test_those_who_resume_may_die_too(name: str, deaths: Sequence[tuple[int, bool]]) -> None:
    strategy = STRATEGIES[name]
    wanted, _ = _UNDISTURBED.setdefault(name, undisturbed(strategy))
    world = fresh(name)
    (at, after), *others = deaths
    lived(world, Life(at, after), started(strategy))
    for at_next, after_next in others:
        sane(world)
        carried_on(world, strategy, Life(at_next, after_next))
    carried_on(world, strategy, Life())
    sane(world)
    assert final(world) == wanted


_UNDISTURBED: dict[str, Any] = {}
