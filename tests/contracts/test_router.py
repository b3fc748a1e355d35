"""What every Router does, on the fake and on ELBv2 in the lab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.fakes import FakeRouter, a_contract
from tests.support.provision import CREDENTIALS, REGION, Provisioned
from toolkit.aws.elbv2 import Elbv2
from toolkit.aws.session import Session
from toolkit.contract import Contract, Route, Stickiness, from_document
from toolkit.errors import LeaseLost, RouteUnusable
from toolkit.rollout.ports import Action, LiveRoute, Router
from toolkit.settings import AwsSettings
from toolkit.traffic import Split

OFF, STICKY = Stickiness(enabled=False), Stickiness(enabled=True, duration_seconds=300)
CANARY = Split(blue=80, green=20)


@dataclass
class Case:
    router: Router
    contract: Contract
    delete: Callable[[Route], None]

    def live(self, index: int = 0) -> LiveRoute:
        return self.router.read(self.contract.routes)[self.contract.routes[index].name]

    def action(self, split: Split, stickiness: Stickiness = OFF, preceding: Any = None) -> Action:
        return Action(self.contract.weights(split), stickiness, preceding)


def fake(_request: pytest.FixtureRequest) -> Case:
    contract = a_contract(routes=2)
    held = contract.weights(Split(blue=100, green=0))
    router = FakeRouter({route.name: LiveRoute(route, held, OFF) for route in contract.routes})
    return Case(router, contract, lambda route: router.live.__delitem__(route.name))


def elbv2(request: pytest.FixtureRequest, kind: str = "alb-rule") -> Case:
    pair: Provisioned = request.getfixturevalue("pair")(routes=2, kind=kind)
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    router = Elbv2(Session(AwsSettings(region=REGION, endpoint_url=pair.endpoint_url)))
    return Case(
        router,
        from_document(pair.contract, source="the lab"),
        pair.delete_route,
    )


def listeners(request: pytest.FixtureRequest) -> Case:
    return elbv2(request, "alb-listener")


def network(request: pytest.FixtureRequest) -> Case:
    return elbv2(request, "nlb-listener")


ROUTERS = {"fake": fake, "rules": elbv2, "listeners": listeners, "network": network}
MARKED = [pytest.param(make, marks=() if make is fake else pytest.mark.lab, id=name) for name, make in ROUTERS.items()]
WITH_STICKINESS = [each for each in MARKED if each.id != "network"]  # a Network Load Balancer has none


@pytest.fixture(params=MARKED)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param(request)
    return made


def test_every_route_is_read_by_name_with_the_weights_of_both_colors(case: Case) -> None:
    routes = case.router.read(case.contract.routes)
    assert set(routes) == {route.name for route in case.contract.routes}
    for live in routes.values():
        assert live.weights == case.contract.weights(Split(blue=100, green=0))
        assert live.stickiness == OFF


def test_what_is_written_is_read_back_and_the_other_route_stays(case: Case) -> None:
    case.router.write(case.live(), case.action(CANARY, OFF))
    assert case.live(0).weights == case.contract.weights(CANARY)
    assert case.live(1).weights == case.contract.weights(Split(blue=100, green=0))


@pytest.mark.parametrize("case", WITH_STICKINESS, indirect=True)
def test_stickiness_is_written_with_its_duration_and_off_again(case: Case) -> None:
    case.router.write(case.live(), case.action(CANARY, STICKY))
    assert case.live().stickiness == STICKY
    case.router.write(case.live(), case.action(CANARY, OFF))
    assert case.live().stickiness == OFF


def test_writing_the_same_twice_is_harmless(case: Case) -> None:
    for _ in range(2):
        case.router.write(case.live(), case.action(CANARY))
    assert case.action(CANARY).is_held_by(case.live())


def test_a_route_that_is_gone_is_left_out_and_the_rest_is_read(case: Case) -> None:
    live = case.live()
    case.delete(case.contract.routes[0])
    assert set(case.router.read(case.contract.routes)) == {case.contract.routes[1].name}
    with pytest.raises(RouteUnusable):
        case.router.write(live, case.action(CANARY, OFF))


@pytest.mark.parametrize("case", WITH_STICKINESS, indirect=True)
def test_what_precedes_the_forward_is_written_read_back_and_taken_away_again(case: Case) -> None:
    settings = {
        "user_pool_arn": f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/{REGION}_1",
        "user_pool_client_id": "client",
        "user_pool_domain": "domain",
        "session_timeout_seconds": "3600",
        "scope": None,
    }
    wanted = ({"type": "authenticate-cognito", "order": 1, "settings": settings},)
    case.router.write(case.live(), case.action(CANARY, preceding=wanted))
    assert case.action(CANARY, preceding=wanted).is_held_by(case.live())
    case.router.write(case.live(), case.action(Split(blue=50, green=50)))
    assert case.action(Split(blue=50, green=50), preceding=wanted).is_held_by(case.live())
    case.router.write(case.live(), case.action(CANARY, preceding=()))
    assert case.live().preceding == ()
    assert case.action(CANARY).is_held_by(case.live())


def test_the_guard_is_asked_before_a_write_and_what_it_raises_prevents_it(case: Case) -> None:
    asked = []
    case.router.write(case.live(), case.action(CANARY), guard=lambda: asked.append(case.action(CANARY)))
    assert len(asked) == 1

    def refuse() -> None:
        raise LeaseLost("bob took it over")

    with pytest.raises(LeaseLost, match="bob"):
        case.router.write(case.live(), case.action(Split(blue=50, green=50)), guard=refuse)
    assert case.action(CANARY).is_held_by(case.live())


def test_the_router_of_a_rollback_reads_and_writes_the_same_routes(case: Case) -> None:
    case.router.urgent.write(case.live(), case.action(CANARY))
    assert case.action(CANARY).is_held_by(case.live())
    assert case.router.urgent.read(case.contract.routes) == case.router.read(case.contract.routes)


def test_commands_name_the_route_and_write_nothing(case: Case) -> None:
    command = case.router.commands(case.live(), case.action(CANARY, OFF))
    assert command
    assert case.live().weights == case.contract.weights(Split(blue=100, green=0))


@pytest.mark.lab
def test_a_write_keeps_everything_of_the_action_that_is_not_a_weight(request: pytest.FixtureRequest) -> None:
    case = elbv2(request)
    live = case.live()
    # ELBv2 holds actions by order; a redirect cannot precede a forward, so what precedes is put in by hand.
    cognito: dict[str, Any] = {
        "Type": "authenticate-cognito",
        "Order": 1,
        "AuthenticateCognitoConfig": {
            "UserPoolArn": f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/{REGION}_1",
            "UserPoolClientId": "client",
            "UserPoolDomain": "domain",
        },
    }
    forwarding = {**live.kept[-1], "Order": 2}
    case.router.write(replace(live, kept=[cognito, forwarding]), case.action(CANARY, STICKY))
    before = case.live().kept
    case.router.write(case.live(), case.action(Split(blue=50, green=50), STICKY))
    after = case.live().kept
    assert [action["Type"] for action in after] == ["authenticate-cognito", "forward"]
    assert after[0] == before[0]
    assert [group["TargetGroupArn"] for group in after[1]["ForwardConfig"]["TargetGroups"]] == [
        group["TargetGroupArn"] for group in before[1]["ForwardConfig"]["TargetGroups"]
    ]
