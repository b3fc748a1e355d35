"""The fold that turns a journal's tail into what is known now.

The tail since the last intent is enough, so the whole journal need not be read. A rollout's own events are folded by
`machine`; here only which rollout is under way is known of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from toolkit.rollout.events import (
    DriftAccepted,
    Entry,
    Head,
    Kind,
    Promoted,
    RolloutEnded,
    RolloutStarted,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    SuspendedStickiness,
)
from toolkit.traffic import Color, Split


@dataclass(frozen=True, slots=True)
class Record:
    """What the journal knows of a service.

    head: the journal's end. base: where a rollback goes. splits: last known of each route.
    in_doubt: an intent stands without an outcome, so `splits` may or may not have become `meant`.
    suspended: stickiness that was put aside. restores: the routes where the last intent meant to bring it back.
    actor, at: of the last move. rollout: the id of the one under way, run by somebody or not. starting: its base, while
    it has meant no shift yet. in_place: the one under way updates the live color itself, and has
    meant no shift.
    """

    head: Head = field(default_factory=Head)
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
    rollout: str | None = None
    starting: Color | None = None
    in_place: bool = False

    @property
    def goes_back_to(self) -> Color | None:
        """Where a rollback goes now; None: nobody knows."""
        return self.starting or self.base

    @property
    def sequence(self) -> int:
        """The last entry's number, 0 without any."""
        return self.head.sequence

    def may_hold(self, route: str, split: Split) -> bool:
        """Whether AWS holding `split` on `route` agrees with the record. What is not recorded is never drift."""
        if route not in self.splits:
            return True
        return split == self.splits[route] or (self.in_doubt and split == self.meant)


def fold(entries: Iterable[Entry]) -> Record:
    """What is known after `entries`, oldest first: the whole journal, or a tail that holds its last intent."""
    record = Record()
    for entry in entries:
        record = after(record, entry)
    return record


def after(record: Record, entry: Entry) -> Record:
    """What is known once `entry` has been appended too."""
    under_way = None if isinstance(entry.event, RolloutEnded) else entry.rollout
    return replace(_moved(record, entry), head=entry.head, rollout=under_way)


def _moved(record: Record, entry: Entry) -> Record:  # noqa: PLR0911 - one case an event
    match entry.event:
        case ShiftIntended() as intent:
            return replace(
                record,
                base=intent.base,
                splits=dict(intent.before),
                in_doubt=True,
                meant=intent.to,
                kind=intent.kind,
                actor=entry.actor,
                at=entry.at,
                suspended=dict(intent.suspended),
                restores=intent.restores,
                promoted=None,
                starting=None,
                in_place=False,
            )
        case ShiftVerified():
            meant = record.meant
            splits = record.splits if meant is None else dict.fromkeys(record.splits, meant)
            still_off = {name: held for name, held in record.suspended.items() if name not in record.restores}
            return replace(
                record,
                splits=splits,
                in_doubt=False,
                actor=entry.actor or record.actor,
                at=entry.at,
                suspended=still_off,
                restores=(),
            )
        case ShiftFailed(_, seen):
            return replace(record, splits=dict(seen), in_doubt=False, at=entry.at)
        case Promoted(color):
            return replace(record, promoted=color, at=entry.at)
        case RolloutStarted(plan):
            return replace(record, starting=plan.base, in_place=plan.in_place)
        case RolloutEnded():
            return replace(record, starting=None, in_place=False)
        case DriftAccepted(splits):
            return replace(record, splits=dict(splits), in_doubt=False, actor=entry.actor, at=entry.at)
        case _:
            return record
