"""What follows from health and deregistration for the flows of a Network Load Balancer."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from toolkit.lab.dataplane.health import FAILED, HEALTHY, TargetHealth
from toolkit.lab.dataplane.model import HealthCheck, Target, TargetGroup
from toolkit.lab.dataplane.standing import Group, Standing, Standings

TAKES, KEEPS, CLOSES = Standing.TAKES, Standing.KEEPS, Standing.CLOSES
A, B, C = (Target(f"10.0.0.{number}", 80, f"127.0.0.{number}") for number in (1, 2, 3))
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/blue/1"
GROUP = TargetGroup(ARN, "TCP", "", HealthCheck("TCP"), (A, B), closes_unhealthy=True)


class Looks:
    """Look after look at one group; whoever is to be closed is, at the look after the next, or when told."""

    def __init__(self, group: TargetGroup = GROUP) -> None:
        self.group = group
        self.standings = Standings()
        self.closed: set[Target] = set()

    def __call__(
        self,
        *healthy: Target,
        now: float = 0.0,
        draining: Mapping[Target, float] | None = None,
        targets: tuple[Target, ...] | None = None,
    ) -> Mapping[Target, Standing]:
        group = replace(self.group, targets=self.group.targets if targets is None else targets)
        health: dict[tuple[str, int], TargetHealth] = {
            (each.id, each.port): HEALTHY if each in healthy else FAILED for each in group.targets
        }
        seen = Group(group, health, draining or {})
        return self.standings.look([seen], now=now, is_closed=lambda _, target: target in self.closed)[ARN]


def test_the_healthy_take_new_flows_and_the_others_keep_theirs() -> None:
    assert Looks()(A) == {A: TAKES, B: KEEPS}


def test_who_was_never_healthy_has_nothing_closed() -> None:
    look = Looks()
    look(A)
    assert look(A) == {A: TAKES, B: KEEPS}


def test_a_group_without_a_healthy_target_is_open_to_all_and_closes_nothing() -> None:
    look = Looks()
    assert look(A, B) == {A: TAKES, B: TAKES}
    assert look() == {A: TAKES, B: TAKES}


def test_who_falls_sick_has_its_flows_closed_once() -> None:
    look = Looks()
    look(A, B)
    assert look(A) == {A: TAKES, B: CLOSES}
    assert look.standings.is_due(0.0)
    look.closed = {B}
    assert look(A) == {A: TAKES, B: KEEPS}
    assert not look.standings.is_due(0.0)
    look.closed = set()
    assert look(A, B) == {A: TAKES, B: TAKES}


def test_a_group_can_say_that_the_sick_keep_their_flows() -> None:
    look = Looks(replace(GROUP, closes_unhealthy=False))
    look(A, B)
    assert look(A) == {A: TAKES, B: KEEPS}


@pytest.mark.parametrize("closes", [True, False])
def test_who_drains_keeps_its_flows_until_the_delay_is_over(closes: bool) -> None:
    look = Looks(replace(GROUP, closes_deregistered=closes))
    look(A, B)
    assert look(A, targets=(A,), draining={B: 5.0}, now=1.0) == {A: TAKES, B: KEEPS}
    assert not look.standings.is_due(4.9)
    assert look.standings.is_due(5.0)
    gone = {A: TAKES, B: CLOSES} if closes else {A: TAKES}
    assert look(A, targets=(A,), draining={B: 5.0}, now=5.0) == gone
    look.closed = {B}
    # The roster reports it for as long as nothing else happens; it is not closed a second time.
    for _ in range(2):
        assert look(A, targets=(A,), draining={B: 5.0}, now=5.1) == {A: TAKES}
        look.closed = set()
    assert look(A, targets=(A,), now=6.0) == {A: TAKES}


def test_a_delay_of_nothing_closes_at_once() -> None:
    look = Looks(replace(GROUP, closes_deregistered=True))
    look(A, B)
    assert look(A, targets=(A,), draining={B: 1.0}, now=1.0) == {A: TAKES, B: CLOSES}


def test_who_leaves_a_second_time_is_closed_a_second_time() -> None:
    look = Looks(replace(GROUP, closes_deregistered=True))
    look(A, B)
    look(A, targets=(A,), draining={B: 1.0}, now=1.0)
    look.closed = {B}
    look(A, B, now=2.0)
    look.closed = set()
    assert look(A, targets=(A,), draining={B: 3.0}, now=3.0) == {A: TAKES, B: CLOSES}


def test_who_comes_back_before_the_delay_is_over_loses_nothing() -> None:
    look = Looks(replace(GROUP, closes_deregistered=True))
    look(A, B)
    look(A, targets=(A,), draining={B: 5.0}, now=1.0)
    assert look(A, B, now=2.0) == {A: TAKES, B: TAKES}
    assert not look.standings.is_due(9.0)
    assert look(A, B, now=9.0) == {A: TAKES, B: TAKES}


def test_a_group_whose_targets_have_all_left_keeps_their_flows_and_takes_none() -> None:
    look = Looks()
    look(A, B)
    assert look(targets=(), draining={A: 5.0, B: 5.0}, now=1.0) == {A: KEEPS, B: KEEPS}


def test_a_group_that_nothing_forwards_to_is_forgotten() -> None:
    look = Looks(replace(GROUP, closes_deregistered=True))
    look(A, B)
    look(A, targets=(A,), draining={B: 5.0}, now=1.0)
    assert look.standings.look([], now=9.0, is_closed=lambda *_: False) == {}
    assert not look.standings.is_due(9.0)
    assert C not in look(A)
