"""How an ECS service comes to run a release: what AWS says, told as a person reads it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aws.ecs_rig import BEGAN, TASK_ID, a_deployment, a_service, a_stopped_task, an_event, at
from toolkit.aws.ecs_progress import is_short_of, progress
from toolkit.aws.ecs_service import service_of
from toolkit.aws.ecs_tasks import stopped_task
from toolkit.rollout.workload import Progress

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/0123456789abcdef"
FAILED = "ECS deployment circuit breaker: tasks failed to start."


def read(service: dict[str, Any], *stopped: dict[str, Any], revision: str = "web:7") -> Progress:
    return progress(service_of(service), revision, [stopped_task(task) for task in stopped], BEGAN)


def test_tasks_of_the_release_run_and_those_of_others_are_older() -> None:
    service = a_service(
        a_deployment("web:7", 1), a_deployment("web:6", 2, "ACTIVE"), a_deployment("web:5", 1, "ACTIVE")
    )
    assert read(service) == Progress(running=1, older=3, is_settled=False)


def test_two_deployments_of_the_same_release_are_no_older_one() -> None:
    assert read(a_service(a_deployment("web:7", 1), a_deployment("web:7", 2, "ACTIVE"))).running == 3


def test_it_is_settled_once_ecs_says_so_of_the_deployment_that_is_wanted() -> None:
    def settled(state: str, revision: str = "web:7") -> bool:
        return read(a_service(a_deployment(revision, 2, rolloutState=state))).is_settled

    assert [settled(state) for state in ("IN_PROGRESS", "FAILED", "COMPLETED", "")] == [False, False, True, True]
    assert not settled("COMPLETED", "web:6")


def test_stopped_tasks_are_worth_a_look_only_while_some_are_missing() -> None:
    assert is_short_of(service_of(a_service(a_deployment(running=1), desired=2)), "web:7")
    assert is_short_of(service_of(a_service(a_deployment("web:6", 2), desired=2)), "web:7")
    assert not is_short_of(service_of(a_service(a_deployment(running=2), desired=2)), "web:7")


@pytest.mark.parametrize(
    ("task", "line"),
    [
        (a_stopped_task(), "task 1a2b3c stopped: Essential container in task exited (app: exit code 1)"),
        (
            a_stopped_task(
                containers=[{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError"}, {"name": "log"}]
            ),
            "task 1a2b3c stopped: Essential container in task exited (app: OutOfMemoryError, exit code 137)",
        ),
        (
            a_stopped_task(
                stopCode="TaskFailedToStart",
                stoppedReason="CannotPullContainerError: web:missing: not found",
                containers=[{"name": "app", "reason": "CannotPullContainerError: web:missing: not found"}],
            ),
            "task 1a2b3c stopped: CannotPullContainerError: web:missing: not found",
        ),
        (
            a_stopped_task(
                stopCode="ServiceSchedulerInitiated",
                stoppedReason="Task failed ELB health checks in (target-group web-green)",
                containers=[{"name": "app", "exitCode": 0}],
            ),
            "task 1a2b3c stopped: Task failed ELB health checks in (target-group web-green)",
        ),
        (a_stopped_task(stoppedReason="", containers=[]), "task 1a2b3c stopped: AWS does not say why"),
    ],
)
def test_a_task_that_ended_by_itself_is_a_failure_and_says_why(task: dict[str, Any], line: str) -> None:
    found = read(a_service(), task)
    assert (found.failures, found.lines) == (1, (line,))


def test_what_was_asked_to_end_or_ended_before_or_was_older_is_no_failure() -> None:
    scaled_in = a_stopped_task(stopCode="ServiceSchedulerInitiated", stoppedReason="Scaling activity initiated by x")
    by_hand = a_stopped_task(stopCode="UserInitiated", stoppedReason="Task stopped by user")
    found = read(a_service(), scaled_in, by_hand, a_stopped_task(seconds=-1), a_stopped_task("web:6"))
    assert (found.failures, found.lines) == (0, ())


def test_events_since_are_told_in_order_and_without_ids_that_nobody_reads() -> None:
    service = a_service(
        events=[
            an_event(3, "(service web-green) has reached a steady state."),
            an_event(3, f"(service web-green) registered 1 targets in (target-group {GROUP})"),
            an_event(2, f"(service web-green) has started 1 tasks: (task {TASK_ID})."),
            an_event(-1, "(service web-green) has reached a steady state."),
        ]
    )
    assert read(service).lines == (
        "has started 1 tasks: (task 1a2b3c).",
        "registered 1 targets in (target-group web-green)",
        "has reached a steady state.",
    )


def test_once_tasks_have_failed_the_last_line_says_why_the_last_one_did() -> None:
    service = a_service(events=[an_event(second, f"(service web-green) event {second}") for second in (9, 6, 5, 1)])
    found = read(service, a_stopped_task(seconds=6), a_stopped_task(seconds=4, stoppedReason="first"))
    assert found.failures == 2
    assert found.lines == (
        "event 1",
        "task 1a2b3c stopped: first (app: exit code 1)",
        "event 5",
        "event 6",
        "task 1a2b3c stopped: Essential container in task exited (app: exit code 1)",
    )


def test_three_failures_are_hopeless_and_the_reason_is_the_task_s() -> None:
    found = read(
        a_service(events=[an_event(9, "(service web-green) has started 1 tasks: (task x).")]),
        *(a_stopped_task(seconds=second) for second in (2, 4, 6)),
    )
    assert found.hopeless == (
        "3 of them ended or could not start: task 1a2b3c stopped: Essential container in task exited (app: exit code 1)"
    )


def test_a_deployment_that_ecs_gave_up_says_so_with_the_last_failure() -> None:
    service = a_service(a_deployment(rolloutState="FAILED", rolloutStateReason=FAILED))
    assert read(service).given_up == FAILED.removesuffix(".")
    assert read(service, a_stopped_task()).given_up == (
        f"{FAILED[:-1]} (task 1a2b3c stopped: Essential container in task exited (app: exit code 1))"
    )
    silent = a_service(a_deployment(rolloutState="FAILED", rolloutStateReason=""))
    assert read(silent).given_up == "ECS has given the deployment up"


def test_a_release_that_ecs_took_back_is_given_up() -> None:
    by_reason = a_deployment(
        "web:6", 2, createdAt=at(-99), rolloutStateReason=f"{FAILED[:30]} rolling back to deploymentId x."
    )
    by_event = a_deployment("web:6", 2, createdAt=at(-99))
    event = an_event(8, "(service web-green) rolling back to deployment ecs-svc/0.")
    for service in (a_service(by_reason), a_service(by_event, events=[event])):
        assert read(service).given_up == "ECS went back to web:6 by itself: web:7 failed"


def test_a_release_that_somebody_replaced_is_given_up() -> None:
    newer = a_service(a_deployment("web:8", 1, createdAt=at(9)))
    listed = a_service(a_deployment("web:6", 1, createdAt=at(-9)), a_deployment("web:7", 1, "ACTIVE"))
    assert read(newer).given_up == "somebody else deployed web:8 in place of web:7"
    assert read(listed).given_up == "somebody else deployed web:6 in place of web:7"


def test_a_release_that_aws_has_not_heard_of_yet_is_waited_for() -> None:
    found = read(a_service(a_deployment("web:6", 2, createdAt=at(-99))))
    assert (found.running, found.older, found.given_up) == (0, 2, "")
