"""`[service.NAME.rolling]`: how the targets of the live color are updated in place, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from toolkit.config.grammar import GateTable
from toolkit.config.words import MOST, Duration, Positive, said
from toolkit.errors import BluegreenError
from toolkit.rollout.rolling import parse_amount
from toolkit.settings import OnFailure, RollingSettings, Update

Parameters = dict[str, tuple[str, ...]]

_PART = r"^\d{1,2}(\.\d{1,9})?\s?%$"
_WORDS = "a list of words, as ['./update.sh', '--quiet']"
_UPDATE = f"write {_WORDS}, or a table with an SSM document, as {{ document = 'AWS-RunShellScript', parameters = … }}"
_PARAMETERS = "write parameters as a table of texts or lists of texts, as { commands = ['./update.sh'] }"
_SCRIPTS = ("AWS-RunShellScript", "AWS-RunPowerShellScript")
_DOCUMENT_KEYS = {"document", "parameters"}


def _amount(value: Any, info: ValidationInfo) -> float:
    least = 1 if info.field_name == "batch" else 0
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and value.strip().endswith("%")):
        raise ValueError(f"write a number of targets, as 2, or a part of them, as '25%', not {value!r}")
    try:
        return parse_amount(str(value), least=least)
    except BluegreenError as error:
        raise said(error) from None


def _amount_schema(least: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": least}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": _PART}], "examples": [2, "25%"]})


def _on_failure(value: Any) -> OnFailure:
    if isinstance(value, str) and value in list(OnFailure):
        return OnFailure(value)
    raise ValueError(f"write one of {', '.join(OnFailure)}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _words(value: list[Any], otherwise: str) -> tuple[str, ...]:
    if all(map(_is_text, value)) and any(value[:1]):
        return tuple(value)
    raise ValueError(otherwise)


def _parameters(value: Any) -> Parameters:
    listed = {name: [each] if isinstance(each, str) else each for name, each in _table(value).items()}
    if not all(isinstance(each, list) and each and all(map(_is_text, each)) for each in listed.values()):
        raise ValueError(_PARAMETERS)
    return {name: tuple(each) for name, each in listed.items()}


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(_PARAMETERS)  # noqa: TRY004 - pydantic takes these
    return value


def _update(value: Any) -> Update:
    if isinstance(value, list):
        return Update(command=_words(value, _UPDATE))
    if not isinstance(value, dict) or not isinstance(value.get("document"), str) or not value["document"].strip():
        raise ValueError(_UPDATE)
    unknown = sorted(set(value) - _DOCUMENT_KEYS)
    if unknown:
        raise ValueError(f"{unknown[0]} is not a setting of an update; it has a document and parameters")
    update = Update(document=value["document"], parameters=_parameters(value.get("parameters", {})))
    _require_script(update.document, update.parameters)
    return update


def _take_back(value: Any) -> tuple[str, ...] | Parameters:
    if isinstance(value, dict):
        return _parameters(value)
    if isinstance(value, list):
        return _words(value, f"write {_WORDS}, or the parameters of the SSM document")
    raise ValueError(f"write {_WORDS}, or the parameters of the SSM document")


def _require_script(document: str, parameters: Mapping[str, Any]) -> None:
    if document in _SCRIPTS and "commands" not in parameters:
        raise ValueError(
            f"a script is lines of commands; write, for {document}, parameters = {{ commands = ['./update.sh'] }}"
        )


_A_WORD_LIST = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_A_PARAMETER_TABLE = {
    "type": "object",
    "additionalProperties": {"anyOf": [{"type": "string"}, {**_A_WORD_LIST}]},
}
_AN_UPDATE = {
    "anyOf": [
        _A_WORD_LIST,
        {
            "type": "object",
            "properties": {"document": {"type": "string", "minLength": 1}, "parameters": _A_PARAMETER_TABLE},
            "required": ["document"],
            "additionalProperties": False,
        },
    ],
    "examples": [
        ["./update.sh"],
        {"document": "AWS-RunShellScript", "parameters": {"commands": ["/opt/web/update.sh"]}},
    ],
}


class RollingTable(BaseModel):
    """How `bluegreen rolling` updates the service, as far as its command line says nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    batch: Annotated[
        float,
        PlainValidator(_amount),
        _amount_schema(1),
        Field(description="targets that are out at once: a number, or a part as '25%'"),
    ] = RollingSettings().batch
    min_healthy: Annotated[
        float | None,
        PlainValidator(_amount),
        _amount_schema(0),
        Field(description="targets that stay healthy meanwhile; default: all but a batch"),
    ] = None
    bake: Annotated[Duration, Field(description="how long the gates watch after each batch")] = (
        RollingSettings().bake_seconds
    )
    on_failure: Annotated[
        OnFailure,
        PlainValidator(_on_failure),
        WithJsonSchema({"enum": [*OnFailure]}),
        Field(description="take back what was updated, or pause until somebody decides"),
    ] = RollingSettings().on_failure
    update: Annotated[
        Update | None,
        PlainValidator(_update),
        WithJsonSchema(_AN_UPDATE),
        Field(description="what updates one target: a command as a list of words, or a document of SSM"),
    ] = None
    take_back: Annotated[
        tuple[str, ...] | Parameters | None,
        PlainValidator(_take_back),
        WithJsonSchema({"anyOf": [_A_WORD_LIST, _A_PARAMETER_TABLE]}),
        Field(description="the command or the document's parameters to go back by; default: those of update"),
    ] = None
    timeout: Annotated[Positive, Field(description="of one try on one target")] = Update().timeout_seconds
    retries: Annotated[int, Field(ge=0, le=MOST, description="further tries after the first", examples=[3])] = 0

    gate: Annotated[list[GateTable], Field(default_factory=list, description="what must hold all the while")]
    gate_every: Annotated[Duration, Field(description="how often the gates are asked")] = RollingSettings().gate_seconds

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.update is None:
            alone = sorted({"take_back", "timeout", "retries"} & self.model_fields_set)
            if alone:
                raise ValueError(f"{alone[0]} goes with update, and there is none; {_UPDATE}")
            return self
        if isinstance(self.take_back, tuple) and self.update.document:
            raise ValueError(f"take_back is a command and update a document; {_PARAMETERS}")
        if isinstance(self.take_back, dict):
            if not self.update.document:
                raise ValueError(f"take_back has parameters and update is a command; write {_WORDS}")
            _require_script(self.update.document, self.take_back)
        return self

    def settings(self) -> RollingSettings:
        """A command stays as it is written: relative to the file's directory."""
        return RollingSettings(
            batch=self.batch,
            min_healthy=self.min_healthy,
            bake_seconds=self.bake,
            on_failure=self.on_failure,
            update=self._whole_update(),
            gates=tuple(gate.asked() for gate in self.gate),
            gate_seconds=self.gate_every,
        )

    def _whole_update(self) -> Update | None:
        if self.update is None:
            return None
        return Update(
            command=self.update.command,
            take_back=self.take_back if isinstance(self.take_back, tuple) else (),
            document=self.update.document,
            parameters=self.update.parameters,
            take_back_parameters=self.take_back if isinstance(self.take_back, dict) else {},
            timeout_seconds=self.timeout,
            retries=self.retries,
        )
