"""What a lab can be told when it starts, and what it can still be told while it runs."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from toolkit.errors import LabError

DEFAULT_NAME = "default"
MAX_PORT = 65535
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SECONDS = ("propagation_delay", "metrics_delay", "metrics_revision")
CHANGEABLE = frozenset(_SECONDS)


@dataclass(frozen=True, slots=True)
class LabOptions:
    """How a lab behaves. All times are seconds.

    Attributes:
        name: tells labs on one machine apart.
        port: of the AWS endpoint; 0 takes a free one.
        propagation_delay: from an accepted write until the load balancer acts on it.
        metrics_delay: from the end of a minute until CloudWatch shows it, incomplete.
        metrics_revision: from then until it has its final value.
        time_scale: what health check intervals and deregistration delays are multiplied by; 0.1 is ten times
            as fast as on AWS.
    """

    name: str = DEFAULT_NAME
    port: int = 0
    propagation_delay: float = 0.0
    metrics_delay: float = 60.0
    metrics_revision: float = 60.0
    time_scale: float = 1.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise LabError(
                f"'{self.name}' is no name for a lab.",
                hint="Use up to 40 letters, digits, dots, dashes, underscores.",
            )
        if not 0 <= self.port <= MAX_PORT:
            raise LabError(f"{self.port} is no port.", hint="Use 1 to 65535, or 0 for a free one.")
        for name in _SECONDS:
            _check_seconds(name, getattr(self, name))
        if not (math.isfinite(self.time_scale) and self.time_scale > 0):
            raise LabError(f"time_scale is {self.time_scale}.", hint="Use a number above 0; 1 is AWS's own pace.")

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """These options with what a running lab can still change; LabError for anything else."""
        unknown = sorted(set(changes) - CHANGEABLE)
        if unknown:
            raise LabError(
                f"a running lab cannot change {', '.join(unknown)}.",
                hint=f"It can change {', '.join(_SECONDS)}.",
            )
        for name, value in changes.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise LabError(f"{name} is {value!r}.", hint="Give a number of seconds.")
        seconds: dict[str, Any] = {name: float(value) for name, value in changes.items()}
        return replace(self, **seconds)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in document.items() if key in known})


def _check_seconds(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise LabError(f"{name} is {value}.", hint="Use a number of seconds, 0 or more.")
