"""What only the store in a file does: privacy, old files, several processes."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.journals import NOON, chained, holder
from toolkit.errors import JournalConflict, JournalError, LeaseLost, Locked
from toolkit.journal import database as module
from toolkit.journal.sqlite import SqliteStore
from toolkit.rollout.events import Promoted, ShiftVerified, Stuck
from toolkit.traffic import Color

PLACE = "123456789012/eu-central-1"
OF_SCHEMA_1 = (
    '{"actor":"alice","at":"2026-01-02T12:00:00+00:00","event":"ShiftVerified","schema_version":1,"sequence":1}'
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bluegreen" / "journal.sqlite3"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_what_lies_beside_it_are_the_owners_alone(path: Path) -> None:
    store = SqliteStore(path, place=PLACE)
    store.append("web", chained([ShiftVerified()])[0])
    beside = sorted(each.name for each in path.parent.iterdir())
    assert beside == ["journal.sqlite3", "journal.sqlite3-shm", "journal.sqlite3-wal"]
    assert {mode(each) for each in path.parent.iterdir()} == {0o600}
    assert mode(path.parent) == mode(path.parent.parent) == 0o700


def test_a_folder_that_stood_keeps_its_mode(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o750)
    SqliteStore(path, place=PLACE).tail("web", 1)
    assert mode(path.parent) == 0o750


def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    store = SqliteStore(path, place=PLACE)
    store.append("web", chained([ShiftVerified()])[0])
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM entries")
        assert len(store.tail("web", 8)) == 1
        writer.execute("ROLLBACK")


def test_a_writer_that_stays_is_a_clear_error_and_nothing_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    store = SqliteStore(path, place=PLACE)
    assert list(store.tail("web", 8)) == []
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="locked") as refused:
            store.append("web", chained([ShiftVerified()])[0])
        writer.execute("ROLLBACK")
    assert "Another process" in refused.value.hint
    assert list(store.tail("web", 8)) == []


def test_a_file_of_an_earlier_release_is_read_and_goes_on_and_becomes_private(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "CREATE TABLE entries (place TEXT NOT NULL, service TEXT NOT NULL, sequence INTEGER NOT NULL, "
            "entry TEXT NOT NULL, PRIMARY KEY (place, service, sequence)) STRICT"
        )
        old.execute("INSERT INTO entries VALUES (?, 'web', 1, ?)", (PLACE, OF_SCHEMA_1))
    path.chmod(0o644)
    store = SqliteStore(path, place=PLACE)
    (first,) = store.tail("web", 8)
    assert (first.event, first.actor) == (ShiftVerified(), "alice")
    lease = store.acquire("web", holder(), now=NOON, seconds=30)
    (second,) = chained([Promoted(Color.GREEN)], head=first.head)
    store.append("web", second, lease=lease)
    assert list(store.tail("web", 8)) == [first, second]
    assert second.previous == first.hash
    assert mode(path) == 0o600


def test_a_file_that_was_removed_or_replaced_is_noticed(path: Path) -> None:
    store = SqliteStore(path, place=PLACE)
    (entry,) = chained([ShiftVerified()])
    store.append("web", entry)
    for each in path.parent.iterdir():
        each.unlink()
    assert list(store.tail("web", 8)) == []
    store.append("web", entry)
    assert list(SqliteStore(path, place=PLACE).tail("web", 8)) == [entry]


def test_nothing_stays_open_once_nobody_has_the_store(path: Path) -> None:
    stores = [SqliteStore(path, place=str(number)) for number in range(50)]
    for store in stores:
        store.append("web", chained([ShiftVerified()])[0])
    assert len(handles(path)) <= 3, "one connection, however many stores"
    del store, stores
    assert handles(path) == []
    assert [each.name for each in path.parent.iterdir()] == ["journal.sqlite3"]


def handles(path: Path) -> list[str]:
    """The files that this process has open of those at `path`."""
    links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return [target for target in map(os.readlink, links) if target.startswith(str(path))]


def test_many_threads_with_stores_of_their_own_take_turns_and_none_is_refused(path: Path) -> None:
    def work(number: int) -> int:
        store = SqliteStore(path, place=PLACE)
        service = f"web{number}"
        lease = store.acquire(service, holder(), now=NOON, seconds=30)
        for entry in chained([Stuck(str(each)) for each in range(5)], service=service):
            store.append(service, entry, lease=lease)
        store.release(lease)
        return len(store.tail(service, 8))

    with ThreadPoolExecutor(max_workers=32) as pool:
        assert list(pool.map(work, range(64))) == [5] * 64


def test_places_do_not_meet_in_one_file(path: Path) -> None:
    here, there = (SqliteStore(path, place=place) for place in ("1/eu-central-1", "1/us-east-1"))
    here.append("web", chained([ShiftVerified()])[0])
    here.acquire("web", holder(), now=NOON, seconds=30)
    assert list(there.tail("web", 8)) == []
    assert there.holder("web") is None
    assert there.acquire("web", holder("bob"), now=NOON, seconds=30).token == 1


def test_a_damaged_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("this is no database, and long enough to be taken for one" * 20)
    with pytest.raises(JournalError, match="local record"):
        SqliteStore(tmp_path / "j", place="x").tail("web", 8)


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="local record"):
        SqliteStore(tmp_path / "file" / "j", place="x").tail("web", 8)


def test_a_damaged_lease_is_a_clear_error_and_can_be_broken(path: Path) -> None:
    store = SqliteStore(path, place=PLACE)
    store.acquire("web", holder(), now=NOON, seconds=30)
    with closing(sqlite3.connect(path)) as vandal, vandal:
        vandal.execute("""UPDATE leases SET holder = '{"name": 1}'""")
    with pytest.raises(JournalError, match="lease of web"):
        store.holder("web")
    with pytest.raises(JournalError, match="lease of web"):
        store.acquire("web", holder(), now=NOON, seconds=30)
    assert store.acquire("web", holder("bob"), now=NOON, seconds=30, force=True).token == 2


def test_a_command_of_another_making_is_a_clear_error(path: Path) -> None:
    store = SqliteStore(path, place=PLACE)
    store.pending("web")
    with closing(sqlite3.connect(path)) as vandal, vandal:
        vandal.execute("INSERT INTO inbox VALUES (?, 'web', 'a', '{\"word\": \"explode\"}')", (PLACE,))
    with pytest.raises(JournalError, match="inbox"):
        store.pending("web")


RIVAL = """
import sys
from datetime import datetime
from pathlib import Path
from tests.support.journals import NOON, chained, holder
from toolkit.errors import Locked
from toolkit.journal.sqlite import SqliteStore
from toolkit.rollout.events import Stuck

