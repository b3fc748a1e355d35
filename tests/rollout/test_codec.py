from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.journals import NOON, entries, events, plans, times
from toolkit.contract import Stickiness
from toolkit.errors import JournalError
from toolkit.rollout import codec, plan_codec
from toolkit.rollout.codec import decode, encode, hash_of, seal
from toolkit.rollout.events import (
    Entry,
    Head,
    Kind,
    RolloutStarted,
    RunnerTookOver,
    ShiftIntended,
    ShiftVerified,
    Stuck,
    SuspendedStickiness,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.plan_codec import plan_in, plan_out
from toolkit.rollout.rolling import Rolling
from toolkit.rollout.steps import Hook, Probe, Scale, Shift
from toolkit.rollout.workload import Capacity, Change
from toolkit.settings import Update
from toolkit.traffic import Color, Split

EVERYTHING = (Shift(Fraction(1)),)
OF_SCHEMA_1 = """
{"schema_version":1,"sequence":7,"at":"2026-01-02T12:00:00+00:00","event":"ShiftIntended","kind":"rollback",
"base":"blue","before":{"web":{"blue":80,"green":20}},"to":{"blue":100,"green":0},"actor":"alice",
"suspended":{"web":{"duration_seconds":60,"until":"2026-01-02T12:00:00+00:00"}},"restores":["web"]}
"""


@given(entries)
def test_every_entry_comes_back_as_it_was(entry: Entry) -> None:
    assert decode(encode(entry), source="here") == replace(entry, hash=hash_of(encode(entry)))


@given(plans)
def test_every_plan_comes_back_as_it_was_through_json(plan: Plan) -> None:
    assert plan_in(json.loads(json.dumps(plan_out(plan)))) == plan


@given(st.lists(events, max_size=4), times)
def test_sealed_entries_come_back_with_their_hash_and_hang_together(happened: list[Any], at: Any) -> None:
    head = Head()
    for event in happened:
        entry = seal("web", head, event, at=at, actor="alice", rollout=None)
        assert decode(encode(entry), source="here") == entry
        assert (entry.sequence, entry.previous) == (head.sequence + 1, head.hash)
        assert entry.hash not in ("", head.hash)
        head = entry.head


@pytest.mark.parametrize(
    ("of", "kept"),
    [
        *((event, attributes) for event, attributes in codec._ATTRIBUTES.items()),
        (Hook, plan_codec._HOOK),
        (Probe, plan_codec._PROBE),
        (Plan, plan_codec._PLAN),
        (Change, plan_codec._CHANGE),
        (Scale, plan_codec._AMOUNTS),
        (Capacity, codec._CAPACITY),
        (Rolling, plan_codec._ROLLING),
        (Update, plan_codec._UPDATE),
    ],
)
def test_no_attribute_is_forgotten(of: Any, kept: Mapping[str, object]) -> None:
    """One that is added later, with a default, would come back as its default."""
    assert {field.name for field in fields(of)} == set(kept)


def test_a_rollout_is_named_by_the_service_and_the_entry_that_starts_it() -> None:
    plan = Plan("web", "cutover", Color.BLUE, EVERYTHING, ("web",))
    entry = seal("web", Head(41, "f" * 64), RolloutStarted(plan), at=NOON, actor=None, rollout=None)
    assert entry.rollout == "web-42"


def test_an_entry_is_one_line_of_plain_ascii() -> None:
    text = encode(Entry(1, NOON, Stuck("a\nb\N{SNOWMAN}\x1b")))
    assert "\n" not in text
    assert text.isascii()
    assert text.isprintable()


def test_who_held_the_lease_before_is_not_taken_for_the_hash_before() -> None:
    entry = Entry(2, NOON, RunnerTookOver("bob", previous="alice", broke=True), previous="abc")
    came_back = decode(encode(entry), source="here")
    assert came_back.event == entry.event
    assert came_back.previous == "abc"


def test_an_entry_of_schema_1_is_read_with_its_actor_and_without_a_hash_before() -> None:
    text = OF_SCHEMA_1.replace("\n", "")
    entry = decode(text, source="here")
    assert entry == Entry(
        7,
        NOON,
        ShiftIntended(
            Kind.ROLLBACK,
            Color.BLUE,
            {"web": Split(blue=80, green=20)},
            Split(blue=100, green=0),
            {"web": SuspendedStickiness(Stickiness(enabled=True, duration_seconds=60), NOON)},
            ("web",),
        ),
        actor="alice",
        hash=hash_of(text),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 3},
        {"schema_version": True},
        {"schema_version": [2]},
        {"event": "Unheard"},
        {"event": ["Stuck"]},
        {"at": "noon"},
        {"at": "2026-01-01T00:00:00"},
        {"sequence": "1"},
        {"sequence": True},
        {"actor": 1},
        {"rollout": {}},
        {"previous": None},
        {"reason": 1},
    ],
    ids=str,
)
def test_an_entry_of_another_making_is_refused_by_name(change: dict[str, object]) -> None:
    document = json.loads(encode(Entry(1, NOON, Stuck("so")))) | change
    with pytest.raises(JournalError, match="here holds an entry"):
        decode(json.dumps(document), source="here")


