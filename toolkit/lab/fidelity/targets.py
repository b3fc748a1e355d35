"""Registered targets by id and port, and their health.

moto keys them by id alone, so a second port would replace the first.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.elbv2.exceptions import InvalidTargetError, TargetNotRunning
from moto.elbv2.models import FakeHealthStatus

from toolkit.lab.fidelity.associations import associations
from toolkit.lab.fidelity.health import Address, ReportedHealth, listed


def _address(group: Any, target: Mapping[str, Any]) -> Address:
    """The address a target of a request means: its own port, or the group's."""
    port = target.get("Port") or group.port
    return target["Id"], int(port) if port is not None else 0


def registered(group: Any) -> list[Address]:
    """The registered targets, in order of registration."""
    return list(_keys(group))


def _keys(group: Any) -> dict[Address, str]:
    """Address -> the key it has in moto's dictionary."""
    return {_address(group, target): key for key, target in group.targets.items()}


def register(group: Any, targets: list[dict[str, Any]]) -> None:
    """In place of `FakeTargetGroup.register`."""
    for target in targets:
        instance = group.ec2_backend.get_instance_by_id(target["Id"])
        if instance is not None and instance.state != "running":
            raise TargetNotRunning(instance_id=target["Id"])
    for target in targets:
        address = _address(group, target)
        if address in _keys(group):
            continue
        target_id, port = address
        # The plain id stays the first one's key: moto's own code looks instances up by it.
        key = target_id if target_id not in group.targets else f"{target_id}:{port}"
        group.targets[key] = {"Id": target_id, "Port": target.get("Port", group.port)}
        group.deregistered_targets.pop(target_id, None)


def deregister(group: Any, targets: list[dict[str, Any]]) -> None:
    """In place of `FakeTargetGroup.deregister`: who has a port of its own is named with it."""
    keys = _keys(group)
    leaving = dict.fromkeys(_address(group, target) for target in targets)
    if not keys.keys() >= leaving.keys():
        raise InvalidTargetError
    for address in leaving:
        target = group.targets.pop(keys[address])
        group.deregistered_targets[target["Id"]] = target


def deregister_terminated(group: Any, instance_ids: list[str]) -> None:
    """In place of `FakeTargetGroup.deregister_terminated_instances`."""
    for key, target in list(group.targets.items()):
        if target["Id"] in instance_ids:
            group.terminated_targets[key] = group.targets.pop(key)


def described(
    backend: Any, group: Any, asked: Iterable[Mapping[str, Any]], reported: Mapping[Address, ReportedHealth]
) -> list[FakeHealthStatus]:
    """What DescribeTargetHealth answers for `group`."""
    held = registered(group)
    instances = ((target_id, backend.ec2_backend.get_instance_by_id(target_id)) for target_id, _ in held)
    health = listed(
        held,
        reported,
        attached=group.arn in associations(backend),
        stopped=frozenset(target_id for target_id, one in instances if one is not None and one.state == "stopped"),
        asked=[_address(group, target) for target in asked],
    )
    return [_answer(group, address, one) for address, one in health.items()]


def described_functions(group: Any, answers: list[FakeHealthStatus]) -> list[FakeHealthStatus]:
    """The same `answers` about Lambda functions, which AWS does not check unless it is told to."""
    if group.health_check_enabled:
        return answers
    for answer in answers:
        if answer.status == "healthy":
            answer.status, answer.reason = "unavailable", "Target.HealthCheckDisabled"
            answer.description = "Health checks are not enabled for this target"
    return answers


def _answer(group: Any, address: Address, health: ReportedHealth) -> FakeHealthStatus:
    target_id, port = address
    number: Any = port  # moto says `str` and passes whatever the request held
    return FakeHealthStatus(
        target_id, number, _check_port(group, port), health.state, health.reason, health.description
    )


def _check_port(group: Any, port: int) -> str:
    """The port checked, as a number even where the group says `traffic-port`."""
    return str(port if group.health_check_port in (None, "traffic-port") else group.health_check_port)
