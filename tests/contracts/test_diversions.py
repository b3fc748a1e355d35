"""What every Diversions does, on the fake and on ELBv2 in the lab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.emulators.endpoint import given_endpoint
from tests.support.fakes import FakeDiversions, a_contract
from tests.support.provision import CREDENTIALS, REGION, Provisioned
from toolkit.aws.diversions import ElbDiversions
from toolkit.aws.preview import condition_of
from toolkit.aws.session import Session
from toolkit.contract import Contract, Route, from_document
from toolkit.errors import LeaseLost
from toolkit.rollout.diverting import Diversion, Diversions, PriorityTaken, asked, planned
from toolkit.rollout.ports import unguarded
from toolkit.rollout.preview import Condition
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

ASKED = asked(["X-Beta: yes"], [], ["v=2"], ["10.0.0.0/8"])
ROLLOUT = "web-7"


@dataclass
class Case:
    """Two routes of one listener with priorities reserved before them; what somebody else does, and what is seen."""

    diversions: Diversions
    contract: Contract
    take: Callable[[int], None]
    """Make a rule of one's own at this priority."""
    delete: Callable[[str], None]
    """Delete a rule by its ARN."""
    delete_route: Callable[[Route], None]
    conditions: Callable[[str], Sequence[Condition]]
    """Of a rule, by its ARN."""

    def planned(self, wanted: Sequence[Condition] = ASKED) -> tuple[Diversion, ...]:
        found = planned(self.contract, self.diversions.ground(self.contract), wanted, Color.GREEN)
        assert not isinstance(found, str), found
        return found

    def make(self, rule: Diversion, *, rollout: str = ROLLOUT, of: Contract | None = None) -> Diversion:
        return self.diversions.make(rule, of or self.contract, rollout=rollout, guard=unguarded)

    def priorities(self) -> list[int]:
        return sorted(each.priority for each in self.diversions.standing(self.contract))


def fake(_request: pytest.FixtureRequest) -> Case:
    made = FakeDiversions()
    return Case(
        made,
        a_contract(routes=2),
        made.taken.add,
        made.rules.__delitem__,
        lambda route: made.gone.add(route.name),
        lambda arn: made.rules[arn][0].conditions,
    )


def elbv2(request: pytest.FixtureRequest) -> Case:
    pair: Provisioned = request.getfixturevalue("pair")(routes=2)
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    for route in pair.contract["routes"]:
        route["reserved_priorities"] = {"first": 3, "last": 7}
    client = pair.client("elbv2")

    def take(priority: int) -> None:
        client.create_rule(
            ListenerArn=pair.listener_arn,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": ["/other"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": pair.group("blue")}],
        )

    def conditions(arn: str) -> list[Condition]:
        rule: dict[str, Any] = client.describe_rules(RuleArns=[arn])["Rules"][0]
        return list(map(condition_of, rule["Conditions"]))

    return Case(
        ElbDiversions(Session(AwsSettings(region=REGION, endpoint_url=pair.endpoint_url))),
        from_document(pair.contract, source="the lab"),
        take,
        lambda arn: client.delete_rule(RuleArn=arn),
        pair.delete_route,
        conditions,
    )


@pytest.fixture(params=[fake, pytest.param(elbv2, marks=pytest.mark.lab)], ids=["fake", "elbv2"])
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param(request)
    return made


def test_every_route_has_ground_with_its_own_conditions_and_priority(case: Case) -> None:
    grounds = case.diversions.ground(case.contract)
    assert set(grounds) == {route.name for route in case.contract.routes}
    own = frozenset(ground.priority or 0 for ground in grounds.values())
    for ground in grounds.values():
        assert [condition.field for condition in ground.conditions] == ["path-pattern"]
        assert (ground.taken, ground.strangers, ground.preceding) == (own, frozenset(), ())


def test_a_route_whose_rule_is_gone_has_none(case: Case) -> None:
    gone, there = case.contract.routes
    case.delete_route(gone)
    assert set(case.diversions.ground(case.contract)) == {there.name}


def test_rules_that_are_made_stand_with_rollout_and_route_and_are_no_strangers(case: Case) -> None:
    rules = case.planned()
    made = [case.make(rule) for rule in rules]
    assert [replace(rule, arn="") for rule in made] == list(rules)
    standing = {(each.arn, each.priority, each.rollout, each.route) for each in case.diversions.standing(case.contract)}
    assert standing == {(rule.arn, rule.priority, ROLLOUT, rule.route) for rule in made}
    for ground in case.diversions.ground(case.contract).values():
        assert ground.taken >= {rule.priority for rule in made}
        assert ground.strangers == frozenset()


def test_a_rule_asks_what_the_route_asks_and_what_was_wanted(case: Case) -> None:
    rule = case.planned()[0]
    assert [*case.conditions(case.make(rule).arn)] == [*rule.conditions]
    assert rule.conditions[-len(ASKED) :] == ASKED


def test_an_exact_cookie_is_asked_for_by_a_regular_expression(case: Case) -> None:
    if given_endpoint() and not isinstance(case.diversions, FakeDiversions):
        pytest.skip("other emulators take no regular expressions")
    rule = case.planned(asked(cookies=["beta=1"]))[0]
    assert case.conditions(case.make(rule).arn)[-1] == Condition(
        "http-header", expressions=("^(.*;)? *beta=1 *(;.*)?$",), header="Cookie"
    )


def test_rules_of_other_services_and_of_others_are_strangers_and_not_touched(case: Case) -> None:
    rule = case.planned()[0]
    others = case.make(rule, rollout="shop-7", of=replace(case.contract, name="shop"))
    case.take(others.priority - 1)
    assert case.diversions.standing(case.contract) == []
    strangers = case.diversions.ground(case.contract)[rule.route].strangers
    assert strangers == {others.priority, others.priority - 1}


def test_standing_names_the_rules_of_every_rollout(case: Case) -> None:
    rules = case.planned()
    case.make(rules[0], rollout="web-6")
    case.make(rules[1])
    assert {each.rollout for each in case.diversions.standing(case.contract)} == {"web-6", ROLLOUT}


def test_a_priority_that_is_taken_is_said_and_nothing_is_made(case: Case) -> None:
    first, second = case.planned()
    case.take(first.priority)
    case.make(second)
    for rule in (first, second):
        with pytest.raises(PriorityTaken):
            case.make(rule)
    assert case.priorities() == [second.priority]


def test_where_the_guard_refuses_nothing_is_made(case: Case) -> None:
    def lost() -> None:
        raise LeaseLost("somebody took it")

    with pytest.raises(LeaseLost):
        case.diversions.make(case.planned()[0], case.contract, rollout=ROLLOUT, guard=lost)
    assert case.priorities() == []


def test_removing_a_rule_leaves_the_others_and_may_be_done_again(case: Case) -> None:
    first, second = map(case.make, case.planned())
    case.diversions.remove(first.arn)
    assert case.priorities() == [second.priority]
    case.diversions.remove(first.arn)
    assert case.priorities() == [second.priority]


def test_a_rule_that_somebody_deleted_stands_no_more_and_leaves_its_priority(case: Case) -> None:
    first, second = map(case.make, case.planned())
    case.delete(first.arn)
    assert case.priorities() == [second.priority]
    case.diversions.remove(first.arn)
    assert case.planned()[0].priority == first.priority
