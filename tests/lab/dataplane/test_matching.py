import re
from functools import cache
from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.dataplane.envoy_match import Request, matches
from toolkit.lab.dataplane.matching import cidr_regex, route_match, wildcard_regex
from toolkit.lab.dataplane.model import Condition

ALPHABET = "ab/.-_$~\"'@:+&()*?^|[]{}\\"
patterns = st.text(ALPHABET, max_size=8)
texts = st.text(ALPHABET.replace("*", "").replace("?", ""), max_size=10)


def alb_matches(pattern: str, text: str) -> bool:
    """`*` is any run, `?` exactly one, all else itself: spelled out, with no regular expression."""

    @cache
    def at(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(text)
        if pattern[i] == "*":
            return at(i + 1, j) or (j < len(text) and at(i, j + 1))
        return j < len(text) and pattern[i] in ("?", text[j]) and at(i + 1, j + 1)

    return at(0, 0)


@given(patterns, texts)
def test_a_wildcard_pattern_matches_what_alb_says_it_matches(pattern: str, text: str) -> None:
    assert bool(re.fullmatch(wildcard_regex(pattern), text)) == alb_matches(pattern, text)


@given(patterns, st.data())
def test_a_pattern_matches_every_text_made_from_it(pattern: str, data: st.DataObject) -> None:
    text = "".join(
        data.draw(texts) if char == "*" else data.draw(st.sampled_from("ab/")) if char == "?" else char
        for char in pattern
    )
    assert re.fullmatch(wildcard_regex(pattern), text)


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_a_cidr_expression_matches_its_addresses_only(base: IPv4Address, length: int, other: IPv4Address) -> None:
    network = ip_network(f"{base}/{length}", strict=False)
    for address in (base, other, network.network_address, network.broadcast_address):
        assert bool(re.fullmatch(cidr_regex(str(network)), str(address))) == (address in network)


def test_an_ipv6_cidr_matches_no_client_of_the_lab() -> None:
    assert not re.fullmatch(cidr_regex("::/0"), str(ip_address("127.0.0.1")))


def condition(field: str, *values: str, header: str = "") -> Condition:
    return Condition(field, values, header=header)


def expressed(field: str, *expressions: str, header: str = "") -> Condition:
    return Condition(field, header=header, expressions=expressions)


@pytest.mark.parametrize(
    ("conditions", "request_", "expected"),
    [
        ([], Request("/any?x=1"), True),
        ([condition("path-pattern", "/app/*")], Request("/app/x"), True),
        ([condition("path-pattern", "/app/*")], Request("/app/x?y=/z"), True),
        ([condition("path-pattern", "/app/*")], Request("/app"), False),
        ([condition("path-pattern", "/App")], Request("/app"), False),
        ([condition("path-pattern", "/a", "/b")], Request("/b"), True),
        ([condition("path-pattern", "/a*"), condition("path-pattern", "*z")], Request("/abz?q"), True),
        ([condition("path-pattern", "/a*"), condition("path-pattern", "*z")], Request("/ab"), False),
        ([condition("host-header", "*.example.com")], Request(host="A.Example.COM"), True),
        ([condition("host-header", "*.example.com")], Request(host="a.example.com:8080"), True),
        ([condition("host-header", "*.example.com")], Request(host="example.com"), False),
        ([condition("http-header", "be*", header="X-Group")], Request(headers={"x-group": "Beta"}), True),
        ([condition("http-header", "be*", header="X-Group")], Request(), False),
        ([condition("http-request-method", "POST", "PUT")], Request(method="PUT"), True),
        ([condition("http-request-method", "POST")], Request(method="GET"), False),
        ([condition("source-ip", "10.0.0.0/8", "127.0.0.0/16")], Request(source="127.0.9.9"), True),
        ([condition("source-ip", "10.0.0.0/8")], Request(), False),
        ([Condition("query-string", pairs=(("v", "2"),))], Request("/?a=1&V=2"), True),
        ([Condition("query-string", pairs=(("v", "2"),))], Request("/?v=22"), False),
        ([Condition("query-string", pairs=(("v", "2"),))], Request("/v=2"), False),
        ([Condition("query-string", pairs=((None, "b*"),))], Request("/?x=a&y=beta&z=1"), True),
        ([Condition("query-string", pairs=((None, "b*a"),))], Request("/?x=b&y=a"), False),
        ([Condition("query-string", pairs=(("a", "1"), ("b", "2")))], Request("/?b=2"), True),
        ([condition("path-pattern", "/a"), condition("http-request-method", "GET")], Request("/a"), True),
        ([condition("path-pattern", "/a"), condition("http-request-method", "POST")], Request("/a"), False),
        ([expressed("path-pattern", "^/api/")], Request("/api/x?y=1"), True),
        ([expressed("path-pattern", "^/api/$")], Request("/api/x"), False),
        ([expressed("path-pattern", "^/API/")], Request("/api/x"), False),
        ([expressed("path-pattern", "^/a|^/b")], Request("/bc"), True),
        ([condition("path-pattern", "/a*"), expressed("path-pattern", "z")], Request("/abz?q"), True),
        ([expressed("host-header", "^a[0-9]")], Request(host="a1.example.com:8080"), True),
        ([expressed("http-header", "x", "^1$", header="X-A")], Request(headers={"x-a": "1"}), True),
        ([expressed("http-header", "^1$", header="X-A")], Request(headers={"x-a": "11"}), False),
        ([expressed("http-header", "a(?=b)", header="X-A")], Request(headers={"x-a": "ab"}), False),
        ([expressed("http-header", "a(?=b)", "^a", header="X-A")], Request(headers={"x-a": "ab"}), True),
        ([condition("something-new", "x")], Request(), False),
        ([condition("path-pattern")], Request(), False),
    ],
)
def test_conditions(conditions: list[Condition], request_: Request, expected: bool) -> None:
    assert matches(route_match(conditions), request_) is expected
