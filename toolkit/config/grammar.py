"""[strategy.NAME] of bluegreen.toml: its grammar, and the strategy that comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from toolkit.config.words import DURATION, MOST, Command, Duration, Name, Positive, name_of, said, seconds_of
from toolkit.errors import BluegreenError
from toolkit.rollout.plan import GATE_SECONDS
from toolkit.rollout.steps import Analyze, Approve, Bake, Gate, Hook, Probe, Retire, Scale, Shift, Step, Via
from toolkit.rollout.strategy import Strategy, all_at_once, canary, linear, parse_share
from toolkit.settings import Inconclusive

_SHARE = r"^\d{1,3}(\.\d{1,9})?%?$"
_STATUSES = range(100, 600)


def _share(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"write percent, as 5, 0.1 or '0.1%', not {value!r}")  # noqa: TRY004 - pydantic takes these
    try:
        return parse_share(str(value))
    except BluegreenError as error:
        raise said(error) from None


def _scale(value: Any) -> int | Fraction:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.strip().endswith("%"):
        return _share(value)
    raise ValueError(f"write a number of targets, as 3, or a part of the live side, as '50%', not {value!r}")


def _header(value: Any) -> tuple[str, str]:
    name, colon, wanted = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not name.strip() or not wanted.strip() or not value.isprintable():
        raise ValueError("write a header with its value, as 'X-Version: v2'")
    return name.strip(), wanted.strip()


def _status(value: Any) -> int | None:
    if value == "any":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value in _STATUSES:
        return value
    raise ValueError(f"write a status of HTTP, 100 to 599, or 'any', not {value!r}")


_UNTIL_SAFE = "until-safe, at most "


def _bake(value: object) -> Bake:
    until_safe = isinstance(value, str) and value.startswith(_UNTIL_SAFE)
    return Bake(seconds_of(value.removeprefix(_UNTIL_SAFE) if isinstance(value, str) else value), until_safe=until_safe)


_Bake = Annotated[
    Bake,
    PlainValidator(_bake),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^({_UNTIL_SAFE})?({DURATION.removeprefix('^').removesuffix('$')})$",
            "examples": ["5m", f"{_UNTIL_SAFE}30m"],
        }
    ),
]
_Share = Annotated[
    Fraction,
    PlainValidator(_share),
    WithJsonSchema(
        {
            "type": ["number", "string"],
            "pattern": _SHARE,
            "exclusiveMinimum": 0,
            "maximum": 100,
            "examples": [5, "0.1%"],
        }
    ),
]
_Scale = Annotated[
    int | Fraction,
    PlainValidator(_scale),
    WithJsonSchema(
        {"type": ["integer", "string"], "minimum": 0, "pattern": rf"{_SHARE[:-2]}$", "examples": [3, "50%"]}
    ),
]
_Header = Annotated[
    tuple[str, str],
    PlainValidator(_header),
    WithJsonSchema({"type": "string", "pattern": "^[^:]+:.+$", "examples": ["X-Version: v2"]}),
]
_Status = Annotated[
    int | None,
    PlainValidator(_status),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"const": "any"}]}),
]


class _Table(BaseModel):
    """A table of the file. WITH: which keys say something only beside which."""

    model_config = ConfigDict(extra="forbid", strict=True)

    WITH: ClassVar[dict[str, tuple[str, ...]]] = {}

    @model_validator(mode="after")
    def _says_nothing_in_vain(self) -> Self:
        names = {field: info.alias or field for field, info in type(self).model_fields.items()}
        for key, beside in self.WITH.items():
            if key in self.model_fields_set and not self.model_fields_set & set(beside):
                words = " or ".join(names[each] for each in beside)
                raise ValueError(f"{names[key]} goes with {words}, and there is none")
        return self


def _besides(keys: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """What goes with what, as an editor is told."""
    return {key: {"anyOf": [{"required": [each]} for each in of]} for key, of in keys.items()}


_OF_GATES: dict[str, tuple[str, ...]] = {
    "name": ("hook",),
    "timeout": ("hook", "probe"),
    "retries": ("hook", "probe"),
    **dict.fromkeys(("via", "status", "within", "header", "body", "count"), ("probe",)),
}
_OF_STEPS = {**_OF_GATES, "note": ("approve",)}
_GATES = ("probe", "hook")
_STEPS = ("shift", "analyze", "approve", *_GATES, "scale", "retire")
"""Of these a step is one; besides there is `bake`, alone or with a shift."""


class _Asked(_Table):
    hook: Annotated[Command | None, Field(description="a command as a list of words, or the URL of a webhook")] = None
    name: Name | None = None
    probe: Annotated[str | None, Field(pattern=r"^/\S*$", description="the path that is asked for")] = None
    via: Annotated[
        Literal["route", "test-route"], Field(description="as users go, or through the new color's test route")
    ] = "route"
    status: Annotated[_Status, Field(description="the status of the answer")] = 200
    within: Annotated[Positive | None, Field(description="the longest time an answer may take")] = None
    header: Annotated[_Header | None, Field(description="a header of the answer and its value")] = None
    body: Annotated[str | None, Field(min_length=1, description="a text in the answer")] = None
    count: Annotated[int, Field(ge=1, le=MOST, description="requests in a row, all of which must pass")] = 1
    timeout: Annotated[Positive | None, Field(description="of one try; default: 1m for a hook, 5s for a request")] = (
        None
    )
    retries: Annotated[int, Field(ge=0, le=MOST, description="further tries after the first")] = 0

    def asked(self) -> Gate:
        """The hook or probe.

        A command stays as it is written: relative to the file's directory, wherever the rollout is resumed.
        """
        more: dict[str, Any] = {"retries": self.retries}
        if self.timeout is not None:
            more["timeout_seconds"] = self.timeout
        if self.probe is not None:
            return self._probe(self.probe, more)
        hook = self.hook or ("",)
        what: dict[str, Any] = {"url": hook} if isinstance(hook, str) else {"command": hook}
        return Hook(self.name or name_of(hook), **what, **more)

    def _probe(self, path: str, more: Mapping[str, Any]) -> Probe:
        return Probe(
            path=path,
            via=Via(self.via),
            status=self.status,
            within_seconds=self.within,
            header=self.header,
            body=self.body,
            count=self.count,
            **more,
        )


class GateTable(_Asked):
    """A probe or a hook that is asked again and again while the new color carries traffic."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [each]} for each in _GATES],
            "dependentSchemas": _besides(_OF_GATES),
        }
    )
    WITH = _OF_GATES

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        _only_one(self, _GATES, "a gate")
        return self


