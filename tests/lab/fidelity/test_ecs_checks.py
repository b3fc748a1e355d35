"""What ECS refuses, as decisions over plain data."""

from collections.abc import Callable

import pytest

from toolkit.lab.fidelity import ecs_checks as checks
from toolkit.lab.fidelity.checks import Refused

WEB = checks.TaskDefinition("ACTIVE", "awsvpc", {"web": frozenset({8080})}, frozenset({"EC2", "FARGATE"}))
GROUPS = {
    "used": checks.TargetGroup("ip", has_load_balancer=True),
    "unused": checks.TargetGroup("ip", has_load_balancer=False),
    "instances": checks.TargetGroup("instance", has_load_balancer=True),
}


def entry(group: str = "used", container: str = "web", port: int = 8080) -> dict[str, object]:
    return {"targetGroupArn": group, "containerName": container, "containerPort": port}


def balanced(one: dict[str, object]) -> Callable[[], None]:
    return lambda: checks.check_load_balancers([one], WEB, GROUPS)


@pytest.mark.parametrize(
    ("check", "code", "words"),
    [
        (balanced(entry("unused")), "InvalidParameterException", "unused does not have an associated load balancer."),
        (balanced(entry("nowhere")), "InvalidParameterException", "nowhere does not exist"),
        (balanced(entry("instances")), "InvalidParameterException", "incompatible with the awsvpc network mode"),
        (balanced(entry(container="app")), "InvalidParameterException", "container app does not exist"),
        (balanced(entry(port=81)), "InvalidParameterException", "did not have a container port 81 defined"),
        (lambda: checks.check_task_definition(None), "ClientException", "TaskDefinition not found."),
        (
            lambda: checks.check_task_definition(checks.TaskDefinition("INACTIVE", "awsvpc", {}, frozenset())),
            "ClientException",
            "TaskDefinition is inactive",
        ),
        (
            lambda: checks.check_launch_type(
                checks.TaskDefinition("ACTIVE", "bridge", {}, frozenset({"EC2"})), "FARGATE"
            ),
            "InvalidParameterException",
            "does not support launch_type FARGATE",
        ),
        (
            lambda: checks.check_network(WEB, None),
            "InvalidParameterException",
            "Network Configuration must be provided",
        ),
        (lambda: checks.check_grace_period(30, []), "InvalidParameterException", "only valid for services configured"),
        (lambda: checks.check_rolling(100, 100), "InvalidParameterException", "cannot be 100 as this will block"),
        (lambda: checks.check_new_service("ACTIVE"), "InvalidParameterException", "not idempotent"),
        (lambda: checks.check_new_service("DRAINING"), "InvalidParameterException", "still Draining"),
        (lambda: checks.check_changeable("DRAINING"), "ServiceNotActiveException", "Service was not ACTIVE."),
        (lambda: checks.check_deletable_cluster(1, 0), "ClusterContainsServicesException", "Services are active"),
        (lambda: checks.check_deletable_cluster(0, 1), "ClusterContainsTasksException", "Tasks are active"),
        (lambda: checks.check_capacities(3, 2), "ValidationException", "cannot be greater than maximum"),
        (lambda: checks.check_capacities(3, None), "ValidationException", "are required"),
    ],
)
def test_what_ecs_refuses_is_refused_in_its_words(check: Callable[[], object], code: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        check()
    assert refused.value.code == code
    assert words in refused.value.message


def test_what_fits_is_taken() -> None:
    checks.check_load_balancers([entry()], checks.check_task_definition(WEB), GROUPS)
    checks.check_launch_type(WEB, "FARGATE")
    checks.check_network(WEB, {"awsvpcConfiguration": {"subnets": ["subnet-1"]}})
    checks.check_grace_period(30, [entry()])
    checks.check_grace_period(0, [])
    checks.check_new_service(None)
    checks.check_new_service("INACTIVE")
    checks.check_deletable_cluster(0, 0)
    checks.check_capacities(0, 0)
