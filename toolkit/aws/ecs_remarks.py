"""What a person should know of how a pair of ECS services is set up. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from toolkit.aws.ecs_release import container_of, has_port, image_of, says_no_version
from toolkit.aws.ecs_service import Service
from toolkit.aws.task_definitions import TaskDefinition
from toolkit.traffic import Color


def of_pair(services: Mapping[Color, Service], scaled: Collection[str]) -> Iterator[str]:
    """scaled: names of those that have autoscaling."""
    families = {service.family for service in services.values()}
    if len(families) > 1:
        each = " and ".join(f"{color} runs {service.family}" for color, service in services.items())
        yield f"{each}: a release of one color is no revision that the other one can take; let them share a family."
    without = [f"{color}'s {service.name}" for color, service in services.items() if service.name not in scaled]
    if len(without) == 1:
        yield f"{without[0]} has no autoscaling and the other color has: once it is live, nothing scales it."


def of_color(color: Color, service: Service, definition: TaskDefinition, named: str | None) -> Iterator[str]:
    """named: the container that the contract names."""
    side, revision = f"{color}'s {service.name}", definition.revision
    if service.controller != "ECS" or service.strategy != "ROLLING":
        how = service.controller if service.controller != "ECS" else f"the strategy {service.strategy}"
        yield f"{side} is deployed by {how}, which shifts the traffic itself: nothing can be deployed to it from here."
    if not service.ports:
        yield f"{side} has no load balancer, so its tasks never become targets."
    for container, port in service.ports:
        if not has_port(definition, container, port):
            yield f"{side} has a target group that uses port {port} of {container}, and {revision} has none."
    if service.goes_back:
        yield (
            f"{side} has a deployment circuit breaker with rollback, or alarms with it: ECS would put the release "
            "before back by itself; set rollback to false, since a rollout goes back where it must."
        )
    yield from _of_containers(side, service, definition, named)


def _of_containers(side: str, service: Service, definition: TaskDefinition, named: str | None) -> Iterator[str]:
    revision, containers = definition.revision, definition.containers
    main = container_of(definition, service, named)
    if named is not None and named not in containers:
        yield f"the contract's workload.container is {named}, and {revision} of {side} has no such container."
    elif main is None:
        yield f"{revision} of {side} has several containers ({', '.join(containers)}), and the contract names none."
    if main is not None and says_no_version(image_of(definition, main)):
        yield (
            f"{revision} of {side} runs {image_of(definition, main)}, a name that may be another image tomorrow: "
            "a deployment of the same name says that it runs already; release by version or digest."
        )
    workers = [name for name, container in containers.items() if name != main and _may_consume(container)]
    if workers and any(container.get("portMappings") for container in containers.values()):
        yield (
            f"{revision} of {side} has {' and '.join(workers)} without a port beside the web container: "
            "if it takes work from a production queue, the idle color takes it too; let a service of its own do that."
        )
    if definition.unknown:
        yield (
            f"{revision} of {side} has what the installed boto3 does not know ({', '.join(definition.unknown)}), "
            "so a new revision would lose it; update boto3."
        )


def _may_consume(container: Mapping[str, object]) -> bool:
    """Not a router of logs, and nothing that ends before the task is up."""
    is_helper = "firelensConfiguration" in container or container.get("essential") is False
    return not is_helper and not container.get("portMappings")
