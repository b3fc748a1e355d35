"""What AWS refuses, as rules over plain data."""

from typing import Any

import pytest

from toolkit.lab.fidelity.checks import (
    Group,
    Refused,
    check_actions,
    check_conditions,
    check_health_check,
    check_moved_listener,
    check_new_listener,
    check_priority,
    check_rules_are_taken,
    check_target_ids,
)

BALANCER, OTHER = "arn:lb/app/web", "arn:lb/app/other"
GROUPS = {name: Group(name, "HTTP") for name in ("blue", "green", "c", "d", "e", "f")} | {
    "tcp": Group("tcp", "TCP"),
    "tls": Group("tls", "TLS"),
    "lambda": Group("lambda", None),
    "elsewhere": Group("elsewhere", "HTTP", frozenset({OTHER})),
    "here": Group("here", "HTTP", frozenset({BALANCER})),
}


def forward(*names: str, sticky: dict[str, Any] | None = None, **weights: int) -> dict[str, Any]:
    tuples: list[dict[str, Any]] = [{"TargetGroupArn": name} for name in names]
    tuples += [{"TargetGroupArn": name, "Weight": weight} for name, weight in weights.items()]
    config: dict[str, Any] = {"TargetGroups": tuples}
    if sticky is not None:
        config["TargetGroupStickinessConfig"] = sticky
    return {"Type": "forward", "ForwardConfig": config}


def check(*actions: dict[str, Any], protocol: str = "HTTP") -> None:
    check_actions(actions, GROUPS, load_balancer=BALANCER, listener_protocol=protocol)


@pytest.mark.parametrize(
    "action",
    [
        forward(blue=0, green=999),
        forward(blue=0, green=0),
        forward("blue"),
        forward("blue", "green", "c", "d", "e"),
        forward(blue=1, sticky={"Enabled": True, "DurationSeconds": 604_800}),
        forward(blue=1, sticky={"Enabled": False}),
        {"Type": "forward", "TargetGroupArn": "blue"},
        forward("blue") | {"TargetGroupArn": "blue"},
        forward("lambda"),
        forward("here"),
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}},
    ],
)
def test_what_aws_takes_passes(action: dict[str, Any]) -> None:
    check(action)


@pytest.mark.parametrize(
    ("action", "code", "message"),
    [
        (forward(blue=1000, green=0), "ValidationError", "must be between 0 and 999, inclusive"),
        (forward(blue=-1, green=0), "ValidationError", "must be between 0 and 999, inclusive"),
        (forward("blue", "green", "c", "d", "e", "f"), "ValidationError", "1 to 5 target groups, and this one has 6"),
        (forward(), "ValidationError", "1 to 5 target groups, and this one has 0"),
        (forward("nobody"), "TargetGroupNotFound", "Target group 'nobody' not found"),
        ({"Type": "forward", "TargetGroupArn": "nobody"}, "TargetGroupNotFound", "Target group 'nobody' not found"),
        ({"Type": "forward"}, "ValidationError", "must be specified"),
        (forward("blue", "green") | {"TargetGroupArn": "blue"}, "ValidationError", "different target groups"),
        (forward("blue", sticky={"Enabled": True}), "ValidationError", "between 1 and 604800 seconds"),
        (
            forward("blue", sticky={"Enabled": True, "DurationSeconds": 604_801}),
            "ValidationError",
            "between 1 and 604800 seconds",
        ),
        (
            forward("blue", sticky={"Enabled": False, "DurationSeconds": 0}),
            "ValidationError",
            "between 1 and 604800 seconds",
        ),
        (forward("tcp"), "IncompatibleProtocols", "'HTTP' and 'TCP'"),
        (forward("elsewhere"), "TargetGroupAssociationLimit", "more than one load balancer: elsewhere"),
    ],
)
def test_what_aws_refuses_is_refused_in_its_words(action: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        check(action)
    assert caught.value.code == code
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("listener", "group", "fits"),
    [
        ("TCP", "tcp", True),
        ("TLS", "tcp", True),
        ("UDP", "tcp", False),
        ("HTTPS", "blue", True),
        ("TCP", "blue", False),
        ("TCP", "tls", False),
        ("TLS", "tls", True),
        ("HTTP", "tls", False),
    ],
)
def test_a_listener_forwards_only_to_protocols_it_speaks(listener: str, group: str, fits: bool) -> None:
    if fits:
        check(forward(group), protocol=listener)
        return
    with pytest.raises(Refused, match="IncompatibleProtocols"):
        check(forward(group), protocol=listener)


