"""What a Network Load Balancer needs beyond weights: flows counted, ended on request, and a verdict that waits."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Any

import pytest

from tests.support.fakes import NOON, FakeWorld, a_world
from toolkit.errors import AccessDenied, AwsUnreachable, Interrupted, Throttled, UsageError
from toolkit.rollout.ports import Draining, FlowCount
from toolkit.rollout.strategy import all_at_once
from toolkit.runner.flows import DRAINED_SECONDS
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import Wanted, start
from toolkit.runner.shift import shift
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color, Split

START, GREEN = Split(blue=100, green=0), Split(blue=0, green=100)
SEVEN = FlowCount(7, NOON - timedelta(minutes=1), of_group=True)
AT_ONCE, BEFORE = Draining(0, terminates=True), Draining(60, terminates=False)


def on_green(**words: Any) -> FakeWorld:
    """A network service after a cutover."""
    world = a_world(network=True, **words)
    group = world.service.contract.target_groups[Color.GREEN]
    world.targets.draining_of[group.arn] = BEFORE
    start(world.service, Wanted(strategy=all_at_once(0)))
    world.flows.count = SEVEN
    world.notes.clear()
    world.clock.slept.clear()
    return world


def test_a_shift_says_that_standing_flows_stay_and_how_long_to_wait() -> None:
    world = a_world(network=True)
    shift(world.service, Split(blue=80, green=20))
    (said,) = [note for note in world.notes if "standing ones stay" in note]
    assert "600 s" in said
    plain = a_world()
    shift(plain.service, Split(blue=80, green=20))
    assert plain.notes == []


def test_a_rollback_says_how_many_flows_may_remain_and_touches_no_target() -> None:
    world = on_green()
    outcome = rollback(world.service)
    assert outcome.standing is not None
    assert (outcome.standing.color, outcome.standing.flows) == (Color.GREEN, SEVEN)
    assert outcome.standing.terminated == 0
    assert world.targets.calls == []


def test_a_count_that_cannot_be_had_is_said_and_the_rollback_stands() -> None:
    world = on_green()

    def fail() -> None:
        raise AccessDenied("cloudwatch:GetMetricStatistics is denied")

    world.flows.before = fail
    outcome = rollback(world.service)
    assert world.split() == START
    assert outcome.standing is not None
    assert outcome.standing.flows is None
    assert any("is denied" in note for note in world.notes)


def test_terminating_deregisters_waits_until_they_are_gone_and_registers_again() -> None:
    world = on_green()
    outcome = rollback(world.service, terminate_flows=True)
    assert outcome.standing is not None
    assert outcome.standing.terminated == 3
    assert world.targets.calls == [
        ("set_draining", AT_ONCE),
        ("deregister", 3),
        ("register", 3),
        ("set_draining", BEFORE),
    ]
    assert world.clock.slept  # it waited for the drain
    assert world.split() == START


def test_flows_can_still_be_ended_when_the_weights_are_back_already() -> None:
    world = on_green()
    rollback(world.service)
    outcome = rollback(world.service, terminate_flows=True)
    assert not outcome.written
    assert ("deregister", 3) in world.targets.calls


def test_targets_that_never_drain_are_brought_back_and_said() -> None:
    world = on_green()
    world.targets.drains = 10_000
    rollback(world.service, terminate_flows=True)
    assert sum(world.clock.slept) == pytest.approx(DRAINED_SECONDS, abs=2)
    assert [name for name, _ in world.targets.calls][-2:] == ["register", "set_draining"]
    assert any("still draining" in note for note in world.notes)


@pytest.mark.parametrize("failing", ["set_draining", "deregister"])
def test_whatever_fails_the_targets_are_registered_again(failing: str) -> None:
    world = on_green()
    failures = [Throttled("AWS answered Throttling")]

    def fail_once(name: str) -> None:
        if name == failing and failures:
            raise failures.pop()

    world.targets.before_call = fail_once
    with pytest.raises(Throttled):
        rollback(world.service, terminate_flows=True)
    assert ("register", 3) in world.targets.calls
    assert world.targets.calls[-1] == ("set_draining", BEFORE)
    assert world.split() == START


def test_targets_that_cannot_be_registered_again_are_named_with_the_command_that_does_it() -> None:
    world = on_green()

    def fail(name: str) -> None:
        if name == "register":
            raise AwsUnreachable("AWS did not answer")

    world.targets.before_call = fail
    with pytest.raises(AwsUnreachable, match="web-green is not as it was") as caught:
        rollback(world.service, terminate_flows=True)
    assert "aws elbv2 register-targets" in caught.value.hint
    assert "Id=10.0.0.2,Port=8080" in caught.value.hint
    assert "was 60 s" in caught.value.hint
    assert world.targets.calls[-1] == ("set_draining", BEFORE)


def test_ctrl_c_while_they_drain_brings_the_targets_back_first(capfd: pytest.CaptureFixture[str]) -> None:
    world = on_green()
    world.targets.drains = 10_000
    world.clock.on_sleep = lambda: os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Interrupted, match="registered again"):
        rollback(world.service, terminate_flows=True)
    assert [name for name, _ in world.targets.calls][-2:] == ["register", "set_draining"]
    assert "then it stops" in capfd.readouterr().err


def test_an_application_load_balancer_has_no_flows_to_end() -> None:
    world = a_world()
    with pytest.raises(UsageError, match="Nothing was changed"):
        rollback(world.service, Color.BLUE, terminate_flows=True)
    assert world.router.writes == []
    assert world.router.reads == 0


@pytest.mark.parametrize(
    ("network", "settings", "bake", "settle", "watched"),
    [
        (True, ServiceSettings(), 60, None, 600),
        (False, ServiceSettings(), 60, None, 60),
        (True, ServiceSettings(settle_seconds=90), 60, None, 90),
        (True, ServiceSettings(), 5, 0, 5),
        (True, ServiceSettings(), 700, None, 700),
        (False, ServiceSettings(settle_seconds=120), 60, None, 120),
    ],
)
def test_the_verdict_of_a_rollout_waits_until_the_write_has_settled(
    settings: ServiceSettings, bake: float, settle: float | None, watched: float, *, network: bool
) -> None:
    world = a_world(network=network, settings=settings)
    start(world.service, Wanted(strategy=all_at_once(bake), settle_seconds=settle))
    assert sum(world.clock.slept) == pytest.approx(watched)
    assert world.split() == GREEN
