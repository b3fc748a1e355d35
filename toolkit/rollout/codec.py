"""Journal entries as JSON and back: the same text in every journal, whatever stores it; and the hash that chains them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from toolkit.contract import Stickiness
from toolkit.errors import BluegreenError, JournalError
from toolkit.rollout.events import (
    CommandTaken,
    DriftAccepted,
    Ending,
    Entry,
    Event,
    GateFailed,
    Head,
    Kind,
    Prepared,
    Promoted,
    Refused,
    RolloutEnded,
    RolloutStarted,
    RunnerPaused,
    RunnerTookOver,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Stuck,
    SuspendedStickiness,
    Word,
    WorldDiffers,
    rollout_id,
)
from toolkit.rollout.plan_codec import plan_in, plan_out
from toolkit.traffic import Color, Split

SCHEMA_VERSION = 2
"""1 had no hash, no rollout, and the actor in the event. Both are read."""
_READ = (1, 2)


def seal(service: str, head: Head, event: Event, *, at: datetime, actor: str | None, rollout: str | None) -> Entry:
    """The entry that follows `head`, with its hash. A `RolloutStarted` gives its own entry the rollout's id."""
    sequence = head.sequence + 1
    if isinstance(event, RolloutStarted):
        rollout = rollout_id(service, sequence)
    entry = Entry(sequence, at, event, actor, rollout, previous=head.hash)
    return Entry(sequence, at, event, actor, rollout, previous=head.hash, hash=hash_of(encode(entry)))


def hash_of(text: str) -> str:
    """The hash of an entry, by its stored text."""
    return sha256(text.encode()).hexdigest()


def encode(entry: Entry) -> str:
    """One line of JSON: schema_version, sequence, at, actor, rollout, previous, event (its name), and its own keys."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "sequence": entry.sequence,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "rollout": entry.rollout,
        "previous": entry.previous,
        "event": type(entry.event).__name__,
    }
    return json.dumps(head | _body(entry.event), sort_keys=True, separators=(",", ":"))


def decode(text: str, *, source: str) -> Entry:
    """The entry that `encode` wrote, with the hash of `text`.

    Raises:
        JournalError: not such a text; `source` is named.
    """
    try:
        document = json.loads(text)
        version = document["schema_version"]
        if version not in _READ or isinstance(version, bool):
            raise ValueError(f"schema_version {version!r}")
        at = datetime.fromisoformat(document["at"])
        sequence = document["sequence"]
        if at.tzinfo is None or not isinstance(sequence, int) or isinstance(sequence, bool):
            raise ValueError("no time zone, or no sequence")
        return Entry(
            sequence,
            at,
            _event(document),
            actor=_text_or_none(document.get("actor")),
            rollout=_text_or_none(document.get("rollout")),
            previous=str(document.get("previous", "")),
            hash=hash_of(text),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError, BluegreenError) as error:
        raise JournalError(
            f"{source} holds an entry this bluegreen cannot read ({type(error).__name__}: {error})",
            hint="It was written by another release or changed by hand.",
        ) from None


def _body(event: Event) -> dict[str, Any]:  # noqa: PLR0911, C901 - one case an event
    match event:
        case ShiftIntended():
            return _intent_out(event)
        case ShiftVerified():
            return {}
        case ShiftFailed(reason, after):
            return {"reason": reason, "after": _splits_out(after)}
        case Promoted(color):
            return {"color": color.value}
        case DriftAccepted(splits):
            return {"splits": _splits_out(splits)}
        case RolloutStarted(plan):
            return {"plan": plan_out(plan)}
        case Prepared(remarks):
            return {"remarks": list(remarks)}
        case Refused(reason, exit_code):
            return {"reason": reason, "exit_code": exit_code}
        case StepPassed(step, detail, output):
            return {"step": step, "detail": detail, "output": output}
        case GateFailed(step, gate, reason, output):
            return {"step": step, "gate": gate, "reason": reason, "output": output}
        case CommandTaken(word, by, id_, reason):
            return {"word": word.value, "by": by, "id": id_, "reason": reason}
        case RunnerPaused(reason, leaves):
            return {"reason": reason, "leaves": leaves}
        case RunnerTookOver(holder, previous, broke):
            return {"holder": holder, "previous_holder": previous, "broke": broke}
        case WorldDiffers(reason, found):
            return {"reason": reason, "found": _splits_out(found)}
        case Stuck(reason):
            return {"reason": reason}
        case RolloutEnded(ending):
            return {"ending": ending.value}


def _event(document: Mapping[str, Any]) -> Event:  # noqa: PLR0911, C901 - one case an event
    match document["event"]:
        case "ShiftIntended":
            return _intent_in(document)
        case "ShiftVerified":
            return ShiftVerified()
        case "ShiftFailed":
            return ShiftFailed(str(document["reason"]), _splits_in(document["after"]))
        case "Promoted":
            return Promoted(Color(document["color"]))
        case "DriftAccepted":
            return DriftAccepted(_splits_in(document["splits"]))
        case "RolloutStarted":
            return RolloutStarted(plan_in(document["plan"]))
        case "Prepared":
            return Prepared(tuple(str(remark) for remark in document["remarks"]))
        case "Refused":
            return Refused(str(document["reason"]), int(document["exit_code"]))
        case "StepPassed":
            return StepPassed(int(document["step"]), str(document["detail"]), str(document["output"]))
        case "GateFailed":
            said = (str(document[key]) for key in ("gate", "reason", "output"))
            return GateFailed(int(document["step"]), *said)
        case "CommandTaken":
            said = (str(document[key]) for key in ("by", "id", "reason"))
            return CommandTaken(Word(document["word"]), *said)
        case "RunnerPaused":
            return RunnerPaused(str(document["reason"]), leaves=bool(document["leaves"]))
        case "RunnerTookOver":
            previous = str(document["previous_holder"])
            return RunnerTookOver(str(document["holder"]), previous, broke=bool(document["broke"]))
        case "WorldDiffers":
            return WorldDiffers(str(document["reason"]), _splits_in(document["found"]))
        case "Stuck":
            return Stuck(str(document["reason"]))
        case "RolloutEnded":
            return RolloutEnded(Ending(document["ending"]))
        case unknown:
            raise ValueError(f"unknown event {unknown!r}")


def _intent_out(intent: ShiftIntended) -> dict[str, Any]:
    return {
        "kind": intent.kind.value,
        "base": intent.base.value if intent.base else None,
        "before": _splits_out(intent.before),
        "to": _split_out(intent.to),
        "suspended": {
            name: {"duration_seconds": held.stickiness.duration_seconds, "until": held.until.isoformat()}
            for name, held in intent.suspended.items()
        },
        "restores": list(intent.restores),
    }


def _intent_in(document: Mapping[str, Any]) -> ShiftIntended:
    return ShiftIntended(
        kind=Kind(document["kind"]),
        base=Color(document["base"]) if document["base"] else None,
        before=_splits_in(document["before"]),
        to=_split_in(document["to"]),
        suspended={
            name: SuspendedStickiness(
                Stickiness(enabled=True, duration_seconds=int(held["duration_seconds"])),
                datetime.fromisoformat(held["until"]),
            )
            for name, held in document["suspended"].items()
        },
        restores=tuple(str(name) for name in document["restores"]),
    )


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
