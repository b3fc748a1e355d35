"""Requests that go to one color whatever the split says, by a rule of their own. Pure: what it asks, where it goes.

A rule takes five values and five wildcards in all its conditions, and those of the route count among them, for only
requests of the route may be taken. Wildcards of a header's value cannot be escaped; a regular expression is one value.
Source: "Condition types for listener rules" and "Quotas for your Application Load Balancers", ELB user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Protocol

from toolkit.contract import Contract, Route, RouteKind
from toolkit.errors import AwsError, UsageError
from toolkit.rollout.preview import Condition
from toolkit.traffic import Color

MOST_VALUES = 5
MOST_WILDCARDS = 5
_MOST_LETTERS = 128
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}")
"""A token of RFC 9110; the length is ELB's."""
_COOKIE_NAME = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+")
"""A token of RFC 6265 without the wildcard, which would look like one and be none."""
_COOKIE_VALUE = re.compile(r'("?)[!#-)+\-./0-9:<=>@A-Z\[\]^_`a-z{|}~]*\1')
"""Octets of RFC 6265 without the wildcards, all of them in quotes or none: no space, comma, semicolon or backslash."""
_META = re.compile(r"[.^$*+?{}\[\]|()\\]")
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_ONLY_ONCE = frozenset({"host-header", "path-pattern", "http-request-method", "source-ip"})
_OIDC = "authenticate-oidc"


@dataclass(frozen=True, slots=True)
class Diversion:
    """A rule that sends what matches all of `conditions` on one route to `color`. arn: empty before it is made."""

    route: str
    listener_arn: str
    priority: int
    conditions: tuple[Condition, ...]
    color: Color
    arn: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """What stands where a diversion is to go.

    conditions, priority: the route's own; none and None of a default action. taken: priorities of the listener's rules.
    strangers: those of them that belong to no route or test route of the service. preceding: types of the route's
    actions before its forward.
    """

    conditions: tuple[Condition, ...]
    priority: int | None
    taken: frozenset[int]
    strangers: frozenset[int] = frozenset()
    preceding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule that a rollout of the service made, as the load balancer holds it. route: the name, as its tag has it."""

    arn: str
    priority: int
    rollout: str
    route: str


class PriorityTaken(AwsError):
    """Somebody made a rule of that priority meanwhile; nothing was written."""


class Diversions(Protocol):
    """Rules beside the routes, tagged with service, rollout and route. Raises AwsError and its children."""

    def ground(self, contract: Contract) -> Mapping[str, Ground]:
        """Of every route by name; one that is gone is left out."""

    def standing(self, contract: Contract) -> Sequence[Standing]:
        """Every rule on the routes' listeners that a rollout of this service made, whichever."""

    def make(self, diversion: Diversion, contract: Contract, *, rollout: str, guard: Callable[[], None]) -> Diversion:
        """Make the rule, with what precedes the forward on its route; one attempt, `guard` called right before it.

        Raises:
            PriorityTaken: nothing was made.
            AwsUnreachable: whether it was made is not known.
        """

    def remove(self, arn: str) -> None:
        """Remove the rule; that it is gone already is no error."""


def asked(
    headers: Sequence[str] = (),
    cookies: Sequence[str] = (),
    queries: Sequence[str] = (),
    sources: Sequence[str] = (),
) -> tuple[Condition, ...]:
    """The conditions that the words of a command line mean: all must match, and of the sources any.

    Raises:
        UsageError: nothing is asked, or a word means nothing that a rule could ask.
    """
    found = [*map(header_condition, headers), *map(cookie_condition, cookies), *map(query_condition, queries)]
    if sources:
        found.append(Condition("source-ip", tuple(_network(each) for each in sources)))
    if not found:
        raise UsageError(
            "nothing says which requests are meant", hint="Say --header 'X-Beta: yes', --cookie, --query or --source."
        )
    return tuple(found)


def header_condition(text: str) -> Condition:
    """`X-Beta: yes`; `*` and `?` in the value are wildcards. Raises UsageError."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not _HEADER_NAME.fullmatch(name) or name.lower() == "host":
        raise UsageError(f"--header {text[:60]!r} has no name that a rule takes", hint="Write it as 'X-Beta: yes'.")
    return Condition("http-header", (_value("--header", value),), header=name)


def cookie_condition(text: str) -> Condition:
    """`beta=1`, exactly, wherever it stands: neither `beta=10` nor `xbeta=1`. Raises UsageError.

    AWS does not say whether an expression must match the whole header, so this one says it itself. It uses nothing that
    differs between dialects, and takes what is sent without a space after the semicolon too.
    """
    name, equals, value = text.partition("=")
    if not equals or not _COOKIE_NAME.fullmatch(name) or not _COOKIE_VALUE.fullmatch(value):
        raise UsageError(
            f"--cookie {text[:60]!r} is no cookie that a rule can match exactly",
            hint="Write it as name=value, without spaces, commas, semicolons, backslashes and lone quotes; * and ? are "
            "wildcards in --header 'Cookie: *beta=*' only.",
        )
    expression = f"^(.*;)? *{_META.sub(_escaped, text)} *(;.*)?$"
    if len(expression) > _MOST_LETTERS:
        raise UsageError(
            f"--cookie {text[:40]!r}... is too long: with what finds it among others it takes {len(expression)} "
            f"characters, and a rule takes {_MOST_LETTERS}",
            hint="Give matching requests a shorter cookie, or a header.",
        )
    return Condition("http-header", expressions=(expression,), header="Cookie")


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def query_condition(text: str) -> Condition:
    """`key=value`; `*` and `?` are wildcards unless a backslash stands before them. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not key or "&" in text or "#" in text:
        raise UsageError(f"--query {text[:60]!r} is no parameter of a query", hint="Write it as key=value.")
    return Condition("query-string", pairs=((_value("--query", key), _value("--query", value)),))


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise UsageError(
            f"--source {text[:60]!r} is no block of addresses: {error}", hint="Write 10.0.0.0/8."
        ) from None


