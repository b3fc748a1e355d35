"""Whether a journal is what was written: no entry changed, none missing, none cut off the end.

Each entry carries the hash of the one before, so a change of entry n shows at n + 1; the last entry is vouched for by
a head alone that was kept elsewhere. Whoever can write the table can write a whole new chain: only heads tell then.
Entries of before there were hashes (schema 1) are vouched for only as a whole, by the first that has one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from toolkit.errors import JournalError
from toolkit.rollout.codec import decode, hash_of
from toolkit.rollout.events import Entry, Head, RolloutStarted, start_of

_UNCHAINED = 1
"""The schema whose entries carry no hash."""


class Damage(StrEnum):
    CHANGED = "changed"
    MISSING = "missing"
    CUT_OFF = "cut-off"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry that is not as it was written. reason: one sentence that names it."""

    sequence: int
    damage: Damage
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What a look at the whole journal of a service gave.

    entries: how many there are. head: its end. chained_from: the first entry whose hash another carries, so from there
    on each is vouched for; None where there is none. vouched: the number of the entry up to which a known head vouches
    for everything, 0 without any.
    """

    entries: int
    head: Head = field(default_factory=Head)
    chained_from: int | None = None
    vouched: int = 0
    fault: Fault | None = None


class HeadLog(Protocol):
    """Where ends of journals are kept beside the journals themselves. Never raises: what fails is said."""

    def note(self, service: str, head: Head, *, at: datetime) -> None:
        """Remember where the journal of `service` ends."""

    def known(self, service: str) -> Sequence[Head]:
        """Every end of it that is kept, by number."""


def verify(texts: Sequence[tuple[int, str]], *, head: str | None = None, known: Sequence[Head] = ()) -> Audit:
    """Look at number and stored text of every entry, oldest first.

    head: a hash that the journal had as its end once. known: the same with their numbers, as this machine logged them.
    """
    whole, gap = _up_to_the_gap(texts)
    entries, unread = _decoded(whole)
    faults = [
        *gap,
        *unread,
        *_of_the_chain(whole, entries),
        *_of_the_rollouts(entries),
        *_of_the_heads(whole, texts[-1][0] if texts else 0, known),
        *_of_the_head(whole, head),
    ]
    hashes = {hash_of_text(text): number for number, text in whole}
    vouched = [number for number in (*(each.sequence for each in known), hashes.get(head or "", 0)) if number]
    return Audit(
        entries=len(texts),
        head=Head(texts[-1][0], hash_of_text(texts[-1][1])) if texts else Head(),
        chained_from=next((max(entry.sequence - 1, 1) for entry in entries.values() if entry.previous), None),
        vouched=max(vouched, default=0),
        fault=min(faults, key=lambda fault: fault.sequence, default=None),
    )


def hash_of_text(text: str) -> str:
    """As `codec.hash_of`, of any text; one that no journal writes has a hash that no entry has."""
    try:
        return hash_of(text)
    except UnicodeEncodeError:
        return ""


def _up_to_the_gap(texts: Sequence[tuple[int, str]]) -> tuple[list[tuple[int, str]], list[Fault]]:
    """The entries from 1 on without a gap, and the gap, if there is one."""
    for expected, (number, _) in enumerate(texts, start=1):
        if number < expected:
            return [*texts[: expected - 1]], [_changed(number, "no journal counts like this")]
        if number > expected:
            which = f"entry {expected} is" if number == expected + 1 else f"entries {expected} to {number - 1} are"
            return [*texts[: expected - 1]], [Fault(expected, Damage.MISSING, f"{which} missing")]
    return [*texts], []


def _decoded(texts: Sequence[tuple[int, str]]) -> tuple[dict[int, Entry], list[Fault]]:
    """What can be read before the first entry that cannot; and that one."""
    entries: dict[int, Entry] = {}
    for number, text in texts:
        try:
            entry = decode(text, source=f"number {number}")
        except JournalError as error:
            return entries, [_changed(number, error.message)]
        if entry.sequence != number:
            return entries, [_changed(number, f"it says it is entry {entry.sequence}")]
        entries[number] = entry
    return entries, []


def _of_the_chain(texts: Sequence[tuple[int, str]], entries: Mapping[int, Entry]) -> Iterator[Fault]:
    """The first entry that does not carry the hash of the one before it: one of the two was changed.

    It is the later one if what follows does not carry its hash either.
    """
    schemas = {number: json.loads(text)["schema_version"] for number, text in texts if number in entries}
    for number, entry in entries.items():
        before = entries.get(number - 1)
        if schemas[number] == _UNCHAINED:
            if before is not None and schemas[before.sequence] != _UNCHAINED:
                yield _changed(number, "it carries no hash, and one before it does")
                return
            continue
        if entry.previous == (before.hash if before else ""):
            continue
        after = entries.get(number + 1)
        if before is None:
            yield _changed(number, "it carries the hash of one before it, and there is none")
        elif after is not None and after.previous != entry.hash:
            yield _changed(number, "neither the hash that it carries nor its own fits its neighbours")
        else:
            last = "" if after else ", the last that was read (which may be the changed one itself),"
            yield _changed(number - 1, f"entry {number}{last} carries another hash of it")
        return


def _of_the_rollouts(entries: Mapping[int, Entry]) -> Iterator[Fault]:
    """Entries that say they are of a rollout that never began."""
    began: set[str] = set()
    for number, entry in entries.items():
        starts = isinstance(entry.event, RolloutStarted)
        if starts and entry.rollout is not None and (start_of(entry.rollout) or ("", 0))[1] == number:
            began.add(entry.rollout)
        elif starts:
            yield _changed(number, f"it starts a rollout under the id {entry.rollout!r}, which is not of its number")
        elif entry.rollout is not None and entry.rollout not in began:
            yield _changed(number, f"it is of rollout {entry.rollout!r}, which no entry before it starts")


def _of_the_heads(texts: Sequence[tuple[int, str]], last: int, known: Sequence[Head]) -> Iterator[Fault]:
    """Ends that the journal had, and has not among its entries."""
    hashes = {number: hash_of_text(text) for number, text in texts}
    for head in known:
        if head.sequence > last:
            reason = f"the journal once ended at entry {head.sequence}, and now at {last}: the rest was cut off"
            yield Fault(last + 1, Damage.CUT_OFF, reason)
        elif head.sequence in hashes and hashes[head.sequence] != head.hash:
            yield _changed(head.sequence, f"its hash was {head.hash} once; it or entries before it were written anew")


def _of_the_head(texts: Sequence[tuple[int, str]], head: str | None) -> Iterator[Fault]:
    if head is None or any(hash_of_text(text) == head for _, text in texts):
        return
    last = texts[-1][0] if texts else 0
    reason = f"no entry has the hash {head}: the journal was cut off after entry {last}, or entries were written anew"
    yield Fault(last + 1, Damage.CUT_OFF, reason)


def _changed(number: int, how: str) -> Fault:
    return Fault(number, Damage.CHANGED, f"entry {number} was changed: {how}")
