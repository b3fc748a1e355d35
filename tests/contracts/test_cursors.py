"""What every store keeps of notifiers: in memory, in SQLite, and in DynamoDB in the lab."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from tests.contracts.test_store import INTENT, dynamodb, memory, record, sqlite, take
from tests.support.journals import NOON
from toolkit.rollout.ports import Cursor, Cursors, Store


class Keeper(Store, Cursors, Protocol):
    """A store that keeps cursors too."""


@pytest.fixture(params=[memory, sqlite, pytest.param(dynamodb, marks=pytest.mark.lab)])
def store(request: pytest.FixtureRequest) -> Keeper:
    made: Keeper = request.param(request)
    return made


def cursor(sequence: int = 7) -> Cursor:
    return Cursor(sequence, "ab" * 32, NOON + timedelta(microseconds=1))


def test_a_notifier_that_has_told_nothing_has_no_cursor(store: Keeper) -> None:
    assert store.cursor("web", "sns") is None


def test_a_cursor_comes_back_whole_and_the_later_one_stands(store: Keeper) -> None:
    for kept in (cursor(7), cursor(12), cursor(3)):  # one that goes back is kept too: it is told again, never lost
        store.keep_cursor("web", "sns", kept)
        assert store.cursor("web", "sns") == kept


def test_services_and_notifiers_do_not_meet(store: Keeper) -> None:
    places = [("web", "sns"), ("web", "sns2"), ("web2", "sns")]
    for number, (service, name) in enumerate(places, 1):
        store.keep_cursor(service, name, cursor(number))
    kept = [store.cursor(service, name) for service, name in places]
    assert [each and each.sequence for each in kept] == [1, 2, 3]


def test_a_cursor_is_kept_whoever_holds_the_lease_and_is_no_part_of_the_journal(store: Keeper) -> None:
    lease = take(store)
    store.keep_cursor("web", "sns", cursor())
    record(store, INTENT, lease=lease)
    assert store.holder("web") == lease
    assert _numbers(store) == [1]
    assert list(store.pending("web")) == []


def test_a_file_of_an_earlier_release_takes_cursors(tmp_path: Path) -> None:
    import sqlite3

    from toolkit.journal.sqlite import SqliteStore

    path = tmp_path / "journal.sqlite3"
    store = SqliteStore(path, place="here")
    record(store, INTENT)
    del store
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE cursors")
    again = SqliteStore(path, place="here")
    again.keep_cursor("web", "sns", cursor())
    assert again.cursor("web", "sns") == cursor()
    assert _numbers(again) == [1]


def _numbers(store: Store) -> Sequence[int]:
    return [number for number, _ in store.texts("web")]
