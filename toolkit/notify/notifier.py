"""A notifier: it follows the journal of one service with a cursor of its own and tells a sink what happens.

At least once and in order: an entry is told before the cursor passes it, so whoever ends between the two tells it
again. Two of one name may tell twice, and lose nothing: what lies behind a cursor was told by somebody.

The cursor holds the hash of the last entry that was told, so a journal that was cut off or written anew is found; that
is told too. What was written since then, by its time, is told as it stands now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from toolkit.errors import AuditFailed
from toolkit.rollout.announcing import Known, known_of, learned, notification_of
from toolkit.rollout.events import Entry, Head, RolloutStarted, ShiftIntended, start_of
from toolkit.rollout.notification import Notification, Place, Sink, Unsent, broken, stand_in
from toolkit.rollout.ports import Clock, Cursor, Cursors, Journal
from toolkit.settings import NotifyEvents

TRIES = 5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
LOOK_BACK = 256
"""Entries that a notifier without a cursor looks through for where to begin."""
_CONTEXT = 16
"""Entries before the cursor that are read to know what the routes hold; a rollout under way is read from its start."""

Wait = Callable[[float], bool]
"""Waits for so many seconds; True, and at once, where nothing shall be waited for any more."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What is followed: a service, where it lives, its journal, and where the cursor is kept under `name`."""

    service: str
    place: Place
    name: str
    journal: Journal
    cursors: Cursors


