"""What adopting a service leaves behind: its contract, its section of bluegreen.toml, and what its Terraform needs."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.adoption.places import Balancer, Group, Place, account_and_region
from toolkit.contract import SCHEMA_VERSION, Contract, RouteKind, StateTable, from_document
from toolkit.errors import AdoptionRefused, UsageError
from toolkit.traffic import Color

_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?")
_LONGEST_ROUTE = 64


@dataclass(frozen=True, slots=True)
class Adoption:
    """A service as it is adopted, the writes to AWS aside. document: the contract's JSON object."""

    contract: Contract
    document: Mapping[str, Any]
    places: Mapping[str, Place]

    @property
    def text(self) -> str:
        """The contract file."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"


def checked_name(name: str) -> str:
    """`name` if it can be a service's: the rule is that of the Terraform modules.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:200]!r} cannot name a service",
            hint="Write 1 to 64 letters, digits and hyphens that neither begin nor end with a hyphen.",
        )
    return name


def service_name(pair: Mapping[Color, Group], balancer: Balancer) -> str:
    """What the names of the groups share without their colors (web-blue, web-green: web), else the balancer's name."""
    stems = {re.sub("blue|green", "", group.name, flags=re.IGNORECASE) for group in pair.values()}
    stem = re.sub("-{2,}", "-", stems.pop()).strip("-") if len(stems) == 1 else ""
    return stem or balancer.name


def adopted(
    name: str,
    balancer: Balancer,
    places: Sequence[Place],
    pair: Mapping[Color, Group],
    *,
    table: StateTable | None = None,
    tests: Sequence[Place] = (),
) -> Adoption:
    """The contract of these places as a service, checked as every contract is when it is read.

    tests: rules that each reach one color of the pair alone.
    """
    account, region = account_and_region([place.arn for place in (*places, *tests)])
    named = dict(zip(route_names(places), places, strict=True))
    document = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "account_id": account,
        "region": region,
        "load_balancer": {
            "type": balancer.type,
            "arn": balancer.arn,
            "arn_suffix": balancer.arn.partition(":loadbalancer/")[2],
            "dns_name": balancer.dns_name,
        },
        "routes": [_route(route, place) for route, place in named.items()],
        "test_routes": _test_routes(name, tests, pair),
        "target_groups": {
            color.value: {"name": group.name, "arn": group.arn, "arn_suffix": group.arn.rpartition(":")[2]}
            for color, group in sorted(pair.items())
        },
        "state_table": {"name": table.name, "arn": table.arn} if table else None,
        "workload": None,
    }
    return Adoption(from_document(document, source="what AWS says"), document, named)


def _route(name: str, place: Place) -> dict[str, Any]:
    sticky = place.stickiness
    return {
        "name": name,
        "kind": place.kind.value,
        "arn": place.arn,
        "listener_arn": place.listener_arn,
        "stickiness": {"enabled": sticky.enabled, "duration_seconds": sticky.duration_seconds},
        "preceding_actions": [dict(action) for action in place.preceding],
    }


def _test_routes(name: str, tests: Sequence[Place], pair: Mapping[Color, Group]) -> list[dict[str, Any]]:
    routes: list[dict[str, Any]] = []
    for place in tests:
        color = next(color for color, group in pair.items() if group.arn in place.weights)
        count = sum(1 for route in routes if route["color"] == color.value)
        routes.append(
            {
                "name": f"{name}-{color}-test{f'-{count + 1}' if count else ''}",
                "color": color.value,
                "arn": place.arn,
                "listener_arn": place.listener_arn,
                "header_name": place.header,
            }
        )
    return routes


def route_names(places: Sequence[Place]) -> list[str]:
    """A readable name for each place, from protocol, port, hosts and paths; the priority tells equal ones apart."""
    names: list[str] = []
    for place in places:
        name = _route_name(place)
        if name in names:
            name = f"{name}-priority-{place.priority}" if place.priority is not None else name
        number, wanted = 2, name
        while name in names:
            name, number = f"{wanted}-{number}", number + 1
        names.append(name)
    return names


def _route_name(place: Place) -> str:
    port = f"{place.protocol.lower().replace('_', '-')}-{place.port}"
    if place.priority is None:
        return port
    words = [re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") for text in (*place.hosts[:1], *place.paths[:1])]
    rest = "-".join(word for word in words if word)[: _LONGEST_ROUTE - len(port) - 1].strip("-")
    return f"{port}-{rest or f'priority-{place.priority}'}"


def with_section(text: str, name: str, source: str, *, file: str) -> str:
    """The settings file `text` with a section that says where the contract of service `name` is.

    Everything that stands there stays as it is, comments too; the text itself where it says so already.

    Raises:
        AdoptionRefused: it has that service and says something else, or its form leaves no place for a section.
    """
    line = f"contract = {json.dumps(source, ensure_ascii=False)}"
    before = tomllib.loads(text)
    services = before.get("service", {})
    if name in services:
        said = services[name].get("contract")
        if said == source:
            return text
        says = f"has its contract at {said!r}" if said else "says no contract"
        raise AdoptionRefused(
            f"{file} has a service {name} already, which {says}; nothing was written",
            hint=f"Write {line} into [service.{name}] yourself, or adopt under another --name.",
        )
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else newline if text.endswith("\n") else 2 * newline
    after = f"{text}{gap}[service.{name}]{newline}{line}{newline}"
    wanted = {**before, "service": {**services, name: {"contract": source}}}
    try:
        holds = tomllib.loads(after) == wanted
    except tomllib.TOMLDecodeError:
        holds = False  # `service` is an inline table, which no section can add to
    if not holds:
        raise AdoptionRefused(
            f"{file} spells its services in a way that a section cannot be added to; nothing was written",
            hint=f"Write {line} for service {name} into it yourself.",
        )
    return after


def terraform_blocks(contract: Contract) -> dict[str, tuple[str, str, list[str]]]:
    """What the owner's Terraform needs: resource type -> (attribute to ignore, the block, the routes it is for)."""
    blocks: dict[str, tuple[str, str, list[str]]] = {}
    for route in contract.routes:
        rule = route.kind is RouteKind.ALB_RULE
        resource, attribute = ("aws_lb_listener_rule", "action") if rule else ("aws_lb_listener", "default_action")
        block = f"lifecycle {{\n  ignore_changes = [{attribute}]\n}}"
        blocks.setdefault(resource, (attribute, block, []))[2].append(route.name)
    return blocks
