"""Auto Scaling groups, their instances and activities, in the shape of AWS's answers; and who asks for them."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.provision import CREDENTIALS, REGION
from toolkit.aws.session import Session
from toolkit.settings import AwsSettings

NOWHERE = "http://127.0.0.1:1"

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ASKED = "At 2026-01-02T12:00:00Z a user request explicitly set group desired capacity."
TEMPLATE = {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web-green", "Version": "7"}


@functools.cache  # making clients takes longer than a test
def a_session(endpoint_url: str | None = NOWHERE) -> Session:
    """endpoint_url: None for moto in this process."""
    session = Session(AwsSettings(region=REGION, endpoint_url=endpoint_url))
    with pytest.MonkeyPatch.context() as patched:
        for key, value in CREDENTIALS.items():
            patched.setenv(key.upper(), value)
        for service in ("autoscaling", "ec2"):
            session.client(service)
    return session


def a_group(*instances: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """One that launches version 7 of lt-1; a value of None leaves its key out."""
    group = {
        "AutoScalingGroupName": "web-green",
        "LaunchTemplate": TEMPLATE,
        "MinSize": 1,
        "MaxSize": 4,
        "DesiredCapacity": 3,
        "DefaultCooldown": 300,
        "AvailabilityZones": ["eu-central-1a"],
        "HealthCheckType": "ELB",
        "CreatedTime": NOON,
        "Instances": [*instances],
        "TargetGroupARNs": ["arn:green"],
        **changed,
    }
    return {name: value for name, value in group.items() if value is not None}


def an_instance(
    number: int, state: str = "InService", health: str = "Healthy", version: str | None = "7"
) -> dict[str, Any]:
    """version: of lt-1; None for one that came from no launch template."""
    return {
        "InstanceId": f"i-{number}",
        "AvailabilityZone": "eu-central-1a",
        "LifecycleState": state,
        "HealthStatus": health,
        "ProtectedFromScaleIn": False,
        **({} if version is None else {"LaunchTemplate": {**TEMPLATE, "Version": version}}),
    }


def an_activity(
    description: str, status: str = "Successful", *, cause: str = ASKED, message: str = "", after: float = 0.0
) -> dict[str, Any]:
    """after: seconds after noon that it began."""
    return {
        "ActivityId": f"{description} {after}",
        "AutoScalingGroupName": "web-green",
        "Description": description,
        "Cause": cause,
        "StartTime": NOON + timedelta(seconds=after),
        "StatusCode": status,
        **({"StatusMessage": message} if message else {}),
    }


def launched(number: int, **words: Any) -> dict[str, Any]:
    return an_activity(f"Launching a new EC2 instance: i-{number}", **words)


def not_launched(message: str, status: str = "Failed", **words: Any) -> dict[str, Any]:
    return an_activity(f"Launching a new EC2 instance.  Status Reason: {message}", status, message=message, **words)


def unhealthy(number: int, **words: Any) -> dict[str, Any]:
    cause = (
        "At 2026-01-02T12:00:00Z an instance was taken out of service in response to an ELB system health check "
        "failure."
    )
    return an_activity(f"Terminating EC2 instance: i-{number}", cause=cause, **words)


def by_request(number: int, status: str = "Successful", **words: Any) -> dict[str, Any]:
    cause = f"At 2026-01-02T12:00:00Z instance i-{number} was taken out of service in response to a user request."
    return an_activity(f"Terminating EC2 instance: i-{number}", status, cause=cause, **words)
