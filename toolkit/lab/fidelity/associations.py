"""Which load balancer a target group belongs to, kept as AWS keeps it: from the actions that forward to it.

moto appends on creation and never takes back, so a group would stay with a balancer that is gone.
"""

from collections.abc import Iterator
from typing import Any


def forwarded_arns(action: Any) -> Iterator[str]:
    """The target groups one of moto's actions forwards to."""
    if action.data.get("TargetGroupArn"):
        yield action.data["TargetGroupArn"]
    for group in (action.data.get("ForwardConfig") or {}).get("TargetGroups", ()):
        yield group["TargetGroupArn"]


def associations(backend: Any) -> dict[str, list[str]]:
    """Target group ARN -> ARNs of the load balancers whose actions forward to it."""
    found: dict[str, dict[str, None]] = {}
    for balancer in backend.load_balancers.values():
        for listener in balancer.listeners.values():
            for rule in listener.rules.values():
                for action in rule.actions:
                    for arn in forwarded_arns(action):
                        found.setdefault(arn, {})[balancer.arn] = None
    return {arn: list(balancers) for arn, balancers in found.items()}


def associate(backend: Any) -> None:
    """Write what the actions say into moto's target groups."""
    found = associations(backend)
    for arn, group in backend.target_groups.items():
        group.load_balancer_arns = found.get(arn, [])
