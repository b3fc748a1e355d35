"""What has happened to a service, as values; and the fold that turns a journal's tail into what is known now.

Each `ShiftIntended` carries everything that must outlive it (base, stickiness put aside), so the tail since the
last one is enough and the whole journal need not be read. Effects are absolute, so an intent without an outcome
(a crash between the two) means: AWS holds either what was before or what was meant, and nobody knows which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from toolkit.contract import Stickiness
from toolkit.traffic import Color, Split


class Kind(StrEnum):
    """Which command meant the shift."""

    SHIFT = "shift"
    CUTOVER = "cutover"
    ROLLBACK = "rollback"
    RESTORE_STICKINESS = "restore-stickiness"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class SuspendedStickiness:
    """Target-group stickiness that a rollback switched off.

    stickiness: what stood there. until: when the last cookie handed out before has expired (UTC).
    """

    stickiness: Stickiness
    until: datetime


@dataclass(frozen=True, slots=True)
class ShiftIntended:
    """About to be written. `before` and `suspended` are by route name; `base` None: nobody knows it.

    suspended: stickiness that was off before or will be off after. restores: the routes of these where the move brings
    it back, which counts once it is verified: until then nothing that was put aside may be forgotten.
    """

    kind: Kind
    base: Color | None
    before: Mapping[str, Split]
    to: Split
    actor: str | None = None
    suspended: Mapping[str, SuspendedStickiness] = field(default_factory=dict)
    restores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShiftVerified:
    """Every route reads back as meant. `actor` where it was not known when the intent was written."""

    actor: str | None = None


@dataclass(frozen=True, slots=True)
class ShiftFailed:
    """Not as meant. `after` is what each route was last seen to hold; a route that could not be read is left out."""

    reason: str
    after: Mapping[str, Split]


@dataclass(frozen=True, slots=True)
class Promoted:
    """The bake ended well: `color` is live."""

    color: Color


@dataclass(frozen=True, slots=True)
class DriftAccepted:
    """The operator takes what AWS holds as the truth."""

    splits: Mapping[str, Split]
    actor: str | None = None


Event = ShiftIntended | ShiftVerified | ShiftFailed | Promoted | DriftAccepted


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `sequence` counts from 1 without gaps; `at` is UTC."""

    sequence: int
    at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Record:
    """What the journal knows of a service.

    sequence: the last entry's, 0 without any. base: where a rollback goes. splits: last known of each route.
    in_doubt: an intent stands without an outcome, so `splits` may or may not have become `meant`.
    suspended: stickiness that was put aside. restores: the routes where the last intent meant to bring it back.
    """

    sequence: int = 0
    base: Color | None = None
    splits: Mapping[str, Split] = field(default_factory=dict)
    in_doubt: bool = False
    meant: Split | None = None
    kind: Kind | None = None
    actor: str | None = None
    at: datetime | None = None
    suspended: Mapping[str, SuspendedStickiness] = field(default_factory=dict)
    restores: tuple[str, ...] = ()
    promoted: Color | None = None

    def may_hold(self, route: str, split: Split) -> bool:
        """Whether AWS holding `split` on `route` agrees with the record. What is not recorded is never drift."""
        if route not in self.splits:
            return True
        return split == self.splits[route] or (self.in_doubt and split == self.meant)


def fold(entries: Iterable[Entry]) -> Record:
    """What is known after `entries`, oldest first: the whole journal, or a tail that holds its last intent."""
    record = Record()
    for entry in entries:
        record = replace(_after(record, entry), sequence=entry.sequence)
    return record


def _after(record: Record, entry: Entry) -> Record:
    match entry.event:
        case ShiftIntended() as intent:
            return replace(
                record,
                base=intent.base,
                splits=dict(intent.before),
                in_doubt=True,
                meant=intent.to,
                kind=intent.kind,
                actor=intent.actor,
                at=entry.at,
                suspended=dict(intent.suspended),
                restores=intent.restores,
                promoted=None,
            )
        case ShiftVerified(actor):
            meant = record.meant
            splits = record.splits if meant is None else dict.fromkeys(record.splits, meant)
            still_off = {name: held for name, held in record.suspended.items() if name not in record.restores}
            return replace(
                record,
                splits=splits,
                in_doubt=False,
                actor=actor or record.actor,
                at=entry.at,
                suspended=still_off,
                restores=(),
            )
        case ShiftFailed(_, after):
            return replace(record, splits=dict(after), in_doubt=False, at=entry.at)
        case Promoted(color):
            return replace(record, promoted=color, at=entry.at)
        case DriftAccepted(splits, actor):
            return replace(record, splits=dict(splits), in_doubt=False, actor=actor, at=entry.at)
