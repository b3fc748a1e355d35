"""What can be adopted of infrastructure that others made: which rules and listeners, and which of them together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.contract import RouteKind, Stickiness
from toolkit.errors import AdoptionRefused, UsageError

_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:"
_SHAPES = {
    "listener": re.compile(_ARN + r"listener/(app|net|gwy)/[^/\s]+/\w+/\w+"),
    "rule": re.compile(_ARN + r"listener-rule/(app|net)/[^/\s]+/\w+/\w+/\w+"),
    "load balancer": re.compile(_ARN + r"loadbalancer/(app|net|gwy)/[^/\s]+/\w+"),
}
_UNTRIED = {"QUIC", "TCP_QUIC"}


@dataclass(frozen=True, slots=True)
class Balancer:
    """A load balancer; `type` is AWS's word: application, network or gateway."""

    arn: str
    name: str
    type: str
    dns_name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A target group. What a type does not have is None: a Lambda one has neither VPC nor protocol nor port.

    balancers: ARNs of the load balancers that use it. health_check: as `aws elbv2 create-target-group` words it.
    """

    arn: str
    name: str
    target_type: str
    vpc_id: str | None = None
    protocol: str | None = None
    protocol_version: str | None = None
    port: int | None = None
    ip_address_type: str | None = None
    balancers: tuple[str, ...] = ()
    health_check: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[str | None, ...]:
        """What two groups of a pair have in common; the port may differ."""
        return (self.target_type, self.vpc_id, self.protocol, self.protocol_version, self.ip_address_type)


@dataclass(frozen=True, slots=True)
class Place:
    """A rule, or a listener's default action, as AWS holds it now: what may become a route.

    priority: of a rule, None for a default action. weights: target group ARN -> weight; empty where nothing forwards,
    then `answer` says what it does instead. preceding: as `Route.preceding_actions`. kept: the adapter's own memory.
    header: the name of the HTTP header that a rule asks for, of the first if there are several.
    """

    arn: str
    listener_arn: str
    protocol: str
    port: int
    priority: int | None = None
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    header: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    stickiness: Stickiness = field(default_factory=lambda: Stickiness(enabled=False))
    preceding: tuple[Mapping[str, Any], ...] = ()
    answer: str = ""
    kept: Any = None

    @property
    def kind(self) -> RouteKind:
        if ":listener-rule/" in self.arn:
            return RouteKind.ALB_RULE
        return RouteKind.ALB_LISTENER if self.protocol in ("HTTP", "HTTPS") else RouteKind.NLB_LISTENER

    @property
    def option(self) -> str:
        """The words that adopt it."""
        return f"--{'rule' if self.kind is RouteKind.ALB_RULE else 'listener'} {self.arn}"

    @property
    def title(self) -> str:
        """For people: what and where it is."""
        where = f"{self.protocol}:{self.port}"
        if self.priority is None:
            return f"the default action of {where}"
        narrowed = " ".join((*self.hosts, *self.paths))
        return f"rule {self.priority} of {where}{f' ({narrowed})' if narrowed else ''}"


def checked_arn(value: str, what: str) -> str:
    """`value` if it is the ARN of a `what`: listener, rule or load balancer.

    Raises:
        UsageError: it is not; says of what it is one, if of anything.
    """
    if _SHAPES[what].fullmatch(value):
        return value
    other = next((name for name, shape in _SHAPES.items() if shape.fullmatch(value)), None)
    if other is not None:
        raise UsageError(
            f"{value} is the ARN of a {other}, not of a {what}", hint=f"Use --{other.replace(' ', '-')} for it."
        )
    path = {"listener": "listener/app/NAME/ID/ID", "rule": "listener-rule/app/NAME/ID/ID/ID"}.get(
        what, "loadbalancer/app/NAME/ID"
    )
    raise UsageError(
        f"{value[:200]!r} is not the ARN of a {what}",
        hint=f"It has the shape arn:aws:elasticloadbalancing:REGION:ACCOUNT:{path}.",
    )


def listener_of(rule_arn: str) -> str:
    """The ARN of the listener that the rule belongs to."""
    return rule_arn.replace(":listener-rule/", ":listener/", 1).rpartition("/")[0]


def balancer_of(listener_arn: str) -> str:
    """The ARN of the load balancer that the listener belongs to."""
    return listener_arn.replace(":listener/", ":loadbalancer/", 1).rpartition("/")[0]


def account_and_region(arns: Sequence[str]) -> tuple[str, str]:
    """The account and the region that all of `arns` share.

    Raises:
        UsageError: they are not of one load balancer.
    """
    owners = {balancer_of(listener_of(arn) if ":listener-rule/" in arn else arn) for arn in arns}
    if len(owners) > 1:
        raise UsageError(
            f"these are routes of {len(owners)} load balancers: {', '.join(sorted(owners))}",
            hint="A pair of target groups belongs to one load balancer; adopt each service by itself.",
        )
    parts = owners.pop().split(":")
    return parts[4], parts[3]


def refuse_balancer(balancer: Balancer) -> None:
    """Raises AdoptionRefused where the load balancer is of a type that holds no weights."""
    if balancer.type not in ("application", "network"):
        raise AdoptionRefused(
            f"load balancer {balancer.name} is of type {balancer.type}: it hands packets to appliances and knows no "
            "weights",
            hint="Application and Network Load Balancers can be adopted.",
        )


def one_service(places: Sequence[Place], balancer: Balancer) -> list[Place]:
    """Of everything on a load balancer, the places that are one service: those that forward to the same pair.

    Where no two groups stand together anywhere, those that forward to the same single group.

    Raises:
        AdoptionRefused: there are several such services, or none; names each with the words that adopt it.
    """
    by_groups: dict[frozenset[str], list[Place]] = {}
    for place in places:
        if place.weights:
            by_groups.setdefault(frozenset(place.weights), []).append(place)
    for size, what in ((2, "pairs of target groups"), (1, "target groups")):
        found = {groups: held for groups, held in by_groups.items() if len(groups) == size}
        if len(found) > 1:
            listed = "; ".join(
                f"{' and '.join(_short(arn) for arn in sorted(groups))} with "
                f"`bluegreen adopt {' '.join(place.option for place in held)}`"
                for groups, held in found.items()
            )
            raise AdoptionRefused(
                f"the routes of load balancer {balancer.name} forward to {len(found)} different {what}, "
                "and a service has one pair",
                hint=f"Adopt each by itself: {listed}",
            )
        if found:
            return next(iter(found.values()))
    if by_groups:
        refuse_places(next(iter(by_groups.values())))
    does = "; ".join(f"{place.title}: {place.answer or 'nothing'}" for place in places) or "it has no listener"
    raise AdoptionRefused(
        f"nothing on load balancer {balancer.name} forwards to target groups ({does})",
        hint="Only a forward action has weights to shift.",
    )


def refuse_places(places: Sequence[Place]) -> None:
    """Raises AdoptionRefused unless every place forwards, all of them together to one or two target groups."""
    for place in places:
        if not place.weights:
            raise AdoptionRefused(
                f"{place.title} does not forward to target groups: {place.answer or 'it has no action'}",
                hint="Only a forward action has weights to shift. Every route of the load balancer is looked at with "
                f"`bluegreen adopt --load-balancer {place.arn.split('/')[2]}`",
            )
        if len(place.weights) > 2:  # noqa: PLR2004 - the two colors
            held = ", ".join(f"{_short(arn)} {weight}" for arn, weight in place.weights.items())
            raise AdoptionRefused(
                f"{place.title} forwards to {len(place.weights)} target groups ({held}): a pair has two, and which of "
                "these are blue and green cannot be told",
                hint="Take the others out of the action, or into a rule of their own.",
            )
        if place.protocol in _UNTRIED:
            raise AdoptionRefused(
                f"{place.title} is a {place.protocol} listener: how weights and QUIC connection ids go together on AWS "
                "has not been tried",
                hint="TCP, TLS, UDP and TCP_UDP listeners can be adopted.",
            )
        if place.kind is RouteKind.NLB_LISTENER and place.stickiness.enabled:
            raise AdoptionRefused(
                f"{place.title} has target-group stickiness: it beats weights, and the deployment contract knows none "
                "on a Network Load Balancer",
                hint="Switch the stickiness off first.",
            )
    groups = {arn for place in places for arn in place.weights}
    if len(groups) > 2:  # noqa: PLR2004 - the two colors
        held = "; ".join(f"{place.title}: {', '.join(_short(arn) for arn in place.weights)}" for place in places)
        raise AdoptionRefused(
            f"these routes do not share one pair of target groups ({held})",
            hint="The routes of a service shift together; adopt those of each pair as a service of their own.",
        )
    for place in places:
        if len(place.weights) == 2 and not any(place.weights.values()):  # noqa: PLR2004 - the two colors
            raise AdoptionRefused(
                f"both target groups of {place.title} have weight 0, so it serves nobody and no color is live",
                hint="Give one of them a weight first (`aws elbv2 modify-rule` or `modify-listener`).",
            )


def could_be_test_route(place: Place, pair: Iterable[Group]) -> bool:
    """Whether it reaches one color alone, for requests with a header."""
    return bool(place.header) and len(place.weights) == 1 and set(place.weights) <= {group.arn for group in pair}


def refuse_test_route(place: Place, pair: Sequence[Group]) -> None:
    """Raises AdoptionRefused where the place cannot be a test route of this pair."""
    if not could_be_test_route(place, pair):
        held = ", ".join(_short(arn) for arn in place.weights) or place.answer or "nothing"
        raise AdoptionRefused(
            f"{place.title} is no test route of {' and '.join(group.name for group in pair)}: it asks for "
            f"{f'header {place.header}' if place.header else 'no header'} and forwards to {held}",
            hint="A test route is a rule that forwards to one color alone, for requests with an HTTP header.",
        )


def groups_of(places: Iterable[Place]) -> list[str]:
    """The ARNs of all target groups, in the order in which the actions name them."""
    return list(dict.fromkeys(arn for place in places for arn in place.weights))


def _short(target_group_arn: str) -> str:
    """The name within a target group's ARN."""
    return target_group_arn.rpartition(":targetgroup/")[2].partition("/")[0] or target_group_arn
