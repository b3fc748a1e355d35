"""Listener rules as one Envoy route configuration per listener. Pure.

Routes stand in the order of the rules' priorities and the first match wins. A weight change touches nothing else
than this configuration, so neither listeners nor clusters nor their connections notice it.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from toolkit.lab.dataplane.matching import SOURCE_HEADER, Json, route_match
from toolkit.lab.dataplane.model import (
    FixedResponse,
    Forward,
    Listener,
    Redirect,
    Rule,
    suffix_of,
)

STICKY_COOKIE = "AWSALBTG"
"""The cookie of target-group stickiness (Elastic Load Balancing user guide, "Sticky sessions")."""

TARGET_COOKIE = "AWSALB"
"""The cookie of stickiness to one target, from the same page."""

STATEFUL_FILTER = "envoy.filters.http.stateful_session"
_PER_ROUTE_TYPE = "type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute"
_COOKIE_TYPE = "type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState"
ROUTE_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
_REDIRECT_CODES = {301: "MOVED_PERMANENTLY", 302: "FOUND"}


def resource_name(listener_arn: str) -> str:
    """The name of a listener's resources in Envoy: the last part of its ARN, which is unique."""
    return listener_arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a listener's routes need to know beside its rules.

    `lab_ports` says which port stands for each listener port of this load balancer; redirects are turned with it.
    `target_cookies` holds the duration in seconds of stickiness to one target, per group ARN that has it.
    """

    idle_timeout: float = 60.0
    lab_ports: Mapping[int, int] = field(default_factory=dict)
    target_cookies: Mapping[str, float] = field(default_factory=dict)


def route_configuration(listener: Listener, around: Surroundings) -> Json:
    """The route configuration of one listener."""
    routes = [route for rule in listener.rules for route in _routes_of(rule, listener, around)]
    return {
        "@type": ROUTE_TYPE,
        "name": resource_name(listener.arn),
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
        "request_headers_to_remove": [SOURCE_HEADER, "x-envoy-internal", "x-envoy-expected-rq-timeout-ms"],
        "request_headers_to_add": [_set_header("x-forwarded-port", str(listener.port))],
        # Routes may name a cluster that is still warming; a request that finds none is answered 503.
        "validate_clusters": False,
    }


def sticky_token(rule_arn: str, group_arn: str) -> str:
    """The cookie's value: opaque, and its own for each pair of rule and group, as ALB's is."""
    return hashlib.sha256(f"{rule_arn} {group_arn}".encode()).hexdigest()[:32]


def _routes_of(rule: Rule, listener: Listener, around: Surroundings) -> Iterator[Json]:
    match = route_match(rule.conditions)
    match rule.action:
        case Forward() as forward:
            if forward.sticky_seconds is not None:
                for arn, _ in forward.groups:
                    yield _sticky_route(match, rule, arn, forward.sticky_seconds, around)
            yield {"match": match} | _weighted(rule, forward, around)
        case FixedResponse(status, body, content_type):
            yield {
                "match": match,
                "direct_response": {"status": status} | ({"body": {"inline_string": body}} if body else {}),
                "response_headers_to_add": [_set_header("content-type", content_type)],
            }
        case Redirect() as redirect:
            yield {"match": match, "redirect": _redirect(redirect, listener, around.lab_ports)}


def _sticky_route(match: Json, rule: Rule, arn: str, seconds: int, around: Surroundings) -> Json:
    """A cookie that names a group beats the weights, a weight of 0 too."""
    token = sticky_token(rule.arn, arn)
    cookie = {
        "name": "cookie",
        "string_match": {"safe_regex": {"regex": rf"(?:.*;\s*)?{STICKY_COOKIE}={token}(?:\s*;.*)?"}},
    }
    return {
        "match": match | {"headers": [*match.get("headers", []), cookie]},
        "route": {"cluster": suffix_of(arn)} | _timeouts(around.idle_timeout),
        "response_headers_to_add": [_sticky_cookie(token, seconds)],
    } | _to_one_target(arn, around)


def _weighted(rule: Rule, forward: Forward, around: Surroundings) -> Json:
    if not any(weight for _, weight in forward.groups):
        # Envoy refuses a total of 0; ALB has no target for such a request.
        return {"direct_response": {"status": 503}}
    seconds = forward.sticky_seconds
    clusters = [
        {"name": suffix_of(arn), "weight": weight}
        | (
            {"response_headers_to_add": [_sticky_cookie(sticky_token(rule.arn, arn), seconds)]}
            if seconds is not None
            else {}
        )
        | _to_one_target(arn, around)
        for arn, weight in forward.groups
    ]
    return {"route": {"weighted_clusters": {"clusters": clusters}} | _timeouts(around.idle_timeout)}


def _to_one_target(arn: str, around: Surroundings) -> Json:
    """Stickiness to one target within its group (`lb_cookie`), for the groups that have it."""
    seconds = around.target_cookies.get(arn)
    if seconds is None:
        return {}
    cookie = {"name": TARGET_COOKIE, "path": "/", "ttl": f"{seconds:g}s"}
    state = {"name": "envoy.http.stateful_session.cookie", "typed_config": {"@type": _COOKIE_TYPE, "cookie": cookie}}
    per_route = {"@type": _PER_ROUTE_TYPE, "stateful_session": {"session_state": state}}
    return {"typed_per_filter_config": {STATEFUL_FILTER: per_route}}


def _timeouts(idle_timeout: float) -> Json:
    """ALB bounds silence, not the whole exchange: 504 once the target says nothing for the idle timeout."""
    return {"timeout": "0s", "idle_timeout": f"{idle_timeout:g}s"}


def _redirect(redirect: Redirect, listener: Listener, lab_ports: Mapping[int, int]) -> Json:
    action: Json = {"response_code": _REDIRECT_CODES.get(redirect.status, "FOUND")}
    if redirect.protocol != "#{protocol}":
        action["scheme_redirect"] = redirect.protocol.lower()
    if redirect.host != "#{host}":
        action["host_redirect"] = redirect.host
    wanted = listener.port if redirect.port == "#{port}" else int(redirect.port)
    action["port_redirect"] = lab_ports.get(wanted, wanted)
    keeps_query = redirect.query == "#{query}"
    query = f"?{redirect.query}" if redirect.query and not keeps_query else ""
    if "#{path}" in redirect.path:
        if redirect.path != "/#{path}" or query:
            before, _, after = redirect.path.partition("#{path}")
            action["regex_rewrite"] = {
                "pattern": {"regex": "^/(.*)$"},
                "substitution": _literal(before) + r"\1" + _literal(after + query),
            }
    else:
        action["path_redirect"] = redirect.path + query
    if not keeps_query:
        action["strip_query"] = True
    return action


def _literal(text: str) -> str:
    return re.sub(r"\\", r"\\\\", text)


def _sticky_cookie(token: str, seconds: int) -> Json:
    header = {"key": "set-cookie", "value": f"{STICKY_COOKIE}={token}; Max-Age={seconds}; Path=/"}
    return {"header": header, "append_action": "APPEND_IF_EXISTS_OR_ADD"}


def _set_header(key: str, value: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
