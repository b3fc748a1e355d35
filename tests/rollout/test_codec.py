import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import NOON
from tests.support.journals import events, times
from toolkit.errors import JournalError
from toolkit.rollout.codec import decode, encode
from toolkit.rollout.events import Entry, ShiftVerified

entries = st.builds(Entry, st.integers(1, 10**9), times, events)


@given(entries)
def test_every_entry_comes_back_as_it_was(entry: Entry) -> None:
    assert decode(encode(entry), source="here") == entry


def test_an_entry_is_one_line() -> None:
    assert "\n" not in encode(Entry(1, NOON, ShiftVerified("a\nb")))


@pytest.mark.parametrize(
    "change",
    [{"schema_version": 2}, {"event": "Unheard"}, {"at": "noon"}, {"at": "2026-01-01T00:00:00"}, {"sequence": "1"}],
)
def test_an_entry_of_another_making_is_refused_by_name(change: dict[str, object]) -> None:
    document = json.loads(encode(Entry(1, NOON, ShiftVerified()))) | change
    with pytest.raises(JournalError, match="here holds an entry"):
        decode(json.dumps(document), source="here")


@given(st.text(max_size=50) | st.recursive(st.none() | st.integers(), st.lists, max_leaves=3).map(json.dumps))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(JournalError):
        decode(text, source="here")


@given(entries, st.sampled_from(["at", "event", "to", "before", "base", "kind", "suspended", "splits", "color"]))
def test_no_missing_key_breaks_the_reader(entry: Entry, key: str) -> None:
    document = json.loads(encode(entry))
    if document.pop(key, None) is None:
        return
    with pytest.raises(JournalError):
        decode(json.dumps(document), source="here")
