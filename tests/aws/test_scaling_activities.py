"""What the scaling activities of a group say of a release that comes up."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from tests.aws.asg_answers import NOON, a_session, an_activity, by_request, launched, not_launched, unhealthy
from toolkit.aws.scaling_activities import ScalingActivities, Told, told
from toolkit.aws.session import Session
from toolkit.errors import AccessDenied

GONE = "The image id '[ami-1]' does not exist. Launching EC2 instance failed."
FULL = (
    "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested (eu-central-1a). "
    "Launching EC2 instance failed."
)
ARCHITECTURE = (
    "The architecture 'arm64' of the specified instance type does not match the architecture 'x86_64' of the specified "
    "AMI. Launching EC2 instance failed."
)
LIMIT = (
    "You have requested more vCPU capacity than your current vCPU limit of 32 allows. Launching EC2 instance failed."
)


def of(*oldest_first: dict[str, Any]) -> Told:
    return told([*reversed(oldest_first)])


def test_what_goes_well_or_was_asked_for_is_no_failure_and_not_worth_a_line() -> None:
    assert of(launched(1), by_request(2), launched(3, status="InProgress")) == Told()


def test_a_launch_that_failed_is_told_once_in_awss_words() -> None:
    assert of(launched(1), not_launched(LIMIT)) == Told(
        1, (f"Launching a new EC2 instance. Status Reason: {LIMIT}",), frozenset()
    )
    cancelled = an_activity("Launching a new EC2 instance: i-1", "Cancelled", message="Instance is gone.")
    assert of(cancelled).lines == ("Launching a new EC2 instance: i-1: Instance is gone.",)


def test_an_instance_that_ended_as_unhealthy_counts_where_it_was_launched_meanwhile() -> None:
    both = of(launched(1), unhealthy(1), unhealthy(2))
    assert both.failures == 1
    why = "an instance was taken out of service in response to an ELB system health check failure"
    assert both.lines == (f"Terminating EC2 instance: i-1: {why}", f"Terminating EC2 instance: i-2: {why}")


@pytest.mark.parametrize(
    "found", ["an EC2 health check indicating it has been terminated or stopped", "a user health-check"]
)
def test_whoever_finds_an_instance_unhealthy_is_told(found: str) -> None:
    cause = f"At 2026-01-02T12:00:00Z an instance was taken out of service in response to {found}."
    ended = an_activity("Terminating EC2 instance: i-1 - Waiting For ELB Connection Draining.", cause=cause)
    assert of(launched(1), ended).lines[0].endswith(found)
    assert of(launched(1), ended).failures == 1


def test_lines_come_oldest_first() -> None:
    assert [line.rpartition(": ")[2] for line in of(not_launched("One."), not_launched("Two.")).lines] == [
        "One.",
        "Two.",
    ]


def test_no_room_at_aws_is_told_and_is_no_failure_of_the_release() -> None:
    full = of(*(not_launched(FULL, after=second) for second in range(5)))
    assert (full.failures, full.never) == (0, "")
    assert FULL in full.lines[-1]


@pytest.mark.parametrize(
    ("message", "is_for_ever"),
    [
        (GONE, True),
        ("The key pair web does not exist. Launching EC2 instance failed.", True),
        (ARCHITECTURE, True),
        (LIMIT, False),
        ("Client.InternalError: Client error on launch.", False),
    ],
)
def test_what_no_second_try_mends_is_told_apart(message: str, *, is_for_ever: bool) -> None:
    assert (message in of(not_launched(message)).never) is is_for_ever


def test_an_instance_drains_once_aws_says_so() -> None:
    ends = "Terminating EC2 instance: i-1 - Waiting For ELB Connection Draining."
    assert of(an_activity(ends, "WaitingForELBConnectionDraining")).draining == {"i-1"}
    assert of(by_request(1, "InProgress")).draining == frozenset()


@pytest.fixture
def session() -> Session:
    return a_session()


def test_no_more_pages_are_read_than_reach_back_to_the_beginning(session: Session) -> None:
    with Stubber(session.client("autoscaling")) as stub:
        name = {"AutoScalingGroupName": "web-green"}
        first = {"Activities": [not_launched("Three.", after=3), not_launched("Two.", after=2)], "NextToken": "more"}
        second = {"Activities": [not_launched("One.", after=0), not_launched("Before.", after=-1)], "NextToken": "old"}
        stub.add_response("describe_scaling_activities", first, name)
        stub.add_response("describe_scaling_activities", second, {**name, "NextToken": "more"})
        found = ScalingActivities(session).since("web-green", NOON)
        stub.assert_no_pending_responses()
    assert [line.rpartition(": ")[2] for line in found.lines] == ["One.", "Two.", "Three."]


def test_what_is_denied_says_what_was_being_done(session: Session) -> None:
    with Stubber(session.client("autoscaling")) as stub:
        stub.add_client_error("describe_scaling_activities", "AccessDenied", "no", 403)
        with pytest.raises(AccessDenied, match="reading the scaling activities of the Auto Scaling group web-green"):
            ScalingActivities(session).since("web-green", NOON)
