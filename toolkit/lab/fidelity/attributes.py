"""The attribute keys ELBv2 knows, and which of them a target group has by its protocol.

Source: API_TargetGroupAttribute, API_ListenerAttribute.
"""

from collections.abc import Iterable, Mapping

NETWORK_PROTOCOLS = frozenset({"TCP", "TLS", "UDP", "TCP_UDP"})
_HTTP_PROTOCOLS = frozenset({"HTTP", "HTTPS"})
_ANY_PORT = frozenset({"UDP", "TCP_UDP"})
_NETWORK_ONLY = frozenset(
    {
        "deregistration_delay.connection_termination.enabled",
        "preserve_client_ip.enabled",
        "proxy_protocol_v2.enabled",
        "target_health_state.unhealthy.connection_termination.enabled",
        "target_health_state.unhealthy.draining_interval_seconds",
    }
)
_APPLICATION_ONLY = frozenset(
    {
        "load_balancing.algorithm.anomaly_mitigation",
        "load_balancing.algorithm.type",
        "slow_start.duration_seconds",
        "stickiness.app_cookie.cookie_name",
        "stickiness.app_cookie.duration_seconds",
        "stickiness.lb_cookie.duration_seconds",
        "waf.fail_open.enabled",
    }
)
_GATEWAY_ONLY = frozenset({"target_failover.on_deregistration", "target_failover.on_unhealthy"})

TARGET_GROUP_KEYS = frozenset(
    {
        "deregistration_delay.connection_termination.enabled",
        "deregistration_delay.timeout_seconds",
        "lambda.multi_value_headers.enabled",
        "load_balancing.algorithm.anomaly_mitigation",
        "load_balancing.algorithm.type",
        "load_balancing.cross_zone.enabled",
        "preserve_client_ip.enabled",
        "proxy_protocol_v2.enabled",
        "slow_start.duration_seconds",
        "stickiness.app_cookie.cookie_name",
        "stickiness.app_cookie.duration_seconds",
        "stickiness.enabled",
        "stickiness.lb_cookie.duration_seconds",
        "stickiness.type",
        "target_failover.on_deregistration",
        "target_failover.on_unhealthy",
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "target_health_state.unhealthy.connection_termination.enabled",
        "target_health_state.unhealthy.draining_interval_seconds",
        "waf.fail_open.enabled",  # undocumented; moto lists it for every group, so a write-back has it
    }
)

_LISTENER_PREFIXES = (
    "routing.http.request.x_amzn_",
    "routing.http.response.access_control_",
    "routing.http.response.content_security_policy.",
    "routing.http.response.server.",
    "routing.http.response.strict_transport_security.",
    "routing.http.response.x_",
)
_LISTENER_KEYS = frozenset({"tcp.idle_timeout.seconds"})

_WHOLE_NUMBERS = {
    "deregistration_delay.timeout_seconds": (0, 3600),
    "stickiness.app_cookie.duration_seconds": (1, 604_800),
    "stickiness.lb_cookie.duration_seconds": (1, 604_800),
    "target_health_state.unhealthy.draining_interval_seconds": (0, 360_000),
}
_LISTENER_NUMBERS = {"tcp.idle_timeout.seconds": (60, 6000)}


def unknown_target_group_key(keys: Iterable[str]) -> str | None:
    """The first of `keys` that no target group has."""
    return next((key for key in keys if key not in TARGET_GROUP_KEYS), None)


def unsupported_target_group_key(keys: Iterable[str], protocol: str | None) -> str | None:
    """The first of `keys` that a target group of this protocol cannot have; None for a Lambda function's."""
    if protocol in NETWORK_PROTOCOLS:
        barred = _APPLICATION_ONLY | _GATEWAY_ONLY
    elif protocol in _HTTP_PROTOCOLS:
        barred = _NETWORK_ONLY | _GATEWAY_ONLY
    else:
        barred = frozenset()
    return next((key for key in keys if key in barred), None)


def network_attributes(protocol: str, target_type: str, given: Mapping[str, object]) -> dict[str, object]:
    """The attributes of a new target group for flows; `given` are those an emulator gives every group."""
    any_port = protocol in _ANY_PORT
    kept = {key: value for key, value in given.items() if key not in _APPLICATION_ONLY}
    return kept | {
        "deregistration_delay.connection_termination.enabled": _word(any_port),
        "preserve_client_ip.enabled": _word(any_port or target_type != "ip"),
        "proxy_protocol_v2.enabled": "false",
        "target_health_state.unhealthy.connection_termination.enabled": _word(not any_port),
        "target_health_state.unhealthy.draining_interval_seconds": "0",
    }


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def unknown_listener_key(keys: Iterable[str]) -> str | None:
    """The first of `keys` that no listener has."""
    return next(
        (key for key in keys if key not in _LISTENER_KEYS and not key.startswith(_LISTENER_PREFIXES)),
        None,
    )


def bad_target_group_value(key: str, value: str) -> str | None:
    """Why AWS refuses `value` for the target group attribute `key`, or None."""
    if key == "slow_start.duration_seconds":
        fits = value.isdecimal() and (int(value) == 0 or 30 <= int(value) <= 900)  # noqa: PLR2004
        return None if fits else f"'{key}' value '{value}' must be 0 or between '30-900' inclusive"
    if key in _WHOLE_NUMBERS:
        return _outside(key, value, *_WHOLE_NUMBERS[key])
    if key.endswith(".enabled") and key != "load_balancing.cross_zone.enabled" and value not in {"true", "false"}:
        return f"'{key}' value '{value}' must be one of [true, false]"
    return None


def bad_listener_value(key: str, value: str) -> str | None:
    """Why AWS refuses `value` for the listener attribute `key`, or None."""
    return _outside(key, value, *_LISTENER_NUMBERS[key]) if key in _LISTENER_NUMBERS else None


def _outside(key: str, value: str, low: int, high: int) -> str | None:
    fits = value.isdecimal() and low <= int(value) <= high
    return None if fits else f"'{key}' value '{value}' must be between '{low}-{high}' inclusive"
