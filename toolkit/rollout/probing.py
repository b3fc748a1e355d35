"""Where a probe goes: the URL, headers and address that take a route, or a test route, with the probe's own path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from toolkit.contract import Contract
from toolkit.errors import ContractError, RouteUnusable
from toolkit.rollout.preview import Condition, Draft, LiveTestRoute, faults
from toolkit.traffic import Color

_SCHEMES = {"HTTP": "http", "HTTPS": "https", "TLS": "https"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_AS_IT_IS = "/%:@!$&'()*+,;=~-._"
_READS_ONLY = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Target:
    """What a probe asks. connect_to: `HOST:PORT` where the connection goes, if not where the URL says.

    remarks: what the rule asks for and no request of ours can promise, for whoever wonders about a failure.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    connect_to: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A route as requests see it. protocol, port: its listener's. conditions: its rule's; a listener has none."""

    name: str
    protocol: str
    port: int
    conditions: tuple[Condition, ...] = ()


def by_route(
    contract: Contract, places: Sequence[Place], path: str, *, via: str | None = None, host: str | None = None
) -> Target:
    """As a user would ask for `path`: by the first of the service's routes that takes it.

    via: `HOST:PORT` that answers in the load balancer's stead. host: the name to ask for, and to check TLS against,
    unless the rule asks for another.

    Raises:
        RouteUnusable: none of the routes takes it.
    """
    place = _taking(contract.name, places, path, "route")
    return _target(place, contract.load_balancer.dns_name, path, via=via, host=host)


def by_test_route(
    contract: Contract,
    live: Mapping[str, LiveTestRoute],
    color: Color,
    path: str,
    *,
    via: str | None = None,
    host: str | None = None,
) -> Target:
    """The same by a test route of `color`, whatever the weights. live: those that AWS has, by name.

    Raises:
        ContractError: the contract has no test route of that color.
        RouteUnusable: it is gone, does not reach its color alone, or does not take the path.
    """
    routes = [route for route in contract.test_routes if route.color is color]
    if not routes:
        why = "a Network Load Balancer has no rules" if contract.is_network else "its contract names none"
        raise ContractError(
            f"{contract.name} has no test route of {color}: {why}",
            hint="Probe via the route, or give the modules alb-route and deployment-contract `test_routes` and apply.",
        )
    broken, places = [], []
    for route in routes:
        held = live.get(route.name)
        problems = faults(held, contract) if held else ["it is gone"]
        if held and not problems:
            places.append(Place(route.name, held.protocol, held.port, held.conditions))
        broken += [f"test route {route.name} cannot be used: {'; '.join(problems)}"] if problems else []
    if not places:
        raise RouteUnusable(
            f"{contract.name}: {'; '.join(broken)}",
            hint="Terraform manages test routes whole: bluegreen infra apply puts them right.",
        )
    place = _taking(contract.name, places, path, "test route")
    return _target(place, contract.load_balancer.dns_name, path, via=via, host=host)


def _taking(service: str, places: Sequence[Place], path: str, noun: str) -> Place:
    if not places:
        raise RouteUnusable(
            f"every route of {service} is gone", hint="Apply the Terraform again (`bluegreen infra apply`)."
        )
    asked: list[str] = []
    for place in places:
        patterns = [value for each in place.conditions if each.field == "path-pattern" for value in _patterns(each)]
        if not patterns or any(re.fullmatch(pattern, urlsplit(path).path) for pattern in patterns):
            return place
        asked += [value for each in place.conditions if each.field == "path-pattern" for value in _spelled(each)]
    told = f"; its rules ask for {' or '.join(asked)}" if asked else ""
    raise RouteUnusable(f"no {noun} of {service} takes the path {path}{told}", hint="Correct the probe's path.")


def _patterns(condition: Condition) -> list[str]:
    """As regular expressions. Case matters in a path. Source: ELBv2 API reference, PathPatternConditionConfig."""
    wild = {"*": ".*", "?": "."}
    globs = ["".join(wild.get(letter, re.escape(letter)) for letter in value) for value in condition.values]
    # AWS's dialect is not Python's, so an expression is believed to match; the answer will tell.
    return globs + [".*" for _ in condition.expressions]


def _admits(conditions: Sequence[Condition], host: str) -> bool:
    """Whether the rule takes requests for this host. Case does not matter. Source: HostHeaderConditionConfig."""
    asked = [each for each in conditions if each.field == "host-header"]
    return not asked or any(re.fullmatch(pattern, host, re.IGNORECASE) for each in asked for pattern in _patterns(each))


def _spelled(condition: Condition) -> tuple[str, ...]:
    return (*condition.values, *condition.expressions)


def _target(place: Place, dns_name: str, path: str, *, via: str | None, host: str | None) -> Target:
    scheme = _scheme(place)
    draft = Draft.of(each for each in place.conditions if each.field != "path-pattern")
    method = draft.method or "GET"
    if method not in _READS_ONLY:
        raise RouteUnusable(
            f"{place.name} takes {method} requests only, and a probe sends none that may change something",
            hint="Probe another route, or use a hook.",
        )
    name = host if host and _admits(place.conditions, host) else draft.host or dns_name
    url_host = name if place.port == _DEFAULT_PORTS[scheme] else f"{name}:{place.port}"
    asked = urlsplit(path)
    query = "&".join([*filter(None, [quote(asked.query, safe=_AS_IT_IS + "?")]), *draft.query])
    return Target(
        url=f"{scheme}://{url_host}{quote(asked.path or '/', safe=_AS_IT_IS)}{'?' if query else ''}{query}",
        method=method,
        headers=draft.headers,
        connect_to=via or (f"{dns_name}:{place.port}" if name != dns_name else None),
        remarks=tuple(draft.remarks),
    )


def _scheme(place: Place) -> str:
    if place.protocol in _SCHEMES:
        return _SCHEMES[place.protocol]
    if place.protocol == "TCP":  # whoever listens there speaks for itself, and at 443 that is TLS
        return "https" if place.port == _DEFAULT_PORTS["https"] else "http"
    raise RouteUnusable(
        f"{place.name} listens for {place.protocol}, and a probe speaks HTTP",
        hint="Use a hook that speaks the protocol of the service.",
    )
