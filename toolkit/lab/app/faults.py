"""How the sample app misbehaves. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

RATES = ("error_rate", "slow_rate", "hang_rate", "reset_rate")
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Faults:
    """No field set is good behaviour.

    `latency_ms` before each answer; `hang`: never answer; `reset`: tear the connection down (TCP reset) instead of
    answering; `unhealthy`: /healthz answers 503. Health checks are slow, hang or are reset like any request.

    The rates (0 to 1) are shares of the requests, and health checks are no part of them: `error_rate` is answered 500,
    `slow_rate` waits `slow_ms` more, `hang_rate` is never answered, `reset_rate` reset. No request meets two of them,
    so they add up to 1 at most.
    """

    latency_ms: float = 0.0
    error_rate: float = 0.0
    slow_rate: float = 0.0
    slow_ms: float = 1000.0
    hang_rate: float = 0.0
    reset_rate: float = 0.0
    hang: bool = False
    reset: bool = False
    unhealthy: bool = False

    def __post_init__(self) -> None:
        for name in RATES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share, from 0 to 1")
        together = sum(getattr(self, name) for name in RATES)
        if together > 1 + _ROUNDING:
            raise ValueError(f"{', '.join(RATES)} are {together:g} together; they are shares of one whole, 1 at most")
        for name in ("latency_ms", "slow_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it cannot be negative")

    def of_request(self, chance: float) -> str:
        """The rate that strikes the request with this `chance` (from 0 to below 1); empty where none does."""
        for name in RATES:
            chance -= getattr(self, name)
            if chance < 0:
                return name
        return ""

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
