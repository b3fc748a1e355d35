from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.journals import chained, entries, events
from toolkit.rollout.audit import Audit, Damage, verify
from toolkit.rollout.codec import encode, hash_of
from toolkit.rollout.events import Entry, Event, Head, Promoted, RolloutStarted, ShiftVerified, Stuck
from toolkit.traffic import Color

Texts = list[tuple[int, str]]
chains = st.lists(events, min_size=2, max_size=6).map(lambda happened: texts_of(*happened))


def texts_of(*happened: Event) -> Texts:
    return [(entry.sequence, encode(entry)) for entry in chained(happened)]


def heads_of(texts: Texts) -> list[Head]:
    return [Head(number, hash_of(text)) for number, text in texts]


def found(audit: Audit) -> tuple[int, Damage] | None:
    return (audit.fault.sequence, audit.fault.damage) if audit.fault else None


def old(number: int) -> tuple[int, str]:
    """An entry of before there were hashes."""
    document = {"schema_version": 1, "sequence": number, "at": "2026-01-02T12:00:00+00:00", "event": "ShiftVerified"}
    return number, json.dumps(document | {"actor": f"a{number}"})


PLAIN = texts_of(*[Stuck(str(number)) for number in range(1, 7)])


@given(chains)
def test_a_journal_as_it_was_written_is_sound(texts: Texts) -> None:
    heads = heads_of(texts)
    for head in heads:
        audit = verify(texts, head=head.hash, known=heads)
        assert audit == Audit(len(texts), heads[-1], chained_from=1, vouched=len(texts))


def test_an_empty_journal_is_sound_unless_it_once_had_an_end() -> None:
    assert verify([]) == Audit(0)
    assert found(verify([], head="f" * 64)) == (1, Damage.CUT_OFF)
    assert found(verify([], known=[Head(3, "f" * 64)])) == (1, Damage.CUT_OFF)


@given(chains, st.data())
def test_a_changed_entry_is_found_and_named_except_the_last(texts: Texts, data: st.DataObject) -> None:
    """Any one key is given another value, or taken away."""
    index = data.draw(st.integers(0, len(texts) - 2))
    number, text = texts[index]
    document = json.loads(text)
    key = data.draw(st.sampled_from(sorted(document)))
    if data.draw(st.booleans()):
        del document[key]
    else:
        document[key] = data.draw(st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just({}))
    changed = json.dumps(document, sort_keys=True, separators=(",", ":"))
    if changed == text:
        return
    texts = [*texts[:index], (number, changed), *texts[index + 1 :]]
    assert found(verify(texts)) == (number, Damage.CHANGED)


@given(chains, st.data(), entries)
def test_a_replaced_entry_is_found_and_named_except_the_last(texts: Texts, data: st.DataObject, other: Entry) -> None:
    index = data.draw(st.integers(0, len(texts) - 2))
    number = index + 1
    forged = Entry(number, other.at, other.event, other.actor, None, previous=json.loads(texts[index][1])["previous"])
    if encode(forged) == texts[index][1]:
        return
    texts = [*texts[:index], (number, encode(forged)), *texts[index + 1 :]]
    assert found(verify(texts)) == (number, Damage.CHANGED)


@given(chains, st.data())
def test_a_text_that_is_no_entry_is_found_and_named_the_last_too(texts: Texts, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(texts) - 1))
    texts[index] = (index + 1, data.draw(st.sampled_from(["", "{}", "null", "\ud800", texts[index][1][:-1]])))
    assert found(verify(texts)) == (index + 1, Damage.CHANGED)


@given(chains, st.data())
def test_a_removed_entry_is_found_and_named_except_the_last(texts: Texts, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(texts) - 2))
    del texts[index]
    assert found(verify(texts)) == (index + 1, Damage.MISSING)


@given(chains, st.data())
def test_swapped_entries_are_found_and_the_first_is_named_the_last_too(texts: Texts, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(texts) - 2))
    second = data.draw(st.integers(first + 1, len(texts) - 1))
    texts[first], texts[second] = (first + 1, texts[second][1]), (second + 1, texts[first][1])
    assert found(verify(texts)) == (first + 1, Damage.CHANGED)


@given(chains, st.data())
def test_a_cut_off_end_is_found_by_a_head_that_was_kept(texts: Texts, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, len(texts) - 1))
    head = heads_of(texts)[-1]
    assert found(verify(texts[:left])) is None, "the chain alone cannot know"
    assert found(verify(texts[:left], head=head.hash)) == (left + 1, Damage.CUT_OFF)
    assert found(verify(texts[:left], known=[head])) == (left + 1, Damage.CUT_OFF)


