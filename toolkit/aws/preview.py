"""Test routes as Elastic Load Balancing holds them: their rules' conditions and actions, and where they listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.aws.actions import groups_of
from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import TestRoute
from toolkit.rollout.preview import Condition, LiveTestRoute

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_ARNS_A_CALL = 20
"""AWS publishes no limit for these two calls; DescribeLoadBalancers and DescribeTags take 20."""
_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


class TestRules:
    """Reads the rules of test routes, and the listeners they are on."""

    __test__ = False  # no test of pytest's

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("elbv2")

    def read(self, routes: Sequence[TestRoute]) -> Mapping[str, LiveTestRoute]:
        """Every test route by name; one whose rule or listener is gone is left out.

        Raises:
            AwsError: and its children.
        """
        rules = self._rules([route.arn for route in routes])
        listeners = self._listeners(sorted({route.listener_arn for route in routes if route.arn in rules}))
        return {
            route.name: _live(route, rules[route.arn], listeners[route.listener_arn])
            for route in routes
            if route.arn in rules and route.listener_arn in listeners
        }

    def _rules(self, arns: Sequence[str]) -> dict[str, dict[str, Any]]:
        with aws_errors("reading the rules of the test routes"):
            return _found(lambda batch: self._client.describe_rules(RuleArns=batch)["Rules"], "Rule", arns)

    def _listeners(self, arns: Sequence[str]) -> dict[str, dict[str, Any]]:
        with aws_errors("reading the listeners of the test routes"):
            return _found(
                lambda batch: self._client.describe_listeners(ListenerArns=batch)["Listeners"], "Listener", arns
            )


def _found(
    describe: Callable[[list[str]], list[dict[str, Any]]], noun: str, arns: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Those that exist, by ARN. One that is missing fails its whole call, so only then each is asked for by itself."""
    from botocore.exceptions import ClientError

    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(arns), _ARNS_A_CALL):
        batch = list(arns[start : start + _ARNS_A_CALL])
        try:
            found |= {item[f"{noun}Arn"]: item for item in describe(batch)}
        except ClientError as error:
            if code_of(error) != f"{noun}NotFound":
                raise
            for arn in batch if len(batch) > 1 else ():
                found |= _found(describe, noun, [arn])
    return found


def _live(route: TestRoute, rule: Mapping[str, Any], listener: Mapping[str, Any]) -> LiveTestRoute:
    forward = next((action for action in rule["Actions"] if action["Type"] == "forward"), None)
    groups = groups_of(forward) if forward else []
    return LiveTestRoute(
        route=route,
        protocol=listener["Protocol"],
        port=int(listener["Port"]),
        conditions=tuple(_condition(condition) for condition in rule.get("Conditions", ())),
        weights={group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups},
    )


def _condition(condition: Mapping[str, Any]) -> Condition:
    """Of either spelling: the `…Config` of its kind, or the older `Values`."""
    field = condition["Field"]
    config = condition.get(_CONFIGS.get(field, "")) or {}
    values = config.get("Values") or condition.get("Values") or ()
    if field == "query-string":
        return Condition(field, pairs=tuple((pair.get("Key"), pair["Value"]) for pair in values))
    return Condition(
        field,
        values=tuple(values),
        expressions=tuple(config.get("RegexValues") or condition.get("RegexValues") or ()),
        header=config.get("HttpHeaderName", ""),
    )
