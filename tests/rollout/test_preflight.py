from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import ALICE, FakeWorld, a_world
from toolkit.contract import Stickiness
from toolkit.errors import PreflightRefused, RouteUnusable, WrongAccount
from toolkit.rollout.events import Head
from toolkit.rollout.ports import Identity
from toolkit.rollout.preflight import Finding, Level, needed_targets, preflight, refuse
from toolkit.rollout.record import Record
from toolkit.rollout.routes import live_color, split_of_service
from toolkit.settings import ServiceSettings
from toolkit.traffic import Color, Split

CANARY = Split(blue=80, green=20)


def findings(world: FakeWorld, to: Split = CANARY, *, accept_drift: bool = False) -> list[Finding]:
    return preflight(world.service.observe(), to, world.service.settings, accept_drift=accept_drift)


def refusals(found: list[Finding]) -> list[str]:
    return [finding.check for finding in found if finding.level is Level.REFUSED]


def test_a_healthy_pair_is_let_through() -> None:
    assert refusals(findings(a_world())) == []


@pytest.mark.parametrize(
    ("giving", "percent", "minimum", "headroom", "needed"),
    [
        (6, 20, 1, 1.2, 2),  # 1.44
        (6, 100, 1, 1.2, 6),  # headroom never asks for more than carry the traffic now
        (3, 1, 1, 1.2, 1),
        (3, 1, 2, 1.2, 2),
        (0, 50, 1, 1.2, 1),
        (10, 50, 1, 1.2, 6),
        (10, 50, 1, 1.0, 5),
    ],
)
def test_capacity_follows_the_share_with_headroom(
    giving: int, percent: int, minimum: int, headroom: float, needed: int
) -> None:
    settings = ServiceSettings(minimum_healthy=minimum, headroom=headroom)
    assert needed_targets(giving, Fraction(percent, 100), settings) == needed


@given(st.integers(0, 1000), st.fractions(0, 1), st.integers(1, 50), st.floats(1, 10))
def test_a_larger_share_never_needs_fewer_targets(giving: int, share: Fraction, minimum: int, headroom: float) -> None:
    settings = ServiceSettings(minimum_healthy=minimum, headroom=headroom)
    needed = needed_targets(giving, share, settings)
    assert minimum <= needed <= max(minimum, giving)
    assert needed <= needed_targets(giving, Fraction(1), settings)


def test_too_few_healthy_targets_are_counted_and_their_states_named() -> None:
    world = a_world(blue=6)
    world.health(Color.GREEN, "healthy", "initial", "unhealthy")
    found = findings(world)
    assert refusals(found) == ["green capacity"]
    with pytest.raises(PreflightRefused, match=r"green has 1 healthy target of 3.*needs 2.*20 % of blue's 6"):
        refuse(found, "web")


def test_the_color_that_gives_needs_no_capacity() -> None:
    world = a_world(split=Split(blue=0, green=100), green=0)
    world.health(Color.GREEN, "unhealthy")
    assert refusals(findings(world, Split(blue=100, green=0))) == []


def test_a_group_in_use_by_no_listener_is_refused() -> None:
    world = a_world()
    world.health(Color.GREEN, "unused", "unused")
    assert "green attached" in refusals(findings(world))


def test_a_route_that_is_gone_is_refused_before_anything_else_is_judged() -> None:
    world = a_world()
    world.router.live.clear()
    found = findings(world)
    assert refusals(found) == ["route route-0"]
    with pytest.raises(RouteUnusable, match=r"gone.*Nothing was changed"):
        refuse(found, "web")


def test_a_third_group_or_a_missing_one_is_refused_with_what_stands_there() -> None:
    world = a_world()
    live = world.router.live["route-0"]
    world.router.live["route-0"] = replace(live, weights={**live.weights, "arn:aws:third": 5})
    with pytest.raises(RouteUnusable, match="blue at 100, green at 0, third at 5"):
        refuse(findings(world), "web")
    blue = world.service.contract.target_groups[Color.BLUE].arn
    world.router.live["route-0"] = replace(live, weights={blue: 1})
    with pytest.raises(RouteUnusable, match="blue at 1, and no green"):
        refuse(findings(world), "web")
    world.router.live["route-0"] = replace(live, weights={})
    with pytest.raises(RouteUnusable, match="no forward action"):
        refuse(findings(world), "web")


def test_two_zero_weights_are_named_as_the_503_they_are() -> None:
    world = a_world()
    live = world.router.live["route-0"]
    world.router.live["route-0"] = replace(live, weights=dict.fromkeys(live.weights, 0))
    with pytest.raises(RouteUnusable, match="503"):
        refuse(findings(world), "web")


def test_another_account_is_refused() -> None:
    world = a_world()
    world.identities.identity = Identity("arn:aws:sts::999999999999:user/x", "999999999999")
    with pytest.raises(WrongAccount, match="999999999999"):
        refuse(findings(world), "web")


def test_an_unasked_identity_is_a_warning_and_not_a_claim() -> None:
    observation = replace(a_world().service.observe(), identity=None)
    first = preflight(observation, CANARY, ServiceSettings())[0]
    assert (first.check, first.level) == ("account", Level.WARNING)


def test_a_split_that_nobody_recorded_is_drift_unless_accepted() -> None:
    observation = a_world(split=Split(blue=70, green=30)).service.observe()
    record = Record(head=Head(2), splits={"route-0": CANARY}, actor=ALICE.arn, at=a_world().clock.now())
    drifted = replace(observation, record=record)
    refused = preflight(drifted, CANARY, ServiceSettings())
    assert refusals(refused) == ["drift"]
    reason = next(finding.reason for finding in refused if finding.check == "drift")
    assert "holds blue 70 / green 30" in reason
    assert "blue 80 / green 20 was recorded" in reason
    assert ALICE.arn in reason
    assert refusals(preflight(drifted, CANARY, ServiceSettings(), accept_drift=True)) == []


def test_stickiness_is_a_warning_with_its_duration() -> None:
    found = findings(a_world(stickiness=Stickiness(enabled=True, duration_seconds=300)))
    warning = next(finding for finding in found if finding.check == "stickiness")
    assert warning.level is Level.WARNING
    assert "300 s" in warning.reason


def test_a_shift_to_what_is_there_asks_for_no_capacity() -> None:
    world = a_world(blue=0, green=0)
    assert refusals(findings(world, Split(blue=100, green=0))) == []


def test_live_is_who_carries_everything_else_who_was_promoted_else_the_base() -> None:
    record = Record(base=Color.GREEN)
    assert live_color(Split(blue=1, green=0), record) is Color.BLUE
    assert live_color(CANARY, record) is Color.GREEN
    assert live_color(CANARY, replace(record, promoted=Color.BLUE)) is Color.BLUE
    assert live_color(None, record) is Color.GREEN
    assert live_color(CANARY, Record()) is None


def test_routes_that_differ_share_no_split() -> None:
    world = a_world(routes=2)
    live = world.router.live["route-1"]
    groups = world.service.contract.target_groups
    world.router.live["route-1"] = replace(live, weights={groups[Color.BLUE].arn: 1, groups[Color.GREEN].arn: 1})
    assert split_of_service(world.router.live, world.service.contract) is None
