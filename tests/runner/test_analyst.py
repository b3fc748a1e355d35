"""What the analysis of both colors' traffic does to a rollout, on minutes that CloudWatch would show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from tests.support.fakes import NOON, PREFIX, FakeWorld, a_world
from toolkit.analysis.policy import Metric, Policy, Threshold
from toolkit.contract import TestRoute as ATestRoute
from toolkit.errors import AccessDenied, AwsUnreachable, Paused, RolledBack
from toolkit.rollout.bypass import Rule
from toolkit.rollout.events import Entry, StepPassed
from toolkit.rollout.machine import evolve
from toolkit.rollout.metrics import AlarmValue, Reading
from toolkit.rollout.plan import Plan
from toolkit.rollout.preview import Condition
from toolkit.rollout.rolling import Rolling
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Analyze, Bake, Roll, Shift
from toolkit.rollout.strategy import Strategy, canary
from toolkit.rollout.workload import Change
from toolkit.runner.gates import Gates
from toolkit.runner.rollout import Wanted, resume, start
from toolkit.settings import AnalysisSettings, Inconclusive, OwnLimit, ServiceSettings
from toolkit.traffic import Color, Split

TO_GREEN, TO_BLUE = Split(blue=0, green=100), Split(blue=100, green=0)
START = int(NOON.timestamp()) // 60
CANARY = canary([Fraction(1, 10), Fraction(1)], 1200)
Fed = Callable[[FakeWorld, int], None]


def fed(*, green: float = 0.001, blue: float = 0.001, requests: int = 6000, slow: float = 0.0) -> Callable[..., None]:
    """Minutes of both colors at these error rates; green gets a tenth."""

    def feed(world: FakeWorld, minute: int) -> None:
        world.metrics.feed(minute, Color.BLUE, requests, errors=round(blue * requests))
        some = requests // 9
        world.metrics.feed(minute, Color.GREEN, some, errors=round(green * some), slow=round(slow * some))

    return feed


def analyzed(feed: Fed, **words: object) -> FakeWorld:
    """A world whose traffic is as `feed` has it from three hours before noon to two after; latency bound 1 s."""
    analysis = AnalysisSettings(slow_over=1.0, **words)  # type: ignore[arg-type]
    world = a_world(settings=ServiceSettings(analysis=analysis, poll_seconds=10))
    for minute in range(START - 180, START):
        world.metrics.feed(minute, Color.BLUE, 6000, errors=6)
    for minute in range(START, START + 120):
        feed(world, minute)
    return world


def run(world: FakeWorld, strategy: Strategy = CANARY) -> float:
    """Seconds that it took."""
    start(world.service, Wanted(strategy=strategy))
    return sum(world.clock.slept)


def test_a_good_release_is_promoted_with_the_numbers_behind_it() -> None:
    world = analyzed(fed())
    run(world)
    assert world.split() == TO_GREEN
    details = [event.detail for event in world.events() if isinstance(event, StepPassed) and event.detail]
    assert "green" in details[0]


@pytest.mark.parametrize("bad", [fed(green=0.1), fed(slow=0.3)])
def test_a_bad_release_goes_back_long_before_its_bake_is_over(bad: Fed) -> None:
    world = analyzed(bad)
    with pytest.raises(RolledBack, match="analysis: green"):
        run(world)
    assert world.split() == TO_BLUE
    assert sum(world.clock.slept) < 600


def test_a_bake_until_safe_ends_when_it_is_shown() -> None:
    world = analyzed(fed(green=0.0, blue=0.0))
    strategy = Strategy("safe", (Shift(Fraction(1, 10)), Bake(7200, until_safe=True), Shift(Fraction(1))))
    assert run(world, strategy) < 1800
    assert world.split() == TO_GREEN


@pytest.mark.parametrize(
    ("policy", "error", "after"),
    [
        (Inconclusive.WAIT, Paused, 1200 + 600),
        (Inconclusive.PAUSE, Paused, 1200),
        (Inconclusive.FAIL, RolledBack, 1200),
    ],
)
def test_no_data_is_no_health(policy: Inconclusive, error: type[Exception], after: float) -> None:
    world = analyzed(lambda *_: None, inconclusive=policy, wait_seconds=600)
    with pytest.raises(error, match=r"inconclusive: .*not both had requests"):
        run(world)
    assert sum(world.clock.slept) == pytest.approx(after, abs=70)


def test_a_cloudwatch_that_fails_is_no_data_either() -> None:
    world = analyzed(fed(), inconclusive=Inconclusive.PAUSE)

    def fail(_call: str) -> None:
        raise AwsUnreachable("CloudWatch did not answer")

    world.metrics.before = fail
    with pytest.raises(Paused, match="CloudWatch did not answer"):
        run(world)
    world.metrics.before = lambda _call: None
    resume(world.service)
    assert world.split() == TO_GREEN


def test_cloudwatch_is_asked_once_a_minute_and_for_new_minutes_only() -> None:
    world = analyzed(fed())
    run(world)
    spans = world.metrics.asked
    assert len(spans) <= 1200 / 60 + 3
    assert all(later[0] >= earlier[0] for earlier, later in pairwise(spans[1:]))


def test_whoever_resumes_comes_to_the_same_verdict() -> None:
    world = analyzed(fed(green=0.004, blue=0.001))

    def leave() -> None:
        if sum(world.clock.slept) > 400:
            raise KeyboardInterrupt

    world.clock.on_sleep = leave
    with pytest.raises((KeyboardInterrupt, RolledBack)):
        run(world)
    world.clock.on_sleep = lambda: None
    if world.service.record().rollout:
        with pytest.raises(RolledBack, match="analysis"):
            resume(world.service)
    assert world.split() == TO_BLUE


def test_an_analyze_step_waits_for_the_verdict() -> None:
    world = analyzed(fed())
    strategy = Strategy("judged", (Shift(Fraction(1, 10)), Analyze(), Shift(Fraction(1))))
    assert run(world, strategy) > 300
    assert world.split() == TO_GREEN


def test_an_alarm_that_the_contract_names_takes_it_back_also_at_all_traffic() -> None:
    world = a_world()
    world.service.contract = replace(world.service.contract, alarms={Color.GREEN: ("web-green",)})
    world.metrics.alarm("web-green", AlarmValue.OK)

    def ring() -> None:
        if world.split() == TO_GREEN:
            world.metrics.alarm("web-green", AlarmValue.ALARM, "too many bad requests")

    world.clock.on_sleep = ring
    with pytest.raises(RolledBack, match="alarm web-green: too many bad requests"):
        run(world)


def test_an_alarm_that_does_not_exist_is_no_silence() -> None:
    world = a_world()
    world.service.contract = replace(world.service.contract, alarms={Color.GREEN: ("web-green",)})
    with pytest.raises(Paused, match="alarm web-green is missing"):
        run(world)


def test_a_load_balancer_that_answers_5xx_itself_takes_it_back() -> None:
    world = analyzed(fed())
    for minute in range(START, START + 120):
        world.metrics.balancer[minute] = 900
    with pytest.raises(RolledBack, match="the load balancer itself answered 5xx to"):
        run(world)


def test_without_analysis_nothing_of_it_is_asked() -> None:
    world = a_world()
    run(world)
    assert world.metrics.asked == []


def test_an_alarm_that_cannot_be_asked_switches_no_comparison_off() -> None:
    world = analyzed(fed(green=0.1))
    world.service.contract = replace(world.service.contract, alarms={Color.GREEN: ("web-green",)})

    def deny(call: str) -> None:
        if call == "alarms":
            raise AccessDenied("cloudwatch:DescribeAlarms is denied")

    world.metrics.before = deny
    with pytest.raises(RolledBack, match="analysis: green"):
        run(world)


def test_a_part_of_the_metrics_is_no_data() -> None:
    world = analyzed(fed(), inconclusive=Inconclusive.PAUSE)
    world.metrics.is_complete = False
    with pytest.raises(Paused, match="inconclusive"):
        run(world)


def test_a_load_balancer_that_was_sick_before_does_not_fail_the_release() -> None:
    world = analyzed(fed())
    for minute in range(START - 180, START + 120):
        world.metrics.balancer[minute] = 900
    run(world)
    assert world.split() == TO_GREEN


def test_flows_have_no_such_counts_and_are_judged_by_the_rest() -> None:
    world = a_world(network=True, settings=ServiceSettings(analysis=AnalysisSettings(), poll_seconds=10))
    run(world)
    assert world.split() == TO_GREEN


def test_flows_that_targets_reset_take_it_back() -> None:
    world = a_world(network=True, settings=ServiceSettings(analysis=AnalysisSettings(), poll_seconds=10))
    for minute in range(START - 240, START + 120):
        world.metrics.feed(minute, Color.BLUE, 100)
        world.metrics.balancer[minute] = 0 if minute < START else 50
    with pytest.raises(RolledBack, match=r"targets reset \d+ of \d+ flows in 2 minutes"):
        run(world)


ORDERS = OwnLimit(
    name="orders", namespace="Shop", metric="Orders", dimensions={"Color": "{color}"}, below=10, times_live=None
)


@pytest.mark.parametrize(
    ("limit", "green", "fails"),
    [
        (ORDERS, 3.0, True),
        (ORDERS, 30.0, False),
        (replace(ORDERS, below=None, above=20), 21.0, True),
        (replace(ORDERS, below=None, times_live=2.0), 201.0, True),
        (replace(ORDERS, below=None, times_live=2.0), 199.0, False),
    ],
)
def test_a_metric_of_the_users_own_has_its_limits(limit: OwnLimit, green: float, *, fails: bool) -> None:
    world = analyzed(fed(), own=(limit,))
    world.metrics.own["orders"] = [
        Reading(minute, color, value)
        for minute in range(START, START + 120)
        for color, value in ((Color.BLUE, 100.0), (Color.GREEN, green))
    ]
    if fails:
        with pytest.raises(RolledBack, match=r"metric orders: green has .* minutes in a row"):
            run(world)
    else:
        run(world)
        assert world.split() == TO_GREEN


def test_a_metric_of_the_users_own_without_values_is_no_health() -> None:
    world = analyzed(fed(), own=(ORDERS,), inconclusive=Inconclusive.PAUSE)
    with pytest.raises(Paused, match="metric orders has no value of green"):
        run(world)


def test_a_strategy_may_say_itself_what_follows_from_not_knowing() -> None:
    world = analyzed(lambda *_: None, inconclusive=Inconclusive.WAIT)
    with pytest.raises(RolledBack, match="inconclusive"):
        run(world, replace(CANARY, inconclusive=Inconclusive.FAIL))


WEB = a_world().service.contract
BETA = Rule(
    arn=f"{PREFIX}:listener-rule/app/web/1/2/beta",
    listener_arn=WEB.routes[0].listener_arn,
    protocol="HTTPS",
    port=443,
    priority=5,
    conditions=(Condition("path-pattern", ("/beta/*",)),),
    weights={WEB.target_groups[Color.GREEN].arn: 1},
)


@pytest.mark.parametrize("feed", [fed(), fed(green=0.1)])
def test_while_requests_come_past_the_split_nothing_is_compared(feed: Fed) -> None:
    world = analyzed(feed, inconclusive=Inconclusive.PAUSE)
    world.rules.rules = [BETA]
    told = r"inconclusive: rule 5 of the HTTPS listener on port 443 \(path /beta/\*\) sends requests to green, past"
    with pytest.raises(Paused, match=told):
        run(world)
    assert sum(world.clock.slept) == pytest.approx(1200, abs=70)
    assert world.rules.looks <= 1200 / 60 + 3


def test_a_rule_that_comes_during_a_rollout_leaves_its_own_minutes_out() -> None:
    world = analyzed(fed())
    for minute in range(START + 6, START + 13):
        world.metrics.feed(minute, Color.GREEN, 3000, errors=600)

    def add_and_remove() -> None:
        minutes = sum(world.clock.slept) / 60
        world.rules.rules = [BETA] if 5.5 < minutes < 13.5 else []

    world.clock.on_sleep = add_and_remove
    run(world)
    assert world.split() == TO_GREEN


def test_after_the_rule_is_gone_a_bad_release_is_seen() -> None:
    world = analyzed(fed(green=0.1))
    world.rules.rules = [BETA]

    def remove() -> None:
        if sum(world.clock.slept) > 600:
            world.rules.rules = []

    world.clock.on_sleep = remove
    with pytest.raises(RolledBack, match="analysis: green"):
        run(world)
    assert 700 < sum(world.clock.slept) < 1200


def test_once_the_rule_is_gone_what_lacks_is_explained() -> None:
    world = analyzed(fed(), inconclusive=Inconclusive.PAUSE)
    world.rules.rules = [BETA]

    def remove() -> None:
        if sum(world.clock.slept) > 1100:
            world.rules.rules = []

    world.clock.on_sleep = remove
    with pytest.raises(Paused, match="yet; minutes with requests past the split are not compared"):
        run(world)


def test_a_plain_limit_compares_nothing_and_holds_all_the_same() -> None:
    limit = Threshold(Metric.ERRORS, 0.5, times=2)
    world = analyzed(fed(green=0.9), policy=Policy(thresholds=(limit,)))
    world.rules.rules = [BETA]
    with pytest.raises(RolledBack, match="analysis: green"):
        run(world)
    assert sum(world.clock.slept) < 600


def test_rules_that_cannot_be_read_pass_nothing_and_hide_no_failure() -> None:
    world = analyzed(fed(), inconclusive=Inconclusive.PAUSE)

    def deny() -> None:
        raise AccessDenied("reading the listeners and rules: denied")

    world.rules.before = deny
    with pytest.raises(Paused, match="inconclusive: reading the listeners and rules: denied"):
        run(world)
    world = analyzed(fed(green=0.1))
    world.rules.before = deny
    with pytest.raises(RolledBack, match="analysis: green"):
        run(world)


def test_a_test_route_of_the_contract_is_let_pass_and_told_once() -> None:
    world = analyzed(fed())
    rule = replace(BETA, conditions=(Condition("http-header", ("x",), header="X-Color"),))
    route = ATestRoute("web-green-test", Color.GREEN, rule.arn, rule.listener_arn, "x-color")
    world.service.contract = replace(world.service.contract, test_routes=(route,))
    world.rules.rules = [rule]
    run(world)
    assert world.split() == TO_GREEN
    assert sum("requests by test route web-green-test count among green's" in note for note in world.notes) == 1


def test_a_metric_of_the_users_own_keeps_its_own_limits_and_is_not_compared() -> None:
    for limit, fails in ((replace(ORDERS, below=None, times_live=2.0), False), (ORDERS, True)):
        world = analyzed(fed(), own=(limit,), inconclusive=Inconclusive.PAUSE)
        world.metrics.own["orders"] = [
            Reading(minute, color, value)
            for minute in range(START, START + 120)
            for color, value in ((Color.BLUE, 1.0), (Color.GREEN, 3.0))
        ]
        world.rules.rules = [BETA]
        with pytest.raises(RolledBack if fails else Paused, match="metric orders" if fails else "past the split"):
            run(world)


def test_a_listener_that_sends_flows_past_the_split_is_one_too() -> None:
    analysis = AnalysisSettings(inconclusive=Inconclusive.PAUSE)
    world = a_world(network=True, settings=ServiceSettings(analysis=analysis, poll_seconds=10))
    listener = f"{PREFIX}:listener/net/web/1/9"
    world.rules.rules = [Rule(listener, listener, "TCP", 9000, weights={WEB.target_groups[Color.BLUE].arn: 1})]
    told = "the default action of the TCP listener on port 9000 sends flows to blue, past the split"
    with pytest.raises(Paused, match=told):
        run(world)


def test_without_analysis_no_rules_are_asked_for() -> None:
    world = a_world()
    run(world)
    assert world.rules.looks == 0


def alone(blue: float, requests: int = 6000, **words: object) -> RolloutState:
    """A rolling update of blue that ECS would do, just past its step, and a bake of ten minutes."""
    world = analyzed(fed(blue=blue, requests=requests), **words)
    plan = Plan(
        "web",
        "rolling",
        Color.BLUE,
        (Roll(Change(image="web:2")), Bake(600)),
        ("route-0",),
        rolling=Rolling(min_healthy=1),
    )
    began = RolloutState("web-1", plan, began=NOON, watched=NOON, prepared=True, step=1)
    gates, record = Gates(world.service), world.service.record()
    for _ in range(60):
        failed = gates.look(began, record, lambda: True)
        if failed is not None:
            return evolve(began, Entry(1, world.clock.now(), failed, rollout="web-1"))
        world.clock.sleep(10)
    assert gates.verdict is not None
    return replace(began, reason=f"{gates.verdict.outcome}: {gates.verdict.reason}")


def test_a_color_updated_in_place_is_held_to_what_needs_no_other() -> None:
    assert "pass: " in alone(0.001).reason
    sick = alone(0.2)
    assert sick.back
    assert "analysis: blue" in sick.reason
    limit = Threshold(Metric.ERRORS, 0.5, times=2)
    assert not alone(0.2, policy=Policy(thresholds=(limit,))).back


def test_a_color_updated_in_place_without_requests_is_not_passed() -> None:
    assert alone(0.0, requests=0).reason.startswith("inconclusive: ")
