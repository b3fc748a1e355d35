"""Rules that divert requests, on moto: made once, tagged, found, removed; and what AWS says on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from tests.aws.test_inventory import FIXED, Shop, forward
from tests.support.fakes import OFF, RESERVED, a_contract
from toolkit.aws.diversions import ElbDiversions
from toolkit.aws.session import Session
from toolkit.contract import Contract, Route, RouteKind, TargetGroup
from toolkit.errors import LeaseLost
from toolkit.rollout.diverting import Diversion, PriorityTaken, asked, planned
from toolkit.rollout.ports import unguarded
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

REGION = "eu-central-1"
ASKED = asked(["X-Beta: yes"], [], ["k=v"], ["10.0.0.0/8"])


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Session(AwsSettings(region=REGION))


def world(session: Session) -> tuple[Shop, Contract]:
    """A listener with the rule of the route at 100."""
    shop = Shop(session)
    listener = shop.listener(FIXED)
    rule = shop.rule(listener, forward((shop.blue, 1), (shop.green, 0)), priority=100)
    groups = {
        Color.BLUE: TargetGroup("blue", shop.blue, "blue"),
        Color.GREEN: TargetGroup("green", shop.green, "green"),
    }
    route = Route("route-0", RouteKind.ALB_RULE, rule, listener, OFF, reserved_priorities=RESERVED)
    return shop, replace(a_contract(), routes=(route,), target_groups=groups)


def meant(diversions: ElbDiversions, contract: Contract) -> Diversion:
    found = planned(contract, diversions.ground(contract), ASKED, Color.GREEN)
    assert not isinstance(found, str), found
    return found[0]


def rule_of(shop: Shop, arn: str) -> Any:
    return shop.elbv2.describe_rules(RuleArns=[arn])["Rules"][0]


def test_a_rule_is_made_with_the_routes_conditions_and_those_that_are_asked(session: Session) -> None:
    shop, contract = world(session)
    diversions = ElbDiversions(session)
    made = diversions.make(meant(diversions, contract), contract, rollout="web-7", guard=unguarded)
    rule = rule_of(shop, made.arn)
    assert rule["Priority"] == "94"
    assert [action["TargetGroupArn"] for action in rule["Actions"]] == [shop.green]
    fields = [each["Field"] for each in rule["Conditions"]]
    assert fields == ["path-pattern", "http-header", "query-string", "source-ip"]
    ground = diversions.ground(contract)["route-0"]
    assert (ground.priority, ground.taken, ground.strangers) == (100, frozenset({94, 100}), frozenset())


def test_only_rules_with_the_tags_of_the_service_are_its_own(session: Session) -> None:
    shop, contract = world(session)
    diversions = ElbDiversions(session)
    stranger = shop.rule(contract.routes[0].listener_arn, FIXED, priority=50)
    made = diversions.make(meant(diversions, contract), contract, rollout="web-7", guard=unguarded)
    other = replace(contract, name="shop")
    diversions.make(replace(meant(diversions, contract)), other, rollout="shop-7", guard=unguarded)
    (found,) = diversions.standing(contract)
    assert (found.arn, found.priority, found.rollout, found.route) == (made.arn, 94, "web-7", "route-0")
    assert stranger not in {each.arn for each in diversions.standing(contract)}
    assert 50 in diversions.ground(contract)["route-0"].strangers


def test_a_priority_that_somebody_took_meanwhile_is_said_and_nothing_is_made(session: Session) -> None:
    shop, contract = world(session)
    diversions = ElbDiversions(session)
    rule = meant(diversions, contract)
    shop.rule(rule.listener_arn, FIXED, priority=rule.priority)
    with pytest.raises(PriorityTaken):
        diversions.make(rule, contract, rollout="web-7", guard=unguarded)
    assert not diversions.standing(contract)


def test_a_rule_is_removed_once_and_again(session: Session) -> None:
    _, contract = world(session)
    diversions = ElbDiversions(session)
    made = diversions.make(meant(diversions, contract), contract, rollout="web-7", guard=unguarded)
    diversions.remove(made.arn)
    diversions.remove(made.arn)
    assert not diversions.standing(contract)


def test_the_guard_is_asked_when_the_rule_is_about_to_be_sent(session: Session) -> None:
    _, contract = world(session)
    diversions = ElbDiversions(session)
    rule = meant(diversions, contract)

    def lost() -> None:
        raise LeaseLost("somebody took it")

    with pytest.raises(LeaseLost):
        diversions.make(rule, contract, rollout="web-7", guard=lost)  # moto answers before it is asked


def test_a_route_that_is_gone_has_no_ground(session: Session) -> None:
    shop, contract = world(session)
    shop.elbv2.delete_rule(RuleArn=contract.routes[0].arn)
    assert ElbDiversions(session).ground(contract) == {}
