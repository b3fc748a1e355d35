"""What stands on a load balancer, whoever made it; and the one write of an adoption: a second group at weight 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolkit.adoption.places import Balancer, Group, Place, listener_of
from toolkit.aws.actions import groups_of, live_route
from toolkit.aws.elbv2 import Elbv2
from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import Route, RouteKind, Stickiness
from toolkit.errors import AdoptionRefused, AwsError
from toolkit.rollout.ports import Action, LiveRoute

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_ARNS_A_CALL = 20  # Source: ELBv2 API reference, DescribeTags
_GONE = {"RuleNotFound", "ListenerNotFound", "LoadBalancerNotFound", "TargetGroupNotFound"}
_OFF = Stickiness(enabled=False)


class Inventory:
    """Load balancers, listeners, rules, target groups and tags, on the ELBv2 API."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("elbv2")

    def balancer(self, named: str) -> Balancer:
        """The load balancer of that name or ARN. Raises AdoptionRefused: there is none."""
        by = "LoadBalancerArns" if named.startswith("arn:") else "Names"
        with _found(f"load balancer {named}"):
            found = self._client.describe_load_balancers(**{by: [named]})["LoadBalancers"][0]
        return Balancer(
            arn=found["LoadBalancerArn"],
            name=found["LoadBalancerName"],
            type=found["Type"],
            dns_name=found.get("DNSName", ""),  # a Gateway Load Balancer has none
        )

    def places(self, arns: Sequence[str]) -> list[Place]:
        """The rules and listeners of these ARNs, in this order; a listener's default rule is the listener.

        Raises:
            AdoptionRefused: one does not exist.
        """
        places = [self._rule(arn) if ":listener-rule/" in arn else _default(self._listener(arn)) for arn in arns]
        return list({place.arn: place for place in places}.values())

    def _rule(self, arn: str) -> Place:
        with _found(f"rule {arn}"):
            rule = self._client.describe_rules(RuleArns=[arn])["Rules"][0]
        listener = self._listener(listener_of(arn))
        # ModifyRule refuses the default rule; ModifyListener is its way. Source: ELBv2 API reference, ModifyRule.
        return _default(listener) if rule.get("IsDefault") else _of_rule(rule, listener)

    def _listener(self, arn: str) -> Mapping[str, Any]:
        with _found(f"listener {arn}"):
            listener: Mapping[str, Any] = self._client.describe_listeners(ListenerArns=[arn])["Listeners"][0]
            return listener

    def places_on(self, balancer: Balancer) -> list[Place]:
        """The default action of every listener and, on an Application Load Balancer, every rule."""
        places = []
        with aws_errors(f"reading the listeners and rules of load balancer {balancer.name}"):
            pages = self._client.get_paginator("describe_listeners").paginate(LoadBalancerArn=balancer.arn)
            for listener in [listener for page in pages for listener in page["Listeners"]]:
                places.append(_default(listener))
                if balancer.type == "application":
                    places += [_of_rule(rule, listener) for rule in self._rules(listener["ListenerArn"])]
        return places

    def _rules(self, listener: str) -> list[Mapping[str, Any]]:
        pages = self._client.get_paginator("describe_rules").paginate(ListenerArn=listener)
        return [rule for page in pages for rule in page["Rules"] if not rule.get("IsDefault")]

    def groups(self, arns: Sequence[str] | None = None) -> list[Group]:
        """The target groups of these ARNs, in this order; every one of the account and region without."""
        with _found("a target group that the action names"):
            if arns is not None:
                answer = self._client.describe_target_groups(TargetGroupArns=list(arns))["TargetGroups"]
                found = {group["TargetGroupArn"]: _group(group) for group in answer}
                return [found[arn] for arn in arns]
            pages = self._client.get_paginator("describe_target_groups").paginate()
            return [_group(group) for page in pages for group in page["TargetGroups"]]

    def tags(self, arns: Sequence[str]) -> dict[str, dict[str, str]]:
        """The tags of each."""
        found = {}
        with aws_errors("reading the tags"):
            for start in range(0, len(arns), _ARNS_A_CALL):
                answer = self._client.describe_tags(ResourceArns=list(arns[start : start + _ARNS_A_CALL]))
                for each in answer["TagDescriptions"]:
                    found[each["ResourceArn"]] = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
        return found

    def add_group(self, place: Place, name: str, second: str) -> None:
        """Put target group `second` beside the one that the place forwards to: 100 to that one, 0 to the second.

        What precedes the forward, and its stickiness, stay. `name` is the route's, for errors.

        Raises:
            AwsError: and its children.
        """
        first = next(iter(place.weights))
        route = Route(name, place.kind, place.arn, place.listener_arn, place.stickiness)
        live = LiveRoute(route, place.weights, place.stickiness, place.preceding, kept=_with_group(place.kept, second))
        Elbv2(self._session).write(live, Action({first: 100, second: 0}, place.stickiness))


