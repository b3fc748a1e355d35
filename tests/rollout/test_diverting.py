"""What a rule that diverts requests asks, and where it can go."""

from __future__ import annotations

import re
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import a_contract
from toolkit.contract import Priorities
from toolkit.errors import UsageError
from toolkit.lab.expressions import fault
from toolkit.rollout.diverting import Ground, asked, between, planned, refusal
from toolkit.rollout.preview import Condition
from toolkit.traffic import Color

ANY = Condition("path-pattern", ("/*",))
GROUND = Ground((ANY,), 100, frozenset({100}))
BETA = asked(headers=["X-Beta: yes"])
COOKIE = asked(cookies=["beta=1"])


def test_several_options_are_conditions_that_must_all_match_and_of_the_sources_any() -> None:
    found = asked(["X-Beta: yes"], ["a=1"], ["k=v"], ["10.0.0.0/8", "192.0.2.1/32"])
    assert [each.field for each in found] == ["http-header", "http-header", "query-string", "source-ip"]
    assert found[0] == Condition("http-header", ("yes",), header="X-Beta")
    assert found[2].pairs == (("k", "v"),)
    assert found[3].values == ("10.0.0.0/8", "192.0.2.1/32")


@pytest.mark.parametrize(
    "sent",
    ["beta=1", "beta=1; a=2", "a=2; beta=1", "a=2; beta=1; b=3", "a=2;beta=1", "a=2;beta=1;b=3", "a=2;  beta=1 ; b=3"],
)
def test_a_cookie_is_found_wherever_it_stands(sent: str) -> None:
    assert _matches("beta=1", sent)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "beta=10",
        "xbeta=1",
        "x beta=1",
        "a=2; beta=10",
        "a=2; xbeta=1; b=3",
        "a=beta=1",
        "beta=11; a=1",
        "Beta=1",
        "beta=1 2",
        'beta="1"',
    ],
)
def test_a_cookie_that_only_looks_like_it_is_not_taken_for_it(sent: str) -> None:
    assert not _matches("beta=1", sent)


@pytest.mark.parametrize(
    ("cookie", "other"),
    [
        ("a.b=1", "axb=1"),
        ("a=1.0", "a=1x0"),
        ("a=1+", "a=11"),
        ("a=(b|c)", "a=b"),
        ("a=[bc]", "a=b"),
        ("a=b{2}", "a=bb"),
        ("a^$=|", "a="),
        ('a="1"', "a=1"),
        ("a=", "a=1"),
        ("a=b=c", "a=b"),
    ],
)
def test_what_means_something_in_an_expression_means_itself_in_a_cookie(cookie: str, other: str) -> None:
    assert _matches(cookie, f"x=1; {cookie}")
    assert not _matches(cookie, other)


def _matches(cookie: str, sent: str) -> bool:
    """Whether AWS compares the whole header or looks for a part is not documented: both must come to the same."""
    (condition,) = asked(cookies=[cookie])
    (expression,) = condition.expressions
    assert (condition.field, condition.header, condition.values) == ("http-header", "Cookie", ())
    assert fault(expression) == ""
    whole, part = re.fullmatch(expression, sent), re.search(expression, sent)
    assert bool(whole) == bool(part)
    return bool(whole)


