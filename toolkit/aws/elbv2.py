"""Elastic Load Balancing v2: weights on rules and listeners, and the targets behind them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.aws.actions import actions_with, lacks_client_secret, live_route, oidc_client
from toolkit.aws.pace import Pace
from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import Route, RouteKind, TargetGroup
from toolkit.errors import RouteUnusable
from toolkit.rollout.ports import Action, Draining, LiveRoute, TargetHealth
from toolkit.settings import CLIENT_SECRET

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_ARNS_A_CALL = 20
"""AWS publishes no limit for DescribeRules and DescribeListeners; its neighbours DescribeLoadBalancers and
DescribeTags take 20."""
_WRITES_AT_ONCE, _WRITES_A_SECOND = 20, 3
"""AWS publishes no figures for Modify…; the AWS Load Balancer Controller keeps to these."""
_DELAY = "deregistration_delay.timeout_seconds"
_TERMINATION = "deregistration_delay.connection_termination.enabled"


@dataclass(frozen=True, slots=True)
class _Spelling:
    """What the API calls one kind of route: a rule, or a listener with its default action."""

    noun: str
    arn: str
    actions: str
    missing: str
    option: str


_RULE = _Spelling("rule", "RuleArn", "Actions", "RuleNotFound", "--actions")
_LISTENER = _Spelling("listener", "ListenerArn", "DefaultActions", "ListenerNotFound", "--default-actions")


def _spelling(kind: RouteKind) -> _Spelling:
    return _LISTENER if kind.is_listener else _RULE


class Elbv2:
    """Router and Targets on the ELBv2 API. Reads of several routes are one call for each kind of them.

    client_secret: of the OIDC client that the contract names, for the one case in which AWS does not hold it yet.
    """

    def __init__(self, session: Session, *, client_secret: str | None = None) -> None:
        self._session = session
        self._client_secret = client_secret
        self._pace = Pace(burst=_WRITES_AT_ONCE, per_second=_WRITES_A_SECOND)

    @property
    def _client(self) -> Any:
        return self._session.client("elbv2")

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        batches = [
            (spelling, [route.arn for route in of_kind[start : start + _ARNS_A_CALL]])
            for spelling in (_RULE, _LISTENER)
            for of_kind in [[route for route in routes if _spelling(route.kind) is spelling]]
            for start in range(0, len(of_kind), _ARNS_A_CALL)
        ]
        if len(batches) == 1:
            found = self._describe(*batches[0])
        else:
            with ThreadPoolExecutor(max_workers=4) as pool:
                found = {
                    arn: actions
                    for each in pool.map(lambda b: self._describe(*b), batches)
                    for arn, actions in each.items()
                }
        return {route.name: live_route(route, found[route.arn]) for route in routes if route.arn in found}

    def _describe(self, spelling: _Spelling, arns: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The actions of those that exist, by ARN. One missing fails the whole call, so only then each is asked for."""
        from botocore.exceptions import ClientError

        with aws_errors(f"reading the listener{'s' if spelling is _LISTENER else ' rules'}"):
            try:
                if spelling is _LISTENER:
                    items = self._client.describe_listeners(ListenerArns=arns)["Listeners"]
                else:
                    items = self._client.describe_rules(RuleArns=arns)["Rules"]
                return {item[spelling.arn]: item[spelling.actions] for item in items}
            except ClientError as error:
                if code_of(error) != spelling.missing:
                    raise
        if len(arns) == 1:
            return {}
        return {found: actions for arn in arns for found, actions in self._describe(spelling, [arn]).items()}

    def write(self, live: LiveRoute, action: Action) -> None:
        from botocore.exceptions import ClientError

        spelling, route = _spelling(live.route.kind), live.route
        secret = self._client_secret if _is_of_the_contract(route, action) else None
        if lacks_client_secret(live.kept, action) and not secret:
            raise RouteUnusable(
                f"route {route.name}: AWS holds no client secret of that OIDC client, and none was given",
                hint=f"Put the secret of the contract's client into the environment variable {CLIENT_SECRET}.",
            )
        actions = actions_with(live.kept, action, client_secret=secret)
        self._pace.wait()
        with aws_errors(f"writing the weights of route {route.name}"):
            try:
                if spelling is _LISTENER:
                    self._client.modify_listener(ListenerArn=route.arn, DefaultActions=actions)
                else:
                    self._client.modify_rule(RuleArn=route.arn, Actions=actions)
            except ClientError as error:
                if code_of(error) != spelling.missing:
                    raise
                raise RouteUnusable(
                    f"route {route.name} is gone: AWS knows no {route.arn}",
                    hint="It was deleted or replaced; apply the Terraform again (`bluegreen infra apply`).",
                ) from error

    def commands(self, live: LiveRoute, action: Action) -> str:
        spelling, route = _spelling(live.route.kind), live.route
        placeholder = "{the client secret}"
        actions = json.dumps(actions_with(live.kept, action, client_secret=placeholder), separators=(",", ":"))
        words = ["aws", "elbv2", f"modify-{spelling.noun}", f"--{spelling.noun}-arn", route.arn]
        line = shlex.join([*words, spelling.option, actions, *self._where(route.arn)])
        return line.replace(placeholder, f"""'"${CLIENT_SECRET}"'""")

    def _where(self, arn: str) -> list[str]:
        words = ["--region", arn.split(":")[3]]
        if self._session.settings.profile:
            words += ["--profile", self._session.settings.profile]
        endpoint = self._session.settings.endpoint_of("elastic_load_balancing_v2")
        if endpoint:
            words += ["--endpoint-url", endpoint]
        return words

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]:
        with self._on(group, "reading the target health of"):
            answer = self._client.describe_target_health(TargetGroupArn=group.arn)
        return [_health(item) for item in answer["TargetHealthDescriptions"]]

    def draining(self, group: TargetGroup) -> Draining:
        with self._on(group, "reading the attributes of"):
            answer = self._client.describe_target_group_attributes(TargetGroupArn=group.arn)
        attributes = {item["Key"]: item["Value"] for item in answer["Attributes"]}
        return Draining(float(attributes.get(_DELAY, 300)), terminates=attributes.get(_TERMINATION) == "true")

    def set_draining(self, group: TargetGroup, draining: Draining) -> None:
        wanted = {_DELAY: f"{draining.delay_seconds:.0f}", _TERMINATION: str(draining.terminates).lower()}
        with self._on(group, "writing the attributes of"):
            self._client.modify_target_group_attributes(
                TargetGroupArn=group.arn, Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()]
            )

    def deregister(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        with self._on(group, "deregistering the targets of"):
            self._client.deregister_targets(TargetGroupArn=group.arn, Targets=[_target(each) for each in targets])

    def register(self, group: TargetGroup, targets: Sequence[TargetHealth]) -> None:
        with self._on(group, "registering the targets of"):
            self._client.register_targets(TargetGroupArn=group.arn, Targets=[_target(each) for each in targets])

    @contextmanager
    def _on(self, group: TargetGroup, doing: str) -> Iterator[None]:
        from botocore.exceptions import ClientError

        with aws_errors(f"{doing} {group.name}"):
            try:
                yield
            except ClientError as error:
                if code_of(error) != "TargetGroupNotFound":
                    raise
                raise RouteUnusable(
                    f"target group {group.name} is gone: AWS knows no {group.arn}",
                    hint="Apply the Terraform again (`bluegreen infra apply`).",
                ) from error


def _is_of_the_contract(route: Route, action: Action) -> bool:
    """Whether the OIDC client of `action` is the one that the contract names, of which a secret can be given.

    Another one is written only where a route is put back, and its secret is known to nobody.
    """
    client = oidc_client(action.preceding or ())
    return client is not None and client == oidc_client(route.preceding_actions)


def _health(item: Mapping[str, Any]) -> TargetHealth:
    target, health = item["Target"], item["TargetHealth"]
    return TargetHealth(
        id=target["Id"],
        port=target.get("Port"),
        state=health["State"],
        reason=health.get("Reason", ""),
        zone=target.get("AvailabilityZone"),
    )


def _target(target: TargetHealth) -> dict[str, Any]:
    named = {"Id": target.id, "Port": target.port, "AvailabilityZone": target.zone}
    return {key: value for key, value in named.items() if value is not None}
