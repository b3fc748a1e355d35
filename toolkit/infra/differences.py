"""What differs between the two sides of one change in Terraform's JSON, fit to be shown. Pure and total.

Source: Terraform, "JSON Output Format", change representation: `before_sensitive`, `after_sensitive` and
`after_unknown` have the shape of the value with `true` where the mark holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from toolkit.infra.scrub import MASK

UNKNOWN = "(known after apply)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One top-level attribute of a resource that differs, with its JSON value on either side.

    What Terraform marks sensitive is `scrub.MASK`, also deep inside a value, so both sides of a changed
    secret may look alike; what only the apply will tell is `UNKNOWN`. An absent attribute is None.
    """

    attribute: str
    before: Any
    after: Any


def differences(change: Mapping[str, Any], *, scrub: Callable[[str], str]) -> tuple[Difference, ...]:
    """The attributes that differ, by name; empty where the object is on one side only (created, deleted).

    `scrub` masks the secrets it knows in every text: a computed attribute may repeat one without its mark.
    """
    before, after = change.get("before"), change.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ()
    unknown = _marks(change.get("after_unknown"))
    hidden_before, hidden_after = (_marks(change.get(f"{side}_sensitive")) for side in ("before", "after"))
    found = []
    for name in sorted({*before, *after, *(name for name, mark in unknown.items() if any_true(mark))}):
        was, becomes = before.get(name), _overlaid(after.get(name), unknown.get(name), UNKNOWN)
        if was != becomes:
            shown_before = _overlaid(was, hidden_before.get(name), MASK)
            shown_after = _overlaid(becomes, hidden_after.get(name), MASK)
            found.append(Difference(name, _scrubbed(shown_before, scrub), _scrubbed(shown_after, scrub)))
    return tuple(found)


def any_true(marks: object) -> bool:
    """Whether any leaf of Terraform's nested marks is true."""
    if isinstance(marks, dict):
        return any(any_true(mark) for mark in marks.values())
    if isinstance(marks, list):
        return any(any_true(mark) for mark in marks)
    return marks is True


def _marks(marks: object) -> Mapping[str, Any]:
    return marks if isinstance(marks, dict) else {}


def _overlaid(value: object, marks: object, text: str) -> Any:
    """`value` with `text` wherever `marks` is true; an unknown part has a mark and no value at all."""
    if marks is True:
        return text
    if not any_true(marks):
        return value
    if isinstance(marks, dict):
        known = value if isinstance(value, dict) else {}
        names = [*known, *(name for name, mark in marks.items() if name not in known and any_true(mark))]
        return {name: _overlaid(known.get(name), marks.get(name), text) for name in names}
    if isinstance(marks, list):
        elements = value if isinstance(value, list) else []
        return [_overlaid(element, mark, text) for element, mark in zip_longest(elements, marks)]
    return value


def _scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _scrubbed(element, scrub) for name, element in value.items()}
    if isinstance(value, list):
        return [_scrubbed(element, scrub) for element in value]
    return scrub(value) if isinstance(value, str) else value
