"""Network Load Balancers as Envoy configuration."""

from dataclasses import replace

from toolkit.lab.dataplane.config import Layout, resources
from toolkit.lab.dataplane.listeners import Certificate
from toolkit.lab.dataplane.matching import Json
from toolkit.lab.dataplane.model import (
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Rule,
    Snapshot,
    Target,
    TargetGroup,
)
from toolkit.lab.dataplane.network import DOORMAN
from toolkit.lab.dataplane.standing import Standing
from toolkit.lab.dataplane.xds import Resources

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
LISTENER = f"{ARN}:listener/net/web/1/abc"
BLUE, GREEN = (
    TargetGroup(
        f"{ARN}:targetgroup/{name}/{name}-id",
        "TCP",
        "",
        HealthCheck("TCP"),
        (Target(f"10.0.0.{number}", 80, f"127.0.0.{number}"),),
    )
    for number, name in ((1, "blue"), (2, "green"))
)
TAKING = {group.arn: dict.fromkeys(group.targets, Standing.TAKES) for group in (BLUE, GREEN)}


def made(
    blue: int = 100,
    green: int = 0,
    *,
    protocol: str = "TCP",
    groups: tuple[TargetGroup, ...] = (BLUE, GREEN),
    standings: dict[str, dict[Target, Standing]] = TAKING,
    idle_timeout: float = 350.0,
) -> Resources:
    rule = Rule(f"{LISTENER}/default", None, (), Forward(((BLUE.arn, blue), (GREEN.arn, green))))
    listener = Listener(LISTENER, 443, protocol, (rule,), idle_timeout)
    balancer = LoadBalancer(f"{ARN}:loadbalancer/net/web/1", (listener,))
    layout = Layout(
        file=lambda kind, name: f"{kind}-{name}",
        access_log="access.log",
        flow_log="flows.log",
        health_events="health.log",
        ports={LISTENER: 8443},
        certificate=Certificate("chain", "key"),
        doorman="@doorman",
        standings=standings,
    )
    return resources({"r": Snapshot("r", (balancer,), groups)}, layout)


def hosts(locality: Json) -> list[tuple[str, str]]:
    return [
        (each["endpoint"]["address"]["socket_address"]["address"], each.get("health_status", ""))
        for each in locality["lb_endpoints"]
    ]


def test_weights_change_nothing_but_the_endpoint_set() -> None:
    one, other = made(100, 0), made(3, 97)
    assert (one.listeners, one.clusters, one.routes) == (other.listeners, other.clusters, other.routes)
    weights = [each.get("load_balancing_weight") for each in other.endpoints["abc"]["endpoints"]]
    assert weights == [3, 97]
    assert [each.get("load_balancing_weight") for each in one.endpoints["abc"]["endpoints"]] == [100, None]


def test_neither_targets_nor_their_standing_change_a_cluster() -> None:
    sick = {**TAKING, BLUE.arn: dict.fromkeys(BLUE.targets, Standing.KEEPS)}
    assert made().clusters == made(standings=sick).clusters
    assert made().listeners == made(groups=(BLUE, replace(GREEN, protocol="TLS"))).listeners


def test_who_takes_no_flows_stays_known_and_an_empty_group_has_somebody_to_refuse() -> None:
    keeps = {**TAKING, BLUE.arn: dict.fromkeys(BLUE.targets, Standing.KEEPS)}
    blue, green = made(1, 1, standings=keeps).endpoints["abc"]["endpoints"]
    assert hosts(blue) == [("127.0.0.1", "UNHEALTHY"), ("127.255.255.254", "")]
    assert hosts(green) == [("127.0.0.2", "HEALTHY")]


def test_where_all_weights_are_0_nobody_takes_a_flow() -> None:
    blue, green = made(0, 0).endpoints["abc"]["endpoints"]
    assert hosts(blue) + hosts(green) == [("127.0.0.1", "UNHEALTHY"), ("127.0.0.2", "UNHEALTHY")]


def test_the_doorman_turns_away_those_whose_flows_are_to_be_closed() -> None:
    closing = {**TAKING, BLUE.arn: dict.fromkeys(BLUE.targets, Standing.CLOSES)}
    first, others = made(standings=closing).routes[DOORMAN]["virtual_hosts"]
    blue, _ = made(standings=closing).endpoints["abc"]["endpoints"]
    asked = blue["lb_endpoints"][0]["endpoint"]["health_check_config"]
    assert asked == {"hostname": first["domains"][0], "address": {"pipe": {"path": "@doorman"}}}
    assert first["routes"][0]["direct_response"] == {"status": 503}
    assert (others["domains"], others["routes"][0]["direct_response"]) == (["*"], {"status": 200})
    assert len(made().routes[DOORMAN]["virtual_hosts"]) == 1


def test_a_tls_listener_has_the_certificate_and_offers_no_protocol() -> None:
    (chain,) = made(protocol="TLS").listeners["abc"]["filter_chains"]
    common = chain["transport_socket"]["typed_config"]["common_tls_context"]
    assert common["alpn_protocols"] == []
    assert common["tls_certificates"][0]["certificate_chain"] == {"inline_string": "chain"}
    assert "transport_socket" not in made().listeners["abc"]["filter_chains"][0]


def test_targets_of_a_tls_group_are_spoken_to_in_tls_and_others_are_not() -> None:
    _, green = made(groups=(BLUE, replace(GREEN, protocol="TLS"))).endpoints["abc"]["endpoints"]
    assert green["lb_endpoints"][0]["metadata"]["filter_metadata"]["envoy.transport_socket_match"] == {"tls": True}
    blue, _ = made().endpoints["abc"]["endpoints"]
    assert "envoy.transport_socket_match" not in blue["lb_endpoints"][0]["metadata"]["filter_metadata"]


def test_the_idle_timeout_is_the_listeners() -> None:
    (chain,) = made(idle_timeout=60.0).listeners["abc"]["filter_chains"]
    assert chain["filters"][0]["typed_config"]["idle_timeout"] == "60s"


def test_health_is_checked_as_the_group_says_and_encrypted_for_https_alone() -> None:
    assert made().clusters[BLUE.suffix]["health_checks"][0]["tcp_health_check"] == {}
    http = replace(BLUE, health_check=HealthCheck("HTTP", "/ok", matcher="200-399"))
    assert made(groups=(http, GREEN)).clusters[BLUE.suffix]["health_checks"][0]["http_health_check"]["path"] == "/ok"
    assert "transport_socket" not in made(groups=(replace(http, protocol="TLS"), GREEN)).clusters[BLUE.suffix]
    https = replace(BLUE, health_check=HealthCheck("HTTPS", "/ok"))
    assert "transport_socket" in made(groups=(https, GREEN)).clusters[BLUE.suffix]


def test_a_lab_without_flows_has_no_doorman() -> None:
    empty = resources({}, Layout(lambda *_: "", "", "", {}))
    assert (empty.listeners, empty.routes) == ({}, {})
