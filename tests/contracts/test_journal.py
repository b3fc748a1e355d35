"""What every Journal does: in memory, in SQLite, and in DynamoDB in the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fakes import NOON
from tests.support.provision import CREDENTIALS, REGION
from toolkit.aws.dynamodb import DynamoJournal
from toolkit.aws.session import Session
from toolkit.contract import Stickiness
from toolkit.errors import JournalConflict, JournalError
from toolkit.journal.memory import MemoryJournal
from toolkit.journal.sqlite import SqliteJournal
from toolkit.rollout.events import Event, Kind, Promoted, ShiftIntended, ShiftVerified, SuspendedStickiness
from toolkit.rollout.ports import Journal
from toolkit.settings import AwsSettings
from toolkit.traffic import Color, Split

INTENT = ShiftIntended(
    Kind.SHIFT,
    Color.BLUE,
    {"web": Split(blue=100, green=0)},
    Split(blue=80, green=20),
    "alice",
    suspended={"web": SuspendedStickiness(Stickiness(enabled=True, duration_seconds=60), NOON)},
)


def memory(_request: pytest.FixtureRequest) -> Journal:
    return MemoryJournal()


def sqlite(request: pytest.FixtureRequest) -> Journal:
    path: Path = request.getfixturevalue("tmp_path")
    return SqliteJournal(path / "deep" / "journal.sqlite3", place="123456789012/eu-central-1")


def dynamodb(request: pytest.FixtureRequest) -> Journal:
    pair = request.getfixturevalue("pair")()
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    session = Session(AwsSettings(region=REGION, endpoint_url=pair.endpoint_url))
    return DynamoJournal(session, pair.contract["state_table"]["name"])


@pytest.fixture(params=[memory, sqlite, pytest.param(dynamodb, marks=pytest.mark.lab)])
def journal(request: pytest.FixtureRequest) -> Journal:
    made: Journal = request.param(request)
    return made


def append(journal: Journal, *events: Event, service: str = "web") -> None:
    for number, event in enumerate(events):
        journal.append(service, event, at=NOON, after=number)


def test_nothing_was_recorded_at_first(journal: Journal) -> None:
    assert list(journal.tail("web", 8)) == []


def test_entries_come_back_whole_numbered_and_oldest_first(journal: Journal) -> None:
    append(journal, INTENT, ShiftVerified("alice"), Promoted(Color.GREEN))
    entries = journal.tail("web", 8)
    assert [entry.event for entry in entries] == [INTENT, ShiftVerified("alice"), Promoted(Color.GREEN)]
    assert [entry.sequence for entry in entries] == [1, 2, 3]
    assert {entry.at for entry in entries} == {NOON}


def test_the_tail_is_the_newest_part_also_past_ten(journal: Journal) -> None:
    append(journal, *[ShiftVerified(str(number)) for number in range(12)])
    assert [entry.sequence for entry in journal.tail("web", 3)] == [10, 11, 12]


def test_an_entry_stands_and_a_second_of_its_number_conflicts(journal: Journal) -> None:
    append(journal, INTENT)
    with pytest.raises(JournalConflict, match="entry 1"):
        journal.append("web", ShiftVerified(), at=NOON, after=0)
    assert [entry.event for entry in journal.tail("web", 8)] == [INTENT]


def test_services_do_not_meet(journal: Journal) -> None:
    append(journal, INTENT, service="web")
    append(journal, ShiftVerified(), service="web2")
    assert [entry.event for entry in journal.tail("web", 8)] == [INTENT]


def test_places_do_not_meet_in_one_file(tmp_path: Path) -> None:
    here, there = (SqliteJournal(tmp_path / "j", place=place) for place in ("1/eu-central-1", "1/us-east-1"))
    append(here, INTENT)
    assert list(there.tail("web", 8)) == []


def test_a_damaged_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "j").write_text("this is no database, and long enough to be taken for one" * 20)
    with pytest.raises(JournalError, match="local record"):
        SqliteJournal(tmp_path / "j", place="x").tail("web", 8)


@pytest.mark.lab
def test_a_missing_table_is_a_clear_error(request: pytest.FixtureRequest) -> None:
    journal = dynamodb(request)
    journal._table = "no-such-table"  # type: ignore[attr-defined]
    with pytest.raises(JournalError, match="no-such-table"):
        journal.tail("web", 8)
    with pytest.raises(JournalError, match="no-such-table"):
        journal.append("web", INTENT, at=NOON, after=0)
