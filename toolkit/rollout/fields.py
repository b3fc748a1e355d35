"""How values become JSON and come back, from small parts: the codecs are tables of these.

Reading is strict: what is not exactly what writing gives is an error, so a damaged text is never half understood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from math import isfinite
from typing import Any

MISREAD = (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError)
"""What reading raises where the text is of another making; beside these, what the values themselves refuse."""


@dataclass(frozen=True, slots=True)
class Field:
    """out: from a value to JSON. into: back. Either raises what MISREAD names, or the value's own refusal."""

    out: Callable[[Any], Any]
    into: Callable[[Any], Any]


def _exactly(wanted: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not wanted:
            raise TypeError(f"{value!r:.60} where {wanted.__name__} belongs")
        return value

    return check


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError(f"{value!r:.60} where seconds belong")
    return float(value)


def _time(value: Any) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at


_object, _list = _exactly(dict), _exactly(list)
TEXT = Field(str, _exactly(str))
NUMBER = Field(int, _exactly(int))
FLAG = Field(bool, _exactly(bool))
SECONDS = Field(float, _seconds)
FRACTION = Field(str, lambda value: Fraction(TEXT.into(value)))
TIME = Field(datetime.isoformat, _time)


def word(of: type[StrEnum]) -> Field:
    """One of an enumeration, by its value."""
    return Field(str, of)


def optional(field: Field) -> Field:
    """None, or what `field` is of."""
    return Field(
        lambda value: None if value is None else field.out(value),
        lambda value: None if value is None else field.into(value),
    )


def several(field: Field) -> Field:
    """A tuple."""
    return Field(
        lambda values: [field.out(value) for value in values],
        lambda values: tuple(field.into(value) for value in _list(values)),
    )


def by_name(field: Field) -> Field:
    """A mapping from text."""
    return Field(
        lambda values: {name: field.out(value) for name, value in values.items()},
        lambda values: {name: field.into(value) for name, value in _object(values).items()},
    )


def form(of: type, fields: Mapping[str, Field], *, spelled: Mapping[str, str] | None = None) -> Field:
    """A dataclass, by its attributes. spelled: the keys that are other words than their attributes."""
    keys = {name: (spelled or {}).get(name, name) for name in fields}
    return Field(
        lambda value: {keys[name]: field.out(getattr(value, name)) for name, field in fields.items()},
        lambda document: of(**{name: field.into(document[keys[name]]) for name, field in fields.items()}),
    )


def later(field: Field, **missing: Any) -> Field:
    """A form that got keys later: journals from before read as if they had these."""
    return Field(field.out, lambda document: field.into({**missing, **_object(document)}))


def one_of(key: str, forms: Mapping[str, tuple[type, Field]]) -> Field:
    """One of several dataclasses, told apart by the word under `key`."""
    words = {of: name for name, (of, _) in forms.items()}

    def out(value: Any) -> dict[str, Any]:
        name = words[type(value)]
        return {key: name, **forms[name][1].out(value)}

    def into(document: Any) -> Any:
        name = TEXT.into(document[key])
        if name not in forms:
            raise ValueError(f"unknown {key} {name!r:.60}")
        return forms[name][1].into(document)

    return Field(out, into)
