"""A journal in a local file, for contracts without a state table: it counts on its machine only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from toolkit.errors import JournalConflict, JournalError
from toolkit.rollout.codec import decode, encode
from toolkit.rollout.events import Entry, Event

_BUSY_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    place TEXT NOT NULL, service TEXT NOT NULL, sequence INTEGER NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (place, service, sequence)
) STRICT
"""


class SqliteJournal:
    """One file for many services. `place` (account and region) keeps those of the same name apart."""

    def __init__(self, path: Path, *, place: str) -> None:
        self._path = path
        self._place = place

    def tail(self, service: str, limit: int) -> Sequence[Entry]:
        with self._connected("reading") as connection:
            rows = connection.execute(
                "SELECT entry FROM entries WHERE place = ? AND service = ? ORDER BY sequence DESC LIMIT ?",
                (self._place, service, limit),
            ).fetchall()
        return [decode(text, source=str(self._path)) for (text,) in reversed(rows)]

    def append(self, service: str, event: Event, *, at: datetime, after: int) -> Entry:
        entry = Entry(after + 1, at, event)
        with self._connected("writing") as connection:
            try:
                (last,) = connection.execute(
                    "SELECT COALESCE(MAX(sequence), 0) FROM entries WHERE place = ? AND service = ?",
                    (self._place, service),
                ).fetchone()
                if last != after:
                    raise sqlite3.IntegrityError
                connection.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?)",
                    (self._place, service, entry.sequence, encode(entry)),
                )
            except sqlite3.IntegrityError as error:
                raise JournalConflict(
                    f"{service}: somebody else recorded entry {entry.sequence} at the same moment",
                    hint=f"See `bluegreen status {service}`, then try again.",
                ) from error
        return entry

    @contextmanager
    def _connected(self, doing: str) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection, connection:
                connection.execute(_SCHEMA)
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise JournalError(
                f"{doing} the local record {self._path} failed: {error}",
                hint="Mend or remove the file; without it the base color is unknown.",
            ) from error
