from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import FakeWorld, a_world
from toolkit.rollout.forecast import Calls, Forecast, compare, forecast, reads_of
from toolkit.rollout.plan import Plan
from toolkit.rollout.rolling import Member, Rolling
from toolkit.rollout.steps import Analyze, Approve, Bake, Batch, Gate, Hook, Probe, Retire, Scale, Shift, Step
from toolkit.rollout.strategy import Strategy, all_at_once, canary, linear
from toolkit.runner.rollout import Wanted, plan_rollout, start
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color, Split

FEW, HALF, ALL = Shift(Fraction(5, 100)), Shift(Fraction(1, 2)), Shift(Fraction(1))
HOOK = Hook("smoke", command=("true",), timeout_seconds=30, retries=1)


def a_plan(*steps: Step, routes: int = 1, gates: tuple[Gate, ...] = (), force: bool = False) -> Plan:
    names = tuple(f"route-{number}" for number in range(routes))
    return Plan("web", "mine", Color.BLUE, steps, names, gates, force=force)


def of(*steps: Step, **words: Any) -> Forecast:
    return forecast(a_plan(*steps, **words))


def test_steps_begin_when_those_before_them_have_surely_ended() -> None:
    found = of(Scale(targets=2), FEW, Bake(600), Approve(7200), HOOK, ALL, Bake(60))
    assert [each.starts_at for each in found.steps] == [0, 0, 0, 600, 600, 600, 600]
    assert (found.seconds, found.approval_seconds, found.asking_seconds) == (660, 7200, 60)
    assert found.eta == "11m, plus up to 2h for approvals, plus up to 1m for hooks and probes, plus what scaling takes"


def test_every_route_is_given_the_split_of_the_shift() -> None:
    found = of(FEW, Bake(1), ALL, routes=2)
    assert [each.splits for each in found.steps] == [
        dict.fromkeys(("route-0", "route-1"), Split(blue=95, green=5)),
        {},
        dict.fromkeys(("route-0", "route-1"), Split(blue=0, green=100)),
    ]


def test_the_share_is_known_at_each_time() -> None:
    found = of(FEW, Bake(60), HALF, Bake(60), ALL)
    assert [found.share_at(at) for at in (0, 59, 60, 119, 120, 9999)] == [
        *[Fraction(1, 20)] * 2,
        *[Fraction(1, 2)] * 2,
        *[Fraction(1)] * 2,
    ]


@pytest.mark.parametrize(
    ("steps", "words", "seconds"),
    [
        (
            (FEW, Bake(600), ALL),
            "5 % of requests for 10m, as much as all of them for 30s, until the first decision (bake 10m)",
            30,
        ),
        ((ALL, Bake(90)), "100 % of requests for 1m30s, until the first decision (bake 1m30s)", 90),
        ((FEW, Analyze(), ALL), "5 % of requests at once, until the first decision (analyze target health)", 0),
        (
            (FEW, Approve(3600), ALL),
            "5 % of requests for 1h, as much as all of them for 3m, until the first decision (approve within 1h)",
            180,
        ),
        (
            (Analyze(), Bake(999), FEW, HOOK, ALL),  # what comes before the traffic risks none of it
            "5 % of requests for 1m, as much as all of them for 3s, until the first decision (hook smoke)",
            3,
        ),
        ((FEW, Scale(targets=2), HALF, Bake(10), ALL), None, 5),
        ((ALL,), "all of them, and no step decides", 0),
        ((FEW, ALL, Retire()), "all of them, and no step decides", 0),
    ],
)
def test_what_is_at_risk_is_the_traffic_before_the_first_decision(
    steps: tuple[Step, ...], words: str | None, seconds: float
) -> None:
    found = of(*steps).exposure
    assert found.share_seconds == seconds
    if words is not None:
        assert str(found) == words


def test_a_probe_may_take_every_request_and_every_try() -> None:
    found = of(FEW, Probe(count=10, timeout_seconds=2, retries=1), ALL)
    assert found.asking_seconds == 40
    assert found.exposure.share_seconds == 2


def test_many_routes_take_the_time_that_the_api_leaves_them() -> None:
    assert of(ALL, routes=20).seconds == 0
    assert of(ALL, Bake(10), routes=80).seconds == 30


@pytest.mark.parametrize(("routes", "reads"), [(1, 1), (20, 1), (21, 2), (100, 5)])
def test_routes_are_described_twenty_at_a_time(routes: int, reads: int) -> None:
    assert reads_of(rules=routes) == reads
    assert of(ALL, routes=routes).calls == Calls(routes=3 * reads, health=4, writes=routes)


def test_rules_and_listeners_are_described_apart() -> None:
    assert reads_of(rules=1, listeners=1) == 2


def test_calls_of_an_approval_are_counted_apart_since_nobody_knows_how_many() -> None:
    with_, without = of(FEW, Approve(3600), ALL), of(FEW, ALL)
    assert with_.calls == without.calls
    assert with_.steps[1].calls == Calls(routes=1801, health=1801)


