"""Ways to a color past the split: rules and listeners of the load balancer that are no route of the contract.

A target group's counts hold their requests too. Those were chosen by a path, a header, a port, and sent to one color
whatever the split says, so the colors are no longer compared under the same load, and ELB has no metric of one rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from toolkit.contract import Contract, LoadBalancer, TestRoute
from toolkit.rollout.preview import Condition, LiveTestRoute, faults, in_words
from toolkit.traffic import Color

_EVERYTHING = {"path-pattern": {"*", "/*"}, "host-header": {"*"}}
"""Patterns that every request matches: a path begins with a slash."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a listener, or a listener's default action, as the load balancer holds it now.

    arn: the rule's; of a default action the listener's. protocol, port: the listener's. priority: None for a default
    action, which comes after every rule. weights: target group ARN -> weight, empty where nothing is forwarded.
    """

    arn: str
    listener_arn: str
    protocol: str
    port: int
    priority: int | None = None
    conditions: tuple[Condition, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)

    @property
    def takes_everything(self) -> bool:
        """Whether it leaves no request to the rules after it."""
        return all(_EVERYTHING.get(each.field, set()) & set(each.values) for each in self.conditions)

    def __str__(self) -> str:
        listener = f"the {self.protocol} listener on port {self.port}"
        if self.priority is None:
            return f"the default action of {listener}"
        asked = " and ".join(in_words(each) for each in self.conditions)
        return f"rule {self.priority} of {listener}{f' ({asked})' if asked else ''}"


class Rules(Protocol):
    """What stands on a load balancer. Raises AwsError and its children."""

    def on(self, balancer: LoadBalancer) -> Sequence[Rule]:
        """Every rule and every default action of each of its listeners, in any order."""


def past_the_split(contract: Contract, rules: Iterable[Rule]) -> list[Rule]:
    """Those that can get a request and send it to a color without being a route of the contract."""
    routes = {route.arn for route in contract.routes}
    return [rule for rule in _reached(rules) if rule.arn not in routes and colors_of(contract, rule)]


def known_test_route(contract: Contract, rule: Rule) -> TestRoute | None:
    """The test route of the contract that it is: a few requests with a header, to its color. None for anything else."""
    for route in contract.test_routes:
        if route.arn == rule.arn:
            live = LiveTestRoute(route, rule.protocol, rule.port, rule.conditions, rule.weights)
            return None if faults(live, contract) else route
    return None


def colors_of(contract: Contract, rule: Rule) -> list[Color]:
    """The colors that get requests by it."""
    return [color for color in Color if contract.target_groups[color].arn in _given(rule)]


def _given(rule: Rule) -> set[str]:
    """Target groups at weight 0 get nothing."""
    return {arn for arn, weight in rule.weights.items() if weight}


def _reached(rules: Iterable[Rule]) -> Iterable[Rule]:
    """Without those that stand after one that takes everything on the same listener."""
    ordered = sorted(rules, key=lambda rule: (rule.listener_arn, rule.priority is None, rule.priority or 0))
    for _, of_listener in groupby(ordered, key=lambda rule: rule.listener_arn):
        for rule in of_listener:
            yield rule
            if rule.takes_everything:
                break