path, name = sys.argv[1:]
store = SqliteStore(Path(path), place="x")
print("ready", flush=True)
for line in sys.stdin:
    try:
        lease = store.acquire(line.strip(), holder(name), now=NOON, seconds=30)
        store.append(line.strip(), chained([Stuck(name)], service=line.strip())[0], lease=lease)
        print("won", flush=True)
    except Locked:
        print("locked", flush=True)
"""


def test_of_two_processes_exactly_one_gets_the_lease_and_writes(path: Path) -> None:
    command = [sys.executable, "-c", RIVAL, str(path)]
    root = Path(__file__).parents[2]
    rivals = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        for name in ("a", "b")
    ]
    try:
        pipes = [(rival.stdin, rival.stdout) for rival in rivals]
        assert [out.readline() for _, out in pipes if out] == ["ready\n"] * 2
        for number in range(20):
            for into, _ in pipes:
                assert into
                into.write(f"web{number}\n")
                into.flush()
            assert sorted(out.readline() for _, out in pipes if out) == ["locked\n", "won\n"]
            store = SqliteStore(path, place="x")
            held, (entry,) = store.holder(f"web{number}"), store.tail(f"web{number}", 8)
            assert held is not None
            assert entry.event == Stuck(held.holder.name)
    finally:
        for rival in rivals:
            rival.communicate(timeout=30)
    assert [rival.returncode for rival in rivals] == [0, 0]


def test_what_another_process_took_over_is_lost_here(path: Path) -> None:
    here, there = (SqliteStore(path, place=PLACE) for _ in range(2))
    lost = here.acquire("web", holder("alice"), now=NOON, seconds=30)
    with pytest.raises(Locked):
        there.acquire("web", holder("bob"), now=NOON, seconds=30)
    there.acquire("web", holder("bob"), now=NOON + timedelta(seconds=30), seconds=30)
    (entry,) = chained([ShiftVerified()])
    with pytest.raises(LeaseLost, match="bob"):
        here.append("web", entry, lease=lost)
    there.append("web", entry)
    with pytest.raises(JournalConflict):
        here.append("web", entry)
