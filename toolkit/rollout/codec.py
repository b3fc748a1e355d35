"""Journal entries as JSON and back: the same text in every journal, whatever stores it; and the chain of hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from toolkit.contract import Stickiness
from toolkit.errors import BluegreenError, JournalError
from toolkit.rollout.diverting import Diversion
from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    Diverted,
    DivertMeant,
    DivertRemoved,
    DriftAccepted,
    Ending,
    Entry,
    Event,
    GateFailed,
    Head,
    HooksRan,
    Kind,
    Prepared,
    Promoted,
    Refused,
    ReleasePut,
    ReleaseRestored,
    RestSkipped,
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
    WorkloadHeld,
    WorkloadLetGo,
    WorkloadSeen,
    WorldDiffers,
    rollout_id,
)
from toolkit.rollout.fields import (
    FLAG,
    MISREAD,
    NUMBER,
    TEXT,
    TIME,
    Field,
    by_name,
    form,
    one_of,
    optional,
    several,
    word,
)
from toolkit.rollout.plan_codec import CONDITION, PLAN
from toolkit.rollout.rolling import Act
from toolkit.rollout.workload import Capacity, Release, Side
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split

SCHEMA_VERSION = 2
"""1 had no hash, no rollout, and the actor in the event. Both are read."""
_READ = (1, 2)


def _put_aside_out(held: SuspendedStickiness) -> dict[str, Any]:
    return {"duration_seconds": held.stickiness.duration_seconds, "until": TIME.out(held.until)}


def _put_aside_in(document: Mapping[str, Any]) -> SuspendedStickiness:
    seconds = NUMBER.into(document["duration_seconds"])
    return SuspendedStickiness(Stickiness(enabled=True, duration_seconds=seconds), TIME.into(document["until"]))


_SPLIT = form(Split, {"blue": NUMBER, "green": NUMBER})
_SPLITS = by_name(_SPLIT)
_COLOR = word(Color)
_WHO = optional(TEXT)
_CAPACITY: Mapping[str, Field] = {
    "desired": NUMBER,
    "running": NUMBER,
    "minimum": optional(NUMBER),
    "maximum": optional(NUMBER),
    "suspended": several(TEXT),
}
_RELEASE = form(Release, {"revision": TEXT, "image": TEXT, "digest": TEXT})
_SIDE = form(Side, {"capacity": form(Capacity, _CAPACITY), "release": optional(_RELEASE)})
_SIDES = by_name(_SIDE)
_INTENT: Mapping[str, Field] = {
    "kind": word(Kind),
    "base": optional(_COLOR),
    "before": _SPLITS,
    "to": _SPLIT,
    "suspended": by_name(Field(_put_aside_out, _put_aside_in)),
    "restores": several(TEXT),
}
_DIVERSION: Mapping[str, Field] = {
    "route": TEXT,
    "listener_arn": TEXT,
    "priority": NUMBER,
    "conditions": several(CONDITION),
    "color": _COLOR,
    "arn": TEXT,
}
_DIVERSIONS = several(form(Diversion, _DIVERSION))
_ATTRIBUTES: Mapping[type[Event], Mapping[str, Field]] = {
    ShiftIntended: _INTENT,
    ShiftVerified: {},
    ShiftFailed: {"reason": TEXT, "after": _SPLITS},
    Promoted: {"color": _COLOR},
    DriftAccepted: {"splits": _SPLITS},
    RolloutStarted: {"plan": PLAN},
    Prepared: {"remarks": several(TEXT)},
    Refused: {"reason": TEXT, "exit_code": NUMBER},
    WorkloadSeen: {
        "before": Field(
            _SIDES.out, lambda document: {Color(name): side for name, side in _SIDES.into(document).items()}
        )
    },
    WorkloadHeld: {},
    ReleasePut: {"step": NUMBER, "release": _RELEASE},
    WorkloadLetGo: {"problem": TEXT},
    DivertMeant: {"rules": _DIVERSIONS},
    Diverted: {"step": NUMBER, "rules": _DIVERSIONS},
    DivertRemoved: {"count": NUMBER},
    BatchMoved: {"step": NUMBER, "act": word(Act), "detail": TEXT, "output": TEXT},
    ReleaseRestored: {"detail": TEXT},
    RestSkipped: {"step": NUMBER, "reason": TEXT, "output": TEXT},
    HooksRan: {"point": word(HookPoint), "detail": TEXT, "output": TEXT},
    StepPassed: {"step": NUMBER, "detail": TEXT, "output": TEXT},
    GateFailed: {"step": NUMBER, "gate": TEXT, "reason": TEXT, "output": TEXT},
    CommandTaken: {"word": word(Word), "by": TEXT, "id": TEXT, "reason": TEXT},
    RunnerPaused: {"reason": TEXT, "leaves": FLAG},
    RunnerTookOver: {"holder": TEXT, "previous": TEXT, "broke": FLAG},
    WorldDiffers: {"reason": TEXT, "found": _SPLITS},
    Stuck: {"reason": TEXT},
    RolloutEnded: {"ending": word(Ending)},
}
_EVENT = one_of(
    "event",
    {
        # An entry has a `previous` of its own.
        of.__name__: (of, form(of, attributes, spelled={"previous": "previous_holder"}))
        for of, attributes in _ATTRIBUTES.items()
    },
)


def seal(service: str, head: Head, event: Event, *, at: datetime, actor: str | None, rollout: str | None) -> Entry:
    """The entry that follows `head`, with its hash. A `RolloutStarted` gives its own entry the rollout's id."""
    sequence = head.sequence + 1
    if isinstance(event, RolloutStarted):
        rollout = rollout_id(service, sequence)
    entry = Entry(sequence, at, event, actor, rollout, previous=head.hash)
    return replace(entry, hash=hash_of(encode(entry)))


def hash_of(text: str) -> str:
    """The hash of an entry, by its stored text."""
    return sha256(text.encode()).hexdigest()


def encode(entry: Entry) -> str:
    """One line of JSON: schema_version, sequence, at, actor, rollout, previous, event (its name), and its own keys."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "sequence": entry.sequence,
        "at": TIME.out(entry.at),
        "actor": entry.actor,
        "rollout": entry.rollout,
        "previous": entry.previous,
    }
    return json.dumps(head | _EVENT.out(entry.event), sort_keys=True, separators=(",", ":"))


def decode(text: str, *, source: str) -> Entry:
    """The entry that `encode` wrote, with the hash of `text`.

    Raises:
        JournalError: not such a text; `source` is named.
    """
    try:
        document = json.loads(text)
        if NUMBER.into(document["schema_version"]) not in _READ:
            raise ValueError(f"schema_version {document['schema_version']}")
        return Entry(
            NUMBER.into(document["sequence"]),
            TIME.into(document["at"]),
            _EVENT.into(document),
            actor=_WHO.into(document.get("actor")),
            rollout=_WHO.into(document.get("rollout")),
            previous=TEXT.into(document.get("previous", "")),
            hash=hash_of(text),
        )
    except (*MISREAD, BluegreenError) as error:
        raise JournalError(
            f"{source} holds an entry this bluegreen cannot read ({type(error).__name__}: {error})",
            hint="It was written by another release or changed by hand.",
        ) from None
