"""Routes and test routes as Elastic Load Balancing holds them: their rules' conditions, and where they listen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from toolkit.aws.actions import groups_of
from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import Contract, Route, RouteKind, TestRoute
from toolkit.rollout.preview import Condition, LiveTestRoute
from toolkit.rollout.probing import Place, Target, by_route, by_test_route
from toolkit.rollout.steps import Probe, Via
from toolkit.traffic import Color

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_ARNS_A_CALL = 20
"""AWS publishes no limit for these two calls; DescribeLoadBalancers and DescribeTags take 20."""
_REMEMBERED_SECONDS = 60.0
_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}


class TestRules:
    """Reads the rules of routes and test routes, and the listeners they are on."""

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

    def places(self, routes: Sequence[Route]) -> list[Place]:
        """Where the routes take requests, in their order; one whose rule or listener is gone is left out.

        Raises:
            AwsError: and its children.
        """
        rules = self._rules([route.arn for route in routes if route.kind is RouteKind.ALB_RULE], "routes")
        listeners = self._listeners(sorted({route.listener_arn for route in routes}), "routes")
        return [
            _place(route, rules.get(route.arn, {}), listeners[route.listener_arn])
            for route in routes
            if route.listener_arn in listeners and (route.kind.is_listener or route.arn in rules)
        ]

    def _rules(self, arns: Sequence[str], of: str = "test routes") -> dict[str, dict[str, Any]]:
        with aws_errors(f"reading the rules of the {of}"):
            return _found(lambda batch: self._client.describe_rules(RuleArns=batch)["Rules"], "Rule", arns)

    def _listeners(self, arns: Sequence[str], of: str = "test routes") -> dict[str, dict[str, Any]]:
        with aws_errors(f"reading the listeners of the {of}"):
            return _found(
                lambda batch: self._client.describe_listeners(ListenerArns=batch)["Listeners"], "Listener", arns
            )


class ProbeTargets:
    """Where the probes of a service go. What AWS says of it is remembered for a minute.

    via: `HOST:PORT` that answers in the load balancer's stead (the lab, a tunnel). host: the name to ask for, where the
    rules ask for none or for it too.
    """

    def __init__(
        self,
        session: Session,
        contract: Contract,
        *,
        via: str | None = None,
        host: str | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = TestRules(session)
        self._contract = contract
        self._via = via
        self._host = host
        self._timer = timer
        self._reading = Lock()
        self._places: tuple[float, list[Place]] | None = None
        self._tests: tuple[float, Mapping[str, LiveTestRoute]] | None = None

    def __call__(self, probe: Probe, color: Color) -> Target:
        """What to ask for `probe`; `color` is the new one.

        Raises:
            AwsError: and its children.
            ContractError, RouteUnusable: there is no such route or test route, or it takes no such request.
        """
        with self._reading:
            if probe.via is Via.ROUTE:
                return by_route(self._contract, self._routes(), probe.path, via=self._via, host=self._host)
            return by_test_route(self._contract, self._live(), color, probe.path, via=self._via, host=self._host)

    def _routes(self) -> list[Place]:
        if self._places is None or self._timer() >= self._places[0]:
            self._places = (self._timer() + _REMEMBERED_SECONDS, self._rules.places(self._contract.routes))
        return self._places[1]

    def _live(self) -> Mapping[str, LiveTestRoute]:
        if self._tests is None or self._timer() >= self._tests[0]:
            self._tests = (self._timer() + _REMEMBERED_SECONDS, self._rules.read(self._contract.test_routes))
        return self._tests[1]


def _place(route: Route, rule: Mapping[str, Any], listener: Mapping[str, Any]) -> Place:
    conditions = tuple(condition_of(condition) for condition in rule.get("Conditions", ()))
    return Place(route.name, listener["Protocol"], int(listener["Port"]), conditions)


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
        conditions=tuple(condition_of(condition) for condition in rule.get("Conditions", ())),
        weights={group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups},
    )


def condition_of(condition: Mapping[str, Any]) -> Condition:
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