@contextmanager
def _found(what: str) -> Iterator[None]:
    """As aws_errors, where what does not exist is a refusal."""
    try:
        with aws_errors(f"reading {what}"):
            yield
    except AwsError as error:
        if error.__cause__ is None or code_of(error.__cause__) not in _GONE:
            raise
        raise AdoptionRefused(
            f"AWS knows no {what} in this account and region", hint="See the spelling, --region and --profile."
        ) from error


def _default(listener: Mapping[str, Any]) -> Place:
    return _place(listener["ListenerArn"], listener, listener.get("DefaultActions", []))


def _of_rule(rule: Mapping[str, Any], listener: Mapping[str, Any]) -> Place:
    place = _place(rule["RuleArn"], listener, rule.get("Actions", []))
    conditions = rule.get("Conditions", [])
    return replace(
        place,
        priority=int(rule["Priority"]),
        hosts=_values(conditions, "host-header", "HostHeaderConfig"),
        paths=_values(conditions, "path-pattern", "PathPatternConfig"),
        header=next((each["HttpHeaderConfig"]["HttpHeaderName"] for each in conditions if _asks_for_header(each)), ""),
    )


def _place(arn: str, listener: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> Place:
    # Only the actions matter to `live_route`; the route gets its name later.
    live = live_route(Route("", RouteKind.ALB_RULE, arn, listener["ListenerArn"], _OFF), actions)
    return Place(
        arn=arn,
        listener_arn=listener["ListenerArn"],
        protocol=listener["Protocol"],
        port=int(listener["Port"]),
        weights=live.weights,
        stickiness=live.stickiness,
        preceding=live.preceding if live.weights else (),
        answer="" if live.weights else "; ".join(_answer(action) for action in actions),
        kept=list(actions),
    )


def _answer(action: Mapping[str, Any]) -> str:
    """What an action that does not forward does, for people."""
    if action["Type"] == "redirect":
        to = action.get("RedirectConfig", {})
        parts = [to.get("Protocol", "#{protocol}"), to.get("Host", "#{host}"), to.get("Port", "#{port}")]
        return f"it redirects to {parts[0].lower()}://{parts[1]}:{parts[2]}{to.get('Path', '/#{path}')}"
    if action["Type"] == "fixed-response":
        return f"it answers {action.get('FixedResponseConfig', {}).get('StatusCode', '')} by itself".replace("  ", " ")
    return str(action["Type"])


def _values(conditions: Iterable[Mapping[str, Any]], name: str, config: str) -> tuple[str, ...]:
    """The values of a condition, of either spelling: rules that Terraform wrote have the newer one alone."""
    for condition in conditions:
        if condition["Field"] == name:
            newer = condition.get(config, {})
            return tuple(newer.get("Values") or condition.get("Values") or newer.get("RegexValues") or ())
    return ()


def _asks_for_header(condition: Mapping[str, Any]) -> bool:
    return bool(condition["Field"] == "http-header" and condition.get("HttpHeaderConfig", {}).get("HttpHeaderName"))


def _with_group(actions: Sequence[Mapping[str, Any]], second: str) -> list[dict[str, Any]]:
    """The actions with a group of weight 0 more in the forward."""
    return [
        {
            **action,
            "ForwardConfig": {
                **action.get("ForwardConfig", {}),
                "TargetGroups": [*groups_of(action), {"TargetGroupArn": second, "Weight": 0}],
            },
        }
        if action["Type"] == "forward"
        else dict(action)
        for action in actions
    ]


def _group(group: Mapping[str, Any]) -> Group:
    return Group(
        arn=group["TargetGroupArn"],
        name=group["TargetGroupName"],
        target_type=group.get("TargetType", "instance"),
        vpc_id=group.get("VpcId"),
        protocol=group.get("Protocol"),
        protocol_version=group.get("ProtocolVersion"),
        port=group.get("Port"),
        ip_address_type=group.get("IpAddressType"),
        balancers=tuple(group.get("LoadBalancerArns", ())),
        health_check=tuple(_health_check(group)),
    )


def _health_check(group: Mapping[str, Any]) -> Iterable[str]:
    """The options of `aws elbv2 create-target-group` that check health as this group does."""
    if group.get("HealthCheckEnabled") is False:
        return  # the default of a Lambda group, the only kind that may go without
    yield "--health-check-enabled"
    if group.get("TargetType") != "lambda":  # whose checks are invocations
        yield from ("--health-check-protocol", str(group["HealthCheckProtocol"]))
        yield from ("--health-check-port", str(group["HealthCheckPort"]))
    for option, key in (
        ("--health-check-path", "HealthCheckPath"),
        ("--health-check-interval-seconds", "HealthCheckIntervalSeconds"),
        ("--health-check-timeout-seconds", "HealthCheckTimeoutSeconds"),
        ("--healthy-threshold-count", "HealthyThresholdCount"),
        ("--unhealthy-threshold-count", "UnhealthyThresholdCount"),
    ):
        if group.get(key) is not None:
            yield from (option, str(group[key]))
    for kind, codes in (group.get("Matcher") or {}).items():
        if codes:
            yield from ("--matcher", f"{kind}={codes}")
