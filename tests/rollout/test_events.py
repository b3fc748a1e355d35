from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import NOON
from tests.support.journals import events
from toolkit.rollout.events import (
    DriftAccepted,
    Entry,
    Event,
    Kind,
    Promoted,
    Record,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    fold,
)
from toolkit.traffic import Color, Split

START, CANARY = Split(blue=100, green=0), Split(blue=80, green=20)


def journal(*happened: Event) -> list[Entry]:
    return [Entry(number, NOON + timedelta(seconds=number), event) for number, event in enumerate(happened, start=1)]


def intent(to: Split = CANARY, **words: object) -> ShiftIntended:
    return ShiftIntended(kind=Kind.SHIFT, base=Color.BLUE, before={"a": START, "b": START}, to=to, actor="alice")


def test_nothing_recorded_is_unknown_and_never_drift() -> None:
    record = fold([])
    assert record == Record()
    assert record.may_hold("a", Split(blue=1, green=1))


def test_an_intent_alone_leaves_both_splits_possible() -> None:
    record = fold(journal(intent()))
    assert record.in_doubt
    assert record.may_hold("a", START)
    assert record.may_hold("a", CANARY)
    assert not record.may_hold("a", Split(blue=1, green=1))


def test_a_verified_shift_holds_on_every_route() -> None:
    record = fold(journal(intent(), ShiftVerified()))
    assert record.splits == {"a": CANARY, "b": CANARY}
    assert not record.in_doubt
    assert not record.may_hold("a", START)
    assert (record.base, record.actor, record.sequence) == (Color.BLUE, "alice", 2)


def test_an_actor_learned_late_is_taken_from_the_outcome() -> None:
    early = ShiftIntended(kind=Kind.ROLLBACK, base=Color.BLUE, before={"a": CANARY}, to=START)
    assert fold(journal(early, ShiftVerified("bob"))).actor == "bob"


def test_a_failed_shift_leaves_what_was_last_seen_and_nothing_for_what_was_not() -> None:
    record = fold(journal(intent(), ShiftFailed("throttled", {"a": START})))
    assert record.splits == {"a": START}
    assert record.may_hold("b", Split(blue=7, green=7))


def test_a_promotion_lasts_until_the_next_intent() -> None:
    promoted = journal(intent(Split.all_to(Color.GREEN)), ShiftVerified(), Promoted(Color.GREEN))
    assert fold(promoted).promoted is Color.GREEN
    assert fold(promoted).base is Color.BLUE, "where a rollback goes"
    assert fold([*promoted, Entry(4, NOON, intent())]).promoted is None


def test_accepted_drift_becomes_the_record() -> None:
    odd = Split(blue=3, green=4)
    record = fold(journal(intent(), ShiftVerified(), DriftAccepted({"a": odd}, "bob")))
    assert record.splits == {"a": odd}
    assert record.actor == "bob"


@given(st.lists(events, max_size=12), st.data())
def test_the_tail_since_the_last_intent_says_all_that_the_whole_journal_says(
    happened: list[Event], data: st.DataObject
) -> None:
    entries = journal(*happened, intent(), *data.draw(st.lists(outcomes, max_size=3)))
    assert fold(entries[len(happened) :]) == fold(entries)


outcomes: st.SearchStrategy[Event] = events.filter(lambda event: not isinstance(event, ShiftIntended))
