"""Which rules and listeners send requests to a color past the split, and how a sentence names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.support.fakes import PREFIX, a_contract
from toolkit.contract import Contract, Route, RouteKind
from toolkit.contract import TestRoute as ATestRoute
from toolkit.rollout.bypass import Rule, colors_of, known_test_route, past_the_split
from toolkit.rollout.preview import Condition, in_words
from toolkit.traffic import Color

WEB = a_contract()
BLUE, GREEN = (WEB.target_groups[color].arn for color in Color)
LISTENER = WEB.routes[0].listener_arn
BETA = Condition("path-pattern", ("/beta/*",))
ALL_PATHS = Condition("path-pattern", ("/x", "/*"))
HEADER = Condition("http-header", ("the secret",), header="X-Color")


def a_rule(priority: int | None = 5, *conditions: Condition, on: str = LISTENER, **weights: int) -> Rule:
    """The arn of a default action is its listener's."""
    arn = on if priority is None else f"{on.replace(':listener/', ':listener-rule/')}/{priority}"
    groups = {WEB.target_groups[Color(color)].arn: weight for color, weight in weights.items()}
    return Rule(arn, on, "HTTPS", 443, priority, conditions, groups)


def with_test_route(rule: Rule, color: Color = Color.GREEN) -> Contract:
    return replace(WEB, test_routes=(ATestRoute("web-test", color, rule.arn, rule.listener_arn, "x-color"),))


def test_a_rule_that_forwards_to_a_color_and_is_no_route_is_past_the_split() -> None:
    stranger = a_rule(5, BETA, green=1)
    route = replace(a_rule(10, ALL_PATHS, blue=90, green=10), arn=WEB.routes[0].arn)
    assert past_the_split(WEB, [route, stranger]) == [stranger]
    assert colors_of(WEB, stranger) == [Color.GREEN]


@pytest.mark.parametrize("weights", [{}, {BLUE: 0, GREEN: 0}, {f"{PREFIX}:targetgroup/other/1": 1, GREEN: 0}])
def test_what_gives_no_color_a_weight_is_not(weights: Mapping[str, int]) -> None:
    assert past_the_split(WEB, [replace(a_rule(5, BETA), weights=weights)]) == []


def test_a_default_action_is_unless_the_listener_is_a_route() -> None:
    default = a_rule(None, on=f"{PREFIX}:listener/app/web/1/9", blue=1)
    assert past_the_split(WEB, [default]) == [default]
    route = Route("default", RouteKind.ALB_LISTENER, default.arn, default.arn, WEB.routes[0].stickiness)
    assert past_the_split(replace(WEB, routes=(route,)), [default]) == []


@pytest.mark.parametrize(
    ("conditions", "reached"),
    [
        ((ALL_PATHS,), False),
        ((ALL_PATHS, Condition("host-header", ("*",))), False),
        ((ALL_PATHS, HEADER), True),
        ((Condition("path-pattern", ("/a*",)),), True),
        ((Condition("path-pattern", expressions=(".*",)),), True),
    ],
)
def test_what_stands_after_a_rule_that_takes_everything_gets_nothing(
    conditions: tuple[Condition, ...], *, reached: bool
) -> None:
    first = a_rule(1, *conditions)
    later, default = a_rule(50, BETA, green=1), a_rule(None, blue=1)
    assert past_the_split(WEB, [default, later, first]) == ([later, default] if reached else [])


def test_a_rule_that_takes_everything_does_so_on_its_own_listener() -> None:
    elsewhere = a_rule(50, BETA, on=f"{PREFIX}:listener/app/web/1/9", green=1)
    assert past_the_split(WEB, [a_rule(1, ALL_PATHS), elsewhere]) == [elsewhere]


def test_a_test_route_of_the_contract_is_known() -> None:
    rule = a_rule(5, HEADER, green=1)
    found = known_test_route(with_test_route(rule), rule)
    assert found is not None
    assert found.name == "web-test"
    assert known_test_route(WEB, rule) is None


@pytest.mark.parametrize(
    "rule", [a_rule(5, BETA, green=1), a_rule(5, HEADER, blue=1), a_rule(5, HEADER, blue=1, green=1)]
)
def test_one_that_takes_requests_without_its_header_or_leads_elsewhere_is_none(rule: Rule) -> None:
    assert known_test_route(with_test_route(rule), rule) is None


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (BETA, "path /beta/*"),
        (Condition("path-pattern", ("/a", "/b", "/c", "/d", "/e")), "path /a or /b or /c or 2 more"),
        (Condition("path-pattern", expressions=("^/a",)), "path ^/a"),
        (Condition("host-header", ("b.example",)), "host b.example"),
        (Condition("http-request-method", ("POST",)), "method POST"),
        (Condition("source-ip", ("10.0.0.0/8",)), "from 10.0.0.0/8"),
        (HEADER, "header X-Color"),
        (Condition("query-string", pairs=(("preview", "the secret"), (None, "x"))), "query preview"),
        (Condition("query-string", pairs=((None, "the secret"),)), "a query"),
        (Condition("something-new"), "something-new"),
    ],
)
def test_a_condition_is_told_without_values_that_may_be_secret(condition: Condition, words: str) -> None:
    assert in_words(condition) == words


def test_a_rule_is_told_by_where_it_stands() -> None:
    assert str(a_rule(5, BETA, HEADER)) == "rule 5 of the HTTPS listener on port 443 (path /beta/* and header X-Color)"
    assert str(a_rule(5)) == "rule 5 of the HTTPS listener on port 443"
    assert str(a_rule(None)) == "the default action of the HTTPS listener on port 443"
