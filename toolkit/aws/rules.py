"""What stands on a load balancer: every rule and default action of all its listeners, whoever made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.aws.actions import groups_of
from toolkit.aws.preview import condition_of
from toolkit.aws.session import aws_errors
from toolkit.contract import BalancerType, LoadBalancer
from toolkit.errors import Throttled
from toolkit.rollout.bypass import Rule

if TYPE_CHECKING:
    from toolkit.aws.session import Session


class ListenerRules:
    """Rules on the ELBv2 API: one call for the listeners, and one a listener for its rules; at the session's rate.

    Whoever asks holds a lease meanwhile and asks again in a minute, so each call is one attempt.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("elbv2", single=True)

    def on(self, balancer: LoadBalancer) -> Sequence[Rule]:
        reads = self._session.budget.reads
        try:
            with aws_errors(f"reading the listeners and rules of {balancer.arn_suffix}"):
                found = list(self._on(balancer))
        except Throttled:
            reads.throttled()
            raise
        reads.passed()
        return found

    def _on(self, balancer: LoadBalancer) -> Iterable[Rule]:
        for listener in self._listeners(balancer):
            # A listener of a Network Load Balancer has its default action alone.
            if balancer.type is BalancerType.APPLICATION:
                yield from (_rule(rule, listener) for rule in self._rules(listener["ListenerArn"]))
            yield _made(listener["ListenerArn"], listener, listener.get("DefaultActions", ()))

    def _listeners(self, balancer: LoadBalancer) -> list[Mapping[str, Any]]:
        self._session.budget.reads.wait()
        pages = self._client.get_paginator("describe_listeners").paginate(LoadBalancerArn=balancer.arn)
        return [listener for page in pages for listener in page["Listeners"]]

    def _rules(self, listener: str) -> list[Mapping[str, Any]]:
        self._session.budget.reads.wait()
        pages = self._client.get_paginator("describe_rules").paginate(ListenerArn=listener)
        return [rule for page in pages for rule in page["Rules"] if not rule.get("IsDefault")]


def _rule(rule: Mapping[str, Any], listener: Mapping[str, Any]) -> Rule:
    return _made(
        rule["RuleArn"],
        listener,
        rule.get("Actions", ()),
        priority=int(rule["Priority"]),
        conditions=rule.get("Conditions", ()),
    )


def _made(
    arn: str,
    listener: Mapping[str, Any],
    actions: Iterable[Mapping[str, Any]],
    *,
    priority: int | None = None,
    conditions: Iterable[Mapping[str, Any]] = (),
) -> Rule:
    groups = [group for action in actions if action["Type"] == "forward" for group in groups_of(action)]
    return Rule(
        arn=arn,
        listener_arn=listener["ListenerArn"],
        protocol=listener["Protocol"],
        port=int(listener["Port"]),
        priority=priority,
        conditions=tuple(condition_of(condition) for condition in conditions),
        weights={group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups},
    )
