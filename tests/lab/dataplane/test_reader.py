from typing import Any

import pytest

from toolkit.lab.dataplane.model import Condition, FixedResponse, Forward, HealthCheck, Redirect
from toolkit.lab.dataplane.reader import action_of, condition_of, target_group


def forward(*groups: tuple[str, int], **stickiness: Any) -> dict[str, Any]:
    tuples = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups]
    return {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": tuples, "TargetGroupStickinessConfig": stickiness},
    }


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([forward(("b", 90), ("g", 10), Enabled=False)], Forward((("b", 90), ("g", 10)))),
        ([forward(("b", 1), Enabled=True, DurationSeconds=60)], Forward((("b", 1),), 60)),
        ([{"Type": "forward", "TargetGroupArn": "b"}], Forward((("b", 1),))),
        ([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}], FixedResponse(404)),
        (
            [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443"}}],
            Redirect(301, protocol="HTTPS", port="443"),
        ),
        (
            [{"Type": "forward", "Order": 2, "TargetGroupArn": "b"}, {"Type": "authenticate-oidc", "Order": 1}],
            Forward((("b", 1),)),
        ),
        ([], FixedResponse(503)),
    ],
)
def test_actions(actions: list[dict[str, Any]], expected: object) -> None:
    assert action_of(actions) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Field": "path-pattern", "Values": ["/a"]}, Condition("path-pattern", ("/a",))),
        (
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b"]}},
            Condition("path-pattern", ("/a", "/b")),
        ),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Cookie", "RegexValues": ["^a=1$"]}},
            Condition("http-header", header="Cookie", expressions=("^a=1$",)),
        ),
        ({"Field": "path-pattern", "RegexValues": ["^/a"]}, Condition("path-pattern", expressions=("^/a",))),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["x"]}}, Condition("host-header", ("x",))),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}},
            Condition("http-header", ("1",), header="X-A"),
        ),
        (
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "k", "Value": "v"}, {"Value": "w"}]}},
            Condition("query-string", pairs=(("k", "v"), (None, "w"))),
        ),
    ],
)
def test_conditions(condition: dict[str, Any], expected: Condition) -> None:
    assert condition_of(condition) == expected


def test_a_target_group_with_everything_set() -> None:
    source = {
        "TargetGroupArn": "arn",
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP2",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPath": "/h",
        "HealthCheckPort": "9000",
        "HealthCheckIntervalSeconds": 5,
        "HealthCheckTimeoutSeconds": 2,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 4,
        "Matcher": {"HttpCode": "200-299"},
    }
    attributes = {
        "deregistration_delay.timeout_seconds": "20",
        "stickiness.enabled": "true",
        "stickiness.type": "lb_cookie",
        "stickiness.lb_cookie.duration_seconds": "99",
    }
    group = target_group(source, attributes, ())
    assert group.health_check == HealthCheck("HTTP", "/h", 9000, 5, 2, 3, 4, "200-299")
    assert (group.deregistration_delay, group.target_cookie, group.protocol_version) == (20, 99, "HTTP2")


def test_what_is_not_said_is_what_aws_takes() -> None:
    group = target_group({"TargetGroupArn": "arn", "Protocol": "HTTP", "HealthCheckPort": "traffic-port"}, {}, ())
    assert group.health_check == HealthCheck()
    assert (group.deregistration_delay, group.target_cookie) == (300, None)


def test_a_group_for_flows_has_a_network_load_balancers_defaults() -> None:
    group = target_group({"TargetGroupArn": "arn", "Protocol": "TCP", "HealthCheckProtocol": "HTTP"}, {}, ())
    assert group.is_tcp
    assert group.health_check.matcher == "200-399"
    assert (group.closes_deregistered, group.closes_unhealthy) == (False, True)
    told = {
        "deregistration_delay.connection_termination.enabled": "true",
        "target_health_state.unhealthy.connection_termination.enabled": "false",
    }
    group = target_group({"TargetGroupArn": "arn", "Protocol": "TCP"}, told, ())
    assert (group.closes_deregistered, group.closes_unhealthy) == (True, False)


def test_a_group_for_requests_closes_no_connection() -> None:
    assert not target_group({"TargetGroupArn": "arn", "Protocol": "HTTP"}, {}, ()).closes_unhealthy
