"""Everything that stands on a load balancer is read: on moto, and where AWS pages or refuses on botocore's stubs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from tests.aws.test_inventory import FIXED, Shop, forward
from tests.support.fakes import PREFIX
from toolkit.aws.pace import Budget, Pace
from toolkit.aws.rules import ListenerRules
from toolkit.aws.session import Session
from toolkit.contract import BalancerType, LoadBalancer
from toolkit.errors import AccessDenied, Throttled
from toolkit.rollout.preview import Condition
from toolkit.settings import AwsSettings

REGION = "eu-central-1"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Session(AwsSettings(region=REGION))


def balancer_of(arn: str, type_: BalancerType = BalancerType.APPLICATION) -> LoadBalancer:
    return LoadBalancer(type_, arn, arn.rpartition("loadbalancer/")[2], "shop.example")


def test_every_rule_and_default_action_of_every_listener_is_read(session: Session) -> None:
    shop = Shop(session)
    first, second = shop.listener(FIXED), shop.listener(forward((shop.blue, 1), (shop.green, 0)), port=81)
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Beta", "Values": ["1"]}}
    beta = shop.rule(first, forward((shop.green, 7)), priority=3, condition=header)
    closed = shop.rule(second, FIXED, priority=4)
    found = {rule.arn: rule for rule in ListenerRules(session).on(balancer_of(shop.arn))}
    assert set(found) == {first, second, beta, closed}
    assert (found[beta].priority, found[beta].port, found[beta].protocol) == (3, 80, "HTTP")
    assert found[beta].listener_arn == first
    assert found[beta].conditions == (Condition("http-header", ("1",), header="X-Beta"),)
    assert found[beta].weights == {shop.green: 7}
    assert (found[second].priority, found[second].port) == (None, 81)
    assert found[second].weights == {shop.blue: 1, shop.green: 0}
    assert found[first].weights == found[closed].weights == {}


def test_rules_on_a_second_page_are_read_too(session: Session) -> None:
    shop = Shop(session)
    listener = shop.listener(FIXED)
    made = {shop.rule(listener, forward((shop.green, 1)), priority=1 + number) for number in range(60)}
    assert "NextMarker" in shop.elbv2.describe_rules(ListenerArn=listener)
    assert made < {rule.arn for rule in ListenerRules(session).on(balancer_of(shop.arn))}


def test_a_load_balancer_of_flows_has_default_actions_alone(session: Session) -> None:
    arn = f"{PREFIX}:loadbalancer/net/shop/1"
    listeners = [f"{PREFIX}:listener/net/shop/1/{number}" for number in (1, 2)]
    actions = [{"Type": "forward", "TargetGroupArn": f"{PREFIX}:targetgroup/blue/1"}]
    pages = [
        {"Listeners": [{"ListenerArn": each, "Protocol": "TCP", "Port": 9000 + index, "DefaultActions": actions}]}
        for index, each in enumerate(listeners)
    ]
    with Stubber(session.client("elbv2", single=True)) as stub:
        stub.add_response("describe_listeners", {**pages[0], "NextMarker": "more"}, {"LoadBalancerArn": arn})
        stub.add_response("describe_listeners", pages[1], {"LoadBalancerArn": arn, "Marker": "more"})
        found = ListenerRules(session).on(balancer_of(arn, BalancerType.NETWORK))
    assert [(rule.arn, rule.port, rule.priority) for rule in found] == [
        (listeners[0], 9000, None),
        (listeners[1], 9001, None),
    ]
    assert found[0].weights == {f"{PREFIX}:targetgroup/blue/1": 1}


@pytest.mark.parametrize(("code", "error"), [("AccessDenied", AccessDenied), ("Throttling", Throttled)])
def test_a_refusal_says_what_was_being_read(session: Session, code: str, error: type[Exception]) -> None:
    with Stubber(session.client("elbv2", single=True)) as stub:
        stub.add_client_error("describe_listeners", code)
        with pytest.raises(error, match="reading the listeners and rules of app/shop/1"):
            ListenerRules(session).on(balancer_of(f"{PREFIX}:loadbalancer/app/shop/1"))


class CountingPace(Pace):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(burst=40, per_second=10)
        self.told: list[str] = []

    def wait(self, *, urgent: bool = False) -> None:
        self.told.append("urgent" if urgent else "wait")

    def throttled(self) -> None:
        self.told.append("throttled")


def test_every_call_keeps_to_the_rate_that_the_services_of_a_session_share(session: Session) -> None:
    pace = CountingPace()
    session.budget = Budget(reads=pace)
    shop = Shop(session)
    for port in (80, 81):
        shop.listener(FIXED, port=port)
    ListenerRules(session).on(balancer_of(shop.arn))
    assert pace.told == ["wait"] * 3
    with Stubber(session.client("elbv2", single=True)) as stub:
        stub.add_client_error("describe_listeners", "Throttling")
        with pytest.raises(Throttled):
            ListenerRules(session).on(balancer_of(shop.arn))
    assert pace.told[3:] == ["wait", "throttled"]
