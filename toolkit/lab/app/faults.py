"""How the sample app misbehaves. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Faults:
    """No field set is good behaviour.

    `latency_ms` before each answer; `error_rate` (0 to 1) of requests answered 500; `hang`: never answer;
    `reset`: tear the connection down (TCP reset) instead of answering; `unhealthy`: /healthz answers 503.
    Health checks are slow, hang or are reset like any request, but are no part of the error rate.
    """

    latency_ms: float = 0.0
    error_rate: float = 0.0
    hang: bool = False
    reset: bool = False
    unhealthy: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.error_rate <= 1:
            raise ValueError(f"error_rate is {self.error_rate}; it is a share, from 0 to 1")
        if self.latency_ms < 0:
            raise ValueError(f"latency_ms is {self.latency_ms}; it cannot be negative")

    def updated(self, changes: Mapping[str, Any]) -> "Faults":
        """These faults with some of them changed.

        Raises:
            ValueError: an unknown name, a value of another type or out of its range.
        """
        known = {field.name: type(field.default) for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"no fault is called {name!r}; there are {', '.join(known)}")
            wanted = known[name]
            if not (isinstance(value, bool) if wanted is bool else _is_number(value)):
                raise ValueError(f"{name} is {value!r}; it takes {'true or false' if wanted is bool else 'a number'}")
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
