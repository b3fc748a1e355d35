"""The analysis of a service outside a rollout."""

from __future__ import annotations

import pytest

from tests.support.fakes import NOON, PREFIX, FakeWorld, a_world
from toolkit.analysis.verdict import Outcome
from toolkit.errors import AwsUnreachable, NoBase, PreflightRefused
from toolkit.rollout.bypass import Rule
from toolkit.runner.analyze import analyze, traffic
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split

START = int(NOON.timestamp()) // 60


def canarying(green_errors: int) -> FakeWorld:
    """Half an hour at 10 %, beside a live side with 1 error in 1,000."""
    world = a_world()
    shift(world.service, Split(blue=90, green=10))
    for minute in range(START - 180, START + 40):
        world.metrics.feed(minute, Color.BLUE, 9000, errors=9)
    for minute in range(START, START + 40):
        world.metrics.feed(minute, Color.GREEN, 1000, errors=green_errors)
    world.clock.sleep(30 * 60)
    return world


@pytest.mark.parametrize(("errors", "outcome"), [(1, Outcome.PASS), (50, Outcome.FAIL)])
def test_the_new_color_is_judged_beside_the_live_one(errors: int, outcome: Outcome) -> None:
    found = analyze(canarying(errors).service)
    assert (found.live, found.new) == (Color.BLUE, Color.GREEN)
    assert found.verdict.outcome is outcome
    assert "green" in found.verdict.reason


def test_minutes_before_the_split_do_not_count() -> None:
    world = canarying(1)
    for minute in range(START - 60, START):
        world.metrics.feed(minute, Color.GREEN, 1000, errors=900)
    assert analyze(world.service, minutes=90).verdict.outcome is Outcome.PASS


def test_metrics_that_cannot_be_read_are_no_data() -> None:
    world = canarying(1)

    def fail(_call: str) -> None:
        raise AwsUnreachable("CloudWatch did not answer")

    world.metrics.before = fail
    verdict = analyze(world.service).verdict
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "CloudWatch did not answer")


@pytest.mark.parametrize("errors", [1, 50])
def test_while_requests_come_past_the_split_there_is_no_verdict(errors: int) -> None:
    world = canarying(errors)
    contract = world.service.contract
    listener = f"{PREFIX}:listener/app/web/1/9"
    groups = {contract.target_groups[color].arn: 1 for color in Color}
    world.rules.rules = [Rule(listener, listener, "HTTP", 8081, weights=groups)]
    verdict = analyze(world.service).verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith(
        "the default action of the HTTP listener on port 8081 sends requests to blue and green, past the split"
    )
    assert verdict.reason.endswith("or make it part of the contract")


def test_without_a_base_the_live_color_must_be_said() -> None:
    world = a_world(split=Split(blue=50, green=50))
    with pytest.raises(NoBase, match="neither is the live one"):
        analyze(world.service)
    assert analyze(world.service, live=Color.BLUE).verdict.outcome is Outcome.INCONCLUSIVE


def test_the_traffic_of_a_service_is_a_rate_and_a_part_that_is_bad() -> None:
    found = traffic(canarying(11).service, minutes=20)
    assert found.rate == pytest.approx(10_000 / 60)
    assert found.baseline == pytest.approx(20 / 10_000)


def test_without_a_request_there_is_no_rate() -> None:
    with pytest.raises(PreflightRefused, match="had no request in the last 60 minutes"):
        traffic(a_world().service)
