"""The deployment contract: the one object that Terraform outputs and the toolkit reads.

It says what there is, never what is live: only the load balancer knows that. The shape is that of
`tests/golden/deployment.json`, which `terraform test` and pytest both assert. Unknown keys are ignored,
so that a newer module may say more; another `schema_version` is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, cast

from toolkit.errors import ContractError
from toolkit.traffic import Color, Split

SCHEMA_VERSION = 1


class RouteKind(StrEnum):
    """What holds the weights: a rule of an ALB listener, or the default action of an ALB or NLB listener."""

    ALB_RULE = "alb-rule"
    ALB_LISTENER = "alb-listener"
    NLB_LISTENER = "nlb-listener"

    @property
    def is_listener(self) -> bool:
        """Whether the route is a listener, so that its `arn` is its `listener_arn`."""
        return self is not RouteKind.ALB_RULE


class _WorkloadKind(StrEnum):
    ECS = "ecs"
    ASG = "asg"


class BalancerType(StrEnum):
    """`network` balances flows (L4): a flow stays on its target until it ends. `application` balances requests."""

    APPLICATION = "application"
    NETWORK = "network"


_ARN = re.compile(r"arn:aws[a-z-]*:elasticloadbalancing:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<path>\S+)")
_Word = TypeVar("_Word", bound=StrEnum)
_MAX_PRIORITY = 50_000  # Source: ELBv2 API reference, CreateRule
_MAX_ALARM_NAME = 255  # characters. Source: CloudWatch API reference, PutMetricAlarm
_MAX_STICKINESS_SECONDS = 604_800  # one week. Source: ELBv2 API reference, TargetGroupStickinessConfig


@dataclass(frozen=True, slots=True)
class Stickiness:
    """Target-group stickiness of a forward action. `duration_seconds` 1-604800, None when disabled."""

    enabled: bool
    duration_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Priorities:
    """Priorities of a listener's rules, 1-50000, that are kept free for rollouts; both ends belong to them."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Route:
    """One place that holds weights, by the ARN of the rule or listener.

    preceding_actions: what stands before the forward, as `{type, order, settings}`; settings in Terraform's words,
    every value a text, secrets left out. reserved_priorities: of rules that a rollout may make before this route.
    """

    name: str
    kind: RouteKind
    arn: str
    listener_arn: str
    stickiness: Stickiness
    preceding_actions: tuple[Mapping[str, Any], ...] = ()
    reserved_priorities: Priorities | None = None

    def __hash__(self) -> int:
        return hash(self.arn)


@dataclass(frozen=True, slots=True)
class TestRoute:
    """A rule that reaches one color whatever the weights say, for requests with a header.

    The header's value may be a secret, so it stands in the rule only, never in the contract.
    """

    name: str
    color: Color
    arn: str
    listener_arn: str
    header_name: str


@dataclass(frozen=True, slots=True)
class TargetGroup:
    name: str
    arn: str
    arn_suffix: str


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    type: BalancerType
    arn: str
    arn_suffix: str
    dns_name: str


@dataclass(frozen=True, slots=True)
class StateTable:
    name: str
    arn: str


@dataclass(frozen=True, slots=True)
class EcsPair:
    """An ECS service for each color, in one cluster. cluster: name or ARN. services: names.

    container: the container whose image is what a release brings; None where the contract does not say.
    """

    cluster: str
    services: Mapping[Color, str]
    container: str | None = None


@dataclass(frozen=True, slots=True)
class AsgPair:
    """An Auto Scaling group for each color, by name."""

    groups: Mapping[Color, str]


