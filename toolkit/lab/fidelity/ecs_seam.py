"""What stands between moto's ECS and who plays the tasks."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from moto.ecs.exceptions import ClusterNotFoundException

Json = dict[str, Any]
DEFAULT_CLUSTER: Final = "default"


class Workloads(Protocol):
    """Who runs the tasks of services. Everything is called with `lock` held."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held while services are read or written; one thread may take it again."""
        ...

    def changed(self, service: Any, *, redeploy: bool) -> None:
        """A service of moto's is new, wants something else, or is being deleted."""
        ...

    def state(self, service: Any) -> Mapping[str, Any]:
        """The members of Service that the scheduler keeps: counts, deployments, events."""
        ...

    def tasks(self, backend: Any) -> Sequence[Json]:
        """Every task of the services of one of moto's backends, as DescribeTasks tells of it."""
        ...

    def stop(self, backend: Any, task_id: str, reason: str | None) -> None:
        """Somebody stops a task."""
        ...

    def reset(self) -> None:
        """Everything is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        response: moto's response object, whose `params` its own way to answer reads.
        request: the request as the API has it.
        moto: moto's own way to answer; returns the members of the answer.
    """

    response: Any
    request: Json
    moto: Callable[[], Json]

    @property
    def backend(self) -> Any:
        """Moto's ECS backend of the request's region."""
        return self.response.ecs_backend

    def change(self, member: str, value: object) -> None:
        """Let the request say something else from now on, for moto too."""
        self.request[member] = self.response.params[member] = value


Operation = Callable[[Workloads, Call], Json]


def cluster_of(backend: Any, request: Mapping[str, Any]) -> Any:
    """Moto's cluster that a request names; ClusterNotFoundException if it is not there, or deleted."""
    found = backend.clusters.get(last_part(request.get("cluster") or DEFAULT_CLUSTER))
    if found is None or found.status == "INACTIVE":
        raise ClusterNotFoundException
    return found


def last_part(name_or_arn: str) -> str:
    """The name, or a task's id, of what may be an ARN."""
    return name_or_arn.rpartition("/")[2]