_ONE_STEP: list[Any] = [
    *({"required": [each]} for each in _STEPS),
    {"required": ["bake"], "not": {"required": ["shift"]}},
]


class _Step(_Asked):
    """One step: shift (with a bake after it, if you like), bake, analyze, approve, hook, probe, scale or retire."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": _ONE_STEP, "dependentSchemas": _besides(_OF_STEPS)},
    )
    WITH = _OF_STEPS

    shift: Annotated[_Share | None, Field(description="percent of new requests to the new color")] = None
    bake: Annotated[_Bake | None, Field(description="how long it is watched")] = None
    analyze: Annotated[Literal[True] | None, Field(description="judge target health and traffic now")] = None
    approve: Annotated[Positive | None, Field(description="how long a person has to say yes")] = None
    note: Annotated[str | None, Field(min_length=1, max_length=200, description="what the person should look at")] = (
        None
    )
    scale: Annotated[_Scale | None, Field(description="targets of the new color, or a part of the live side")] = None
    retire: Annotated[int | None, Field(ge=0, description="targets that stay of the old color")] = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        _only_one(self, _STEPS if self.shift is not None else (*_STEPS, "bake"), "a step")
        return self

    def steps(self) -> Iterator[Step]:
        """The step, and the bake of a shift that has one."""
        if self.shift is not None:
            yield Shift(self.shift)
        if self.bake is not None:
            yield self.bake
        if self.analyze is not None:
            yield Analyze()
        if self.approve is not None:
            yield Approve(self.approve, self.note or "")
        if self.hook is not None or self.probe is not None:
            yield self.asked()
        if self.scale is not None:
            yield Scale(targets=self.scale) if isinstance(self.scale, int) else Scale(of_live=self.scale)
        if self.retire is not None:
            yield Retire(self.retire)


def _only_one(table: BaseModel, verbs: tuple[str, ...], what: str) -> None:
    found = [verb for verb in verbs if getattr(table, verb) is not None]
    if not found:
        raise ValueError(f"{what} says one of {', '.join(verbs).replace('_', '-')}, and this says none")
    if len(found) > 1:
        raise ValueError(
            f"{what} is one thing, and this is {' and '.join(found).replace('_', '-')}; write a table for each"
        )


_FORMS = {"canary": ("bake",), "linear": ("every",), "all_at_once": ("bake",), "step": ()}
"""The ways to write a strategy, and what each needs besides."""


class StrategyTable(_Table):
    """How the new color comes to carry everything: canary, linear, all-at-once, or every step by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["canary", "bake"]},
                {"required": ["linear", "every"]},
                {"required": ["all-at-once", "bake"]},
                {"required": ["step"]},
            ],
            "dependentSchemas": _besides({"bake": ("canary", "all-at-once"), "every": ("linear",)}),
        }
    )
    WITH = {"bake": ("canary", "all_at_once"), "every": ("linear",), "gate_every": ("gate",)}

    canary: Annotated[list[_Share] | None, Field(min_length=1, description="percents that grow to 100")] = None
    linear: Annotated[_Share | None, Field(description="percent of every step")] = None
    all_at_once: Annotated[Literal[True] | None, Field(alias="all-at-once", description="everything in one")] = None
    bake: Annotated[Duration | None, Field(description="how long it is watched after each shift")] = None
    every: Annotated[Duration | None, Field(description="how long it is watched after each step")] = None
    step: Annotated[list[_Step] | None, Field(min_length=1, description="every step by itself")] = None
    gate: Annotated[list[GateTable], Field(default_factory=list, description="what must hold all the while")]
    gate_every: Annotated[Duration, Field(description="how often the gates are asked")] = GATE_SECONDS
    inconclusive: Annotated[
        Literal["wait", "pause", "fail"] | None,
        Field(description="what follows where the analysis cannot say; default: the service's"),
    ] = None

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        _only_one(self, tuple(_FORMS), "a strategy")
        for form, needs in _FORMS.items():
            for need in needs if getattr(self, form) is not None else ():
                if getattr(self, need) is None:
                    raise ValueError(f"{form.replace('_', '-')} needs {need}, a duration such as '5m'")
        return self

    def strategy(self, name: str) -> Strategy:
        """The strategy.

        Raises:
            UsageError: its steps do not make one.
        """
        gates = tuple(gate.asked() for gate in self.gate)
        inconclusive = None if self.inconclusive is None else Inconclusive(self.inconclusive)
        return Strategy(name, tuple(self._steps(name)), gates, self.gate_every, inconclusive)

    def _steps(self, name: str) -> Iterable[Step]:
        if self.canary is not None and self.bake is not None:
            return canary(self.canary, self.bake, name).steps
        if self.linear is not None and self.every is not None:
            return linear(self.linear, self.every, name).steps
        if self.all_at_once is not None and self.bake is not None:
            return all_at_once(self.bake, name).steps
        return (step for table in self.step or () for step in table.steps())
