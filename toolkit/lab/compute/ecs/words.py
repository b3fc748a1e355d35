"""What ECS says: service events, reasons, in its words where they are published or commonly seen. Pure.

Sources: developer guide (service event messages, stopped task error codes), API_Deployment, and output quoted in
issues. Words that nobody has published are marked "our words".
"""

from collections.abc import Sequence
from typing import Final

from toolkit.lab.compute.ecs.model import Stop

ESSENTIAL_EXITED: Final = Stop("EssentialContainerExited", "Essential container in task exited")
USER_STOPPED: Final = "Task stopped by user"
BREAKER: Final = "ECS deployment circuit breaker: tasks failed to start."
NO_INSTANCE: Final = "was unable to place a task because no container instance met all of its requirements."


def cannot_pull(image: str) -> Stop:
    return Stop(
        "TaskFailedToStart",
        f"CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {image}: {image}: not found",
    )


def could_not_start(why: str) -> Stop:
    return Stop("TaskFailedToStart", f"CannotStartContainerError: {why}")


def scaled_in(deployment: str) -> Stop:
    return Stop("ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {deployment})")


def failed_checks(target_group: str) -> Stop:
    return Stop("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {target_group})")


def failed_own_checks() -> Stop:
    return Stop("ServiceSchedulerInitiated", "Task failed container health checks")


def by_user(reason: str | None) -> Stop:
    return Stop("UserInitiated", reason or USER_STOPPED)


def in_progress(deployment: str) -> str:
    return f"ECS deployment {deployment} in progress."


def completed(deployment: str) -> str:
    return f"ECS deployment {deployment} completed."


def rolling_back(deployment: str) -> str:
    return f"ECS deployment circuit breaker: rolling back to deploymentId {deployment}."


class Narrator:
    """The messages of one service's events."""

    def __init__(self, service: str) -> None:
        self._service = f"(service {service})"

    def started(self, tasks: Sequence[str]) -> str:
        return f"{self._service} has started {len(tasks)} tasks: {_named(tasks)}."

    def registered(self, count: int, target_group: str) -> str:
        return f"{self._service} registered {count} targets in (target-group {target_group})"

    def deregistered(self, count: int, target_group: str) -> str:
        return f"{self._service} deregistered {count} targets in (target-group {target_group})"

    def draining(self, count: int) -> str:
        return f"{self._service} has begun draining connections on {count} tasks."

    def stopped(self, tasks: Sequence[str]) -> str:
        return f"{self._service} has stopped {len(tasks)} running tasks: {_named(tasks)}."

    def steady(self) -> str:
        return f"{self._service} has reached a steady state."

    def completed(self, deployment: str) -> str:
        return f"{self._service} (deployment {deployment}) deployment completed."

    def failed(self, deployment: str) -> str:
        return f"{self._service} (deployment {deployment}) deployment failed: tasks failed to start."

    def rolling_back(self, deployment: str) -> str:
        return f"{self._service} rolling back to deployment {deployment}."

    def impaired(self) -> str:
        return (
            f"{self._service} is unable to consistently start tasks successfully. "
            "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        )

    def stuck(self) -> str:
        return (
            f"{self._service} was unable to stop or start tasks during a deployment because of the service deployment "
            "configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
        )

    def unhealthy(self, task: str, port: int, target_group: str, why: str) -> str:
        return (
            f"{self._service} (task {task}) (port {port}) is unhealthy in (target-group {target_group}) "
            f"due to (reason {why})."
        )

    def sick(self, task: str) -> str:
        return f"{self._service} (task {task}) failed container health checks."

    def unplaced(self, why: str) -> str:
        return f"{self._service} {why}"

    def no_address(self, ports: Sequence[int]) -> str:
        # our words: the lab's addresses are this machine's
        said = ", ".join(map(str, ports))
        return f"{self._service} was unable to place a task because no address of its subnets is free on port {said}."

    def not_registered(self, target_group: str, why: str) -> str:
        return f"{self._service} failed to register targets in (target-group {target_group}) with (error {why})"


def _named(tasks: Sequence[str]) -> str:
    return " ".join(f"(task {task})" for task in tasks)
