"""CreateService and what follows it, as ECS does them over moto's services."""

from collections.abc import Mapping
from typing import Any, Final

from moto.ecs.exceptions import ServiceNotFoundException
from moto.elbv2.models import elbv2_backends

from toolkit.lab.fidelity import ecs_checks as checks
from toolkit.lab.fidelity.checks import Refused
from toolkit.lab.fidelity.ecs_definitions import known, latest_active
from toolkit.lab.fidelity.ecs_seam import DEFAULT_CLUSTER, Call, Json, Operation, Workloads, cluster_of, last_part
from toolkit.lab.fidelity.ecs_services import document, keep_changes, keep_new, rolling_of


def create_service(workloads: Workloads, call: Call) -> Json:
    """CreateService."""
    backend = call.backend
    cluster = cluster_of(backend, call.request)
    there = backend.services.get(f"{cluster.name}:{call.request['serviceName']}")
    checks.check_new_service(None if there is None else there.status)
    _check_rolling(None, call.request)
    if (named := call.request.get("taskDefinition")) is not None:
        definition = checks.check_task_definition(known(backend, named))
        _check(backend, call.request, definition)
        checks.check_network(definition, call.request.get("networkConfiguration"))
        call.change("taskDefinition", latest_active(backend, named))
    if (network := (call.request.get("networkConfiguration") or {}).get("awsvpcConfiguration")) is not None:
        # moto fails without security groups.
        call.change("networkConfiguration", {"awsvpcConfiguration": {"securityGroups": [], **network}})
    call.moto()
    service = backend.services[f"{cluster.name}:{call.request['serviceName']}"]
    keep_new(service, call.request)
    workloads.changed(service, redeploy=True)
    return {"service": _told(workloads, service, with_tags=True)}


def update_service(workloads: Workloads, call: Call) -> Json:
    """UpdateService: what is not given stays."""
    backend = call.backend
    service = _service(backend, call.request)
    checks.check_changeable(service.status)
    _check_rolling(service, call.request)
    named = call.request.get("taskDefinition")
    definition = known(backend, named or service.task_definition)
    if definition is not None:
        both = {"loadBalancers": service.load_balancers, "launchType": service.launch_type, **call.request}
        _check(backend, both, checks.check_task_definition(definition) if named else definition)
    elif named:
        checks.check_task_definition(None)
    arn = latest_active(backend, named) if named else service.task_definition
    redeploy = keep_changes(service, call.request) or arn != service.task_definition
    service.task_definition = arn
    workloads.changed(service, redeploy=redeploy)
    return {"service": _told(workloads, service, with_tags=True)}


def _check(backend: Any, request: Mapping[str, Any], definition: checks.TaskDefinition) -> None:
    balancers = request.get("loadBalancers") or []
    elbv2 = elbv2_backends[backend.account_id][backend.region_name]
    groups = {
        arn: checks.TargetGroup(group.target_type, bool(group.load_balancer_arns))
        for arn, group in tuple(elbv2.target_groups.items())
    }
    checks.check_launch_type(definition, request.get("launchType"))
    checks.check_load_balancers(balancers, definition, groups)
    checks.check_grace_period(request.get("healthCheckGracePeriodSeconds"), balancers)


def _check_rolling(service: Any | None, request: Mapping[str, Any]) -> None:
    """What a request says of it; what a service has already is no reason to refuse something else."""
    rolling = rolling_of(service, request)
    if request.get("deploymentConfiguration") and rolling["strategy"] == "ROLLING":
        checks.check_rolling(int(rolling["minimumHealthyPercent"]), int(rolling["maximumPercent"]))


def delete_service(workloads: Workloads, call: Call) -> Json:
    """DeleteService: the service is DRAINING until its tasks have ended, then INACTIVE."""
    service = _service(call.backend, call.request)
    if service.status == "INACTIVE":
        raise ServiceNotFoundException
    if service.desired_count > 0 and not call.request.get("force"):
        message = "The service cannot be stopped while it is scaled above 0."
        raise Refused("InvalidParameterException", message)
    service.status, service.desired_count = "DRAINING", 0
    workloads.changed(service, redeploy=False)
    return {"service": _told(workloads, service, with_tags=True)}


def describe_services(workloads: Workloads, call: Call) -> Json:
    """DescribeServices."""
    found, failures = call.backend.describe_services(
        call.request.get("cluster") or DEFAULT_CLUSTER, call.request.get("services") or []
    )
    with_tags = "TAGS" in (call.request.get("include") or [])
    return {"services": [_told(workloads, one, with_tags=with_tags) for one in found], "failures": failures}


def list_services(_workloads: Workloads, call: Call) -> Json:
    """ListServices: moto lists those that are gone too."""
    there = {one.arn for one in call.backend.services.values() if one.status != "INACTIVE"}
    return {"serviceArns": [arn for arn in call.moto()["serviceArns"] if arn in there]}


def _told(workloads: Workloads, service: Any, *, with_tags: bool) -> Json:
    return document(service, workloads.state(service), with_tags=with_tags)


def _service(backend: Any, request: Mapping[str, Any]) -> Any:
    found = backend.services.get(f"{cluster_of(backend, request).name}:{last_part(request['service'])}")
    if found is None:
        raise ServiceNotFoundException
    return found


CALLS: Final[Mapping[str, Operation]] = {
    "create_service": create_service,
    "delete_service": delete_service,
    "describe_services": describe_services,
    "list_services": list_services,
    "update_service": update_service,
}
