"""One connection to an SQLite file for the whole process, used by one thread at a time.

Threads of one process then wait for each other in turn, and SQLite's own waiting, which lets nobody be first, is left
to other processes. A connection that stays open also spares each write a checkpoint: half of its time.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from toolkit.journal.private import make_folder

BUSY_SECONDS = 5.0
"""How long a write waits for another process's."""

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


class Database:
    """The file at `path`, with `tables` in it; `database` gives the one of this process.

    The file and what SQLite puts beside it are the owner's alone (0600).
    """

    def __init__(self, path: Path, tables: Sequence[str]) -> None:
        self._path = path
        self._tables = tables
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one statement. Raises OSError, sqlite3.Error."""
        with self._lock:
            connection = self._opened()
            try:
                yield connection
            except sqlite3.Error:
                self._close()
                raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, begun at once: all of it, or, where anything is raised, nothing. Raises as `reading`."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _opened(self) -> sqlite3.Connection:
        """The connection to the file that is there now: somebody may have removed the one we had."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            found = None
        if self._connection is None or found is None or (found.st_dev, found.st_ino) != self._file:
            self._close()
            self._connection = self._open()
            found = self._path.stat()
            self._file = (found.st_dev, found.st_ino)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        _make_private(self._path)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _write_ahead(connection)
            connection.execute(
                "PRAGMA synchronous = FULL"
            )  # an intent outlives a power cut, whatever the build's default
            for table in self._tables:
                connection.execute(table)
        except BaseException:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def __del__(self) -> None:
        self._close()


_OPENED: WeakValueDictionary[Path, Database] = WeakValueDictionary()
_MAKING = Lock()


def database(path: Path, tables: Sequence[str]) -> Database:
    """The one of this process, for as long as somebody has it."""
    with _MAKING:
        whole = path.absolute()
        found = _OPENED.get(whole)
        if found is None:
            found = _OPENED[whole] = Database(whole, tables)
        return found


def _make_private(path: Path) -> None:
    """Make the file where there is none, and take others' rights from one of an earlier release.

    SQLite gives its -wal and -shm the mode of the file they belong to. Closing a file drops every lock that SQLite
    holds on it in this process (https://sqlite.org/howtocorrupt.html), so it is opened here only while nobody can
    have opened it yet.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        make_folder(path.parent)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return
    if mode & _OTHERS_MAY:
        with suppress(PermissionError):  # somebody else's file: they decide
            path.chmod(0o600)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Readers then never wait for a writer. Kept in the file, so only the first to come changes anything.

    Where others are at work in that moment, SQLite refuses; this connection then works in the old mode, as safely.
    """
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in BUSY:
            raise
