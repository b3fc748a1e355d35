"""Elastic Load Balancing v2: weights on rules, and the health of targets."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import Route, Stickiness, TargetGroup
from toolkit.errors import RouteUnusable
from toolkit.rollout.ports import LiveRoute, TargetHealth

if TYPE_CHECKING:
    from toolkit.aws.session import Session


class Elbv2:
    """Router and Targets on the ELBv2 API. Reads of several routes are one call."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("elbv2")

    def read(self, routes: Sequence[Route]) -> Mapping[str, LiveRoute]:
        rules = self._describe([route.arn for route in routes])
        found = {rule["RuleArn"]: rule for rule in rules}
        return {route.name: _live(route, found[route.arn]) for route in routes if route.arn in found}

    def _describe(self, arns: list[str]) -> list[dict[str, Any]]:
        """The rules that exist. One missing rule fails the whole call, so only then they are asked for one by one."""
        from botocore.exceptions import ClientError

        with aws_errors("reading the listener rules"):
            try:
                return list(self._client.describe_rules(RuleArns=arns)["Rules"])
            except ClientError as error:
                if code_of(error) != "RuleNotFound":
                    raise
        return [] if len(arns) == 1 else [rule for arn in arns for rule in self._describe([arn])]

    def write(self, live: LiveRoute, split: Mapping[str, int], stickiness: Stickiness) -> None:
        from botocore.exceptions import ClientError

        actions = actions_with(live.kept, split, stickiness)
        with aws_errors(f"writing the weights of route {live.route.name}"):
            try:
                self._client.modify_rule(RuleArn=live.route.arn, Actions=actions)
            except ClientError as error:
                if code_of(error) != "RuleNotFound":
                    raise
                raise RouteUnusable(
                    f"route {live.route.name} is gone: AWS knows no {live.route.arn}",
                    hint="It was deleted or replaced; apply the Terraform again (`bluegreen infra apply`).",
                ) from error

    def commands(self, live: LiveRoute, split: Mapping[str, int], stickiness: Stickiness) -> str:
        words = ["aws", "elbv2", "modify-rule", "--rule-arn", live.route.arn]
        words += ["--actions", json.dumps(actions_with(live.kept, split, stickiness), separators=(",", ":"))]
        words += ["--region", live.route.arn.split(":")[3]]
        if self._session.settings.profile:
            words += ["--profile", self._session.settings.profile]
        if self._session.settings.endpoint_url:
            words += ["--endpoint-url", self._session.settings.endpoint_url]
        return shlex.join(words)

    def health(self, group: TargetGroup) -> Sequence[TargetHealth]:
        from botocore.exceptions import ClientError

        with aws_errors(f"reading the target health of {group.name}"):
            try:
                answer = self._client.describe_target_health(TargetGroupArn=group.arn)
            except ClientError as error:
                if code_of(error) != "TargetGroupNotFound":
                    raise
                raise RouteUnusable(
                    f"target group {group.name} is gone: AWS knows no {group.arn}",
                    hint="Apply the Terraform again (`bluegreen infra apply`).",
                ) from error
        return [_health(item) for item in answer["TargetHealthDescriptions"]]


def actions_with(
    actions: Sequence[Mapping[str, Any]], weights: Mapping[str, int], stickiness: Stickiness
) -> list[dict[str, Any]]:
    """`actions` as a DescribeRules gave them, fit for ModifyRule, with other weights and stickiness.

    Order, preceding actions and the sequence of the target groups stay. A target group that `weights` does not name
    keeps its weight.
    """
    return [_rewritten(action, weights, stickiness) for action in actions]


def _rewritten(action: Mapping[str, Any], weights: Mapping[str, int], stickiness: Stickiness) -> dict[str, Any]:
    if action["Type"] == "authenticate-oidc":
        # DescribeRules never tells the client secret, and ModifyRule wants it again unless told to keep it.
        # Source: ELBv2 API reference, AuthenticateOidcActionConfig.
        config = {**action["AuthenticateOidcConfig"], "UseExistingClientSecret": True}
        return {**action, "AuthenticateOidcConfig": config}
    if action["Type"] != "forward":
        return dict(action)
    groups = [
        {**group, "Weight": weights.get(group["TargetGroupArn"], group.get("Weight", 1))} for group in _groups(action)
    ]
    sticky: dict[str, Any] = {"Enabled": stickiness.enabled}
    if stickiness.enabled:
        sticky["DurationSeconds"] = stickiness.duration_seconds
    config = {
        **action.get("ForwardConfig", {}),
        "TargetGroups": groups,
        "TargetGroupStickinessConfig": sticky,
    }
    # The short form beside ForwardConfig is only taken where both agree, which weights on two groups never do.
    return {key: value for key, value in action.items() if key != "TargetGroupArn"} | {"ForwardConfig": config}


def _groups(action: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    groups = action.get("ForwardConfig", {}).get("TargetGroups")
    if groups:
        return list(groups)
    return [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}] if "TargetGroupArn" in action else []


def _live(route: Route, rule: Mapping[str, Any]) -> LiveRoute:
    forward = next((action for action in rule["Actions"] if action["Type"] == "forward"), None)
    if forward is None:
        return LiveRoute(route, {}, Stickiness(enabled=False), kept=rule["Actions"])
    sticky = forward.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or {}
    enabled = bool(sticky.get("Enabled", False))
    return LiveRoute(
        route,
        {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in _groups(forward)},
        Stickiness(enabled=enabled, duration_seconds=sticky.get("DurationSeconds") if enabled else None),
        kept=rule["Actions"],
    )


def _health(item: Mapping[str, Any]) -> TargetHealth:
    target, health = item["Target"], item["TargetHealth"]
    return TargetHealth(
        id=target["Id"],
        port=target.get("Port"),
        state=health["State"],
        reason=health.get("Reason", ""),
    )
