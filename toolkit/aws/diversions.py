"""Rules that send picked requests to one color: made beside the routes, tagged, found again by their tags, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolkit.aws.preview import condition_of
from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import Contract, RouteKind
from toolkit.errors import AwsError, Throttled
from toolkit.rollout.diverting import Diversion, Ground, PriorityTaken, Standing
from toolkit.rollout.preview import Condition

if TYPE_CHECKING:
    from toolkit.aws.pace import Pace
    from toolkit.aws.session import Session

SERVICE_TAG, ROLLOUT_TAG, ROUTE_TAG = "bluegreen:service", "bluegreen:rollout", "bluegreen:route"
_ARNS_A_CALL = 20
"""Source: ELBv2 API reference, DescribeTags."""
_GONE = frozenset({"RuleNotFound", "ListenerNotFound"})
_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}


class ElbDiversions:
    """Diversions on the ELBv2 API; every call is one attempt, at the session's rate. Whoever asks, asks again."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.single_attempts.client("elbv2")

    def ground(self, contract: Contract) -> Mapping[str, Ground]:
        known = _arns(contract)
        rules = {arn: self._rules(arn) for arn in _listeners(contract)}
        ours = {each.arn for each in self._tagged(contract, rules)}
        found = {}
        for route in contract.routes:
            on_listener = [rule for rule in rules[route.listener_arn] if not rule.get("IsDefault")]
            own = next((rule for rule in rules[route.listener_arn] if rule["RuleArn"] == route.arn), None)
            if own is None and route.kind is RouteKind.ALB_RULE:
                continue
            taken = {int(rule["Priority"]): rule["RuleArn"] for rule in on_listener}
            found[route.name] = Ground(
                conditions=tuple(map(condition_of, own.get("Conditions", ()))) if own else (),
                priority=int(own["Priority"]) if own else None,
                taken=frozenset(taken),
                strangers=frozenset(number for number, arn in taken.items() if arn not in known | ours),
                preceding=tuple(action["Type"] for action in _preceding(own or _default(rules[route.listener_arn]))),
            )
        return found

    def standing(self, contract: Contract) -> Sequence[Standing]:
        return self._tagged(contract, {arn: self._rules(arn) for arn in _listeners(contract)})

    def _tagged(self, contract: Contract, rules: Mapping[str, list[Mapping[str, Any]]]) -> list[Standing]:
        """Those with the tags of this service, but for those of the contract itself."""
        known = _arns(contract)
        beside = {
            rule["RuleArn"]: int(rule["Priority"])
            for of_listener in rules.values()
            for rule in of_listener
            if not rule.get("IsDefault") and rule["RuleArn"] not in known
        }
        return [
            Standing(arn, beside[arn], tags[ROLLOUT_TAG], tags.get(ROUTE_TAG, ""))
            for arn, tags in self._tags(list(beside)).items()
            if tags.get(SERVICE_TAG) == contract.name and ROLLOUT_TAG in tags
        ]

    def _rules(self, listener: str) -> list[Mapping[str, Any]]:
        """Every rule of a listener, its default action as one; none where the listener is gone."""
        found: list[Mapping[str, Any]] = []
        words = {"ListenerArn": listener}
        while True:
            answer = self._ask(
                "reading the rules of a listener", self._reads, lambda: self._client.describe_rules(**words)
            )
            if answer is None:
                return []
            found += answer["Rules"]
            if not answer.get("NextMarker"):
                return found
            words["Marker"] = answer["NextMarker"]

    def _tags(self, arns: Sequence[str]) -> dict[str, dict[str, str]]:
        """By ARN; a rule that is gone meanwhile fails its whole call, so then each is asked for by itself."""
        found: dict[str, dict[str, str]] = {}
        for start in range(0, len(arns), _ARNS_A_CALL):
            batch = list(arns[start : start + _ARNS_A_CALL])
            answer = self._tags_of(batch)
            if answer is None:
                found |= {arn: tags for each in batch if len(batch) > 1 for arn, tags in self._tags([each]).items()}
                continue
            for item in answer["TagDescriptions"]:
                found[item["ResourceArn"]] = {tag["Key"]: tag["Value"] for tag in item["Tags"]}
        return found

    def _tags_of(self, arns: list[str]) -> Any:
        what = "reading the tags of rules"
        return self._ask(what, self._reads, lambda: self._client.describe_tags(ResourceArns=arns))

    def make(self, diversion: Diversion, contract: Contract, *, rollout: str, guard: Callable[[], None]) -> Diversion:
        preceding = self._preceding_of(diversion, contract)
        forward = {
            "Type": "forward",
            "Order": len(preceding) + 1,
            "TargetGroupArn": contract.target_groups[diversion.color].arn,
        }
        tags = {SERVICE_TAG: contract.name, ROLLOUT_TAG: rollout, ROUTE_TAG: diversion.route}
        words = {
            "ListenerArn": diversion.listener_arn,
            "Priority": diversion.priority,
            "Conditions": [_in_their_words(each) for each in diversion.conditions],
            "Actions": [*preceding, forward],
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
        what = f"making rule {diversion.priority} before route {diversion.route}"
        try:
            with self._session.single_attempts.guarded(guard):
                answer = self._ask(what, self._writes, lambda: self._client.create_rule(**words))
        except AwsError as error:
            if _code(error) == "PriorityInUse":
                raise PriorityTaken(error.message) from error
            raise
        if answer is None:
            raise AwsError(f"the listener of route {diversion.route} is gone: AWS knows no {diversion.listener_arn}")
        return replace(diversion, arn=answer["Rules"][0]["RuleArn"])

    def _preceding_of(self, diversion: Diversion, contract: Contract) -> list[dict[str, Any]]:
        """What the route does before it forwards, such as signing users in: a rule that takes from it does too."""
        route = next(each for each in contract.routes if each.name == diversion.route)
        rules = self._rules(route.listener_arn)
        own = next((rule for rule in rules if rule["RuleArn"] == route.arn), None)
        return _preceding(own or _default(rules))

    def remove(self, arn: str) -> None:
        self._ask("removing a rule that diverts requests", self._writes, lambda: self._client.delete_rule(RuleArn=arn))

    @property
    def _reads(self) -> Pace:
        return self._session.budget.reads

    @property
    def _writes(self) -> Pace:
        return self._session.budget.writes

    def _ask(self, what: str, pace: Pace, call: Callable[[], Any]) -> Any:
        """The answer; None where what it is about is gone. Raises AwsError and its children."""
        pace.wait()
        try:
            with aws_errors(what):
                answer = call()
        except Throttled:
            pace.throttled()
            raise
        except AwsError as error:
            if _code(error) in _GONE:
                return None
            raise
        pace.passed()
        return answer


def _listeners(contract: Contract) -> list[str]:
    return sorted({route.listener_arn for route in contract.routes if route.kind is not RouteKind.NLB_LISTENER})


def _arns(contract: Contract) -> set[str]:
    """Of the rules that the contract names itself."""
    return {route.arn for route in contract.routes} | {route.arn for route in contract.test_routes}


def _default(rules: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((rule for rule in rules if rule.get("IsDefault")), {})


def _preceding(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The actions before the forward, in their order, numbered from 1."""
    actions = sorted(rule.get("Actions", ()), key=lambda action: int(action.get("Order", 1)))
    before = [action for action in actions if action["Type"] != "forward"]
    return [{**action, "Order": order} for order, action in enumerate(before, start=1)]


def _in_their_words(condition: Condition) -> dict[str, Any]:
    if condition.field == "query-string":
        values = [{"Value": value} if key is None else {"Key": key, "Value": value} for key, value in condition.pairs]
        return {"Field": condition.field, "QueryStringConfig": {"Values": values}}
    values_of: dict[str, Any] = {}
    if condition.values:
        values_of["Values"] = list(condition.values)
    if condition.expressions:
        values_of["RegexValues"] = list(condition.expressions)
    if condition.field == "http-header":
        values_of["HttpHeaderName"] = condition.header
        return {"Field": condition.field, "HttpHeaderConfig": values_of}
    return {"Field": condition.field, _CONFIGS[condition.field]: values_of}


def _code(error: AwsError) -> str:
    return code_of(error.__cause__) if error.__cause__ is not None else ""