IN_PLACE = tuple(step for number in (1, 2, 3, 4) for step in (Batch(number, 4, (Member(f"i-{number}", 80),)), Bake(60)))


def in_place(*steps: Step) -> Forecast:
    return forecast(Plan("web", "rolling", Color.BLUE, steps, ("route-0",), rolling=Rolling()))


def test_what_is_updated_in_place_grows_batch_by_batch_and_no_weight_is_written() -> None:
    found = in_place(*IN_PLACE)
    assert [each.share for each in found.steps[::2]] == [Fraction(number, 4) for number in (1, 2, 3, 4)]
    assert [found.share_at(at) for at in (0, 60, 120, 180)] == [Fraction(number, 4) for number in (1, 2, 3, 4)]
    assert found.eta == "4m, plus what updating takes"
    assert found.calls.writes == 0
    assert found.calls.health == 2 + 4 * 31


def test_what_an_update_in_place_risks_is_the_first_batch_until_its_bake() -> None:
    assert str(in_place(*IN_PLACE).exposure) == (
        "25 % of requests for 1m, as much as all of them for 15s, until the first decision (bake 1m)"
    )
    assert str(in_place(*IN_PLACE[::2]).exposure) == "all of them, and no step decides"


def test_an_update_in_place_compares_with_a_shift() -> None:
    rows = {name: cells for name, *cells in compare(in_place(*IN_PLACE), of(ALL, Bake(60)))}
    assert rows["first share"] == ["25 %", "100 %"]
    assert rows["share at 1m"] == ["50 %", "100 %"]


class Counting:
    """The calls that a run of the engine really makes."""

    def __init__(self, world: FakeWorld) -> None:
        self.calls = Calls()
        self._wrap(world.router, "read", lambda routes: Calls(routes=reads_of(rules=len(routes))))
        self._wrap(world.router, "write", lambda *_: Calls(writes=1))
        self._wrap(world.targets, "health", lambda *_: Calls(health=1))

    def _wrap(self, owner: Any, name: str, cost: Any) -> None:
        inner = getattr(owner, name)

        def counted(*args: Any, **words: Any) -> Any:
            self.calls += cost(*args)
            return inner(*args, **words)

        setattr(owner, name, counted)


@pytest.mark.parametrize("routes", [1, 3, 45])
@pytest.mark.parametrize(
    "strategy",
    [
        all_at_once(60),
        all_at_once(0),
        canary([Fraction(1, 20), Fraction(1)], 7, "canary"),
        linear(Fraction(3, 10), 5),
        Strategy("mine", (Probe(), FEW, Bake(5), Analyze(), HOOK, ALL, Bake(3)), gates=(Probe(),)),
    ],
    ids=lambda strategy: f"{strategy.name}-{len(strategy.steps)}",
)
def test_the_calls_that_are_foretold_are_those_that_are_made(strategy: Strategy, routes: int) -> None:
    world = a_world(routes=routes, settings=ServiceSettings(poll_seconds=2))
    wanted = Wanted(strategy=strategy)
    plan, _, _ = plan_rollout(world.service, wanted)
    counted = Counting(world)
    start(world.service, wanted)
    assert counted.calls == forecast(plan, poll_seconds=2).calls


STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.builds(Bake, st.floats(0, 3600))
    | st.builds(Approve, st.floats(1, 3600))
    | st.sampled_from([Analyze(), HOOK, Probe(), Scale(targets=1)]),
    max_size=4,
)
SHARES = st.lists(st.integers(1, 99).map(lambda each: Fraction(each, 100)), unique=True, max_size=4).map(sorted)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    steps = draw(STEPS)
    for share in [*draw(SHARES), Fraction(1)]:
        steps += [Shift(share), *draw(STEPS)]
    return a_plan(*steps, routes=draw(st.integers(1, 60)), force=draw(st.booleans()))


@given(plans(), st.floats(0.1, 60))
def test_whatever_the_plan_its_sums_are_those_of_its_steps(plan: Plan, poll_seconds: float) -> None:
    found = forecast(plan, poll_seconds=poll_seconds)
    assert [each.step for each in found.steps] == list(plan.steps)
    assert all(before.starts_at + before.seconds == after.starts_at for before, after in pairwise(found.steps))
    assert found.share_at(found.seconds + 1) == 1
    assert found.calls.writes == len(plan.routes) * len(found.shares)
    exposure = found.exposure
    assert 0 <= exposure.share_seconds <= found.seconds + found.approval_seconds + found.asking_seconds + 1e-6
    assert str(exposure)
    assert found.eta


@given(plans(), plans())
def test_two_plans_compare_row_by_row(one: Plan, other: Plan) -> None:
    rows: Sequence[Sequence[str]] = compare(forecast(one), forecast(other))
    assert {len(row) for row in rows} == {3}
    assert rows[0] == ("steps", str(len(one.steps)), str(len(other.steps)))
