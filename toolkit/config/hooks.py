"""`[[service.NAME.hook]]`: what every rollout of a service runs, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from toolkit.config.words import MOST, Command, Name, Positive, name_of
from toolkit.settings import HookPoint, HookSettings

_POINTS = [point.value for point in HookPoint]


def _point(value: Any) -> HookPoint:
    if isinstance(value, str) and value in _POINTS:
        return HookPoint(value)
    raise ValueError(f"there is no point {value!r}; write one of {', '.join(_POINTS)}")


def _points(value: Any) -> tuple[HookPoint, ...]:
    if not isinstance(value, list):
        return (_point(value),)
    points = tuple(_point(each) for each in value)
    if not points:
        raise ValueError(f"it would never run; write one or more of {', '.join(_POINTS)}")
    twice = next((point for point in points if points.count(point) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is there twice")
    return points


_At = Annotated[
    tuple[HookPoint, ...],
    PlainValidator(_points),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": _POINTS},
                {"type": "array", "items": {"enum": _POINTS}, "minItems": 1, "uniqueItems": True},
            ],
            "examples": ["before-shift", ["on-rollback", "on-end"]],
        }
    ),
]


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        raise ValueError("a service may have several; write [[service.NAME.hook]], in double brackets")  # noqa: TRY004
    return value


class HookTable(BaseModel):
    """A hook of every rollout of the service: a command or a webhook, at one point or several."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: Annotated[_At, Field(description="when it runs")]
    hook: Annotated[Command, Field(description="a command as a list of words, or the URL of a webhook")]
    name: Name | None = None
    timeout: Annotated[Positive, Field(description="of one try")] = 60.0
    retries: Annotated[int, Field(ge=0, le=MOST, description="further tries after the first", examples=[3])] = 0

    def settings(self) -> Iterable[HookSettings]:
        """One for each point. A command stays as it is written: relative to the file's directory."""
        what: dict[str, Any] = {"url": self.hook} if isinstance(self.hook, str) else {"command": self.hook}
        for point in self.at:
            yield HookSettings(
                at=point,
                name=self.name or name_of(self.hook),
                timeout_seconds=self.timeout,
                retries=self.retries,
                **what,
            )


HookTables = Annotated[
    list[HookTable],
    BeforeValidator(_listed),
    Field(default_factory=list, description="what every rollout runs, in this order at each point"),
]
