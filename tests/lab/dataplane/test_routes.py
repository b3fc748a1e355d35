from typing import Any

import pytest

from tests.lab.dataplane.envoy_match import Request, destination, first_route
from toolkit.lab.dataplane.model import (
    Condition,
    FixedResponse,
    Forward,
    Listener,
    Redirect,
    Rule,
)
from toolkit.lab.dataplane.routes import STATEFUL_FILTER, Surroundings, route_configuration, sticky_token

ELB = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
BLUE, GREEN = f"{ELB}:targetgroup/blue/1", f"{ELB}:targetgroup/green/2"
BLUE_CLUSTER, GREEN_CLUSTER = "targetgroup/blue/1", "targetgroup/green/2"
RULE = f"{ELB}:listener-rule/app/web/1/2/3"


def rule(action: Any, *conditions: Condition, priority: int | None = None, arn: str = RULE) -> Rule:
    return Rule(arn, priority, conditions, action)


def configured(*rules: Rule, port: int = 80, lab_ports: dict[int, int] | None = None) -> dict[str, Any]:
    listener = Listener(f"{ELB}:listener/app/web/1/2", port, "HTTP", rules)
    return route_configuration(listener, Surroundings(7, lab_ports or {}, {GREEN: 30.0}))


def split(blue: int, green: int, sticky: int | None = None) -> Forward:
    return Forward(((BLUE, blue), (GREEN, green)), sticky)


def cookie(group: str, arn: str = RULE) -> dict[str, str]:
    return {"cookie": f"a=b; AWSALBTG={sticky_token(arn, group)}; c=d"}


def test_weights_go_through_unchanged() -> None:
    assert destination(configured(rule(split(95, 5))), Request()) == {BLUE_CLUSTER: 95, GREEN_CLUSTER: 5}


def test_no_weight_at_all_answers_503() -> None:
    assert destination(configured(rule(split(0, 0))), Request()) == 503


def test_the_first_rule_that_matches_wins_and_the_default_comes_last() -> None:
    configuration = configured(
        rule(FixedResponse(201), Condition("path-pattern", ("/a/b",)), priority=1),
        rule(FixedResponse(202), Condition("path-pattern", ("/a/*",)), priority=2),
        rule(FixedResponse(404)),
    )
    assert [destination(configuration, Request(path)) for path in ("/a/b", "/a/c", "/x")] == [201, 202, 404]


@pytest.mark.parametrize("weights", [(100, 0), (0, 100), (0, 0)])
def test_a_cookie_beats_the_weights(weights: tuple[int, int]) -> None:
    configuration = configured(rule(split(*weights, sticky=60)))
    assert destination(configuration, Request(headers=cookie(BLUE))) == {BLUE_CLUSTER: 1}
    assert destination(configuration, Request(headers=cookie(GREEN))) == {GREEN_CLUSTER: 1}


def test_a_cookie_of_another_rule_or_of_nobody_does_not_stick() -> None:
    configuration = configured(rule(split(0, 100, sticky=60)))
    another_name = {"cookie": f"XAWSALBTG={sticky_token(RULE, BLUE)}"}
    for headers in (cookie(BLUE, arn="another"), {"cookie": "AWSALBTG=x"}, another_name, {}):
        assert destination(configuration, Request(headers=headers)) == {BLUE_CLUSTER: 0, GREEN_CLUSTER: 100}


def test_a_cookie_counts_for_nothing_once_stickiness_is_off() -> None:
    configuration = configured(rule(split(0, 100)))
    assert destination(configuration, Request(headers=cookie(BLUE))) == {BLUE_CLUSTER: 0, GREEN_CLUSTER: 100}


def test_a_sticky_rule_still_needs_its_conditions() -> None:
    configuration = configured(
        rule(split(1, 0, sticky=60), Condition("http-request-method", ("POST",)), priority=1), rule(FixedResponse(404))
    )
    assert destination(configuration, Request(headers=cookie(BLUE))) == 404
    assert destination(configuration, Request(method="POST", headers=cookie(BLUE))) == {BLUE_CLUSTER: 1}


def test_each_group_sets_the_cookie_that_leads_back_to_it() -> None:
    configuration = configured(rule(split(1, 1, sticky=60)))
    clusters = first_route(configuration, Request())["route"]["weighted_clusters"]["clusters"]
    for arn, cluster in zip((BLUE, GREEN), clusters, strict=True):
        (added,) = cluster["response_headers_to_add"]
        name_and_value = added["header"]["value"].partition(";")[0]
        sticky = Request(headers={"cookie": name_and_value})
        assert destination(configuration, sticky) == {arn.rpartition(":")[2]: 1}
        assert "Max-Age=60" in added["header"]["value"]


def test_only_a_group_with_a_target_cookie_holds_its_clients_at_one_target() -> None:
    configuration = configured(rule(split(1, 1, sticky=60)))
    blue, green = first_route(configuration, Request())["route"]["weighted_clusters"]["clusters"]
    assert STATEFUL_FILTER in green["typed_per_filter_config"]
    assert "typed_per_filter_config" not in blue
    assert "typed_per_filter_config" in first_route(configuration, Request(headers=cookie(GREEN)))
    assert "typed_per_filter_config" not in first_route(configuration, Request(headers=cookie(BLUE)))


def test_a_change_of_weights_changes_the_weights_only() -> None:
    before, after = configured(rule(split(100, 0))), configured(rule(split(0, 100)))
    for configuration in (before, after):
        for cluster in first_route(configuration, Request())["route"]["weighted_clusters"]["clusters"]:
            del cluster["weight"]
    assert before == after


def test_silence_is_bounded_by_the_load_balancers_idle_timeout_and_the_exchange_is_not() -> None:
    action = first_route(configured(rule(split(1, 0))), Request())["route"]
    assert (action["timeout"], action["idle_timeout"]) == ("0s", "7s")


def test_a_fixed_response_keeps_its_body_and_type() -> None:
    route = first_route(configured(rule(FixedResponse(418, "teapot", "text/css"))), Request())
    assert route["direct_response"] == {"status": 418, "body": {"inline_string": "teapot"}}
    assert route["response_headers_to_add"][0]["header"] == {"key": "content-type", "value": "text/css"}


@pytest.mark.parametrize(
    ("redirect", "expected"),
    [
        (
            Redirect(301, protocol="HTTPS", port="443"),
            {"response_code": "MOVED_PERMANENTLY", "scheme_redirect": "https", "port_redirect": 8443},
        ),
        (Redirect(302), {"response_code": "FOUND", "port_redirect": 8080}),
        (
            Redirect(302, host="b.example", path="/new", query="x=1"),
            {
                "response_code": "FOUND",
                "host_redirect": "b.example",
                "port_redirect": 8080,
                "path_redirect": "/new?x=1",
                "strip_query": True,
            },
        ),
        (
            Redirect(302, path="/v2/#{path}"),
            {
                "response_code": "FOUND",
                "port_redirect": 8080,
                "regex_rewrite": {"pattern": {"regex": "^/(.*)$"}, "substitution": r"/v2/\1"},
            },
        ),
    ],
)
def test_redirects_lead_to_the_labs_ports(redirect: Redirect, expected: dict[str, Any]) -> None:
    configuration = configured(rule(redirect), lab_ports={80: 8080, 443: 8443})
    assert destination(configuration, Request()) == expected
