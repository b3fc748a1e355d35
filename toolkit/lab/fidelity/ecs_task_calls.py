"""Tasks, clusters and task definitions, as ECS tells of them over moto's."""

from collections.abc import Mapping
from typing import Any, Final

from toolkit.lab.fidelity import ecs_checks as checks
from toolkit.lab.fidelity.checks import Refused
from toolkit.lab.fidelity.ecs_definitions import latest_active
from toolkit.lab.fidelity.ecs_seam import DEFAULT_CLUSTER, Call, Json, Operation, Workloads, cluster_of, last_part


def list_tasks(workloads: Workloads, call: Call) -> Json:
    """ListTasks: those of services, and those that RunTask started."""
    cluster = cluster_of(call.backend, call.request)
    status = call.request.get("desiredStatus") or "RUNNING"
    ours = [
        one["taskArn"]
        for one in workloads.tasks(call.backend)
        if one["clusterArn"] == cluster.arn and one["desiredStatus"] == status and _fits(one, call.request)
    ]
    call.change("desiredStatus", status)
    others = [] if call.request.get("serviceName") else call.moto()["taskArns"]
    return {"taskArns": [*ours, *others]}


def describe_tasks(workloads: Workloads, call: Call) -> Json:
    """DescribeTasks, likewise."""
    asked = call.request.get("tasks") or []
    ours = {last_part(one["taskArn"]): one for one in workloads.tasks(call.backend)}
    others = [one for one in asked if last_part(one) not in ours]
    found: list[Any] = []
    if others or not asked:
        call.change("tasks", others)
        found = list(call.moto()["tasks"])
    missing = {last_part(one) for one in others} - {last_part(one.task_arn) for one in found}
    cluster = cluster_of(call.backend, call.request)
    failures = [
        {"arn": cluster.arn.replace(":cluster/", ":task/") + f"/{task}", "reason": "MISSING"}
        for task in sorted(missing)
    ]
    return {"tasks": [*(ours[last_part(one)] for one in asked if last_part(one) in ours), *found], "failures": failures}


def stop_task(workloads: Workloads, call: Call) -> Json:
    """StopTask."""
    backend, task = call.backend, last_part(call.request["task"])
    if not any(last_part(one["taskArn"]) == task for one in workloads.tasks(backend)):
        if not any(last_part(arn) == task for tasks in backend.tasks.values() for arn in tasks):
            raise Refused("InvalidParameterException", "The referenced task was not found.")
        return call.moto()
    workloads.stop(backend, task, call.request.get("reason"))
    told = next(one for one in workloads.tasks(backend) if last_part(one["taskArn"]) == task)
    return {"task": told}


def create_cluster(_workloads: Workloads, call: Call) -> Json:
    """AWS answers with the cluster that is there; moto would put a new one over its services."""
    there = call.backend.clusters.get(call.request.get("clusterName") or DEFAULT_CLUSTER)
    if there is not None and there.status == "ACTIVE":
        return {"cluster": there}
    return call.moto()


def describe_clusters(workloads: Workloads, call: Call) -> Json:
    """DescribeClusters, with the counts of what runs."""
    backend = call.backend
    tasks = workloads.tasks(backend)
    for cluster in backend.clusters.values():
        status = [one["lastStatus"] for one in tasks if one["clusterArn"] == cluster.arn]
        others = [one.last_status for one in backend.tasks.get(cluster.name, {}).values()]
        cluster.running_tasks_count = [*status, *others].count("RUNNING")
        cluster.pending_tasks_count = status.count("PENDING") + status.count("ACTIVATING")
        cluster.active_services_count = len(_active(backend, cluster))
    return call.moto()


def delete_cluster(workloads: Workloads, call: Call) -> Json:
    """DeleteCluster: refused while something is in it."""
    backend, cluster = call.backend, cluster_of(call.backend, call.request)
    alive = [
        one for one in workloads.tasks(backend) if one["clusterArn"] == cluster.arn and one["lastStatus"] != "STOPPED"
    ]
    checks.check_deletable_cluster(len(_active(backend, cluster)), len(alive))
    return call.moto()


def describe_task_definition(_workloads: Workloads, call: Call) -> Json:
    """A family alone means its latest active revision; moto takes the latest, active or not."""
    call.change("taskDefinition", latest_active(call.backend, call.request["taskDefinition"]))
    return call.moto()


def _active(backend: Any, cluster: Any) -> list[Any]:
    return [one for one in backend.services.values() if one.cluster_name == cluster.name and one.status == "ACTIVE"]


def _fits(task: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether ListTasks asks for this task, its cluster and status aside."""
    facts = {
        "serviceName": task["group"].removeprefix("service:"),
        "family": task["taskDefinitionArn"].rpartition("/")[2].partition(":")[0],
        "launchType": task.get("launchType"),
    }
    if request.get("containerInstance") or request.get("startedBy") not in {None, task["startedBy"]}:
        return False
    return all(last_part(request[key]) == fact for key, fact in facts.items() if request.get(key))


CALLS: Final[Mapping[str, Operation]] = {
    "create_cluster": create_cluster,
    "delete_cluster": delete_cluster,
    "describe_clusters": describe_clusters,
    "describe_task_definition": describe_task_definition,
    "describe_tasks": describe_tasks,
    "list_tasks": list_tasks,
    "stop_task": stop_task,
}
