"""What AWS refuses and moto takes, as decisions over plain data.

Codes and messages are AWS's where someone has published them (terraform-provider-aws, aws-cdk and
aws-load-balancer-controller issues, the API reference); those marked "our words" carry AWS's code only.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from toolkit.lab.expressions import fault

MAX_WEIGHT: Final = 999
MAX_GROUPS: Final = 5
MAX_CONDITION_VALUES: Final = 5
WITH_EXPRESSIONS: Final = frozenset({"http-header", "host-header", "path-pattern"})
MAX_PRIORITY: Final = 50_000
STICKINESS_SECONDS: Final = (1, 604_800)
HTTP: Final = frozenset({"HTTP", "HTTPS"})
NO_HEALTH_CHECKS: Final = frozenset({"GENEVE", "TLS", "UDP", "TCP_UDP"})
# What a group behind a listener of this protocol may speak. Source: Create a listener for your NLB.
COMPATIBLE: Final[Mapping[str, frozenset[str]]] = {
    "HTTP": HTTP,
    "HTTPS": HTTP,
    "TCP": frozenset({"TCP", "TCP_UDP"}),
    "TLS": frozenset({"TCP", "TLS"}),
    "UDP": frozenset({"UDP", "TCP_UDP"}),
    "TCP_UDP": frozenset({"TCP_UDP"}),
}
# An ip target must be in the VPC's own ranges or in one of these. Source: Register targets by IP address.
TARGET_NETWORKS: Final = tuple(
    ipaddress.ip_network(net) for net in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)


class Refused(Exception):
    """AWS would refuse this call with error `code` and `message`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Group:
    """What the checks need of a target group; `protocol` is None for Lambda functions."""

    arn: str
    protocol: str | None
    load_balancers: frozenset[str] = frozenset()


def check_actions(
    actions: Iterable[Mapping[str, Any]],
    groups: Mapping[str, Group],
    *,
    load_balancer: str,
    listener_protocol: str,
) -> None:
    """Refuse a list of actions that AWS would not take on this listener."""
    for action in actions:
        if action.get("Type") != "forward" and listener_protocol not in HTTP:
            message = f"A {listener_protocol} listener takes no action of type '{action.get('Type')}'"
            raise Refused("InvalidLoadBalancerAction", message)  # our words
        if action.get("Type") != "forward":
            continue
        arns = _forwarded(action)
        unknown = next((arn for arn in arns if arn not in groups), None)
        if unknown is not None:
            raise Refused("TargetGroupNotFound", f"Target group '{unknown}' not found")
        for group in (groups[arn] for arn in arns):
            _check_protocol(group, listener_protocol)
        _check_association([groups[arn] for arn in arns], load_balancer)


def _forwarded(action: Mapping[str, Any]) -> list[str]:
    """The target groups an action forwards to, after checking the forward itself."""
    config = action.get("ForwardConfig")
    single = action.get("TargetGroupArn")
    if config is None:
        if not single:
            raise Refused("ValidationError", "A target group ARN must be specified")  # our words
        return [single]
    tuples: Sequence[Mapping[str, Any]] = config.get("TargetGroups") or ()
    if not 1 <= len(tuples) <= MAX_GROUPS:
        message = f"A forward action takes 1 to {MAX_GROUPS} target groups, and this one has {len(tuples)}"
        raise Refused("ValidationError", message)  # our words
    arns = [str(group["TargetGroupArn"]) for group in tuples]
    if single and arns != [single]:
        message = "You cannot specify different target groups in TargetGroupArn and ForwardConfig"
        raise Refused("ValidationError", message)  # our words
    if not all(0 <= int(group.get("Weight", 1)) <= MAX_WEIGHT for group in tuples):
        raise Refused("ValidationError", "The weight for each target group must be between 0 and 999, inclusive")
    _check_stickiness(config.get("TargetGroupStickinessConfig") or {})
    return arns


def _check_stickiness(config: Mapping[str, Any]) -> None:
    seconds = config.get("DurationSeconds")
    enabled = str(config.get("Enabled", False)).lower() == "true"
    low, high = STICKINESS_SECONDS
    if (enabled or seconds is not None) and not (seconds is not None and low <= int(seconds) <= high):
        message = "Target group stickiness duration must be between 1 and 604800 seconds"
        raise Refused("ValidationError", message)


def _check_protocol(group: Group, listener_protocol: str) -> None:
    fitting = COMPATIBLE.get(listener_protocol)
    if fitting is None or group.protocol is None or group.protocol in fitting:
        return
    message = (
        f"The listener and its associated target group '{group.arn}' have incompatible protocols: "
        f"'{listener_protocol}' and '{group.protocol}'"
    )
    raise Refused("IncompatibleProtocols", message)


