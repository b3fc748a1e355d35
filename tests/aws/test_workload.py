"""What AWS says of a workload, in answers that the emulators do not give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.support.provision import CREDENTIALS, REGION
from toolkit.aws.autoscaling import AsgWorkload
from toolkit.aws.ecs import EcsWorkload
from toolkit.aws.session import Session
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable
from toolkit.rollout.workload import Capacity
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

NAMES = {Color.BLUE: "web-blue", Color.GREEN: "web-green"}
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION, endpoint_url=NOWHERE))


@pytest.fixture
def ecs(session: Session) -> Iterator[Stubber]:
    with Stubber(session.client("ecs")) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def asg(session: Session) -> Iterator[Stubber]:
    with Stubber(session.client("autoscaling")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def a_group(**changed: Any) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": "web-green",
        "MinSize": 1,
        "MaxSize": 4,
        "DesiredCapacity": 3,
        "DefaultCooldown": 300,
        "AvailabilityZones": [f"{REGION}a"],
        "HealthCheckType": "ELB",
        "CreatedTime": "2026-01-02T12:00:00Z",
        "Instances": [],
        **changed,
    }


def an_instance(number: int, state: str, health: str) -> dict[str, Any]:
    return {
        "InstanceId": f"i-{number}",
        "AvailabilityZone": f"{REGION}a",
        "LifecycleState": state,
        "HealthStatus": health,
        "ProtectedFromScaleIn": False,
    }


def test_of_an_ecs_service_asked_for_and_running_are_told_apart(session: Session, ecs: Stubber) -> None:
    held = {"serviceName": "web-green", "status": "ACTIVE", "desiredCount": 3, "runningCount": 1, "pendingCount": 2}
    ecs.add_response("describe_services", {"services": [held]}, {"cluster": "prod", "services": ["web-green"]})
    assert EcsWorkload(session, "prod", NAMES).capacity(Color.GREEN) == Capacity(3, 1)


def test_an_ecs_service_that_was_deleted_lately_is_gone(session: Session, ecs: Stubber) -> None:
    held = {"serviceName": "web-green", "status": "INACTIVE", "desiredCount": 0, "runningCount": 0}
    ecs.add_response("describe_services", {"services": [held]})
    ecs.add_client_error("update_service", "ServiceNotActiveException", "no", 400)
    workload = EcsWorkload(session, "prod", NAMES)
    for call in (lambda: workload.capacity(Color.GREEN), lambda: workload.scale(Color.GREEN, 1)):
        with pytest.raises(AwsError, match="ECS service web-green is gone: the cluster prod has none") as caught:
            call()
        assert "workload" in caught.value.hint


def test_of_an_ecs_service_only_the_desired_count_is_written(session: Session, ecs: Stubber) -> None:
    asked = {"cluster": "prod", "service": "web-green", "desiredCount": 3}
    ecs.add_response("update_service", {"service": {}}, asked)
    EcsWorkload(session, "prod", NAMES).scale(Color.GREEN, 3)


def test_only_instances_that_are_in_service_and_healthy_run(session: Session, asg: Stubber) -> None:
    instances = [
        an_instance(1, "InService", "Healthy"),
        an_instance(2, "InService", "Unhealthy"),
        an_instance(3, "Pending:Wait", "Healthy"),
        an_instance(4, "Terminating", "Healthy"),
    ]
    answer = {"AutoScalingGroups": [a_group(Instances=instances)]}
    asg.add_response("describe_auto_scaling_groups", answer, {"AutoScalingGroupNames": ["web-green"]})
    assert AsgWorkload(session, NAMES).capacity(Color.GREEN) == Capacity(3, 1, 1, 4)


def test_a_groups_cooldown_holds_nothing_up_and_its_bounds_stay(session: Session, asg: Stubber) -> None:
    asg.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": [a_group()]})
    asked = {"AutoScalingGroupName": "web-green", "DesiredCapacity": 1, "HonorCooldown": False}
    asg.add_response("set_desired_capacity", {}, asked)
    AsgWorkload(session, NAMES).scale(Color.GREEN, 0)


def test_what_is_denied_says_what_was_being_done(session: Session, ecs: Stubber, asg: Stubber) -> None:
    ecs.add_client_error("update_service", "AccessDeniedException", "no", 400)
    with pytest.raises(AccessDenied, match="scaling the ECS service web-green to 2"):
        EcsWorkload(session, "prod", NAMES).scale(Color.GREEN, 2)
    asg.add_client_error("describe_auto_scaling_groups", "AccessDenied", "no", 403)
    with pytest.raises(AccessDenied, match="reading the Auto Scaling group web-green"):
        AsgWorkload(session, NAMES).capacity(Color.GREEN)


def test_no_answer_is_one_clear_error(session: Session) -> None:
    with pytest.raises(AwsUnreachable):
        EcsWorkload(session, "prod", NAMES).capacity(Color.GREEN)
    with pytest.raises(AwsUnreachable):
        AsgWorkload(session, NAMES).scale(Color.GREEN, 1)
