"""Attribute keys and values that AWS knows."""

import pytest

from toolkit.lab.fidelity.attributes import (
    bad_target_group_value,
    unknown_listener_key,
    unknown_target_group_key,
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
