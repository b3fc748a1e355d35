"""A store in a local file, for contracts without a state table: it counts on its machine only.

Every write is one `BEGIN IMMEDIATE` transaction, which SQLite gives to one process at a time, so a check and the
write it allows are one step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from toolkit.errors import JournalError
from toolkit.journal.database import BUSY, database
from toolkit.rollout.codec import decode, encode
from toolkit.rollout.contention import conflict, lease_lost, locked
from toolkit.rollout.events import Entry
from toolkit.rollout.ports import Command, Cursor, Holder, Lease
from toolkit.rollout.store_codec import command_in, command_out, cursor_in, cursor_out, holder_out, lease_in

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS entries (
        place TEXT NOT NULL, service TEXT NOT NULL, sequence INTEGER NOT NULL, entry TEXT NOT NULL,
        PRIMARY KEY (place, service, sequence)
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS leases (
        place TEXT NOT NULL, service TEXT NOT NULL, token INTEGER NOT NULL, holder TEXT NOT NULL,
        since TEXT NOT NULL, expires TEXT NOT NULL, released INTEGER NOT NULL,
        PRIMARY KEY (place, service)
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS inbox (
        place TEXT NOT NULL, service TEXT NOT NULL, id TEXT NOT NULL, command TEXT NOT NULL,
        PRIMARY KEY (place, service, id)
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS cursors (
        place TEXT NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL, cursor TEXT NOT NULL,
        PRIMARY KEY (place, service, name)
    ) STRICT""",
)


class SqliteStore:
    """One file for many services. `place` (account and region) keeps those of the same name apart."""

    def __init__(self, path: Path, *, place: str) -> None:
        self._database = database(path, _SCHEMA)
        self._place = place
        self._source = str(path)

    def tail(self, service: str, limit: int) -> Sequence[Entry]:
        rows = self._entries("WHERE place = ? AND service = ? ORDER BY sequence DESC LIMIT ?", service, max(limit, 0))
        return [decode(text, source=self._source) for _, text in reversed(rows)]

    def since(self, service: str, sequence: int) -> Sequence[Entry]:
        rows = self._entries("WHERE place = ? AND service = ? AND sequence >= ? ORDER BY sequence", service, sequence)
        return [decode(text, source=self._source) for _, text in rows]

    def texts(self, service: str) -> Sequence[tuple[int, str]]:
        return self._entries("WHERE place = ? AND service = ? ORDER BY sequence", service)

    def append(self, service: str, entry: Entry, *, lease: Lease | None = None) -> None:
        with self._writing() as connection:
            if lease is not None:
                self._require(connection, lease)
            try:
                row = (self._place, service, entry.sequence, encode(entry))
                connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise conflict(service, entry.sequence) from None

    def holder(self, service: str) -> Lease | None:
        with self._reading() as connection:
            return self._held(connection, service)

    def acquire(
        self,
        service: str,
        holder: Holder,
        *,
        now: datetime,
        seconds: float,
        over: Lease | None = None,
        force: bool = False,
    ) -> Lease:
        with self._writing() as connection:
            if not force:
                held = self._held(connection, service)
                is_over = over is not None and held is not None and held.token == over.token
                if held is not None and held.is_held(now) and not is_over:
                    raise locked(held)
            (last,) = connection.execute(
                "SELECT COALESCE(MAX(token), 0) FROM leases WHERE place = ? AND service = ?", (self._place, service)
            ).fetchone()
            lease = Lease(service, last + 1, holder, now, now + timedelta(seconds=seconds))
            self._keep(connection, lease)
            return lease

    def renew(self, lease: Lease, *, now: datetime, seconds: float) -> Lease:
        with self._writing() as connection:
            held = self._require(connection, lease)
            renewed = replace(held, expires=now + timedelta(seconds=seconds))
            self._keep(connection, renewed)
            return renewed

    def release(self, lease: Lease) -> None:
        with self._writing() as connection:
            connection.execute(
                "UPDATE leases SET released = 1 WHERE place = ? AND service = ? AND token = ?",
                (self._place, lease.service, lease.token),
            )

    def put(self, service: str, command: Command) -> None:
        with self._writing() as connection:
            row = (self._place, service, command.id, command_out(command))
            connection.execute("INSERT OR REPLACE INTO inbox VALUES (?, ?, ?, ?)", row)

    def pending(self, service: str) -> Sequence[Command]:
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT command FROM inbox WHERE place = ? AND service = ?", (self._place, service)
            ).fetchall()
        commands = [command_in(text, source=self._source) for (text,) in rows]
        return sorted(commands, key=lambda command: (command.at, command.id))

    def remove(self, service: str, ids: Sequence[str]) -> None:
        with self._writing() as connection:
            connection.executemany(
                "DELETE FROM inbox WHERE place = ? AND service = ? AND id = ?",
                [(self._place, service, each) for each in ids],
            )

    def cursor(self, service: str, name: str) -> Cursor | None:
        with self._reading() as connection:
            row = connection.execute(
                "SELECT cursor FROM cursors WHERE place = ? AND service = ? AND name = ?", (self._place, service, name)
            ).fetchone()
        return cursor_in(service, row[0], source=self._source) if row else None

    def keep_cursor(self, service: str, name: str, cursor: Cursor) -> None:
        with self._writing() as connection:
            row = (self._place, service, name, cursor_out(cursor))
            connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?)", row)

    def _entries(self, which: str, service: str, *more: int) -> list[tuple[int, str]]:
        with self._reading() as connection:
            return connection.execute(
                f"SELECT sequence, entry FROM entries {which}",  # noqa: S608 - `which` is of this file
                (self._place, service, *more),
            ).fetchall()

    def _held(self, connection: sqlite3.Connection, service: str) -> Lease | None:
        row = connection.execute(
            "SELECT token, holder, since, expires FROM leases WHERE place = ? AND service = ? AND released = 0",
            (self._place, service),
        ).fetchone()
        return lease_in(service, *row, source=self._source) if row else None

    def _require(self, connection: sqlite3.Connection, lease: Lease) -> Lease:
        held = self._held(connection, lease.service)
        if held is None or held.token != lease.token:
            raise lease_lost(lease, held)
        return held

    def _keep(self, connection: sqlite3.Connection, lease: Lease) -> None:
        times = (lease.since.isoformat(), lease.expires.isoformat())
        connection.execute(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, 0)",
            (self._place, lease.service, lease.token, holder_out(lease.holder), *times),
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._told("writing"), self._database.writing() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._told("reading"), self._database.reading() as connection:
            yield connection

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            busy = getattr(error, "sqlite_errorcode", None) in BUSY
            raise JournalError(
                f"{doing} the local record {self._source} failed: {error}",
                hint="Another process has been writing it for seconds; try again."
                if busy
                else "Mend or remove the file; without it the base color is unknown.",
            ) from error
