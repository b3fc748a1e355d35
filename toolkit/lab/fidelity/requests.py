"""From a call on moto's backend to the checks: which one a request needs, and the facts it is judged by."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from toolkit.lab.fidelity import attributes
from toolkit.lab.fidelity.associations import associations
from toolkit.lab.fidelity.checks import (
    Group,
    Refused,
    check_actions,
    check_conditions,
    check_health_check,
    check_moved_listener,
    check_new_listener,
    check_priority,
    check_rules_are_taken,
    check_target_ids,
)
from toolkit.lab.fidelity.priorities import check_new_priorities

Arguments = Mapping[str, Any]
Check = Callable[[Any, Arguments], None]


def _groups(backend: Any) -> dict[str, Group]:
    """The target groups by ARN."""
    tied = associations(backend)
    return {
        arn: Group(arn, group.protocol, frozenset(tied.get(arn, ()))) for arn, group in backend.target_groups.items()
    }


def _listener(backend: Any, arn: str) -> Any | None:
    """The listener with this ARN; None leaves the error to moto."""
    return next((balancer.listeners[arn] for balancer in _balancers(backend) if arn in balancer.listeners), None)


def _balancers(backend: Any) -> Iterator[Any]:
    yield from backend.load_balancers.values()


def _rule(backend: Any, arn: str) -> tuple[Any, Any] | None:
    """The listener and the rule with this ARN."""
    for balancer in _balancers(backend):
        for listener in balancer.listeners.values():
            for rule in listener.rules.values():
                if rule.arn == arn:
                    return listener, rule
    return None


def _create_load_balancer(backend: Any, call: Arguments) -> None:
    # AWS answers an identical request with the one that exists; no client of the lab asks that way.
    if any(balancer.name == call["name"] for balancer in _balancers(backend)):
        message = f"A load balancer with the same name '{call['name']}' exists, but with different settings"
        raise Refused("DuplicateLoadBalancerName", message)


def _create_listener(backend: Any, call: Arguments) -> None:
    balancer = backend.load_balancers.get(call["load_balancer_arn"])
    if balancer is None:
        return
    check_new_listener(call["port"], (one.port for one in balancer.listeners.values()), balancer.arn)
    check_actions(
        call["actions"], _groups(backend), load_balancer=balancer.arn, listener_protocol=str(call["protocol"])
    )


def _modify_listener(backend: Any, call: Arguments) -> None:
    listener = _listener(backend, call["arn"])
    if listener is None:
        return
    balancer = backend.load_balancers[listener.load_balancer_arn]
    others = (one.port for one in balancer.listeners.values() if one is not listener)
    check_moved_listener(call["port"], others)
    check_actions(
        call["actions"] or (),
        _groups(backend),
        load_balancer=balancer.arn,
        listener_protocol=str(call["protocol"] or listener.protocol),
    )


def _create_rule(backend: Any, call: Arguments) -> None:
    listener = _listener(backend, call["listener_arn"])
    if listener is None:
        return
    balancer = backend.load_balancers[listener.load_balancer_arn]
    check_rules_are_taken(balancer.type, balancer.ip_address_type)
    check_priority(call["priority"])
    _check_rule(backend, listener, call)


def _modify_rule(backend: Any, call: Arguments) -> None:
    found = _rule(backend, call["rule_arn"])
    if found is not None:
        _check_rule(backend, found[0], call)


def _check_rule(backend: Any, listener: Any, call: Arguments) -> None:
    check_conditions(call["conditions"] or ())
    check_actions(
        call["actions"] or (),
        _groups(backend),
        load_balancer=listener.load_balancer_arn,
        listener_protocol=listener.protocol,
    )


def _delete_rule(backend: Any, call: Arguments) -> None:
    found = _rule(backend, call["arn"])
    if found is None:
        raise Refused("RuleNotFound", "One or more rules not found")
    if found[1].is_default:
        raise Refused("OperationNotPermitted", f"Default rule '{call['arn']}' cannot be deleted")


def _delete_load_balancer(backend: Any, call: Arguments) -> None:
    balancer = backend.load_balancers.get(call["arn"])
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{call['arn']}' cannot be deleted because deletion protection is enabled"
        raise Refused("OperationNotPermitted", message)


def _create_target_group(_backend: Any, call: Arguments) -> None:
    protocol = call.get("protocol")
    # A group for flows is checked by TCP unless told otherwise.
    usual = "TCP" if protocol in attributes.NETWORK_PROTOCOLS else None
    check_health_check(protocol, call.get("healthcheck_protocol") or usual, has_matcher=bool(call.get("matcher")))


def _modify_target_group(backend: Any, call: Arguments) -> None:
    group = backend.target_groups.get(call["arn"])
    if group is not None:
        check_protocol = call["health_check_proto"] or group.health_check_protocol
        check_health_check(group.protocol, check_protocol, has_matcher=bool(call["http_codes"]))


def _modify_target_group_attributes(backend: Any, call: Arguments) -> None:
    changes: Mapping[str, Any] = call["attributes"]
    unknown = attributes.unknown_target_group_key(changes)
    if unknown is not None:
        raise Refused("ValidationError", f"Target group attribute key '{unknown}' is not recognized")
    group = backend.target_groups.get(call["target_group_arn"])
    if group is not None and attributes.unsupported_target_group_key(changes, group.protocol) is not None:
        raise Refused("InvalidConfigurationRequest", "The provided target group attribute is not supported")
    for key, value in changes.items():
        why = attributes.bad_target_group_value(key, str(value))
        if why is not None:
            raise Refused("ValidationError", why)


def _modify_load_balancer_attributes(backend: Any, call: Arguments) -> None:
    known = type(next(_balancers(backend))).VALID_ATTRS if backend.load_balancers else call["attrs"]
    unknown = next((key for key in call["attrs"] if key not in known), None)
    if unknown is not None:
        raise Refused("ValidationError", f"Load balancer attribute key '{unknown}' is not recognized")


def _modify_listener_attributes(_backend: Any, call: Arguments) -> None:
    unknown = attributes.unknown_listener_key(attribute["Key"] for attribute in call["attrs"])
    if unknown is not None:
        raise Refused("ValidationError", f"Listener attribute key '{unknown}' is not recognized")
    for attribute in call["attrs"]:
        why = attributes.bad_listener_value(attribute["Key"], str(attribute["Value"]))
        if why is not None:
            raise Refused("ValidationError", why)


def _register_targets(backend: Any, call: Arguments) -> None:
    group = backend.target_groups.get(call["target_group_arn"])
    if group is not None:
        check_target_ids(group.target_type, (target["Id"] for target in call["instances"]))


def set_rule_priorities(backend: Any, rule_priorities: list[dict[str, Any]]) -> list[Any]:
    """In place of moto's, which refuses two rules that trade places."""
    wanted = [(one["RuleArn"], int(one["Priority"])) for one in rule_priorities]
    found = {arn: rule for arn, _ in wanted if (rule := _rule(backend, arn)) is not None}
    held = {rule.arn: rule.priority for listener, _ in found.values() for rule in listener.rules.values()}
    check_new_priorities(wanted, held)
    for arn, priority in wanted:
        found[arn][1].priority = priority
    return [found[arn][1] for arn, _ in wanted]


CHECKS: Final[Mapping[str, Check]] = {
    "create_listener": _create_listener,
    "create_load_balancer": _create_load_balancer,
    "create_rule": _create_rule,
    "create_target_group": _create_target_group,
    "delete_load_balancer": _delete_load_balancer,
    "delete_rule": _delete_rule,
    "modify_listener": _modify_listener,
    "modify_listener_attributes": _modify_listener_attributes,
    "modify_load_balancer_attributes": _modify_load_balancer_attributes,
    "modify_rule": _modify_rule,
    "modify_target_group": _modify_target_group,
    "modify_target_group_attributes": _modify_target_group_attributes,
    "register_targets": _register_targets,
}
