"""Scaling activities as DescribeScalingActivities gives them."""

from __future__ import annotations

from datetime import UTC, datetime

from toolkit.lab.fidelity import autoscaling_activities as words
from toolkit.lab.fidelity.autoscaling_activities import Activity, ActivityLog

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()


def launching(group: str = "web-blue") -> Activity:
    return Activity(group, f"arn:{group}", "Launching a new EC2 instance", "At …", NOON)


def test_an_activity_under_way_has_no_end() -> None:
    answer = launching().answer()
    assert (answer["StatusCode"], answer["StartTime"]) == ("InProgress", datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert "EndTime" not in answer
    assert "StatusMessage" not in answer


def test_one_that_succeeded_is_complete() -> None:
    activity = launching()
    activity.succeed(NOON + 5)
    answer = activity.answer()
    assert (answer["StatusCode"], answer["Progress"]) == ("Successful", 100)
    assert answer["EndTime"] == datetime(2026, 1, 2, 12, 0, 5, tzinfo=UTC)


def test_one_that_failed_tells_why_in_its_description_too() -> None:
    activity = launching()
    activity.fail(NOON, "No.")
    answer = activity.answer()
    assert (answer["StatusCode"], answer["StatusMessage"]) == ("Failed", "No.")
    assert answer["Description"] == "Launching a new EC2 instance.  Status Reason: No."


def test_one_that_waits_for_requests_to_end_says_so_until_it_is_over() -> None:
    activity = Activity("web", "arn", "Terminating EC2 instance: i-1", "At …", NOON)
    activity.drain()
    assert activity.status == "WaitingForELBConnectionDraining"
    assert activity.description == "Terminating EC2 instance: i-1 - Waiting For ELB Connection Draining."
    activity.succeed(NOON)
    assert activity.description == "Terminating EC2 instance: i-1"


def test_the_newest_comes_first_and_each_group_is_told_alone() -> None:
    log = ActivityLog()
    first, other, last = (log.add(launching(name)) for name in ("web-blue", "web-green", "web-blue"))
    assert list(log.newest_first("web-blue")) == [last, first]
    assert list(log.newest_first()) == [last, other, first]
    assert list(log.newest_first(ids=[other.id])) == [other]


def test_pages_follow_one_another_though_something_new_happens_between_them() -> None:
    log = ActivityLog()
    held = [log.add(launching()) for _ in range(3)]
    page, token = log.page("web-blue", (), None, 2)
    assert page == [held[2], held[1]]
    log.add(launching())
    assert log.page("web-blue", (), token, 2) == ([held[0]], None)


def test_causes_are_worded_as_on_aws() -> None:
    at = "At 2026-01-02T12:00:00Z"
    request = words.set_to(NOON, 1, 2)
    assert request == (
        f"{at} a user request explicitly set group desired capacity changing the desired capacity from 1 to 2."
    )
    assert words.started(NOON, request, 1, 2) == (
        f"{request}  {at} an instance was started in response to a difference between desired and actual capacity, "
        "increasing the capacity from 1 to 2."
    )
    assert words.started(NOON, "", 1, 2).startswith(f"{at} an instance was started")
    assert words.unhealthy(NOON, "ELB") == (
        f"{at} an instance was taken out of service in response to an ELB system health check failure."
    )
    assert words.asked_to_leave(NOON, "i-1", before=2, after=1) == (
        f"{at} instance i-1 was taken out of service in response to a user request, shrinking the capacity from 2 to 1."
    )
