"""A service of three routes, two rules of an HTTP listener and the default action of an HTTPS one, shifted as one."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.command import Commands, assert_one_clear_line
from tests.e2e.middleman import Middleman, middleman
from tests.support.provision import Provisioned, forward, provision
from tests.support.world import World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.lab]

START, CANARY, GREEN = ({"blue": 100, "green": 0}, {"blue": 80, "green": 20}, {"blue": 0, "green": 100})


@pytest.fixture(scope="module")
def three(world: World) -> Provisioned:
    """The service; every target healthy."""
    emptied = urllib.request.Request(f"{world.lab.endpoint_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(emptied, timeout=30).close()
    made = provision(world.lab.endpoint_url, port=20_080, targets=world.addresses, routes=2)
    certificate = made.client("acm").request_certificate(DomainName="web.example")["CertificateArn"]
    listener = made.client("elbv2").create_listener(
        LoadBalancerArn=made.contract["load_balancer"]["arn"],
        Protocol="HTTPS",
        Port=20_443,
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[forward(made.group("blue"), 100, made.group("green"), 0, {"Enabled": False})],
    )["Listeners"][0]["ListenerArn"]
    route = {**made.contract["routes"][0], "name": "secure", "kind": "alb-listener"}
    made.contract["routes"].append({**route, "arn": listener, "listener_arn": listener})
    made.client("ssm").put_parameter(
        Name="/bluegreen/web/deployment", Value=json.dumps(made.contract), Type="String", Overwrite=True
    )
    for color in START:
        wait_for(made, color, "healthy")
    return made


@pytest.fixture
def web(three: Provisioned) -> Provisioned:
    for route in range(3):
        three.set_weights(**START, route=route)
    return three


@pytest.fixture
def bluegreen(environ: dict[str, str], tmp_path: Path) -> Commands:
    return Commands(environ, tmp_path)


@pytest.fixture
def aws(world: World) -> Iterator[Middleman]:
    with middleman(world.lab.endpoint_url) as between:
        yield between


def held(web: Provisioned) -> list[dict[str, int]]:
    return [web.weights(route) for route in range(3)]


def answering(world: World, web: Provisioned) -> list[str]:
    """The color that answers each of the three routes."""
    urls = world.lab.listeners()
    paths = ("/0/", "/", "/")
    return [
        color_of(urls[route["listener_arn"]], path) for route, path in zip(web.contract["routes"], paths, strict=True)
    ]


def color_of(url: str, path: str) -> str:
    parts = urlsplit(url)
    connect: Callable[..., Any] = HTTPConnection
    words: dict[str, Any] = {"timeout": 5}
    if parts.scheme == "https":
        connect = HTTPSConnection
        words["context"] = ssl._create_unverified_context()  # noqa: S323 - the lab signs its certificate itself
    connection = connect(parts.hostname or "", parts.port, **words)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return str(response.headers["X-Color"])
    finally:
        connection.close()


def test_all_routes_move_together_and_back(world: World, web: Provisioned, bluegreen: Commands) -> None:
    assert answering(world, web) == ["blue"] * 3
    moved = bluegreen("cutover", "web", "--bake", "0", "--accept-drift", "-o", "json").json()
    assert set(moved["before"]) == {"web-0", "web-1", "secure"}
    assert held(web) == [GREEN] * 3
    assert answering(world, web) == ["green"] * 3
    assert bluegreen("rollback", "web").code == 0
    assert held(web) == [START] * 3
    assert answering(world, web) == ["blue"] * 3


def test_both_kinds_are_read_in_one_call_each(web: Provisioned, bluegreen: Commands, aws: Middleman) -> None:
    assert bluegreen("status", "web", AWS_ENDPOINT_URL=aws.url).code == 0
    assert sorted(call for call in aws.calls if call.startswith(("DescribeRules", "DescribeListeners"))) == [
        "DescribeListeners",
        "DescribeRules",
    ]


def test_one_write_that_is_refused_takes_all_routes_back(web: Provisioned, bluegreen: Commands, aws: Middleman) -> None:
    aws.refuse("ModifyListener", "AccessDenied", status=403)
    ended = bluegreen("shift", "web", "green=20", "--accept-drift", AWS_ENDPOINT_URL=aws.url)
    assert ended.code == 31
    last = ended.err.splitlines()[-1]
    assert "writing route secure failed" in last
    assert "the others were put back" in last
    for name in ("web-0", "web-1", "secure"):
        assert f"{name} holds blue 100 / green 0" in last
    assert aws.calls.count("ModifyRule") in {0, 2, 4}  # each rule that was written was put back
    assert held(web) == [START] * 3
    record = bluegreen("status", "web", "-o", "json").json()["record"]
    assert record["in_doubt"] is False
    assert record["splits"] == dict.fromkeys(("web-0", "web-1", "secure"), START)


def test_a_write_whose_answer_is_lost_is_looked_for_and_found(
    web: Provisioned, bluegreen: Commands, aws: Middleman
) -> None:
    aws.lost.add("ModifyListener")
    ended = bluegreen("shift", "web", "green=20", "--accept-drift", AWS_ENDPOINT_URL=aws.url)
    assert ended.code == 0, ended.err
    assert held(web) == [CANARY] * 3


def test_a_rollback_goes_past_the_route_that_cannot_be_written(
    web: Provisioned, bluegreen: Commands, aws: Middleman
) -> None:
    assert bluegreen("shift", "web", "green=20", "--accept-drift").code == 0
    assert held(web) == [CANARY] * 3
    aws.refuse("ModifyListener", "AccessDenied", status=403)
    ended = bluegreen("rollback", "web", "--to", "blue", AWS_ENDPOINT_URL=aws.url)
    assert_one_clear_line(ended, 31, "writing route secure failed", "the others were written")
    assert held(web) == [START, START, CANARY]


def test_by_hand_each_kind_has_its_own_command(web: Provisioned, bluegreen: Commands) -> None:
    ended = bluegreen("shift", "web", "green=20", "--print-awscli")
    lines = ended.out.splitlines()
    assert [line.split()[2] for line in lines] == ["modify-rule", "modify-rule", "modify-listener"]
    assert "--default-actions" in lines[2]
    assert held(web) == [START] * 3


def test_another_service_of_the_same_load_balancer_stays_where_it_is(web: Provisioned, bluegreen: Commands) -> None:
    """Its pair is its own; its rule stands on the same listener."""
    elbv2, groups = web.client("elbv2"), {}
    for color in START:
        like = elbv2.describe_target_groups(TargetGroupArns=[web.group(color)])["TargetGroups"][0]
        group = elbv2.create_target_group(
            Name=f"api-{color}", Protocol="HTTP", Port=8080, VpcId=like["VpcId"], TargetType="ip"
        )["TargetGroups"][0]
        arn = group["TargetGroupArn"]
        groups[color] = {"name": f"api-{color}", "arn": arn, "arn_suffix": arn.rpartition(":")[2]}
        targets = elbv2.describe_target_health(TargetGroupArn=web.group(color))["TargetHealthDescriptions"]
        elbv2.register_targets(TargetGroupArn=arn, Targets=[item["Target"] for item in targets])
    rule = elbv2.create_rule(
        ListenerArn=web.listener_arn,
        Priority=5,
        Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}],
        Actions=[forward(groups["blue"]["arn"], 100, groups["green"]["arn"], 0, {"Enabled": False})],
    )["Rules"][0]["RuleArn"]
    route = {**web.contract["routes"][0], "name": "api", "arn": rule}
    contract = {**web.contract, "name": "api", "routes": [route], "target_groups": groups}
    api = Provisioned(web.endpoint_url, contract, web.listener_arn)
    web.client("ssm").put_parameter(
        Name="/bluegreen/api/deployment", Value=json.dumps(contract), Type="String", Overwrite=True
    )
    for color in START:
        wait_for(api, color, "healthy")

    assert bluegreen("cutover", "api", "--bake", "0").code == 0
    assert api.weights() == GREEN
    assert held(web) == [START] * 3
    assert bluegreen("shift", "web", "green=20", "--accept-drift").code == 0
    assert held(web) == [CANARY] * 3
    assert api.weights() == GREEN
    services = bluegreen("status", "-o", "json").json()["services"]
    assert {each["service"]: each["live"] for each in services} == {"api": "green", "web": "blue"}
