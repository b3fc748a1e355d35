"""Attribute keys and values that AWS knows."""

import pytest

from toolkit.lab.fidelity.attributes import (
    bad_listener_value,
    bad_target_group_value,
    network_attributes,
    unknown_listener_key,
    unknown_target_group_key,
    unsupported_target_group_key,
)


def test_unknown_keys_are_found() -> None:
    assert unknown_target_group_key(["stickiness.enabled", "bogus"]) == "bogus"
    assert unknown_target_group_key(["deregistration_delay.timeout_seconds"]) is None
    assert unknown_listener_key(["tcp.idle_timeout.seconds", "routing.http.response.server.enabled"]) is None
    assert unknown_listener_key(["bogus"]) == "bogus"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deregistration_delay.timeout_seconds", "3601"),
        ("deregistration_delay.timeout_seconds", "-1"),
        ("slow_start.duration_seconds", "29"),
        ("stickiness.lb_cookie.duration_seconds", "0"),
        ("stickiness.enabled", "yes"),
    ],
)
def test_bad_values_are_named(key: str, value: str) -> None:
    why = bad_target_group_value(key, value)
    assert why is not None
    assert key in why
    assert value in why


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deregistration_delay.timeout_seconds", "0"),
        ("slow_start.duration_seconds", "0"),
        ("slow_start.duration_seconds", "30"),
        ("stickiness.enabled", "true"),
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
        ("load_balancing.algorithm.type", "round_robin"),
    ],
)
def test_good_values_pass(key: str, value: str) -> None:
    assert bad_target_group_value(key, value) is None


@pytest.mark.parametrize(
    ("key", "protocols"),
    [
        ("deregistration_delay.connection_termination.enabled", {"TCP", "TLS"}),
        ("preserve_client_ip.enabled", {"TCP", "TLS"}),
        ("slow_start.duration_seconds", {"HTTP", "HTTPS"}),
        ("load_balancing.algorithm.type", {"HTTP", "HTTPS"}),
        ("stickiness.lb_cookie.duration_seconds", {"HTTP", "HTTPS"}),
        ("stickiness.enabled", {"HTTP", "HTTPS", "TCP", "TLS"}),
        ("deregistration_delay.timeout_seconds", {"HTTP", "HTTPS", "TCP", "TLS"}),
    ],
)
def test_a_group_has_the_attributes_of_its_kind_of_load_balancer(key: str, protocols: set[str]) -> None:
    having = {one for one in ("HTTP", "HTTPS", "TCP", "TLS") if unsupported_target_group_key([key], one) is None}
    assert having == protocols


def test_a_group_for_flows_has_awss_defaults() -> None:
    given = {"stickiness.enabled": "false", "slow_start.duration_seconds": "0"}
    assert network_attributes("TCP", "ip", given) == {
        "stickiness.enabled": "false",
        "deregistration_delay.connection_termination.enabled": "false",
        "preserve_client_ip.enabled": "false",
        "proxy_protocol_v2.enabled": "false",
        "target_health_state.unhealthy.connection_termination.enabled": "true",
        "target_health_state.unhealthy.draining_interval_seconds": "0",
    }
    assert network_attributes("TLS", "instance", {})["preserve_client_ip.enabled"] == "true"
    any_port = network_attributes("UDP", "ip", {})
    assert any_port["deregistration_delay.connection_termination.enabled"] == "true"
    assert any_port["target_health_state.unhealthy.connection_termination.enabled"] == "false"


@pytest.mark.parametrize(
    ("value", "fits"), [("60", True), ("6000", True), ("59", False), ("6001", False), ("x", False)]
)
def test_an_idle_timeout_lies_between_60_and_6000_seconds(value: str, fits: bool) -> None:
    assert (bad_listener_value("tcp.idle_timeout.seconds", value) is None) == fits