@given(st.text(string.ascii_letters + string.digits + "!#$%&'+.^_`|~-", min_size=1, max_size=12), st.data())
def test_every_cookie_that_is_taken_is_found_and_no_longer_one(name: str, data: st.DataObject) -> None:
    value = data.draw(st.text(string.ascii_letters + string.digits + "!#$%&'()+-./:<=>@[]^_`{|}~", max_size=20))
    cookie = f"{name}={value}"
    assert _matches(cookie, cookie)
    assert not _matches(cookie, f"{cookie}0")
    assert not _matches(cookie, f"x{cookie}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, "nothing says which requests"),
        ({"headers": ["X-Beta"]}, "has no name that a rule takes"),
        ({"headers": ["Host: a.example"]}, "has no name that a rule takes"),
        ({"headers": ["X Beta: yes"]}, "has no name that a rule takes"),
        ({"headers": ["X-Beta: "]}, "a value has 1 to 128"),
        ({"headers": ["X-Beta: ÿ"]}, "a value has 1 to 128"),
        ({"headers": ["X-Beta: " + 129 * "a"]}, "a value has 1 to 128"),
        ({"cookies": ["beta"]}, "is no cookie"),
        ({"cookies": ["beta=a b"]}, "is no cookie"),
        ({"cookies": ["beta=1;"]}, "is no cookie"),
        ({"cookies": ["beta=*"]}, "is no cookie"),
        ({"cookies": ["be?a=1"]}, "is no cookie"),
        ({"cookies": ['beta="1']}, "is no cookie"),
        ({"cookies": ["beta=a\\d"]}, "is no cookie"),
        ({"cookies": ["beta=a,b"]}, "is no cookie"),
        ({"cookies": ["=1"]}, "is no cookie"),
        ({"cookies": ["beta=" + 106 * "1"]}, "it takes 129 characters, and a rule takes 128"),
        ({"cookies": ["beta=" + 53 * "."]}, "it takes 129 characters"),
        ({"queries": ["k"]}, "is no parameter"),
        ({"queries": ["k=v&l=w"]}, "is no parameter"),
        ({"sources": ["10.0.0.1/8"]}, "is no block of addresses"),
        ({"sources": ["here"]}, "is no block of addresses"),
    ],
)
def test_words_that_no_rule_could_ask_are_refused(words: dict[str, list[str]], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        asked(**words)
    assert said in refused.value.message


def test_a_rule_of_its_own_asks_what_the_route_asks_too_and_stands_nearest_to_it() -> None:
    contract = a_contract(routes=2)
    taken = replace(GROUND, taken=frozenset({94, 100}))
    found = planned(contract, {"route-0": taken, "route-1": taken}, BETA, Color.GREEN)
    assert not isinstance(found, str)
    one, two = found
    assert (one.priority, two.priority) == (93, 92)
    assert one.conditions == (ANY, *BETA)
    assert (one.color, one.arn) == (Color.GREEN, "")


@pytest.mark.parametrize(
    ("ground", "wanted", "said"),
    [
        (
            replace(GROUND, conditions=(Condition("host-header", ("a.example", "b.example", "c.example")),)),
            asked(["X-Beta: yes", "X-Gamma: yes"], ["beta=1"]),
            "a rule takes 5 values in its conditions; route route-0 has 3 of them and so leaves 2, and this asks for 3",
        ),
        (
            replace(GROUND, conditions=(Condition("path-pattern", expressions=("^/a", "^/b")),)),
            asked(["X-Beta: yes", "X-Gamma: yes"], ["beta=1", "gamma=1"]),
            "route route-0 has 2 of them and so leaves 3, and this asks for 4",
        ),
        (
            replace(GROUND, conditions=(Condition("path-pattern", ("/*/*",)),)),
            asked(["X-Beta: ?*?*"]),
            "a rule takes 5 wildcards",
        ),
        (
            replace(GROUND, conditions=(Condition("source-ip", ("10.0.0.0/8",)),)),
            asked(sources=["10.1.0.0/16"]),
            "asks for source-ip itself",
        ),
        (replace(GROUND, taken=frozenset(range(90, 95))), BETA, "every one of the priorities 90 to 94"),
        (replace(GROUND, priority=94), BETA, "do not come before its own 94"),
        (replace(GROUND, preceding=("authenticate-oidc",)), BETA, "signs users in by OIDC"),
        (None, BETA, "is gone"),
    ],
)
def test_where_no_rule_can_be_made_the_reason_is_said(
    ground: Ground | None, wanted: tuple[Condition, ...], said: str
) -> None:
    contract = a_contract()
    found = refusal(contract.routes[0], ground, wanted)
    assert found is not None
    assert said in found[0]
    assert found[1]
    grounds = {} if ground is None else {"route-0": ground}
    assert isinstance(planned(contract, grounds, wanted, Color.GREEN), str)


def test_a_route_without_reserved_priorities_is_refused_with_what_to_write() -> None:
    found = refusal(replace(a_contract().routes[0], reserved_priorities=None), GROUND, BETA)
    assert found is not None
    assert "reserves no rule priorities" in found[0]
    assert "reserved_priorities = { first = 90, last = 94 }" in found[1]


def test_a_cookie_takes_one_value_and_no_wildcard_of_what_the_route_leaves() -> None:
    hosts = Condition("host-header", ("*.a.example", "*.b.example", "*.c.example"))
    ground = replace(GROUND, conditions=(Condition("path-pattern", ("/*/*",)), hosts))
    assert refusal(a_contract().routes[0], ground, COOKIE) is None
    assert refusal(a_contract().routes[0], ground, (*COOKIE, *BETA)) is not None


def test_rules_of_others_between_the_diversion_and_the_route_are_named() -> None:
    route = replace(a_contract().routes[0], reserved_priorities=Priorities(10, 12))
    ground = replace(GROUND, taken=frozenset({5, 50, 60, 100, 200}), strangers=frozenset({5, 50, 200}))
    assert between(route, ground) == [50]
