"""Services, deployments and tasks as the ECS API tells of them. Pure.

Source: Amazon ECS API reference, data types Service, Deployment, Task, Container, Attachment.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from toolkit.lab.compute.ecs.deployments import Deployment
from toolkit.lab.compute.ecs.model import Container, Phase, Rollout, Task
from toolkit.lab.compute.ecs.run import Event, ServiceRun

Json = dict[str, Any]
_PLATFORM = "1.4.0"


@dataclass(frozen=True, slots=True)
class Frame:
    """What every task of a service shares: where it is, and how it was asked for."""

    account: str
    region: str
    cluster: str
    service: str
    launch_type: str | None = None
    capacity_provider: str | None = None
    network: Json | None = None
    zones: tuple[tuple[str, str], ...] = ()

    def arn(self, kind: str, rest: str) -> str:
        return f"arn:aws:ecs:{self.region}:{self.account}:{kind}/{rest}"

    @property
    def is_fargate(self) -> bool:
        return self.launch_type == "FARGATE" or (self.capacity_provider or "").startswith("FARGATE")

    def zone(self, subnet: str) -> str:
        """The availability zone of a subnet."""
        return dict(self.zones).get(subnet, f"{self.region}a")


def digest_of(image: str) -> str:
    """A digest for an image that no registry has: made of its name, so the same name has the same one."""
    return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def service_state(run: ServiceRun, frame: Frame) -> Json:
    """The members of Service that the scheduler keeps."""
    phases = [task.phase for task in run.tasks.values()]
    primary = run.deployments.primary
    state: Json = {
        "runningCount": sum(phase.counts_as_running for phase in phases),
        "pendingCount": sum(phase.counts_as_pending for phase in phases),
        "deployments": [_deployment(one, run, frame) for one in run.deployments],
        "events": [_event(one) for one in run.events],
    }
    return state if primary is None else state | {"taskDefinition": primary.definition.arn}


def _event(event: Event) -> Json:
    return {"id": event.id, "createdAt": _time(event.at), "message": event.message}


def _deployment(deployment: Deployment, run: ServiceRun, frame: Frame) -> Json:
    phases = [task.phase for task in run.tasks.values() if task.deployment == deployment.id]
    is_primary = deployment is run.deployments.primary
    running, pending = sum(one.counts_as_running for one in phases), sum(one.counts_as_pending for one in phases)
    document = {
        "id": deployment.id,
        "status": "PRIMARY" if is_primary else "ACTIVE",
        "taskDefinition": deployment.definition.arn,
        "desiredCount": deployment.desired if is_primary else running + pending,
        "pendingCount": pending,
        "runningCount": running,
        "failedTasks": deployment.failed,
        "createdAt": _time(deployment.created),
        "updatedAt": _time(deployment.updated),
        "rolloutState": deployment.rollout.value,
        "rolloutStateReason": deployment.reason,
        "networkConfiguration": frame.network,
    }
    if deployment.rollout is Rollout.FAILED and not is_primary:
        document["desiredCount"] = 0
    return document | _launch(frame)


def _launch(frame: Frame) -> Json:
    """How a deployment or task was asked for."""
    said: Json = {"platformVersion": _PLATFORM, "platformFamily": "Linux"} if frame.is_fargate else {}
    return said | {"launchType": frame.launch_type} if frame.launch_type else said


def task_arn(task: Task, frame: Frame) -> str:
    return frame.arn("task", f"{frame.cluster}/{task.id}")


def task_document(task: Task, frame: Frame) -> Json:
    """One task as DescribeTasks tells of it."""
    times = {
        "createdAt": task.created,
        "pullStartedAt": task.created,
        "pullStoppedAt": task.created if task.started is not None else None,
        "startedAt": task.started,
        "stoppingAt": task.stopping,
        "executionStoppedAt": task.stopped if task.started is not None else None,
        "stoppedAt": task.stopped,
    }
    document: Json = {
        "taskArn": task_arn(task, frame),
        "clusterArn": frame.arn("cluster", frame.cluster),
        "taskDefinitionArn": task.definition.arn,
        "group": f"service:{frame.service}",
        "startedBy": task.deployment,
        "lastStatus": task.phase.value,
        "desiredStatus": "RUNNING" if task.is_wanted else "STOPPED",
        "healthStatus": _health(task),
        "connectivity": "CONNECTED",
        "availabilityZone": frame.zone(task.subnet),
        "cpu": task.definition.cpu,
        "memory": task.definition.memory,
        "attachments": [_attachment(task)],
        "containers": [_container(one, task, frame) for one in task.definition.containers],
        "overrides": {"containerOverrides": []},
        "tags": [],
        "version": list(Phase).index(task.phase) + 1,
        "enableExecuteCommand": False,
    }
    document |= {key: _time(at) for key, at in times.items() if at is not None}
    if task.stop is not None:
        document |= {"stopCode": task.stop.code, "stoppedReason": task.stop.reason}
    if frame.capacity_provider:
        document["capacityProviderName"] = frame.capacity_provider
    return document | _launch(frame)


def _container(container: Container, task: Task, frame: Frame) -> Json:
    is_played = container.name == task.container
    is_pulled = not (is_played and task.trouble)
    document: Json = {
        "containerArn": frame.arn("container", f"{frame.cluster}/{task.id}/{_made_of(task.id, container.name)}"),
        "taskArn": task_arn(task, frame),
        "name": container.name,
        "image": container.image,
        "runtimeId": f"{task.id}-{_made_of(container.name)[:10]}",
        "lastStatus": task.phase.value if task.phase in {Phase.PENDING, Phase.STOPPED} else "RUNNING",
        "healthStatus": _health(task) if is_played else "UNKNOWN",
        "networkBindings": [],
        "networkInterfaces": [{"attachmentId": _attachment_id(task), "privateIpv4Address": task.address}],
    }
    if is_pulled:
        document["imageDigest"] = digest_of(container.image)
    if is_played and task.exit_code is not None:
        document["exitCode"] = task.exit_code
    if is_played and task.trouble:
        document["reason"] = task.trouble
    return document


def _health(task: Task) -> str:
    """Only a container's own health check fills it. Source: API_Task, healthStatus."""
    return "UNKNOWN" if task.own_health is None else task.own_health.value.upper()


def _attachment(task: Task) -> Json:
    mac = _made_of(task.id, "mac")
    details = {
        "subnetId": task.subnet,
        "networkInterfaceId": f"eni-{_made_of(task.id, 'eni')[:17]}",
        "macAddress": ":".join(["0a", *(mac[index : index + 2] for index in range(0, 10, 2))]),
        "privateDnsName": f"ip-{task.address.replace('.', '-')}.ec2.internal",
        "privateIPv4Address": task.address,
    }
    return {
        "id": _attachment_id(task),
        "type": "ElasticNetworkInterface",
        "status": "DELETED" if task.phase is Phase.STOPPED else "ATTACHED",
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def _attachment_id(task: Task) -> str:
    return _made_of(task.id, "attachment")[:32]


def _made_of(*parts: str) -> str:
    """An id that is the same whenever it is asked for."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
