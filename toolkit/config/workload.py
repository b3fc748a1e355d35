"""`[service.NAME.retire]` and `[service.NAME.price]`: what becomes of the old side, and what a target costs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from toolkit.errors import UsageError
from toolkit.rollout.upkeep import AT_ONCE, NEVER, parse_after
from toolkit.settings import PriceSettings, RetireSettings

_DURATION = r"(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _after(value: Any) -> float | None:
    if not isinstance(value, str):
        raise ValueError(f"write a duration, as '10m', or '{AT_ONCE}' or '{NEVER}', not {value!r}")  # noqa: TRY004
    try:
        return parse_after(value)
    except UsageError as error:
        raise ValueError(f"{error.message}. {error.hint}") from None


_After = Annotated[
    float | None,
    PlainValidator(_after),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^({NEVER}|{AT_ONCE}|0|{_DURATION})$",
            "minLength": 1,
            "examples": ["10m", AT_ONCE, NEVER],
        }
    ),
]


class RetireTable(_Strict):
    """What becomes of the old side after a deployment."""

    after: Annotated[
        _After,
        Field(
            default=NEVER,
            validate_default=True,
            description="how long after the last bake, never before the last shift has settled; or never",
        ),
    ]
    keep: Annotated[int, Field(ge=0, description="targets that stay, the warm minimum", examples=[1, 2])] = (
        RetireSettings().keep
    )

    def settings(self) -> RetireSettings:
        return RetireSettings(after_seconds=self.after, keep=self.keep)


class PriceTable(_Strict):
    """What one target costs, for `status` to say what the second color does."""

    target_hour: Annotated[float, Field(gt=0, le=10_000, description="of one target", examples=[0.05])]
    currency: Annotated[str, Field(pattern=r"^\S{1,8}$", description="as EUR", examples=["EUR", "USD"])] = "USD"

    def settings(self) -> PriceSettings:
        return PriceSettings(target_hour=self.target_hour, currency=self.currency)