class Notifier:
    """For one thread at a time."""

    def __init__(
        self, followed: Followed, sink: Sink, clock: Clock, *, wait: Wait, events: NotifyEvents = NotifyEvents.IMPORTANT
    ) -> None:
        self._followed = followed
        self._sink = sink
        self._clock = clock
        self._wait = wait
        self._events = events
        self._cursor: Cursor | None = None
        self._kept: Cursor | None = None
        self._known = Known()

    def skip(self) -> None:
        """Tell nothing of what there is up to now. Raises JournalError."""
        last = list(self._followed.journal.tail(self._followed.service, 1))
        self._keep(self._after(last))
        self._known = self._context(last)

    def catch_up(self) -> int:
        """Tell everything that was not told yet; how many notifications that were.

        Raises:
            Unsent: the sink did not take one, tries included; the next call begins with it.
            AuditFailed: the journal is not what it was. Where that was told, so was everything after it.
            JournalError: the journal or the cursor cannot be read or written.
        """
        faults: list[str] = []
        try:
            told = sum(self._tell(entry, faults) for entry in self._untold(faults))
        except Unsent as error:
            if faults:
                raise self._failed(faults, f"Nobody could be told: {error.reason}") from error
            raise
        if self._cursor is not None and self._cursor != self._kept:
            self._keep(self._cursor)
        if faults:
            raise self._failed(faults, f"It was told to {self._followed.name}")
        return told

    def _untold(self, faults: list[str]) -> Sequence[Entry]:
        """The entries past the cursor, once it is seen that the one under it is what was told."""
        cursor = self._cursor or self._found()
        entries = list(self._followed.journal.since(self._followed.service, max(1, cursor.sequence)))
        if not cursor.sequence:
            return entries
        if entries and entries[0].head == Head(cursor.sequence, cursor.hash):
            return entries[1:]
        faults.append(_why_not(cursor, entries))
        return self._after_the_break(cursor, faults[-1])

    def _tell(self, entry: Entry, faults: list[str]) -> int:
        """Tell one, if it is wanted, and step past it; how many notifications that were."""
        fault = _gap(self._cursor, entry) if self._cursor else ""
        if fault:
            faults.append(fault)
            self._give(self._broken(fault, entry.head))
        known, followed = learned(self._known, entry), self._followed
        notification = notification_of(followed.service, followed.place, entry, self._known, known)
        wanted = notification.is_wanted(self._events)
        if wanted:
            self._give(notification)
            self._keep(_cursor_at(entry))
        self._known, self._cursor = known, _cursor_at(entry)
        return int(wanted)

    def _failed(self, faults: Sequence[str], then: str) -> AuditFailed:
        service = self._followed.service
        return AuditFailed(
            f"{service}: the journal is not what it was: {faults[0]}. {then}.",
            hint=f"Look at all of it: bluegreen audit verify {service}",
        )

    def _found(self) -> Cursor:
        """Where it stands; at first, before the newest rollout there is, or the last shift."""
        followed = self._followed
        cursor = followed.cursors.cursor(followed.service, followed.name)
        if cursor is None:
            tail = list(followed.journal.tail(followed.service, LOOK_BACK))
            begins = _beginning(tail)
            cursor = self._before(tail[begins:]) if tail[begins:] else self._after(tail)
            self._known = known_of(tail[:begins])
        elif cursor.sequence:
            self._known = self._context(followed.journal.since(followed.service, cursor.sequence)[:1])
            self._kept = cursor
        self._cursor = cursor
        return cursor

    def _context(self, last: Sequence[Entry]) -> Known:
        """What is known at the last entry that was told."""
        if not last:
            return Known()
        number = last[0].sequence
        start = start_of(last[0].rollout) if last[0].rollout else None
        first = max(1, min(number - _CONTEXT, start[1] if start else number))
        entries = self._followed.journal.since(self._followed.service, first)
        return known_of(entry for entry in entries if entry.sequence <= number)

    def _before(self, entries: Sequence[Entry]) -> Cursor:
        return Cursor(entries[0].sequence - 1, entries[0].previous, entries[0].at)

    def _after(self, entries: Sequence[Entry]) -> Cursor:
        return _cursor_at(entries[-1]) if entries else Cursor(0, "", self._clock.now())

    def _keep(self, cursor: Cursor) -> None:
        followed = self._followed
        followed.cursors.keep_cursor(followed.service, followed.name, cursor)
        self._cursor = self._kept = cursor

    def _after_the_break(self, cursor: Cursor, fault: str) -> Sequence[Entry]:
        """Tell that the journal does not hold what was told last; what was written since then, by its time."""
        entries = list(self._followed.journal.since(self._followed.service, 1))
        self._give(self._broken(fault, entries[-1].head if entries else Head()))
        newer = next((index for index, entry in enumerate(entries) if entry.at > cursor.at), len(entries))
        self._keep(_cursor_at(entries[newer - 1]) if newer else Cursor(0, "", cursor.at))
        self._known = known_of(entries[:newer])
        return entries[newer:]

    def _broken(self, fault: str, head: Head) -> Notification:
        return broken(self._followed.service, self._followed.place, fault, head, self._clock.now())

    def _give(self, notification: Notification) -> None:
        """Have it taken: itself, or where the sink takes everything but this one, a word that stands for it."""
        try:
            self._send(notification)
        except Unsent as error:
            if not error.refused:
                raise
            try:
                self._send(stand_in(notification, error.reason))
            except Unsent:
                raise error from None  # it refuses whatever it is sent: nothing is passed over

    def _send(self, notification: Notification) -> None:
        pause = FIRST_PAUSE_SECONDS
        for left in reversed(range(TRIES)):
            try:
                return self._sink.send(notification)
            except Unsent as error:
                if not error.again or not left or self._wait(min(max(pause, error.after), LONGEST_PAUSE_SECONDS)):
                    raise
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return None


def _cursor_at(entry: Entry) -> Cursor:
    return Cursor(entry.sequence, entry.hash, entry.at)


def _beginning(tail: Sequence[Entry]) -> int:
    """The index of the newest rollout's first entry, else of the last shift, else past the end."""
    for kind in (RolloutStarted, ShiftIntended):
        for index in reversed(range(len(tail))):
            if isinstance(tail[index].event, kind):
                return index
    return len(tail)


def _why_not(cursor: Cursor, entries: Sequence[Entry]) -> str:
    if not entries:
        return f"entry {cursor.sequence} was told, and the journal ends before it: it was cut off"
    if entries[0].sequence != cursor.sequence:
        return f"entry {cursor.sequence} was told, and is missing now"
    return (
        f"entry {cursor.sequence} was told with the hash {cursor.hash}, and has {entries[0].hash} now: it was changed"
    )


def _gap(passed: Cursor, entry: Entry) -> str:
    """What is wrong between two entries; entries of before there were hashes carry none."""
    if entry.sequence != passed.sequence + 1:
        return f"after entry {passed.sequence} comes {entry.sequence}: what lay between is missing"
    if entry.previous and entry.previous != passed.hash:
        return f"entry {entry.sequence} carries another hash of entry {passed.sequence} than that one has"
    return ""
