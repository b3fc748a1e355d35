"""The seam with moto's ECS: what is refused, what is kept, and services and tasks as their scheduler has them.

Like `patch.py` for ELBv2, it knows nothing of who plays the tasks (`Workloads`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from moto.core.responses import ActionResult
from moto.core.serialize import never_return
from moto.ecs.exceptions import ECSException
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.moto_api._internal.models import MotoAPIBackend

from toolkit.lab.fidelity import ecs_service_calls, ecs_task_calls
from toolkit.lab.fidelity.checks import Refused
from toolkit.lab.fidelity.ecs_seam import Call, Operation, Workloads
from toolkit.lab.fidelity.patches import Patches


class EcsFidelity(Patches):
    """The patches, in force from `install` to `uninstall`; one at a time, since moto's classes are global."""

    def __init__(self, workloads: Workloads) -> None:
        super().__init__()
        self._workloads = workloads

    def _patch(self) -> None:
        for name, operation in {**ecs_service_calls.CALLS, **ecs_task_calls.CALLS}.items():
            self._replace(EC2ContainerServiceResponse, name, self._answering(name, operation))
        self._replace(EC2ContainerServiceResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER", _nothing_left_out())
        self._replace(MotoAPIBackend, "reset", self._reset())

    def _answering(self, name: str, operation: Operation) -> Callable[..., Any]:
        original = getattr(EC2ContainerServiceResponse, name)

        @wraps(original)
        def answer(response: Any) -> Any:
            call = Call(response, dict(response.params), lambda: dict(original(response).result))
            with self._workloads.lock, _refusals_as_aws_errors():
                return ActionResult(operation(self._workloads, call))

        return answer

    def _reset(self) -> Callable[..., Any]:
        original = MotoAPIBackend.reset

        @wraps(original)
        def reset(backend: Any) -> None:
            original(backend)
            with self._workloads.lock:
                self._workloads.reset()

        return reset


def _nothing_left_out() -> dict[str, Any]:
    """Without the tags that moto, asked once for services without them, leaves out in this process from then on."""
    transformers = EC2ContainerServiceResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER
    return {path: transform for path, transform in transformers.items() if transform is not never_return}


@contextmanager
def _refusals_as_aws_errors() -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        raise ECSException(refused.code, refused.message) from None
