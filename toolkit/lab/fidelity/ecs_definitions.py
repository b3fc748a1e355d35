"""Task definitions of moto's, found and read for the checks."""

from collections.abc import Mapping
from typing import Any

from toolkit.lab.fidelity.ecs_checks import TaskDefinition


def find(backend: Any, named: str) -> Any | None:
    """The task definition called `named` (family, family:revision or ARN); of a family the latest active one."""
    family, _, revision = named.rpartition("/")[2].partition(":")
    revisions: Mapping[int, Any] = backend.task_definitions.get(family, {})
    if revision:
        return revisions.get(int(revision)) if revision.isdecimal() else None
    active = [number for number, one in revisions.items() if one.status == "ACTIVE"]
    return revisions[max(active)] if active else None


def latest_active(backend: Any, named: str) -> str:
    """The ARN of what `named` means; `named` itself where there is nothing, which moto then refuses."""
    found = find(backend, named)
    if found is not None:
        arn: str = found.arn
        return arn
    return named if ":" in named.rpartition("/")[2] else f"{named}:0"


def known(backend: Any, named: str | None) -> TaskDefinition | None:
    """What the checks need of it; None if there is none, or for a family none that is active."""
    found = None if named is None else find(backend, named)
    if found is None:
        return None
    containers = {
        one["name"]: frozenset(int(mapping["containerPort"]) for mapping in one.get("portMappings") or ())
        for one in found.container_definitions
    }
    return TaskDefinition(
        found.status, found.network_mode or "bridge", containers, frozenset(found.compatibilities or ())
    )