@dataclass(frozen=True, slots=True)
class Contract:
    """What an operator releases, and where it lives in AWS.

    workload: what runs behind the pair, where it is said. alarms: names of the CloudWatch alarms that guard a color; a
    color without any is left out.
    """

    name: str
    account_id: str
    region: str
    load_balancer: LoadBalancer
    routes: tuple[Route, ...]
    target_groups: Mapping[Color, TargetGroup]
    state_table: StateTable | None = None
    test_routes: tuple[TestRoute, ...] = ()
    workload: EcsPair | AsgPair | None = None
    alarms: Mapping[Color, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_network(self) -> bool:
        """Whether flows are balanced, not requests."""
        return self.load_balancer.type is BalancerType.NETWORK

    def weights(self, split: Split) -> dict[str, int]:
        """`split` by target group ARN."""
        return {self.target_groups[color].arn: weight for color, weight in split}

    def color_of(self, target_group_arn: str) -> Color | None:
        """Which color the target group is; None for a stranger."""
        return next((color for color, group in self.target_groups.items() if group.arn == target_group_arn), None)


def same_actions(wanted: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]) -> bool:
    """Whether `held` does what `wanted` says: the same types in the same sequence, and every setting that is said.

    A setting that is absent or null in `wanted` is left to AWS. Of the order only the sequence matters.
    """
    ours, theirs = in_order(wanted), in_order(held)
    return [action["type"] for action in ours] == [action["type"] for action in theirs] and all(
        value is None or (there.get("settings") or {}).get(name) == value
        for here, there in zip(ours, theirs, strict=True)
        for name, value in (here.get("settings") or {}).items()
    )