def test_a_listener_for_flows_only_forwards() -> None:
    check(forward(tcp=100), protocol="TCP")
    with pytest.raises(Refused, match="InvalidLoadBalancerAction"):
        check({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}, protocol="TCP")


def test_a_network_load_balancer_takes_rules_only_where_it_is_dual_stack() -> None:
    check_rules_are_taken("application", "ipv4")
    check_rules_are_taken("network", "dualstack")
    with pytest.raises(Refused, match="Application Load Balancers"):
        check_rules_are_taken("network", "ipv4")


@pytest.mark.parametrize(
    ("protocol", "check_protocol", "has_matcher", "fits"),
    [
        ("TCP", "TCP", False, True),
        ("TLS", "HTTPS", True, True),
        ("TCP", "HTTP", True, True),
        ("HTTP", "HTTP", True, True),
        (None, None, True, True),
        ("TCP", "TCP", True, False),
        ("HTTP", "TCP", False, False),
        ("TLS", "TLS", False, False),
    ],
)
def test_a_health_check_fits_its_group(
    protocol: str | None, check_protocol: str | None, has_matcher: bool, fits: bool
) -> None:  # fmt: skip
    if fits:
        check_health_check(protocol, check_protocol, has_matcher=has_matcher)
        return
    with pytest.raises(Refused):
        check_health_check(protocol, check_protocol, has_matcher=has_matcher)


def test_a_second_listener_on_a_port_is_refused() -> None:
    check_new_listener(80, [443], BALANCER)
    with pytest.raises(Refused, match="DuplicateListener: A listener already exists on this port"):
        check_new_listener(80, [443, 80], BALANCER)


def test_a_listener_cannot_move_onto_anothers_port() -> None:
    check_moved_listener(None, [443])
    with pytest.raises(Refused, match="Listener port '443' is already in use"):
        check_moved_listener(443, [443])


def test_a_rule_takes_five_condition_values_in_all() -> None:
    def conditions(paths: int, hosts: int) -> list[dict[str, Any]]:
        return [
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"] * paths}},
            {"Field": "host-header", "Values": ["b"] * hosts},
        ]

    check_conditions(conditions(4, 1))
    with pytest.raises(Refused, match="A rule can only have '5' condition values"):
        check_conditions(conditions(4, 2))


def test_a_regular_expression_is_a_value_like_any_other() -> None:
    def conditions(expressions: int) -> list[dict[str, Any]]:
        config = {"HttpHeaderName": "Cookie", "RegexValues": ["a"] * expressions}
        return [
            {"Field": "path-pattern", "Values": ["/a"]},
            {"Field": "http-header", "HttpHeaderConfig": config},
        ]

    check_conditions(conditions(4))
    with pytest.raises(Refused, match="A rule can only have '5' condition values"):
        check_conditions(conditions(5))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["a(?=b)"]}}, "lookaheads"),
        ({"Field": "path-pattern", "RegexValues": ["a" * 129]}, "1 to 128"),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["a"], "RegexValues": ["a"]}}, "cannot specify both"),
        ({"Field": "source-ip", "RegexValues": ["a"]}, "not compatible with 'source-ip'"),
    ],
)
def test_a_regular_expression_that_aws_does_not_take_is_refused(condition: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        check_conditions([condition])


@pytest.mark.parametrize("priority", [0, 50_001])
def test_a_priority_lies_between_1_and_50000(priority: int) -> None:
    check_priority(1)
    check_priority(50_000)
    with pytest.raises(Refused, match=f"Value '{priority}' at 'priority'"):
        check_priority(priority)


@pytest.mark.parametrize("address", ["10.0.1.11", "172.31.0.4", "192.168.1.1", "100.64.0.1"])
def test_private_addresses_are_ip_targets(address: str) -> None:
    check_target_ids("ip", [address])


@pytest.mark.parametrize("address", ["8.8.8.8", "127.0.0.1", "172.32.0.1", "i-0123456789abcdef0", "web.example"])
def test_other_addresses_are_no_ip_targets(address: str) -> None:
    with pytest.raises(Refused, match=address):
        check_target_ids("ip", [address])


def test_an_address_is_no_instance() -> None:
    check_target_ids("instance", ["i-0123456789abcdef0"])
    with pytest.raises(Refused, match=r"Instance ID '10.0.0.1' is not valid"):
        check_target_ids("instance", ["10.0.0.1"])
