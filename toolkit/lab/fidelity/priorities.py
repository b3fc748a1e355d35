"""The order of rules: AWS lists them by priority and lets two of them trade places; moto does neither."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from toolkit.lab.fidelity.checks import Refused, check_priority

DEFAULT: Final = "default"


def by_priority(rules: Iterable[Any]) -> list[Any]:
    """The rules in the order they are tried, the default one last."""
    return sorted(rules, key=lambda rule: (rule.priority == DEFAULT, rule.priority if rule.priority != DEFAULT else 0))


def check_new_priorities(wanted: Sequence[tuple[str, int]], held: Mapping[str, int | str]) -> None:
    """Refuse priorities that do not fit.

    Args:
        wanted: rule ARN and new priority, as the request has them.
        held: rule ARN -> priority, of every rule of the listeners concerned.
    """
    moved = {arn for arn, _ in wanted}
    for arn, priority in wanted:
        check_priority(priority)
        if arn not in held:
            raise Refused("RuleNotFound", "One or more rules not found")
        if held[arn] == DEFAULT:
            raise Refused("OperationNotPermitted", f"Default rule '{arn}' cannot be modified")  # our words
    new = [priority for _, priority in wanted]
    twice = next((priority for priority in new if new.count(priority) > 1), None)
    if twice is not None:
        raise Refused("ValidationError", f"Priority '{twice}' was provided multiple times")
    if set(new) & {priority for arn, priority in held.items() if arn not in moved}:
        raise Refused("PriorityInUse", "The specified priority is in use.")
