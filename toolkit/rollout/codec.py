"""Journal entries as JSON and back: the same text in every journal, whatever stores it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from toolkit.contract import Stickiness
from toolkit.errors import InvalidSplit, JournalError
from toolkit.rollout.events import (
    DriftAccepted,
    Entry,
    Event,
    Kind,
    Promoted,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    SuspendedStickiness,
)
from toolkit.traffic import Color, Split

SCHEMA_VERSION = 1


def encode(entry: Entry) -> str:
    """One line of JSON: schema_version, sequence, at, event (its name), and the event's own keys."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "sequence": entry.sequence,
        "at": entry.at.isoformat(),
        "event": type(entry.event).__name__,
    }
    return json.dumps(head | _body(entry.event), sort_keys=True, separators=(",", ":"))


def decode(text: str, *, source: str) -> Entry:
    """The entry that `encode` wrote.

    Raises:
        JournalError: not such a text; `source` is named.
    """
    try:
        document = json.loads(text)
        if document["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {document['schema_version']!r}")
        at = datetime.fromisoformat(document["at"])
        if at.tzinfo is None or not isinstance(document["sequence"], int):
            raise ValueError("no time zone, or no sequence")
        return Entry(document["sequence"], at, _event(document))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidSplit) as error:
        raise JournalError(
            f"{source} holds an entry this bluegreen cannot read ({type(error).__name__}: {error})",
            hint="It was written by another release or changed by hand.",
        ) from None


def _body(event: Event) -> dict[str, Any]:
    match event:
        case ShiftIntended():
            return {
                "kind": event.kind.value,
                "base": event.base.value if event.base else None,
                "before": _splits_out(event.before),
                "to": _split_out(event.to),
                "actor": event.actor,
                "suspended": {
                    name: {
                        "duration_seconds": held.stickiness.duration_seconds,
                        "until": held.until.isoformat(),
                    }
                    for name, held in event.suspended.items()
                },
                "restores": list(event.restores),
            }
        case ShiftVerified(actor):
            return {"actor": actor}
        case ShiftFailed(reason, after):
            return {"reason": reason, "after": _splits_out(after)}
        case Promoted(color):
            return {"color": color.value}
        case DriftAccepted(splits, actor):
            return {"splits": _splits_out(splits), "actor": actor}


def _event(document: Mapping[str, Any]) -> Event:
    match document["event"]:
        case "ShiftIntended":
            return ShiftIntended(
                kind=Kind(document["kind"]),
                base=Color(document["base"]) if document["base"] else None,
                before=_splits_in(document["before"]),
                to=_split_in(document["to"]),
                actor=_text_or_none(document["actor"]),
                suspended={
                    name: SuspendedStickiness(
                        Stickiness(enabled=True, duration_seconds=int(held["duration_seconds"])),
                        datetime.fromisoformat(held["until"]),
                    )
                    for name, held in document["suspended"].items()
                },
                restores=tuple(str(name) for name in document["restores"]),
            )
        case "ShiftVerified":
            return ShiftVerified(_text_or_none(document["actor"]))
        case "ShiftFailed":
            return ShiftFailed(str(document["reason"]), _splits_in(document["after"]))
        case "Promoted":
            return Promoted(Color(document["color"]))
        case "DriftAccepted":
            return DriftAccepted(_splits_in(document["splits"]), _text_or_none(document["actor"]))
        case unknown:
            raise ValueError(f"unknown event {unknown!r}")


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def _split_out(split: Split) -> dict[str, int]:
    return {color.value: weight for color, weight in split}


def _split_in(document: Mapping[str, Any]) -> Split:
    return Split(blue=document["blue"], green=document["green"])


def _splits_out(splits: Mapping[str, Split]) -> dict[str, dict[str, int]]:
    return {name: _split_out(split) for name, split in splits.items()}


def _splits_in(document: Mapping[str, Any]) -> dict[str, Split]:
    return {str(name): _split_in(split) for name, split in document.items()}