@pytest.mark.parametrize(
    "change",
    [
        {"settle_seconds": float("nan")},
        {"force": 0},
        {"steps": []},
        {"steps": {"0": {"step": "analyze"}}},
        {"steps": [{"step": "shift", "share": "1/0"}]},
        {"steps": [{"step": "shift", "share": 1}]},
        {"steps": [{"step": "unheard"}]},
        {"gates": [{"step": "bake", "seconds": 1.0}]},
        {"base": "red"},
    ],
    ids=str,
)
def test_a_plan_of_another_making_is_refused(change: dict[str, object]) -> None:
    entry = Entry(1, NOON, RolloutStarted(Plan("web", "cutover", Color.BLUE, EVERYTHING, ("web",))))
    document = json.loads(encode(entry))
    document["plan"] |= change
    with pytest.raises(JournalError, match="here holds an entry"):
        decode(json.dumps(document), source="here")


@given(st.text(max_size=50) | st.recursive(st.none() | st.integers(), st.lists, max_leaves=3).map(json.dumps))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(JournalError):
        decode(text, source="here")


@pytest.mark.parametrize("text", ['"\ud800"', "[" * 100_000, '{"schema_version":' + "9" * 5000 + "}"])
def test_no_trick_breaks_the_reader(text: str) -> None:
    with pytest.raises(JournalError):
        decode(text, source="here")


DAMAGES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}), st.just([{}])
)


@given(entries, st.data())
def test_an_entry_with_any_value_damaged_is_read_or_refused_and_breaks_nothing(
    entry: Entry, data: st.DataObject
) -> None:
    document = json.loads(encode(entry))
    places = [*spots(document)]
    holds, key = data.draw(st.sampled_from(places))
    if data.draw(st.booleans()):
        del holds[key]
    else:
        holds[key] = data.draw(DAMAGES)
    try:
        read = decode(json.dumps(document), source="here")
    except JournalError:
        return
    assert replace(decode(encode(read), source="here"), hash="") == replace(read, hash="")


@given(entries, st.data())
def test_no_missing_key_breaks_the_reader(entry: Entry, data: st.DataObject) -> None:
    document = json.loads(encode(entry))
    key = data.draw(st.sampled_from([key for key in document if key not in ("actor", "rollout", "previous")]))
    del document[key]
    with pytest.raises(JournalError):
        decode(json.dumps(document), source="here")


def test_an_entry_without_anything_of_its_own_keeps_what_every_entry_has() -> None:
    assert json.loads(encode(Entry(1, NOON, ShiftVerified(), "alice", "web-1", "abc"))) == {
        "schema_version": 2,
        "sequence": 1,
        "at": "2026-01-02T12:00:00+00:00",
        "actor": "alice",
        "rollout": "web-1",
        "previous": "abc",
        "event": "ShiftVerified",
    }


def spots(document: Any) -> Any:
    """Every place in a JSON value: what holds it and under which key."""
    keys = document.keys() if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in list(keys):
        yield document, key
        yield from spots(document[key])
