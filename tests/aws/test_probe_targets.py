"""Where probes go is read from AWS, remembered for a minute, and leads through the lab's load balancer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.hooks import Pulsing, QuickClock
from tests.support.provision import CREDENTIALS, REGION, Provisioned
from tests.support.world import World, wait_for
from toolkit.aws.preview import ProbeTargets
from toolkit.aws.session import Session
from toolkit.contract import Contract, from_document
from toolkit.errors import AwsUnreachable, ContractError, RouteUnusable
from toolkit.gates.probes import HttpProbes
from toolkit.rollout.steps import Probe, Via
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

pytestmark = pytest.mark.lab

HEADER = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Probe", "Values": ["s3cret"]}}
TEST = Probe("/", via=Via.TEST_ROUTE)


@pytest.fixture
def session(world: World, monkeypatch: pytest.MonkeyPatch) -> Session:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION, endpoint_url=world.lab.endpoint_url))


def add_test_route(made: Provisioned, color: str) -> dict[str, str]:
    """A test route of that color before the routes, as the contract has it."""
    rule = made.client("elbv2").create_rule(
        ListenerArn=made.listener_arn,
        Priority=1,
        Conditions=[HEADER],
        Actions=[{"Type": "forward", "TargetGroupArn": made.group(color)}],
    )["Rules"][0]
    name = f"web-{color}-test"
    place = {"arn": rule["RuleArn"], "listener_arn": made.listener_arn}
    return {"name": name, "color": color, "header_name": "x-probe", **place}


def contract_of(made: Provisioned, *tests: dict[str, str]) -> Contract:
    return from_document(made.contract | {"test_routes": list(tests)}, source="the lab")


def test_a_probe_reaches_the_route_and_its_colors_test_route(
    world: World, session: Session, pair: Callable[..., Provisioned]
) -> None:
    made = pair()
    contract = contract_of(made, add_test_route(made, "green"))
    for color in ("blue", "green"):
        wait_for(made, color, "healthy")
    via = urlsplit(world.lab.listeners()[made.listener_arn]).netloc
    probes = HttpProbes(ProbeTargets(session, contract, via=via), clock=QuickClock())
    for probe, color in ((Probe("/x"), "blue"), (TEST, "green")):
        wanted = Probe(probe.path, probe.via, header=("x-color", color), count=3)
        result = probes.probe(wanted, Color.GREEN, pulse=Pulsing())
        assert result.passed, result.reason
        other = Probe(probe.path, probe.via, header=("x-color", "red"))
        refused = probes.probe(other, Color.GREEN, pulse=Pulsing())
        assert f"wanted x-color: red, not '{color}'" in refused.reason
    assert "s3cret" not in refused.reason


@pytest.mark.parametrize("kind", ["alb-rule", "alb-listener", "nlb-listener"])
def test_every_kind_of_route_leads_to_the_load_balancers_name(
    session: Session, pair: Callable[..., Provisioned], kind: str
) -> None:
    made = pair(kind=kind)
    contract = contract_of(made)
    target = ProbeTargets(session, contract)(Probe("/healthz"), Color.GREEN)
    assert target.url == f"http://{contract.load_balancer.dns_name}:20080/healthz"
    assert target.connect_to is None


def test_of_several_routes_the_one_that_takes_the_path_is_asked(
    session: Session, pair: Callable[..., Provisioned]
) -> None:
    made = pair(routes=2)
    elbv2 = made.client("elbv2")
    for arn, path in zip(made.rule_arns, ("/api/*", "/shop/*"), strict=True):
        elbv2.modify_rule(RuleArn=arn, Conditions=[{"Field": "path-pattern", "Values": [path]}])
    targets = ProbeTargets(session, contract_of(made))
    assert targets(Probe("/shop/1"), Color.GREEN).url.endswith("/shop/1")
    with pytest.raises(RouteUnusable, match=r"asks? for /api/\* or /shop/\*"):
        targets(Probe("/"), Color.GREEN)


def test_a_route_that_is_gone_is_no_way(session: Session, pair: Callable[..., Provisioned]) -> None:
    made = pair()
    contract = contract_of(made)
    made.delete_route(contract.routes[0])
    with pytest.raises(RouteUnusable, match="every route of web is gone"):
        ProbeTargets(session, contract)(Probe(), Color.GREEN)


def test_without_a_test_route_what_to_add_is_told(session: Session, pair: Callable[..., Provisioned]) -> None:
    made = pair()
    with pytest.raises(ContractError, match="web has no test route of green"):
        ProbeTargets(session, contract_of(made))(TEST, Color.GREEN)


def test_what_aws_says_is_remembered_for_a_minute(session: Session, pair: Callable[..., Provisioned]) -> None:
    made = pair()
    contract, now = contract_of(made, add_test_route(made, "green")), 0.0
    targets = ProbeTargets(session, contract, timer=lambda: now)
    calls: list[str] = []
    session.client("elbv2").meta.events.register(
        "before-call.elastic-load-balancing-v2", lambda model, **_: calls.append(model.name)
    )

    def ask() -> dict[str, Any]:
        targets(Probe(), Color.GREEN)
        return dict(targets(TEST, Color.GREEN).headers)

    assert ask() == ask() == {"X-Probe": "s3cret"}
    assert len(calls) == 4
    changed = {**HEADER, "HttpHeaderConfig": {"HttpHeaderName": "X-Probe", "Values": ["new"]}}
    made.client("elbv2").modify_rule(RuleArn=contract.test_routes[0].arn, Conditions=[changed])
    now = 59.0
    assert ask() == {"X-Probe": "s3cret"}
    now = 60.0
    assert ask() == {"X-Probe": "new"}
    assert len(calls) == 8


def test_an_endpoint_that_does_not_answer_is_an_error(world: World, pair: Callable[..., Provisioned]) -> None:
    nowhere = Session(AwsSettings(region=REGION, endpoint_url="http://127.0.0.1:1"))
    with pytest.raises(AwsUnreachable, match="reading the rules of the routes"):
        ProbeTargets(nowhere, contract_of(pair()))(Probe(), Color.GREEN)
