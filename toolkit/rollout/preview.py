"""Test routes as they stand, and the request that takes one: which color it reaches whatever the weights say."""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from toolkit.contract import Contract, TestRoute

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MOST_VALUES = 3  # that a sentence names
_NAMED = {"path-pattern": "path", "host-header": "host", "http-request-method": "method", "source-ip": "from"}
_GLOB = set("[]{}")  # curl would read them as a range or a list
_IN_A_PATH = string.punctuation.replace("#", "").replace("?", "")
_IN_A_QUERY = string.punctuation.replace("#", "").replace("&", "")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule. `field` is AWS's word (path-pattern, host-header, http-header, ...).

    values: any of them suffices; `*` and `?` are wildcards. expressions: regular expressions in their stead.
    header: the name, of an http-header. pairs: key (None: any) and value, of a query-string.
    """

    field: str
    values: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    header: str = ""
    pairs: tuple[tuple[str | None, str], ...] = ()


def in_words(condition: Condition) -> str:
    """What a condition asks, for people. Values of headers and queries are left out: they may be secrets."""
    if condition.field == "http-header":
        return f"header {condition.header}"
    if condition.field == "query-string":
        keys = [key for key, _ in condition.pairs if key]
        return f"query {_few(keys)}" if keys else "a query"
    asked = _few(condition.values or condition.expressions)
    return f"{_NAMED.get(condition.field, condition.field)} {asked}".rstrip()


def _few(values: Sequence[str]) -> str:
    more = len(values) - _MOST_VALUES
    return " or ".join([*values[:_MOST_VALUES], *([f"{more} more"] if more > 0 else [])])


@dataclass(frozen=True, slots=True)
class LiveTestRoute:
    """A test route as the load balancer holds it now.

    protocol, port: its listener's. weights: target group ARN -> weight; empty where it forwards nowhere.
    """

    route: TestRoute
    protocol: str
    port: int
    conditions: tuple[Condition, ...]
    weights: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Request:
    """One request that takes a test route. `remarks` say what it cannot know or do."""

    route: TestRoute
    url: str
    method: str | None
    headers: Mapping[str, str]
    connect_to: str | None
    remarks: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The curl line, quoted for a POSIX shell."""
        words = ["curl", "-i"]
        if self.method == "HEAD":
            words.append("--head")
        elif self.method:
            words += ["-X", self.method]
        if _GLOB & set(self.url):
            words.append("--globoff")
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}"]
        if self.connect_to:
            words += ["--connect-to", self.connect_to]
        return shlex.join([*words, self.url])


@dataclass(slots=True)
class Draft:
    """What the conditions ask of a request, gathered one by one."""

    host: str = ""
    path: str = "/"
    method: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    query: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, conditions: Iterable[Condition]) -> Draft:
        """What all of them ask."""
        draft = cls()
        for condition in conditions:
            draft.take(condition)
        return draft

    def take(self, condition: Condition) -> None:
        if condition.expressions and not condition.values:
            what = f"header {condition.header}" if condition.header else condition.field
            self.remarks.append(f"{what} must match the regular expression {condition.expressions[0]}: put one in")
        elif condition.field == "host-header" and condition.values:
            self.host = _host(condition.values)
        elif condition.field == "path-pattern" and condition.values:
            self.path = quote(_concrete(condition.values) or "/", safe=_IN_A_PATH)
        elif condition.field == "http-header" and condition.values:
            self.headers[condition.header] = _concrete(condition.values) or "x"
        elif condition.field == "http-request-method" and condition.values:
            self.method = None if "GET" in condition.values else condition.values[0]
        elif condition.field == "query-string" and condition.pairs:
            self.query.append(_pair(*condition.pairs[0]))
        elif condition.field == "source-ip" and condition.values:
            self.remarks.append(f"only from {' or '.join(condition.values)}")
        else:
            self.remarks.append(f"its condition on {condition.field} is none that bluegreen knows")


def faults(live: LiveTestRoute, contract: Contract) -> list[str]:
    """Why the rule is no test route of its color; empty where it is one."""
    color, wanted = live.route.color, contract.target_groups[live.route.color].arn
    found = []
    if [arn for arn, weight in live.weights.items() if weight] != [wanted]:
        told = ", ".join(
            f"{contract.color_of(arn) or arn.rpartition(':')[2]} at {weight}" for arn, weight in live.weights.items()
        )
        found.append(f"it forwards to {told or 'no target group'}, not to {color} alone")
    if not _header(live):
        found.append(f"it asks for no header {live.route.header_name}, so it takes requests without one too")
    return found


def _header(live: LiveTestRoute) -> Condition | None:
    name = live.route.header_name.lower()
    return next((each for each in live.conditions if each.header.lower() == name), None)


def request_for(live: LiveTestRoute, dns_name: str, *, via: str | None = None) -> Request:
    """The request that meets every condition of the rule.

    dns_name: the load balancer's. via: `HOST:PORT` where it answers in its stead. A host that the rule asks for goes
    into the URL, so that TLS is checked against it, and the connection to the load balancer.
    """
    draft = Draft.of(live.conditions)
    scheme = live.protocol.lower()
    host = draft.host or dns_name
    place = host if live.port == _DEFAULT_PORTS.get(scheme) else f"{host}:{live.port}"
    there = via or (f"{dns_name}:{live.port}" if host != dns_name else None)
    query = f"?{'&'.join(draft.query)}" if draft.query else ""
    return Request(
        route=live.route,
        url=f"{scheme}://{place}{draft.path}{query}",
        method=draft.method,
        headers=draft.headers,
        connect_to=f"{host}:{live.port}:{there}" if there else None,
        remarks=tuple(draft.remarks),
    )


def _concrete(patterns: Sequence[str]) -> str:
    """A value that one of the patterns matches; a pattern without wildcards before any other."""
    pattern = next((each for each in patterns if not _is_wild(each)), patterns[0])
    return pattern.replace("?", "x").replace("*", "")


def _host(patterns: Sequence[str]) -> str:
    """As `_concrete`; a wildcard that is a whole label needs a word, or no name would come of it.

    Empty for `*`: any host does.
    """
    pattern = next((each for each in patterns if not _is_wild(each)), patterns[0])
    if pattern == "*":
        return ""
    return _concrete([re.sub(r"(?<![^.])\*(?![^.])", "preview", pattern)])


def _is_wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _pair(key: str | None, value: str) -> str:
    """`key=value`; a backslash makes a wildcard a letter here. Source: ELBv2 API, QueryStringConditionConfig."""
    return f"{_query_text(key) if key else 'x'}={_query_text(value)}"


def _query_text(pattern: str) -> str:
    wild = {"*": "", "?": "x"}
    text = re.sub(r"\\([*?])|([*?])", lambda found: found[1] or wild[found[2]], pattern)
    return quote(text, safe=_IN_A_QUERY)
