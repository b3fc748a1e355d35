"""What every Targets does, on the fake and on ELBv2 in the lab with sample apps behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.fakes import a_world
from tests.support.provision import CREDENTIALS, REGION, Provisioned
from tests.support.world import wait_for
from toolkit.aws.elbv2 import Elbv2
from toolkit.aws.session import Session
from toolkit.contract import Contract, from_document
from toolkit.errors import RouteUnusable
from toolkit.rollout.ports import Draining, TargetHealth, Targets
from toolkit.settings import AwsSettings
from toolkit.traffic import Color


@dataclass
class Case:
    """Two healthy blue targets, and none that is green."""

    targets: Targets
    contract: Contract


def fake(_request: pytest.FixtureRequest) -> Case:
    world = a_world(blue=2, green=0)
    return Case(world.targets, world.service.contract)


def elbv2(request: pytest.FixtureRequest) -> Case:
    make: Callable[..., Provisioned] = request.getfixturevalue("pair")
    blue = request.getfixturevalue("world").addresses["blue"]
    pair = make(targets={"blue": blue, "green": []}, kind="nlb-listener")
    wait_for(pair, "blue", "healthy")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    session = Session(AwsSettings(region=REGION, endpoint_url=pair.endpoint_url))
    return Case(Elbv2(session), from_document(pair.contract, source="the lab"))


@pytest.fixture(params=[fake, pytest.param(elbv2, marks=pytest.mark.lab)], ids=["fake", "elbv2"])
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param(request)
    return made


def test_every_registered_target_is_told_with_its_place_and_state(case: Case) -> None:
    targets = case.targets.health(case.contract.target_groups[Color.BLUE])
    assert len(targets) == 2
    assert len({target.id for target in targets}) == 2
    for target in targets:
        assert target.port == 8080
        assert target.state == "healthy"
        assert target.reason == ""
        assert target.is_healthy


def test_a_group_without_targets_has_none(case: Case) -> None:
    assert list(case.targets.health(case.contract.target_groups[Color.GREEN])) == []


def test_how_a_group_drains_is_read_back_as_it_was_written(case: Case) -> None:
    group = case.contract.target_groups[Color.BLUE]
    for draining in (Draining(0, terminates=True), Draining(60, terminates=False)):
        case.targets.set_draining(group, draining)
        assert case.targets.draining(group) == draining


def test_deregistered_targets_are_gone_in_the_end_and_come_back_when_registered(case: Case) -> None:
    group = case.contract.target_groups[Color.BLUE]
    before = case.targets.health(group)
    case.targets.set_draining(group, Draining(0, terminates=True))
    case.targets.deregister(group, before)
    deadline = time.monotonic() + 30
    while left := case.targets.health(group):
        assert {target.state for target in left} == {"draining"}
        assert time.monotonic() < deadline
        time.sleep(0.05)
    case.targets.register(group, before)
    assert [(target.id, target.port) for target in case.targets.health(group)] == [
        (target.id, target.port) for target in before
    ]


@pytest.mark.parametrize(
    ("state", "reason", "healthy"),
    [
        ("healthy", "", True),
        ("unhealthy", "Target.Timeout", False),
        ("unavailable", "Target.HealthCheckDisabled", True),
        ("unavailable", "Elb.InternalError", False),
    ],
)
def test_where_health_checks_are_off_a_target_counts_as_healthy(state: str, reason: str, *, healthy: bool) -> None:
    assert TargetHealth("f", None, state, reason).is_healthy is healthy


@pytest.mark.lab
def test_a_target_that_nobody_answers_for_is_not_healthy_and_says_why(
    pair: Callable[..., Provisioned], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pair(targets={"blue": ["10.251.0.1"], "green": []})
    wait_for(made, "blue", "unhealthy")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    contract = from_document(made.contract, source="the lab")
    elbv2 = Elbv2(Session(AwsSettings(region=REGION, endpoint_url=made.endpoint_url)))
    (target,) = elbv2.health(contract.target_groups[Color.BLUE])
    assert not target.is_healthy
    assert target.reason.startswith("Target.")


@pytest.mark.lab
def test_a_target_group_that_is_gone_is_named(
    pair: Callable[..., Provisioned], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pair()
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    document = made.contract
    document["target_groups"]["green"]["arn"] += "0"
    contract = from_document(document, source="the lab")
    elbv2 = Elbv2(Session(AwsSettings(region=REGION, endpoint_url=made.endpoint_url)))
    with pytest.raises(RouteUnusable, match="target group web-green is gone"):
        elbv2.health(contract.target_groups[Color.GREEN])