@given(chains, events)
def test_a_changed_last_entry_is_found_by_a_head_that_was_kept(texts: Texts, other: Event) -> None:
    forged = texts_of(*[Stuck("")] * (len(texts) - 1), other)[-1]
    document = json.loads(forged[1]) | {key: json.loads(texts[-1][1])[key] for key in ("previous", "rollout")}
    changed = (len(texts), json.dumps(document, sort_keys=True, separators=(",", ":")))
    if changed == texts[-1] or isinstance(other, RolloutStarted):
        return
    head = heads_of(texts)[-1]
    damaged = [*texts[:-1], changed]
    assert found(verify(damaged, known=[head])) == (len(texts), Damage.CHANGED)
    assert verify(damaged, head=head.hash).fault is not None


@given(st.lists(events, min_size=2, max_size=6), st.data())
def test_a_chain_written_anew_is_found_by_any_head_from_there_on(happened: list[Event], data: st.DataObject) -> None:
    """What whoever can write the table can do; the chain is sound, and only a head tells."""
    index = data.draw(st.integers(0, len(happened) - 1))
    texts = texts_of(*happened)
    anew = texts_of(*happened[:index], Stuck("never happened"), *happened[index + 1 :])
    if any(isinstance(event, RolloutStarted) for event in happened) or anew == texts:
        return
    assert verify(anew).fault is None
    for head in heads_of(texts)[index:]:
        assert found(verify(anew, known=[head])) == (head.sequence, Damage.CHANGED)
        assert verify(anew, head=head.hash).fault is not None
    for head in heads_of(texts)[:index]:
        assert verify(anew, known=[head]).fault is None


def test_several_missing_entries_are_named_together() -> None:
    fault = verify([*PLAIN[:1], *PLAIN[4:]]).fault
    assert fault is not None
    assert fault.reason == "entries 2 to 4 are missing"


def test_the_first_of_several_faults_is_named() -> None:
    damaged = [*PLAIN[:1], (2, PLAIN[1][1].replace('"2"', '"3"')), PLAIN[2], *PLAIN[4:]]
    assert found(verify(damaged, head="f" * 64)) == (2, Damage.CHANGED)


def test_a_hash_that_an_entry_carries_changed_names_that_entry() -> None:
    document = json.loads(PLAIN[3][1]) | {"previous": "f" * 64}
    damaged = [*PLAIN[:3], (4, json.dumps(document)), *PLAIN[4:]]
    assert found(verify(damaged)) == (4, Damage.CHANGED)


def test_entries_of_before_there_were_hashes_are_sound_and_said_not_to_be_vouched_for() -> None:
    olds = [old(number) for number in (1, 2, 3)]
    assert verify(olds) == Audit(3, heads_of(olds)[-1], chained_from=None)
    newer = chained([ShiftVerified(), Promoted(Color.GREEN)], head=heads_of(olds)[-1])
    texts = [*olds, *((entry.sequence, encode(entry)) for entry in newer)]
    assert verify(texts) == Audit(5, heads_of(texts)[-1], chained_from=3)


def test_the_last_entry_without_a_hash_is_vouched_for_by_the_first_with_one() -> None:
    olds = [old(number) for number in (1, 2)]
    newer = chained([ShiftVerified(), Promoted(Color.GREEN)], head=heads_of(olds)[-1])
    texts = [*olds, *((entry.sequence, encode(entry)) for entry in newer)]
    texts[1] = (2, texts[1][1].replace('"a2"', '"mallory"'))
    assert found(verify(texts)) == (2, Damage.CHANGED)
    texts[1] = old(2)
    texts[0] = (1, texts[0][1].replace('"a1"', '"mallory"'))
    assert found(verify(texts)) is None, "as is said: chained_from is 2"


def test_an_entry_without_a_hash_among_those_with_one_is_named() -> None:
    assert found(verify([*PLAIN[:3], old(4)])) == (4, Damage.CHANGED)


@pytest.mark.parametrize("rollout", ["web-2", "web-9", "nonsense"])
def test_an_entry_of_a_rollout_that_never_began_is_named(rollout: str) -> None:
    texts = texts_of(ShiftVerified(), Stuck(""))
    forged = json.dumps(json.loads(texts[1][1]) | {"rollout": rollout})
    assert found(verify([texts[0], (2, forged)])) == (2, Damage.CHANGED)


def test_what_fails_says_the_number_in_words() -> None:
    fault: Any = verify([PLAIN[0], (2, PLAIN[1][1].replace('"2"', '"3"')), *PLAIN[2:]]).fault
    assert fault.reason == "entry 2 was changed: entry 3 carries another hash of it"