def _check_association(groups: Iterable[Group], load_balancer: str) -> None:
    elsewhere = [group.arn for group in groups if group.load_balancers - {load_balancer}]
    if elsewhere:
        message = (
            f"The following target groups cannot be associated with more than one load balancer: {', '.join(elsewhere)}"
        )
        raise Refused("TargetGroupAssociationLimit", message)


def check_rules_are_taken(load_balancer_type: str, ip_address_type: str) -> None:
    """Refuse a rule on a listener of a Network Load Balancer, unless that is dual-stack. Source: API_CreateRule."""
    if load_balancer_type != "application" and ip_address_type != "dualstack":
        message = "Rules are for the listeners of Application Load Balancers"
        raise Refused("InvalidConfigurationRequest", message)  # our words, and the code is a guess


def check_health_check(protocol: str | None, check_protocol: str | None, *, has_matcher: bool) -> None:
    """Refuse a health check that does not fit a target group of this protocol. Source: API_CreateTargetGroup."""
    if check_protocol in NO_HEALTH_CHECKS:
        message = f"Health check protocol '{check_protocol}' is not supported"
        raise Refused("ValidationError", message)  # our words
    if check_protocol == "TCP" and protocol in HTTP:
        message = f"Health check protocol 'TCP' is not supported for target groups with the {protocol} protocol"
        raise Refused("InvalidConfigurationRequest", message)  # our words
    if check_protocol == "TCP" and has_matcher:
        message = "Health check matchers are not supported for TCP health checks"
        raise Refused("InvalidConfigurationRequest", message)


def check_new_listener(port: int | None, taken: Iterable[int], load_balancer: str) -> None:
    """Refuse a second listener on a port."""
    if port is not None and int(port) in {int(other) for other in taken}:
        message = f"A listener already exists on this port for this load balancer '{load_balancer}'"
        raise Refused("DuplicateListener", message)


def check_moved_listener(port: int | None, taken_by_others: Iterable[int]) -> None:
    """Refuse to move a listener onto another's port."""
    if port is not None and int(port) in {int(other) for other in taken_by_others}:
        raise Refused("ValidationError", f"Listener port '{port}' is already in use")


def check_conditions(conditions: Iterable[Mapping[str, Any]]) -> None:
    """Refuse more condition values than a rule may have in all, and regular expressions that AWS does not take.

    AWS's guide names three values as the most in one condition, its API has been seen to take five.
    """
    total = 0
    for condition in conditions:
        config = condition_config(condition)
        expressions = config.get("RegexValues") or ()
        if expressions:
            _check_expressions(condition.get("Field"), expressions, has_values=bool(config.get("Values")))
        total += len(config.get("Values") or ()) + len(expressions)
    if total > MAX_CONDITION_VALUES:
        raise Refused("ValidationError", f"A rule can only have '{MAX_CONDITION_VALUES}' condition values")


def condition_config(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a condition asks: the `...Config` of its kind, or itself in the older form."""
    return next((value for key, value in condition.items() if key.endswith("Config") and value), condition)


def _check_expressions(field: str | None, expressions: Iterable[str], *, has_values: bool) -> None:
    if field not in WITH_EXPRESSIONS:
        raise Refused("ValidationError", f"The 'RegexValues' field is not compatible with '{field}'")  # our words
    if has_values:
        message = f"You cannot specify both 'Values' and 'RegexValues' for a condition of type '{field}'"
        raise Refused("ValidationError", message)  # our words
    for expression in expressions:
        why = fault(expression)
        if why:
            raise Refused("ValidationError", f"The regular expression '{expression}' is not valid: {why}")  # our words


def check_priority(priority: int) -> None:
    """Refuse a priority outside 1 to 50,000."""
    if not 1 <= int(priority) <= MAX_PRIORITY:
        bound = "greater than or equal to 1" if int(priority) < 1 else f"less than or equal to {MAX_PRIORITY}"
        message = (
            f"1 validation error detected: Value '{priority}' at 'priority' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
        raise Refused("ValidationError", message)


def check_target_ids(target_type: str, ids: Iterable[str]) -> None:
    """Refuse ids that are no targets of this type: public addresses, addresses among instances."""
    for target_id in ids:
        if target_type == "ip":
            _check_address(target_id)
        elif target_type == "instance" and not target_id.startswith("i-"):
            raise Refused("ValidationError", f"Instance ID '{target_id}' is not valid")


def _check_address(text: str) -> None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Refused("ValidationError", f"The IP address '{text}' is not a valid IPv4 address") from None  # our words
    if address.version == 4 and not any(address in network for network in TARGET_NETWORKS):  # noqa: PLR2004
        message = f"The IP address '{text}' is outside the VPC and not in a private range"
        raise Refused("ValidationError", message)  # our words
