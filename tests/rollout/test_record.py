from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.journals import NOON, chained, events
from toolkit.rollout.events import (
    DriftAccepted,
    Ending,
    Entry,
    Event,
    Head,
    Kind,
    Prepared,
    Promoted,
    RolloutEnded,
    RolloutStarted,
    RunnerPaused,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    rollout_id,
    start_of,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.record import Record, fold
from toolkit.rollout.steps import Shift
from toolkit.traffic import Color, Split

START, CANARY = Split(blue=100, green=0), Split(blue=80, green=20)


STARTED = RolloutStarted(Plan("web", "cutover", Color.BLUE, (Shift(Fraction(1)),), ("a", "b")))


def intent(to: Split = CANARY) -> ShiftIntended:
    return ShiftIntended(kind=Kind.SHIFT, base=Color.BLUE, before={"a": START, "b": START}, to=to)


def test_nothing_recorded_is_unknown_and_never_drift() -> None:
    record = fold([])
    assert record == Record()
    assert record.may_hold("a", Split(blue=1, green=1))


def test_an_intent_alone_leaves_both_splits_possible() -> None:
    record = fold(chained([intent()]))
    assert record.in_doubt
    assert record.may_hold("a", START)
    assert record.may_hold("a", CANARY)
    assert not record.may_hold("a", Split(blue=1, green=1))


def test_a_verified_shift_holds_on_every_route() -> None:
    record = fold(chained([intent(), ShiftVerified()]))
    assert record.splits == {"a": CANARY, "b": CANARY}
    assert not record.in_doubt
    assert not record.may_hold("a", START)
    assert (record.base, record.actor, record.sequence) == (Color.BLUE, "alice", 2)


def test_an_actor_learned_late_is_taken_from_the_outcome() -> None:
    early, outcome = chained([intent(), ShiftVerified()])
    assert fold([replace(early, actor=None), replace(outcome, actor="bob")]).actor == "bob"
    assert fold([early, replace(outcome, actor=None)]).actor == "alice"


def test_a_failed_shift_leaves_what_was_last_seen_and_nothing_for_what_was_not() -> None:
    record = fold(chained([intent(), ShiftFailed("throttled", {"a": START})]))
    assert record.splits == {"a": START}
    assert record.may_hold("b", Split(blue=7, green=7))


def test_a_promotion_lasts_until_the_next_intent() -> None:
    promoted = chained([intent(Split.all_to(Color.GREEN)), ShiftVerified(), Promoted(Color.GREEN)])
    assert fold(promoted).promoted is Color.GREEN
    assert fold(promoted).base is Color.BLUE, "where a rollback goes"
    assert fold([*promoted, Entry(4, NOON, intent())]).promoted is None


def test_accepted_drift_becomes_the_record() -> None:
    odd = Split(blue=3, green=4)
    shifted = chained([intent(), ShiftVerified()])
    record = fold([*shifted, *chained([DriftAccepted({"a": odd})], head=shifted[-1].head, actor="bob")])
    assert record.splits == {"a": odd}
    assert record.actor == "bob"


def test_the_record_knows_the_end_of_the_journal() -> None:
    entries = chained([intent(), ShiftVerified()])
    assert fold(entries).head == Head(2, entries[-1].hash)
    assert fold([]).head == Head(0, "")


def test_a_rollout_is_under_way_from_its_start_to_its_ending_also_while_it_is_paused() -> None:
    entries = chained([intent(), ShiftVerified(), STARTED, Prepared(), RunnerPaused("SIGTERM")])
    assert [fold(entries[:length]).rollout for length in range(6)] == [None, None, None, "web-3", "web-3", "web-3"]
    ended = chained([STARTED, RolloutEnded(Ending.REFUSED)])
    assert fold(ended).rollout is None


@pytest.mark.parametrize("service", ["web", "web-2", "a-b-c"])
def test_a_rollouts_id_tells_its_service_and_its_first_entry(service: str) -> None:
    assert start_of(rollout_id(service, 42)) == (service, 42)


@pytest.mark.parametrize("text", ["web", "web-", "-42", "web-x", "web-4.2", "web-\N{SUPERSCRIPT TWO}", ""])
def test_what_is_no_rollouts_id_is_told_so(text: str) -> None:
    assert start_of(text) is None


@given(st.lists(events, max_size=12), st.data())
def test_the_tail_since_the_last_intent_says_all_that_the_whole_journal_says(
    happened: list[Event], data: st.DataObject
) -> None:
    entries = chained([*happened, intent(), *data.draw(st.lists(outcomes, max_size=3))])
    assert fold(entries[len(happened) :]) == fold(entries)


outcomes: st.SearchStrategy[Event] = events.filter(lambda event: not isinstance(event, ShiftIntended))
