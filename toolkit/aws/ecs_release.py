"""What may be released to an ECS service, and which container an image is for. Pure."""

from __future__ import annotations

import re

from toolkit.aws.ecs_service import Service
from toolkit.aws.task_definitions import TaskDefinition, family_of, revision_of
from toolkit.errors import PreflightRefused, UsageError

_NAMED_REVISION = re.compile(r"(arn:\S+:task-definition/)?[\w-]+:\d+")
# registry[:port]/path[:tag][@digest]. Source: the grammar of references of the distribution project.
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?P<tag>:\w[\w.-]{{0,127}})?(?P<digest>@[A-Za-z0-9_+.-]+:[0-9a-fA-F]{{32,}})?",
    re.ASCII,
)


def check_image(image: str) -> None:
    """Its form only; whether it is there, ECS finds out. Raises UsageError."""
    if _IMAGE.fullmatch(image) is None:
        raise UsageError(
            f"{image!r} is no reference to an image", hint="It is written registry/name:tag, or registry/name@sha256:…"
        )


def says_no_version(image: str) -> bool:
    """Whether the same name may be another image tomorrow, by all that its name says: `latest`, or no tag."""
    found = _IMAGE.fullmatch(image)
    return found is not None and not found["digest"] and found["tag"] in (None, ":latest")


def check_revision(name: str) -> None:
    """Of what a person has typed. Raises UsageError."""
    if _NAMED_REVISION.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} is no revision of a task definition", hint="Name family and revision, as in web:42."
        )


def check_service(service: Service) -> None:
    """Raises PreflightRefused: it shifts the traffic itself, or tells nobody what it runs."""
    if service.controller != "ECS":
        raise PreflightRefused(
            f"the ECS service {service.name} is deployed by {service.controller}, not by ECS",
            hint="A service with deploymentController ECS is needed; AWS makes that only when a service is created.",
        )
    if service.strategy != "ROLLING":
        raise PreflightRefused(
            f"the ECS service {service.name} has the deployment strategy {service.strategy}, which shifts the traffic "
            "itself",
            hint="Set its deployment strategy to ROLLING: two hands on the same weights undo each other.",
        )


def check_family(name: str, service: Service, *, asked: bool) -> None:
    """Whether a service may run the revision `name`. asked: somebody has named it. Raises PreflightRefused."""
    if family_of(name) == service.family:
        return
    mend = f"Let both colors share a family, or name a revision to go by: --task-definition {service.revision}."
    raise PreflightRefused(
        f"{revision_of(name)} is of the family {family_of(name)}, and the ECS service {service.name} runs the family "
        f"{service.family}",
        hint=f"Name a revision of {service.family}." if asked else mend,
    )


def check_ports(definition: TaskDefinition, service: Service) -> None:
    """Whether what the target groups use is there. Raises PreflightRefused."""
    for container, port in service.ports:
        if not has_port(definition, container, port):
            raise PreflightRefused(
                f"{definition.revision} has no container {container} with port {port}, which the target group of "
                f"the ECS service {service.name} uses"
            )


def has_port(definition: TaskDefinition, container: str, port: int) -> bool:
    """Whether such a container listens on such a port."""
    mappings = definition.containers.get(container, {}).get("portMappings", ())
    return any(mapping.get("containerPort") == port for mapping in mappings)


def container_of(definition: TaskDefinition, service: Service, named: str | None) -> str | None:
    """The container that an image is for; None where nothing says which.

    It is the one that the contract names, else the one that serves the target groups, else the only one.
    """
    serving = {container for container, _ in service.ports} & set(definition.containers)
    if named in definition.containers:
        return named
    for candidates in (serving, set(definition.containers)):
        if len(candidates) == 1:
            return next(iter(candidates))
    return None


def meant(definition: TaskDefinition, service: Service, *, asked: str | None, named: str | None) -> str:
    """As `container_of`, or `asked`. Raises UsageError: there is none of that name, or nothing says which."""
    there = ", ".join(definition.containers)
    for name, who in ((asked, "--container"), (named, "the contract's workload.container")):
        if name is not None and name not in definition.containers:
            raise UsageError(
                f"{who} is {name}, and {definition.revision} has no such container", hint=f"There are: {there}."
            )
        if name is not None:
            return name
    found = container_of(definition, service, None)
    if found is None:
        raise UsageError(
            f"{definition.revision} has several containers, and it is not said whose image is meant",
            hint=f"Name one with --container, or in the contract as workload.container: {there}.",
        )
    return found


def image_of(definition: TaskDefinition, container: str | None) -> str:
    """Of that container; of the first one where it is not known which."""
    containers = definition.containers
    name = container if container is not None and container in containers else next(iter(containers))
    return str(containers[name].get("image", ""))
