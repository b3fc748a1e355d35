"""A journal that lasts as long as its process: the plainest there is, for tests of what is built on one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from toolkit.errors import JournalConflict
from toolkit.rollout.events import Entry, Event


class MemoryJournal:
    def __init__(self) -> None:
        self._entries: defaultdict[str, list[Entry]] = defaultdict(list)

    def tail(self, service: str, limit: int) -> Sequence[Entry]:
        return self._entries[service][-limit:] if limit > 0 else []

    def append(self, service: str, event: Event, *, at: datetime, after: int) -> Entry:
        entries = self._entries[service]
        if after != len(entries):
            raise JournalConflict(f"{service}: somebody else recorded entry {after + 1} at the same moment")
        entries.append(Entry(after + 1, at, event))
        return entries[-1]
