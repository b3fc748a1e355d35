"""The curl line of a test route meets every condition of its rule, and pastes as it is."""

from __future__ import annotations

import re
import shlex
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import a_contract
from toolkit.contract import TestRoute as ATestRoute
from toolkit.lab.dataplane.matching import wildcard_regex
from toolkit.rollout.preview import Condition, LiveTestRoute, Request, request_for
from toolkit.traffic import Color

DNS = "web-1.elb.example"
ROUTE = ATestRoute("green-test", Color.GREEN, "arn", "listener", "x-color")
HEADER = Condition("http-header", ("s3cret",), header="X-Color")


def request(*conditions: Condition, protocol: str = "HTTP", port: int = 80, via: str | None = None) -> Request:
    weights = {a_contract().target_groups[Color.GREEN].arn: 1}
    return request_for(LiveTestRoute(ROUTE, protocol, port, conditions, weights), DNS, via=via)


def hosts(*values: str) -> Condition:
    return Condition("host-header", values)


def paths(*values: str) -> Condition:
    return Condition("path-pattern", values)


def test_a_rule_on_the_header_alone_takes_the_balancers_own_name() -> None:
    assert request(HEADER).command == f"curl -i -H 'X-Color: s3cret' http://{DNS}/"
    assert request(HEADER, protocol="HTTPS", port=443).url == f"https://{DNS}/"
    assert request(HEADER, port=8080).url == f"http://{DNS}:8080/"


def test_a_host_goes_into_the_url_and_the_connection_to_the_balancer() -> None:
    told = request(HEADER, hosts("www.example.com"), protocol="HTTPS", port=443)
    assert told.url == "https://www.example.com/"
    assert told.connect_to == f"www.example.com:443:{DNS}:443"
    assert "-k" not in shlex.split(told.command)


def test_via_takes_the_connection_elsewhere_and_leaves_url_and_host() -> None:
    assert request(HEADER, via="127.0.0.1:9000").connect_to == f"{DNS}:80:127.0.0.1:9000"
    told = request(HEADER, hosts("www.example.com"), port=8080, via="[::1]:9000")
    assert (told.url, told.connect_to) == ("http://www.example.com:8080/", "www.example.com:8080:[::1]:9000")


def test_a_pattern_becomes_a_value_that_it_matches() -> None:
    assert request(hosts("*.example.com")).url == "http://preview.example.com/"
    assert request(hosts("a?.example.com", "www.example.com")).url == "http://www.example.com/"
    assert request(hosts("*")).url == f"http://{DNS}/"
    assert request(hosts("*")).connect_to is None
    assert request(paths("/*")).url == f"http://{DNS}/"
    assert request(paths("/api/*/v?", "/api/v1")).url == f"http://{DNS}/api/v1"
    assert request(Condition("http-header", ("*",), header="A")).headers == {"A": "x"}


@given(st.text("ab.*?-/", min_size=1, max_size=12))
def test_whatever_the_pattern_its_value_matches_it(pattern: str) -> None:
    path = request(paths("/" + pattern)).url.removeprefix(f"http://{DNS}")
    assert re.fullmatch(wildcard_regex("/" + pattern), path)
    header = request(Condition("http-header", (pattern,), header="A")).headers["A"]
    assert re.fullmatch(wildcard_regex(pattern), header)
    url = request(hosts(pattern.replace("/", ""))).url if pattern.replace("/", "") else f"http://{DNS}/"
    host = url.removeprefix("http://").removesuffix("/")
    assert host == DNS or re.fullmatch(wildcard_regex(pattern.replace("/", "")), host)


def test_the_other_conditions_are_met_too() -> None:
    told = request(
        HEADER,
        Condition("http-header", ("yes",), header="X-Also"),
        Condition("http-request-method", ("POST", "PUT")),
        Condition("query-string", pairs=(("side", "a&b *\\*"), ("other", "1"))),
        Condition("query-string", pairs=((None, "x[1]"),)),
    )
    assert told.headers == {"X-Color": "s3cret", "X-Also": "yes"}
    assert told.url == f"http://{DNS}/?side=a%26b%20*&x=x[1]"
    words = shlex.split(told.command)
    assert words[words.index("-X") + 1] == "POST"
    assert "--globoff" in words
    assert told.remarks == ()
    assert request(Condition("http-request-method", ("HEAD",))).command.startswith("curl -i --head ")
    assert request(Condition("http-request-method", ("POST", "GET"))).method is None


def test_what_a_request_cannot_know_or_do_is_said() -> None:
    assert request(Condition("source-ip", ("10.0.0.0/8", "192.0.2.0/24"))).remarks == (
        "only from 10.0.0.0/8 or 192.0.2.0/24",
    )
    (regex,) = request(Condition("path-pattern", expressions=("^/v[0-9]+$",))).remarks
    assert "^/v[0-9]+$" in regex
    (unknown,) = request(Condition("moon-phase", ("full",))).remarks
    assert "moon-phase" in unknown


@given(st.text(min_size=1, max_size=20).filter(lambda text: "*" not in text and "?" not in text))
def test_any_header_value_survives_the_shell(value: str) -> None:
    words = shlex.split(request(Condition("http-header", (value,), header="X-Color")).command)
    assert words[words.index("-H") + 1] == f"X-Color: {value}"
    assert len(words) == 5


def test_the_value_is_read_from_the_rule_and_nowhere_else() -> None:
    told: Any = request(paths("/*"))
    assert told.headers == {}
