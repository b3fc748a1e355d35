"""Test routes are read as ELBv2 holds them, and the line that is made of one reaches its color in the lab."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.provision import CREDENTIALS, REGION, Provisioned
from tests.support.world import World, wait_for
from toolkit.aws.preview import TestRules
from toolkit.aws.session import Session
from toolkit.contract import Contract, from_document
from toolkit.contract import TestRoute as ATestRoute
from toolkit.errors import AwsUnreachable
from toolkit.rollout.preview import LiveTestRoute, faults, request_for
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

pytestmark = pytest.mark.lab

VALUE = 'it\'s $HOME; "of" `no`\\ !one'
HEADER = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Color", "Values": [VALUE]}}


@pytest.fixture
def rules(world: World, monkeypatch: pytest.MonkeyPatch) -> TestRules:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return TestRules(Session(AwsSettings(region=REGION, endpoint_url=world.lab.endpoint_url)))


def a_test_route(made: Provisioned, color: str, *conditions: dict[str, Any]) -> ATestRoute:
    """A rule before the routes, which forwards to `color` alone."""
    elbv2 = made.client("elbv2")
    rule = elbv2.create_rule(
        ListenerArn=made.listener_arn,
        Priority=1,
        Conditions=[HEADER, *conditions],
        Actions=[{"Type": "forward", "TargetGroupArn": made.group(color)}],
    )["Rules"][0]
    return ATestRoute(f"web-{color}-test", Color(color), rule["RuleArn"], made.listener_arn, "x-color")


def contract_of(made: Provisioned) -> Contract:
    return from_document(made.contract, source="the lab")


def test_conditions_target_and_listener_are_read(rules: TestRules, pair: Callable[..., Provisioned]) -> None:
    made = pair()
    query = {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "1"}, {"Value": "2"}]}}
    old = {"Field": "path-pattern", "Values": ["/api/*"]}
    route = a_test_route(made, "green", query, old)
    live = rules.read([route])[route.name]
    assert (live.protocol, live.port) == ("HTTP", 20_080)
    assert live.weights == {made.group("green"): 1}
    assert faults(live, contract_of(made)) == []
    conditions = {each.field: each for each in live.conditions}
    assert (conditions["http-header"].header, conditions["http-header"].values) == ("X-Color", (VALUE,))
    assert conditions["query-string"].pairs == (("a", "1"), (None, "2"))
    assert conditions["path-pattern"].values == ("/api/*",)


def test_a_rule_that_is_gone_is_left_out_and_the_others_are_read(
    rules: TestRules, pair: Callable[..., Provisioned]
) -> None:
    made = pair()
    route = a_test_route(made, "green")
    gone = ATestRoute("gone", Color.BLUE, f"{route.arn[:-4]}0000", route.listener_arn, "x-color")
    assert set(rules.read([gone, route])) == {route.name}
    assert rules.read([gone]) == rules.read([]) == {}


def test_an_endpoint_that_does_not_answer_is_one_clear_error(rules: TestRules) -> None:
    nowhere = TestRules(Session(AwsSettings(region=REGION, endpoint_url="http://127.0.0.1:1")))
    route = ATestRoute("web-green-test", Color.GREEN, "arn", "arn", "x-color")
    with pytest.raises(AwsUnreachable, match="reading the rules of the test routes"):
        nowhere.read([route])


@pytest.mark.skipif(shutil.which("curl") is None, reason="the line is for curl, which is not here")
@pytest.mark.parametrize("host", [None, "*.example.com"])
def test_the_line_reaches_its_color_whatever_the_weights(
    world: World, rules: TestRules, pair: Callable[..., Provisioned], host: str | None
) -> None:
    made = pair()
    conditions = [{"Field": "host-header", "HostHeaderConfig": {"Values": [host]}}] if host else []
    route = a_test_route(made, "green", *conditions)
    wait_for(made, "green", "healthy")
    live: LiveTestRoute = rules.read([route])[route.name]
    assert made.weights() == {"blue": 100, "green": 0}
    place = urlsplit(world.lab.listeners()[made.listener_arn]).netloc
    line = request_for(live, contract_of(made).load_balancer.dns_name, via=place).command
    assert _color(line) == "green"
    assert _color(line.replace(shlex.quote(f"X-Color: {VALUE}"), "'X-Color: other'")) in {"blue", "none"}


def _color(line: str) -> str:
    """Who answers the line, given to a shell as a person would paste it."""
    direct = {**os.environ, "no_proxy": "*"}
    run = subprocess.run(["/bin/sh", "-c", line], env=direct, capture_output=True, text=True, check=True, timeout=30)
    told = [value for value in run.stdout.splitlines() if value.lower().startswith("x-color:")]
    return told[0].partition(":")[2].strip() if told else "none"
