from __future__ import annotations

import fcntl
import json
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.journals import NOON
from toolkit.journal import heads as module
from toolkit.journal.heads import Heads
from toolkit.rollout.events import Head

PLACE = "123456789012/eu-central-1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "heads.jsonl"


def head(number: int, letter: str = "a") -> Head:
    return Head(number, letter * 64)


def test_nothing_is_known_at_first(path: Path) -> None:
    heads = Heads(path, place=PLACE)
    assert heads.last("web") is None
    assert list(heads.known("web")) == []
    assert not path.exists()


def test_the_highest_is_the_last_whatever_was_noted_after_it(path: Path) -> None:
    heads = Heads(path, place=PLACE)
    for number in (9, 10, 3):
        heads.note("web", head(number), at=NOON)
    assert heads.last("web") == head(10)
    assert list(heads.known("web")) == [head(3), head(9), head(10)]


def test_two_hashes_of_one_number_are_both_known(path: Path) -> None:
    heads = Heads(path, place=PLACE)
    for letter in "baa":
        heads.note("web", head(3, letter), at=NOON)
    assert list(heads.known("web")) == [head(3, "a"), head(3, "b")]


def test_services_and_places_do_not_meet(path: Path) -> None:
    heads, elsewhere = Heads(path, place=PLACE), Heads(path, place="1/us-east-1")
    heads.note("web", head(3), at=NOON)
    assert heads.last("api") is None
    assert elsewhere.last("web") is None


def test_a_line_says_when_where_what_and_the_hash_and_is_the_owners_alone(path: Path) -> None:
    Heads(path, place=PLACE).note("web", head(3), at=NOON)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"time": "2026-01-02T12:00:00+00:00", "place": PLACE, "service": "web", "sequence": 3, "hash": "a" * 64}
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_empty_journal_has_no_end_worth_a_line(path: Path) -> None:
    Heads(path, place=PLACE).note("web", Head(), at=NOON)
    assert not path.exists()


@pytest.mark.parametrize("junk", ["", "no json", "[]", "{}", '{"place": 1}', '{"time":"', "\x00\xff"])
def test_a_line_that_cannot_be_read_is_passed_over(path: Path, junk: str) -> None:
    heads = Heads(path, place=PLACE)
    heads.note("web", head(3), at=NOON)
    path.write_text(f"{junk}\n{path.read_text()}{junk}\n")
    heads.note("web", head(4), at=NOON)
    assert list(heads.known("web")) == [head(3), head(4)]


def test_a_log_that_cannot_be_written_is_said_with_the_head_and_never_raised(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").touch()
    Heads(tmp_path / "file" / "heads.jsonl", say=said.append).note("web", head(3), at=NOON)
    (line,) = said
    assert "entry 3" in line
    assert "a" * 64 in line


def test_a_log_that_cannot_be_read_is_said_and_never_raised(path: Path) -> None:
    said: list[str] = []
    path.mkdir(parents=True)
    assert Heads(path, say=said.append).last("web") is None
    assert len(said) == 1


def test_a_process_that_stopped_while_it_shortened_the_log_holds_nobody_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)
    said: list[str] = []
    heads = Heads(path, say=said.append)
    heads.note("web", head(3), at=NOON)
    with path.open() as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        heads.note("web", head(4), at=NOON)
    assert "another process" in said[0]
    heads.note("web", head(5), at=NOON)
    assert list(heads.known("web")) == [head(3), head(5)]


def test_a_long_log_keeps_the_last_of_each_service_and_day(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 4000)
    heads = Heads(path, place=PLACE)
    heads.note("api", head(7), at=NOON)
    for number in range(1, 61):
        heads.note("web", head(number), at=NOON + timedelta(hours=number))
        assert heads.last("web") == head(number)
        assert path.stat().st_size <= 4300
    assert [each.sequence for each in heads.known("web")][:2] == [11, 35]
    assert heads.last("api") == head(7)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["heads.jsonl"]


def test_a_log_that_days_alone_do_not_shorten_keeps_the_last_of_each_service(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 2000)
    heads = Heads(path, place=PLACE)
    for number in range(1, 200):
        heads.note("web", head(number), at=NOON + timedelta(days=number))
        assert heads.last("web") == head(number)
    assert path.stat().st_size <= 2300


def test_while_one_shortens_no_line_of_another_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 8000)
    said: list[str] = []

    def write(service: str) -> None:
        heads = Heads(path, place=PLACE, say=said.append)
        for number in range(1, 101):
            heads.note(service, head(number), at=NOON)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c", "d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    lost = [name for name in ("a", "b", "c", "d") if Heads(path, place=PLACE).last(name) != head(100)]
    assert (lost, said) == ([], [])