def in_order(actions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Preceding actions in the sequence that their order gives."""
    return sorted(actions, key=lambda action: int(action.get("order") or 1))


def parse(text: str, *, source: str) -> Contract:
    """Read a contract from JSON `text`; `source` is named in errors.

    Raises:
        ContractError: not JSON, not a contract, or of another schema version; the message names the place.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(
            f"the deployment contract from {source} is not JSON ({error})",
            hint="Write it with `bluegreen infra output`, or `terraform output -json deployment`.",
        ) from None
    return from_document(document, source=source)


def from_document(document: Any, *, source: str) -> Contract:
    """As `parse`, from the decoded JSON."""
    reader = _Reader(source)
    top = reader.mapping(document, "")
    version = top.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise ContractError(
            f"the deployment contract from {source} has schema_version {version!r}; "
            f"this bluegreen reads {SCHEMA_VERSION}",
            hint="Use the Terraform modules and the toolkit of the same release.",
        )
    account, region = reader.text(top, "account_id"), reader.text(top, "region")
    balancer = reader.mapping(top.get("load_balancer"), "load_balancer")
    groups = reader.mapping(top.get("target_groups"), "target_groups")
    contract = Contract(
        name=reader.text(top, "name"),
        account_id=account,
        region=region,
        load_balancer=LoadBalancer(
            type=reader.one_of(BalancerType, balancer, "type", "load_balancer"),
            arn=reader.arn(balancer, "arn", "load_balancer", account, region),
            arn_suffix=reader.text(balancer, "arn_suffix", "load_balancer"),
            dns_name=reader.text(balancer, "dns_name", "load_balancer"),
        ),
        routes=reader.routes(top.get("routes"), account, region),
        target_groups={color: reader.target_group(groups, color, account, region) for color in Color},
        state_table=reader.state_table(top.get("state_table")),
        test_routes=reader.test_routes(top.get("test_routes", []), account, region),
        workload=reader.workload(top.get("workload")),
        alarms=reader.alarms(top.get("alarms")),
    )
    if contract.target_groups[Color.BLUE].arn == contract.target_groups[Color.GREEN].arn:
        reader.refuse("target_groups", "blue and green are the same target group")
    for index, route in enumerate(contract.routes):
        if (route.kind is RouteKind.NLB_LISTENER) is not contract.is_network:
            balancer_type = contract.load_balancer.type
            reader.refuse(
                f"routes[{index}].kind", f"{route.kind} is no route of a load balancer of type {balancer_type}"
            )
    return contract


def _is_action(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return False
    order, settings = value.get("order", 1), value.get("settings", {})
    return (
        isinstance(order, int)
        and isinstance(settings, dict)
        and all(setting is None or isinstance(setting, str) for setting in settings.values())
    )


class _Reader:
    """Picks typed values out of decoded JSON; every complaint names the source and the path."""

    def __init__(self, source: str) -> None:
        self.source = source

    def refuse(self, path: str, problem: str) -> Any:
        where = f" at {path}" if path else ""
        raise ContractError(
            f"the deployment contract from {self.source} is malformed{where}: {problem}",
            hint="It should be the object that the Terraform output `deployment` gives; apply again or correct it.",
        )

    def mapping(self, value: Any, path: str) -> Mapping[str, Any]:
        return value if isinstance(value, dict) else self.refuse(path, "an object is expected")

    def text(self, mapping: Mapping[str, Any], key: str, path: str = "") -> str:
        value = mapping.get(key)
        where = f"{path}.{key}" if path else key
        if isinstance(value, str) and value.strip() == value and value.isprintable() and value:
            return value
        return str(self.refuse(where, f"a text is expected, not {value!r:.60}"))

    def one_of(self, words: type[_Word], mapping: Mapping[str, Any], key: str, path: str) -> _Word:
        value = self.text(mapping, key, path)
        try:
            return words(value)
        except ValueError:
            return cast("_Word", self.refuse(f"{path}.{key}", f"{value!r} is not one of {', '.join(words)}"))

    def arn(self, mapping: Mapping[str, Any], key: str, path: str, account: str, region: str) -> str:
        value = self.text(mapping, key, path)
        match = _ARN.fullmatch(value)
        if match is None:
            self.refuse(f"{path}.{key}", f"an elasticloadbalancing ARN is expected, not {value!r:.80}")
        elif (match["account"], match["region"]) != (account, region):
            self.refuse(f"{path}.{key}", f"it belongs to {match['account']}/{match['region']}, not {account}/{region}")
        return value

    def routes(self, value: Any, account: str, region: str) -> tuple[Route, ...]:
        if not isinstance(value, list) or not value:
            self.refuse("routes", "a list of at least one route is expected")
        routes = tuple(self.route(item, f"routes[{index}]", account, region) for index, item in enumerate(value))
        for attribute in ("name", "arn"):
            values = [getattr(route, attribute) for route in routes]
            if len(set(values)) != len(values):
                self.refuse("routes", f"two routes have the same {attribute}")
        return routes

    def route(self, value: Any, path: str, account: str, region: str) -> Route:
        mapping = self.mapping(value, path)
        kind = self.one_of(RouteKind, mapping, "kind", path)
        actions = mapping.get("preceding_actions", [])
        if not isinstance(actions, list) or not all(_is_action(action) for action in actions):
            self.refuse(f"{path}.preceding_actions", "a list of objects with type, order and settings is expected")
        route = Route(
            name=self.text(mapping, "name", path),
            kind=kind,
            arn=self.arn(mapping, "arn", path, account, region),
            listener_arn=self.arn(mapping, "listener_arn", path, account, region),
            stickiness=self.stickiness(mapping.get("stickiness"), f"{path}.stickiness"),
            preceding_actions=tuple(actions),
            reserved_priorities=self.priorities(mapping.get("reserved_priorities"), f"{path}.reserved_priorities"),
        )
        if kind.is_listener and route.arn != route.listener_arn:
            self.refuse(f"{path}.arn", f"the arn of a route of kind {kind} is its listener_arn")
        if kind is RouteKind.NLB_LISTENER and route.stickiness.enabled:
            self.refuse(f"{path}.stickiness", "a Network Load Balancer has no target-group stickiness")
        if kind is RouteKind.NLB_LISTENER and route.reserved_priorities is not None:
            self.refuse(f"{path}.reserved_priorities", "a Network Load Balancer has no rules")
        return route

    def priorities(self, value: Any, path: str) -> Priorities | None:
        if value is None:
            return None
        mapping = self.mapping(value, path)
        ends = [mapping.get(key) for key in ("first", "last")]
        first, last = (each if isinstance(each, int) and not isinstance(each, bool) else 0 for each in ends)
        if not 1 <= first <= last <= _MAX_PRIORITY:
            self.refuse(path, f"first and last are expected, 1 to {_MAX_PRIORITY}, and first not above last")
        return Priorities(first, last)

    def test_routes(self, value: Any, account: str, region: str) -> tuple[TestRoute, ...]:
        if not isinstance(value, list):
            self.refuse("test_routes", "a list is expected")
        return tuple(
            self.test_route(item, f"test_routes[{index}]", account, region) for index, item in enumerate(value)
        )

    def test_route(self, value: Any, path: str, account: str, region: str) -> TestRoute:
        mapping = self.mapping(value, path)
        return TestRoute(
            name=self.text(mapping, "name", path),
            color=self.one_of(Color, mapping, "color", path),
            arn=self.arn(mapping, "arn", path, account, region),
            listener_arn=self.arn(mapping, "listener_arn", path, account, region),
            header_name=self.text(mapping, "header_name", path),
        )

    def stickiness(self, value: Any, path: str) -> Stickiness:
        mapping = self.mapping(value, path)
        enabled, duration = mapping.get("enabled"), mapping.get("duration_seconds")
        if not isinstance(enabled, bool):
            self.refuse(f"{path}.enabled", f"true or false is expected, not {enabled!r:.60}")
        if duration is not None and (
            isinstance(duration, bool) or not isinstance(duration, int) or not 1 <= duration <= _MAX_STICKINESS_SECONDS
        ):
            self.refuse(
                f"{path}.duration_seconds",
                f"1 to {_MAX_STICKINESS_SECONDS} is expected, not {duration!r:.60}",
            )
        if enabled and duration is None:
            self.refuse(f"{path}.duration_seconds", "enabled stickiness needs a duration")
        return Stickiness(enabled=bool(enabled), duration_seconds=duration if enabled else None)

    def target_group(self, groups: Mapping[str, Any], color: Color, account: str, region: str) -> TargetGroup:
        path = f"target_groups.{color}"
        mapping = self.mapping(groups.get(color.value), path)
        return TargetGroup(
            name=self.text(mapping, "name", path),
            arn=self.arn(mapping, "arn", path, account, region),
            arn_suffix=self.text(mapping, "arn_suffix", path),
        )

    def state_table(self, value: Any) -> StateTable | None:
        if value is None:
            return None
        mapping = self.mapping(value, "state_table")
        return StateTable(self.text(mapping, "name", "state_table"), self.text(mapping, "arn", "state_table"))

    def workload(self, value: Any) -> EcsPair | AsgPair | None:
        if value is None:
            return None
        mapping = self.mapping(value, "workload")
        if self.one_of(_WorkloadKind, mapping, "kind", "workload") is _WorkloadKind.ECS:
            return EcsPair(
                cluster=self.text(mapping, "cluster", "workload"),
                services=self.pair_of_names(mapping, "services"),
                container=None if mapping.get("container") is None else self.text(mapping, "container", "workload"),
            )
        return AsgPair(self.pair_of_names(mapping, "groups"))

    def pair_of_names(self, workload: Mapping[str, Any], key: str) -> Mapping[Color, str]:
        path = f"workload.{key}"
        mapping = self.mapping(workload.get(key), path)
        names = {color: self.text(mapping, color.value, path) for color in Color}
        if names[Color.BLUE] == names[Color.GREEN]:
            self.refuse(path, "blue and green are the same")
        return names

    def alarms(self, value: Any) -> Mapping[Color, tuple[str, ...]]:
        if value is None:
            return {}
        mapping = self.mapping(value, "alarms")
        if strangers := sorted(set(mapping) - set(Color)):
            self.refuse(f"alarms.{strangers[0]}", f"only {' and '.join(Color)} have alarms")
        found = {color: self.alarm_names(mapping.get(color.value), f"alarms.{color}") for color in Color}
        return {color: names for color, names in found.items() if names}

    def alarm_names(self, value: Any, path: str) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.refuse(path, "a list of alarm names is expected")
        names = tuple(self.text({str(index): name}, str(index), path) for index, name in enumerate(value))
        for index, name in enumerate(names):
            if len(name) > _MAX_ALARM_NAME:
                self.refuse(f"{path}.{index}", f"an alarm's name has at most {_MAX_ALARM_NAME} characters")
        if len(set(names)) != len(names):
            self.refuse(path, "an alarm is named twice")
        return names