def _value(option: str, text: str) -> str:
    if not _VISIBLE.fullmatch(text) or len(text) > _MOST_LETTERS:
        raise UsageError(
            f"{option}: a value has 1 to {_MOST_LETTERS} visible ASCII characters, and {text[:40]!r} has not"
        )
    return text


def values_of(conditions: Sequence[Condition]) -> int:
    """How many of the five values a rule has used with these."""
    return sum(len(each.values) + len(each.expressions) + len(each.pairs) for each in conditions)


def wildcards_of(conditions: Sequence[Condition]) -> int:
    """How many wildcards stand in these; an escaped one of a query is none, and an expression has none."""
    texts = [value for each in conditions for value in each.values]
    pairs = [part or "" for each in conditions for pair in each.pairs for part in pair]
    return sum(len(re.findall(r"[*?]", text)) for text in texts) + sum(
        len(re.findall(r"(?<!\\)[*?]", text)) for text in pairs
    )


def reserved_hint(route: Route) -> str:
    """What to write so that the route has priorities for rules of rollouts."""
    return (
        f"Give route {route.name} some: `reserved_priorities = {{ first = 90, last = 94 }}` in the module alb-route, "
        "numbers below the route's own priority; then bluegreen infra apply."
    )


def refusal(route: Route, ground: Ground | None, wanted: Sequence[Condition]) -> tuple[str, str] | None:
    """Why no rule can be made for the route, and what to do; None where one can."""
    if route.kind is RouteKind.NLB_LISTENER:
        return "a Network Load Balancer has no rules, so no requests can be picked out", "Shift a share of the flows."
    if route.reserved_priorities is None:
        return f"the contract reserves no rule priorities for route {route.name}", reserved_hint(route)
    if ground is None:
        return f"route {route.name} is gone", "Apply the Terraform again (`bluegreen infra apply`)."
    if _OIDC in ground.preceding:
        why = f"route {route.name} signs users in by OIDC, and a rule of its own would need the client's secret"
        return why, "Pick the requests out in the application."
    return _no_room(route, ground, wanted) or _no_priority(route, ground)


def _no_room(route: Route, ground: Ground, wanted: Sequence[Condition]) -> tuple[str, str] | None:
    """Whether the conditions of both fit into one rule."""
    for what, count, most in (("values", values_of, MOST_VALUES), ("wildcards", wildcards_of, MOST_WILDCARDS)):
        own, asks = count(ground.conditions), count(wanted)
        if own + asks > most:
            reason = (
                f"a rule takes {most} {what} in its conditions; route {route.name} has {own} of them and so leaves "
                f"{max(0, most - own)}, and this asks for {asks}"
            )
            return reason, "Ask for less, or split the route in Terraform."
    twice = [each.field for each in wanted if each.field in _ONLY_ONCE & {own.field for own in ground.conditions}]
    if twice:
        return f"route {route.name} asks for {twice[0]} itself, and a rule takes one such condition", "Ask otherwise."
    return None


def _no_priority(route: Route, ground: Ground) -> tuple[str, str] | None:
    reserved = route.reserved_priorities
    if reserved is None:
        return None
    if ground.priority is not None and reserved.last >= ground.priority:
        reason = (
            f"the priorities {reserved} reserved for route {route.name} do not come before its own {ground.priority}"
        )
        return reason, reserved_hint(route)
    if free_priority(route, ground.taken) is None:
        reason = f"every one of the priorities {reserved} reserved for route {route.name} is in use"
        return reason, "See `bluegreen doctor` for rules that were left, or reserve more in Terraform and apply."
    return None


def free_priority(route: Route, taken: frozenset[int]) -> int | None:
    """The free one of the range that is nearest to the route's, so that as few rules as can be stand between."""
    reserved = route.reserved_priorities
    if reserved is None:
        return None
    return next((each for each in range(reserved.last, reserved.first - 1, -1) if each not in taken), None)


def planned(
    contract: Contract, grounds: Mapping[str, Ground], wanted: Sequence[Condition], color: Color
) -> tuple[Diversion, ...] | str:
    """A rule for each route, or why there cannot be one."""
    made: list[Diversion] = []
    for route in contract.routes:
        ground = grounds.get(route.name)
        ours = frozenset(each.priority for each in made if each.listener_arn == route.listener_arn)
        if ground is not None:
            ground = replace(ground, taken=ground.taken | ours)
        problem = refusal(route, ground, wanted)
        if problem is not None or ground is None:
            return problem[0] if problem else f"route {route.name} is gone"
        priority = free_priority(route, ground.taken)
        if priority is None:
            return f"route {route.name} has no free priority"
        conditions = (*ground.conditions, *wanted)
        made.append(Diversion(route.name, route.listener_arn, priority, conditions, color))
    return tuple(made)


def between(route: Route, ground: Ground) -> list[int]:
    """Rules of others that come after the diversion and before the route: requests they take would be taken too."""
    priority = free_priority(route, ground.taken)
    last = ground.priority
    return sorted(each for each in ground.strangers if priority is not None and priority < each < (last or 50_001))


def orphans(standing: Sequence[Standing], under_way: str | None) -> list[Standing]:
    """Those that belong to no rollout under way."""
    return [each for each in standing if each.rollout != under_way]
