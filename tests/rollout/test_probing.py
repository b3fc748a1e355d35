"""A probe goes where a user's request for its path would go, or by the test route of its color."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.contract import BalancerType, Contract, LoadBalancer, TargetGroup
from toolkit.contract import TestRoute as ATestRoute
from toolkit.errors import ContractError, RouteUnusable
from toolkit.rollout.preview import Condition, LiveTestRoute
from toolkit.rollout.probing import Place, Target, by_route, by_test_route
from toolkit.traffic import Color

DNS = "web-1.elb.example"
GROUPS = {color: TargetGroup(f"web-{color}", f"arn:{color}", f"suffix-{color}") for color in Color}
BALANCER = LoadBalancer(BalancerType.APPLICATION, "arn", "app/web/1", DNS)
TESTS = tuple(ATestRoute(f"web-{color}-test", color, f"arn:{color}", "listener", "x-color") for color in Color)
CONTRACT = Contract("web", "123456789012", "eu-central-1", BALANCER, (), GROUPS, None, TESTS)
HEADER = Condition("http-header", ("s3cret",), header="X-Color")


def place(*conditions: Condition, protocol: str = "HTTP", port: int = 80, name: str = "web") -> Place:
    return Place(name, protocol, port, conditions)


def ask(*places: Place, path: str = "/", via: str | None = None, host: str | None = None) -> Target:
    return by_route(CONTRACT, places, path, via=via, host=host)


def hosts(*values: str) -> Condition:
    return Condition("host-header", values)


def paths(*values: str) -> Condition:
    return Condition("path-pattern", values)


def live(color: Color, *conditions: Condition, weights: dict[str, int] | None = None) -> dict[str, LiveTestRoute]:
    """The test route of that color as AWS holds it."""
    route = next(each for each in TESTS if each.color is color)
    held = LiveTestRoute(route, "HTTP", 80, (HEADER, *conditions), weights or {GROUPS[color].arn: 1})
    return {route.name: held}


def test_a_listener_takes_every_path_under_the_balancers_name() -> None:
    assert ask(place(), path="/healthz?deep=1") == Target(f"http://{DNS}/healthz?deep=1")
    assert ask(place(protocol="HTTPS", port=443)).url == f"https://{DNS}/"
    assert ask(place(port=8080)).url == f"http://{DNS}:8080/"


@pytest.mark.parametrize(
    ("protocol", "port", "url"),
    [("TCP", 80, f"http://{DNS}/"), ("TCP", 443, f"https://{DNS}/"), ("TLS", 8443, f"https://{DNS}:8443/")],
)
def test_behind_a_network_load_balancer_the_scheme_is_told_by_protocol_and_port(
    protocol: str, port: int, url: str
) -> None:
    assert ask(place(protocol=protocol, port=port)).url == url


def test_a_listener_that_speaks_no_http_is_refused() -> None:
    with pytest.raises(RouteUnusable, match="listens for UDP"):
        ask(place(protocol="UDP", port=53))


def test_the_first_route_that_takes_the_path_is_asked() -> None:
    routes = (place(paths("/api/*"), port=81), place(paths("/a?", "/shop*"), port=82), place(paths("/*"), port=83))
    told = {path: ask(*routes, path=path).url for path in ("/api/x?y=/", "/shop", "/ab", "/abc", "/API/x")}
    assert {path: url.split(":")[2][:2] for path, url in told.items()} == {
        "/api/x?y=/": "81",
        "/shop": "82",
        "/ab": "82",
        "/abc": "83",
        "/API/x": "83",
    }


def test_a_pattern_is_no_regular_expression() -> None:
    with pytest.raises(RouteUnusable):
        ask(place(paths("/a.c")), path="/abc")
    assert ask(place(paths("/a.c")), path="/a.c").url.endswith("/a.c")


def test_a_path_that_no_route_takes_names_what_they_take() -> None:
    with pytest.raises(RouteUnusable, match=r"no route of web takes the path /; its rules ask for /api/\* or /shop"):
        ask(place(paths("/api/*")), place(paths("/shop")))
    with pytest.raises(RouteUnusable, match="every route of web is gone"):
        ask()


def test_a_regular_expression_of_a_rule_is_left_to_aws() -> None:
    assert ask(place(Condition("path-pattern", expressions=("^/v[0-9]+$",))), path="/v2").url.endswith("/v2")


def test_what_else_the_rule_asks_for_is_in_the_request() -> None:
    query = Condition("query-string", pairs=(("a", "1"),))
    method = Condition("http-request-method", ("HEAD",))
    source = Condition("source-ip", ("10.0.0.0/8",))
    target = ask(place(HEADER, query, method, source, hosts("www.example.com")), path="/x?b=2")
    assert target == Target(
        "http://www.example.com/x?b=2&a=1",
        "HEAD",
        {"X-Color": "s3cret"},
        f"{DNS}:80",
        ("only from 10.0.0.0/8",),
    )


def test_no_request_is_sent_that_may_change_something() -> None:
    with pytest.raises(RouteUnusable, match="takes POST requests only"):
        ask(place(Condition("http-request-method", ("POST", "PUT"))))


def test_via_takes_the_connection_elsewhere() -> None:
    assert ask(place(), via="127.0.0.1:9000") == Target(f"http://{DNS}/", connect_to="127.0.0.1:9000")


@pytest.mark.parametrize(
    ("asked", "host", "url"),
    [
        ((), "www.example.com", "www.example.com"),
        (("*.example.com",), "WWW.example.com", "WWW.example.com"),
        (("*.example.com",), "www.example.org", "preview.example.com"),
        (("*.example.com",), None, "preview.example.com"),
        (("shop.example.com",), "www.example.com", "shop.example.com"),
    ],
)
def test_a_host_is_asked_for_where_the_rule_takes_it(asked: tuple[str, ...], host: str | None, url: str) -> None:
    target = ask(place(*([hosts(*asked)] if asked else []), protocol="HTTPS", port=443), host=host)
    assert (target.url, target.connect_to) == (f"https://{url}/", f"{DNS}:443")


def test_a_path_of_any_letters_becomes_a_url() -> None:
    assert ask(place(), path="/grün und%20blau?q=ä b").url == f"http://{DNS}/gr%C3%BCn%20und%20blau?q=%C3%A4%20b"


def test_the_test_route_of_the_color_carries_its_header() -> None:
    target = by_test_route(CONTRACT, live(Color.GREEN) | live(Color.BLUE), Color.GREEN, "/x")
    assert target == Target(f"http://{DNS}/x", headers={"X-Color": "s3cret"})


def test_the_test_route_that_takes_the_path_is_asked() -> None:
    with pytest.raises(RouteUnusable, match=r"no test route of web takes the path /; its rules ask for /api/\*"):
        by_test_route(CONTRACT, live(Color.GREEN, paths("/api/*")), Color.GREEN, "/")


def test_a_color_without_a_test_route_says_what_to_add() -> None:
    for contract in (replace(CONTRACT, test_routes=()), replace(CONTRACT, test_routes=TESTS[:1])):
        with pytest.raises(ContractError, match="web has no test route of green: its contract names none") as caught:
            by_test_route(contract, live(Color.BLUE), Color.GREEN, "/")
        assert "`test_routes`" in caught.value.hint


def test_a_network_load_balancer_has_none() -> None:
    network = replace(CONTRACT, test_routes=(), load_balancer=replace(BALANCER, type=BalancerType.NETWORK))
    with pytest.raises(ContractError, match="a Network Load Balancer has no rules"):
        by_test_route(network, {}, Color.GREEN, "/")


def test_a_test_route_that_is_gone_or_leads_elsewhere_is_not_used() -> None:
    with pytest.raises(RouteUnusable, match="test route web-green-test cannot be used: it is gone"):
        by_test_route(CONTRACT, {}, Color.GREEN, "/")
    with pytest.raises(RouteUnusable, match="it forwards to blue at 1, not to green alone"):
        by_test_route(CONTRACT, live(Color.GREEN, weights={GROUPS[Color.BLUE].arn: 1}), Color.GREEN, "/")
