"""`bluegreen history`, `show` and `audit verify`: what is printed of a journal, and what is found wrong with one."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Line
from tests.support.fakes import FakeWorld, a_world
from tests.support.journals import NOON, chained
from toolkit.journal.heads import Heads
from toolkit.rollout.events import (
    Ending,
    Event,
    GateFailed,
    Head,
    HooksRan,
    Kind,
    Prepared,
    RolloutEnded,
    RolloutStarted,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Stuck,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.steps import Bake, Hook, Shift
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split

STEPS = (Shift(Fraction(1, 20)), Hook("smoke", command=("smoke",)), Bake(300), Shift(Fraction(1)))
HOME, CANARY = Split(blue=100, green=0), Split.giving(Color.GREEN, Fraction(1, 20))
ROLLOUT: list[Event] = [
    RolloutStarted(Plan("web", "canary", Color.BLUE, STEPS, ("route-0",))),
    Prepared(),
    ShiftIntended(Kind.ROLLOUT, Color.BLUE, {"route-0": HOME}, CANARY),
    ShiftVerified(),
    StepPassed(1, "exit 0", "first line\n\x1b[31msecond\x1b[0m line\n"),
    GateFailed(2, "probe /", "answered 503"),
    ShiftIntended(Kind.ROLLBACK, Color.BLUE, {"route-0": CANARY}, HOME),
    ShiftVerified(),
    RolloutEnded(Ending.ROLLED_BACK),
]
EVIL = "\x1b]0;owned\x07\x1b[2Jgone\x9b31m\N{RIGHT-TO-LEFT OVERRIDE}\nsecond"


class WithHeads:
    """The service of a fake world, with a log of ends."""

    def __init__(self, service: Any, heads: Heads) -> None:
        self._service = service
        self.heads = heads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)


@pytest.fixture
def world(tmp_path: Path) -> FakeWorld:
    world = a_world()
    world.service = WithHeads(world.service, Heads(tmp_path / "heads.jsonl"))  # type: ignore[assignment]
    return world


def record(world: FakeWorld, *happened: Event, actor: str = "arn:aws:sts::1:assumed-role/release/alice") -> Head:
    """Put entries into the journal; how it ends then."""
    entries = world.store.tail("web", 1)
    made = chained(happened, head=entries[-1].head if entries else None, actor=actor)
    for entry in made:
        world.store.append("web", entry)
    return made[-1].head


class TestHistory:
    def test_every_entry_is_a_line_the_newest_last(self, line: Line, world: FakeWorld) -> None:
        record(world, Stuck("before"), *ROLLOUT)
        ended = line(world, "history web")
        assert ended.code == 0
        lines = ended.out.splitlines()
        assert len(lines) == 10
        assert lines[0] == " 1  2026-01-02 12:00:00Z  -      halted: before  (alice)"
        assert lines[1] == " 2  2026-01-02 12:00:00Z  web-2  begins: canary, blue to green, 4 steps  (alice)"
        assert lines[-1] == "10  2026-01-02 12:00:00Z  web-2  over: rolled back  (alice)"

    def test_a_limit_takes_the_last_ones(self, line: Line, world: FakeWorld) -> None:
        record(world, *[Stuck(str(number)) for number in range(30)])
        assert len(line(world, "history web").out.splitlines()) == 20
        assert [text.split()[0] for text in line(world, "history web -n 2").out.splitlines()] == ["29", "30"]
        assert line(world, "history web --limit 0").code == 2

    def test_an_empty_journal_is_said_to_be_empty(self, line: Line, world: FakeWorld) -> None:
        assert line(world, "history web").out == "web: nothing is recorded yet.\n"
        assert line(world, "history web -o json").json() == {"service": "web", "entries": []}

    def test_as_json_each_entry_has_all_that_is_stored_its_hash_and_its_words(
        self, line: Line, world: FakeWorld
    ) -> None:
        head = record(world, ShiftVerified(), Stuck("so"))
        first, second = line(world, "history web -o json").json()["entries"]
        assert second == {
            "sequence": 2,
            "at": "2026-01-02T12:00:00+00:00",
            "actor": "arn:aws:sts::1:assumed-role/release/alice",
            "rollout": None,
            "previous": first["hash"],
            "event": "Stuck",
            "reason": "so",
            "hash": head.hash,
            "words": "halted: so",
        }

    def test_nothing_of_a_journal_is_obeyed_by_a_terminal(self, line: Line, world: FakeWorld) -> None:
        record(world, Stuck(EVIL), actor=EVIL)
        text = line(world, "history web").out
        assert text == "1  2026-01-02 12:00:00Z  -  halted: gone second  (gone second)\n"
        ended = line(world, "history web -o json")
        assert ended.out.isascii()
        assert "\x1b" not in ended.out
        assert ended.json()["entries"][0]["reason"] == EVIL


class TestShow:
    def test_the_steps_with_their_ends_and_what_a_hook_said_and_what_else_happened(
        self, line: Line, world: FakeWorld
    ) -> None:
        record(world, Stuck("before"), *ROLLOUT, Stuck("after"))
        ended = line(world, "show web-2")
        assert ended.code == 0
        assert ended.out.splitlines() == [
            "web-2: canary, blue to green",
            "  began  2026-01-02 12:00:00Z by arn:aws:sts::1:assumed-role/release/alice",
            "  ended  2026-01-02 12:00:00Z, 0s later: rolled back",
            "  why    probe /: answered 503",
            "steps",
            "    1  shift 5 %    done, 2026-01-02 12:00:00Z after 0s",
            "    2  hook smoke   done, 2026-01-02 12:00:00Z after 0s: exit 0",
            "         | first line",
            "         | second line",
            "    3  bake 5m      failed, 2026-01-02 12:00:00Z after 0s: probe /: answered 503",
            "    4  shift 100 %  not reached",
            "besides",
            "    3  2026-01-02 12:00:00Z  every check has passed",
            f"    4  2026-01-02 12:00:00Z  rollout: about to write {CANARY} on route-0; base blue",
            "    7  2026-01-02 12:00:00Z  gate failed at step 3: probe /: answered 503",
            f"    8  2026-01-02 12:00:00Z  rollback: about to write {HOME} on route-0; base blue",
        ]

    def test_what_the_hooks_beside_the_steps_said_stands_below_them(self, line: Line, world: FakeWorld) -> None:
        record(
            world, *ROLLOUT[:-1], HooksRan(HookPoint.ON_ROLLBACK, "hook page: sent", "to alice\x1b[31m\n"), ROLLOUT[-1]
        )
        shown = line(world, "show web-1").out.splitlines()
        assert shown[-2:] == ["    9  2026-01-02 12:00:00Z  on-rollback: hook page: sent", "         | to alice"]
        assert "  on-rollback: hook page: sent  " in line(world, "history web").out

    def test_one_under_way_says_where_it_is(self, line: Line, world: FakeWorld) -> None:
        record(world, *ROLLOUT[:4])
        out = line(world, "show web-1").out
        assert "  now    hook\n" in out
        assert "    2  hook smoke   under way since 2026-01-02 12:00:00Z\n" in out

    def test_as_json(self, line: Line, world: FakeWorld) -> None:
        record(world, *ROLLOUT)
        told = line(world, "show web-1 -o json").json()
        assert (told["rollout"], told["ending"], told["phase"]) == ("web-1", "rolled-back", "rolled-back")
        assert [step["outcome"] for step in told["steps"]] == ["done", "done", "failed", "not reached"]
        assert told["steps"][1]["output"] == "first line\n\x1b[31msecond\x1b[0m line\n"
        assert told["plan"]["steps"][0] == {"step": "shift", "share": "1/20"}
        assert [entry["sequence"] for entry in told["entries"]] == list(range(1, 10))

    @pytest.mark.parametrize("rollout", ["web-1", "web-3", "web-99"])
    def test_one_that_never_was_is_refused(self, line: Line, world: FakeWorld, rollout: str) -> None:
        record(world, Stuck("before"), *ROLLOUT)
        ended = line(world, f"show {rollout}")
        assert (ended.code, ended.out) == (60, "")
        assert f"no rollout {rollout}" in ended.line

    def test_what_is_no_id_is_refused_and_told_how_one_looks(self, line: Line, world: FakeWorld) -> None:
        ended = line(world, "show web")
        assert (ended.code, ended.out) == (60, "")
        assert "web-42" in ended.line


class TestAudit:
    def test_a_sound_journal_prints_its_head(self, line: Line, world: FakeWorld) -> None:
        head = record(world, *ROLLOUT)
        ended = line(world, "audit verify web")
        assert ended.code == 0
        assert "9 entries, none changed, none missing" in ended.out
        assert f"head  {head.hash}  (entry 9)" in ended.out
        assert "no head that was kept vouches for the end" in ended.err

    def test_with_the_end_as_head_nothing_is_left_unsaid(self, line: Line, world: FakeWorld) -> None:
        head = record(world, *ROLLOUT)
        ended = line(world, f"audit verify web --head {head.hash.upper()}")
        assert (ended.code, ended.err) == (0, "")
        record(world, Stuck(""))
        assert "after entry 9" in line(world, f"audit verify web --head {head.hash}").err

    def test_an_end_that_this_machine_logged_is_asked_too(self, line: Line, world: FakeWorld) -> None:
        head = record(world, *ROLLOUT)
        world.service.heads.note("web", head, at=NOON)
        assert line(world, "audit verify web").err == ""
        cut(world, after=5)
        ended = line(world, "audit verify web")
        assert ended.code == 61
        assert "once ended at entry 9, and now at 5" in ended.line

    def test_a_changed_entry_is_named(self, line: Line, world: FakeWorld) -> None:
        record(world, *ROLLOUT)
        change(world, 5, "exit 0", "exit 1")
        ended = line(world, "audit verify web")
        assert (ended.code, ended.out) == (61, "")
        assert "entry 5 was changed: entry 6 carries another hash of it" in ended.line
        assert "Up to entry 4 nothing was found" in ended.line

    def test_a_missing_entry_is_named(self, line: Line, world: FakeWorld) -> None:
        record(world, *ROLLOUT)
        del world.store._texts["web"][4]
        ended = line(world, "audit verify web")
        assert (ended.code, ended.out) == (61, "")
        assert "entry 4 is missing" in ended.line

    def test_a_head_that_no_entry_has_is_a_cut_off_end(self, line: Line, world: FakeWorld) -> None:
        head = record(world, *ROLLOUT)
        cut(world, after=8)
        ended = line(world, f"audit verify web --head {head.hash}")
        assert ended.code == 61
        assert "cut off after entry 8" in ended.line

    @pytest.mark.parametrize("head", ["abc", "g" * 64, "f" * 63])
    def test_a_head_that_is_no_hash_is_refused(self, line: Line, world: FakeWorld, head: str) -> None:
        assert line(world, f"audit verify web --head {head}").code == 2

    def test_as_json_sound_or_not(self, line: Line, world: FakeWorld) -> None:
        head = record(world, *ROLLOUT)
        assert line(world, "audit verify web -o json").json() == {
            "service": "web",
            "sound": True,
            "entries": 9,
            "head": head.hash,
            "chained_from": 1,
            "vouched": 0,
            "fault": None,
        }
        del world.store._texts["web"][4]
        ended = line(world, "audit verify web -o json")
        assert ended.code == 61
        assert ended.json()["sound"] is False
        assert ended.json()["fault"] == {"entry": 4, "damage": "missing", "reason": "entry 4 is missing"}

    def test_an_empty_journal_is_sound_and_said_to_be_empty(self, line: Line, world: FakeWorld) -> None:
        ended = line(world, "audit verify web")
        assert (ended.code, ended.out) == (0, "web: nothing is recorded yet.\n")

    def test_entries_of_an_earlier_release_are_said_not_to_be_vouched_for(self, line: Line, world: FakeWorld) -> None:
        old = {"schema_version": 1, "sequence": 1, "at": NOON.isoformat(), "event": "ShiftVerified", "actor": None}
        world.store._texts["web"][1] = json.dumps(old)
        assert "no entry carries a hash" in line(world, "audit verify web").err
        world.store._texts["web"][2] = json.dumps({**old, "sequence": 2})
        record(world, Stuck(""))
        assert "a change of entry 1 would not be seen" in line(world, "audit verify web").err


def change(world: FakeWorld, number: int, was: str, becomes: str) -> None:
    """As somebody would who can write the store."""
    texts = world.store._texts["web"]
    assert was in texts[number]
    texts[number] = texts[number].replace(was, becomes)


def cut(world: FakeWorld, *, after: int) -> None:
    texts = world.store._texts["web"]
    for number in [number for number in texts if number > after]:
        del texts[number]
