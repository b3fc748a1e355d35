from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.journals import NOON, chained, rollout_events
from toolkit.errors import NoRollout
from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    Ending,
    Entry,
    Event,
    GateFailed,
    Kind,
    Prepared,
    Promoted,
    Refused,
    RestSkipped,
    RolloutEnded,
    RolloutStarted,
    RunnerPaused,
    RunnerTookOver,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Stuck,
    Word,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.rolling import Act, Member, Rolling
from toolkit.rollout.state import Phase
from toolkit.rollout.steps import Approve, Bake, Batch, Hook, Retire, Shift
from toolkit.rollout.story import How, Story, story
from toolkit.settings import HookPoint, OnFailure
from toolkit.traffic import Color, Split

STEPS = (Shift(Fraction(1, 10)), Hook("smoke", command=("smoke",)), Bake(60), Approve(600), Shift(Fraction(1)))
PLAN = Plan("web", "canary", Color.BLUE, STEPS, ("web",))
HOME = Split(blue=100, green=0)


def shifted(share: Fraction, before: Split = HOME) -> list[Event]:
    split = Split.giving(Color.GREEN, share)
    return [ShiftIntended(Kind.ROLLOUT, Color.BLUE, {"web": before}, split), ShiftVerified()]


BEGUN: list[Event] = [RolloutStarted(PLAN), Prepared(), *shifted(Fraction(1, 10))]
BACK: list[Event] = [
    ShiftIntended(Kind.ROLLBACK, Color.BLUE, {"web": Split.giving(Color.GREEN, Fraction(1, 10))}, HOME),
    ShiftVerified(),
    RolloutEnded(Ending.ROLLED_BACK),
]


def told(*happened: Event) -> Story:
    """Each entry one second after the one before."""
    return story([timed(entry) for entry in chained(happened)])


def timed(entry: Entry) -> Entry:
    return replace(entry, at=NOON + timedelta(seconds=entry.sequence))


def hows(of: Story) -> list[How]:
    return [chapter.how for chapter in of.chapters]


def test_a_rollout_that_was_promoted_has_every_step_done() -> None:
    found = told(
        *BEGUN,
        StepPassed(1, "exit 0", "all fine"),
        StepPassed(2),
        CommandTaken(Word.APPROVE, "bob", "1", "looks good"),
        *shifted(Fraction(1), Split.giving(Color.GREEN, Fraction(1, 10))),
        Promoted(Color.GREEN),
        RolloutEnded(Ending.PROMOTED),
    )
    assert hows(found) == [How.DONE] * 5
    assert (found.chapters[1].detail, found.chapters[1].output) == ("exit 0", "all fine")
    assert found.chapters[3].detail == "approve by bob: looks good"
    assert (found.state.phase, found.ended) == (Phase.PROMOTED, NOON + timedelta(seconds=11))


def test_each_step_says_when_it_began_and_ended() -> None:
    found = told(*BEGUN, StepPassed(1), StepPassed(2))
    spans = [(chapter.began, chapter.ended) for chapter in found.chapters]
    at = [NOON + timedelta(seconds=number) for number in range(8)]
    assert spans == [(at[2], at[4]), (at[4], at[5]), (at[5], at[6]), (at[6], None), (None, None)]
    assert hows(found) == [How.DONE, How.DONE, How.DONE, How.UNDER_WAY, How.NOT_REACHED]
    assert found.ended is None


def test_a_gate_that_fails_names_the_step_it_failed_at() -> None:
    found = told(*BEGUN, StepPassed(1), GateFailed(2, "health", "1 of 3", "log"), *BACK)
    assert hows(found) == [How.DONE, How.DONE, How.FAILED, How.NOT_REACHED, How.NOT_REACHED]
    assert (found.chapters[2].detail, found.chapters[2].output) == ("health: 1 of 3", "log")
    assert (found.state.ending, found.state.reason) == (Ending.ROLLED_BACK, "health: 1 of 3")


def test_a_write_that_fails_fails_its_step() -> None:
    found = told(*BEGUN[:3], ShiftFailed("throttled", {"web": HOME}), RolloutEnded(Ending.ROLLED_BACK))
    assert hows(found) == [How.FAILED, *[How.NOT_REACHED] * 4]
    assert found.chapters[0].detail == "throttled"


def test_who_stops_a_rollout_is_named_at_the_step_under_way() -> None:
    found = told(*BEGUN, CommandTaken(Word.ABORT, "bob", "1", "errors"), *BACK)
    assert hows(found) == [How.DONE, How.STOPPED, *[How.NOT_REACHED] * 3]
    assert found.chapters[1].detail == "abort by bob: errors"


def test_a_rollback_past_the_runner_stops_the_step_under_way() -> None:
    found = told(*BEGUN, *BACK)
    assert hows(found) == [How.DONE, How.STOPPED, *[How.NOT_REACHED] * 3]


def test_a_promotion_by_hand_skips_what_is_left_before_the_last_shift() -> None:
    everything = shifted(Fraction(1), Split.giving(Color.GREEN, Fraction(1, 10)))
    found = told(*BEGUN, CommandTaken(Word.PROMOTE, "bob", "1"), *everything)
    assert hows(found) == [How.DONE, How.SKIPPED, How.SKIPPED, How.SKIPPED, How.DONE]
    assert found.chapters[1].detail == "promote by bob"
    assert [chapter.began is None for chapter in found.chapters] == [False, False, True, True, False]


def test_a_hook_that_lets_nothing_be_retired_has_failed_and_what_follows_is_skipped() -> None:
    hook = Hook("may", command=("may",), at=HookPoint.BEFORE_RETIRE)
    plan = Plan("web", "canary", Color.BLUE, (Shift(Fraction(1)), Bake(1), Bake(1), hook, Retire(1)), ("web",))
    begun = [RolloutStarted(plan), Prepared(), *shifted(Fraction(1)), StepPassed(1), Promoted(Color.GREEN)]
    found = told(*begun, StepPassed(2), RestSkipped(3, "hook may: exit code 1", "not on a Friday"))
    *_, asked, retire = found.chapters
    assert (asked.how, asked.detail, asked.output) == (How.FAILED, "hook may: exit code 1", "not on a Friday")
    assert (retire.how, retire.detail) == (How.SKIPPED, "")


ROLLING = Plan(
    "web",
    "rolling",
    Color.BLUE,
    (Batch(1, 2, (Member("a", 80),)), Bake(4), Batch(2, 2, (Member("b", 80),)), Bake(4)),
    ("web",),
    rolling=Rolling(),
)


def moved(step: int, member: str, *, back: bool = False, until: int = 4) -> list[Event]:
    way = "back" if back else "forward"
    acts = [
        BatchMoved(step, Act.RELEASE, "1 other is healthy"),
        BatchMoved(step, Act.TAKE_OUT, f"{member} drained"),
        BatchMoved(step, Act.UPDATE, f"{member} updated {way}", f"log of {member} {way}"),
        BatchMoved(step, Act.PUT_IN, f"{member} healthy"),
    ]
    return [*acts[:until]]


FIRST: list[Event] = [RolloutStarted(ROLLING), Prepared(), *moved(0, "a"), StepPassed(1)]


def test_a_batch_has_one_chapter_with_what_its_acts_said_and_what_its_update_put_out() -> None:
    found = told(*FIRST, *moved(2, "b"), StepPassed(3), RolloutEnded(Ending.COMPLETED))
    assert hows(found) == [How.DONE] * 4
    batch = found.chapters[0]
    assert (batch.detail, batch.output) == ("a drained; a updated forward; a healthy", "log of a forward")
    assert (batch.began, batch.ended) == (NOON + timedelta(seconds=2), NOON + timedelta(seconds=6))


def test_a_batch_that_fails_and_those_taken_back_with_it_say_so() -> None:
    back: list[Event] = [moved(2, "b", back=True)[2], moved(2, "b")[3], *moved(0, "a", back=True)]
    found = told(
        *FIRST,
        *moved(2, "b", until=2),
        GateFailed(2, "update", "exit 3", "boom"),
        *back,
        RolloutEnded(Ending.ROLLED_BACK),
    )
    assert hows(found) == [How.TAKEN_BACK, How.DONE, How.FAILED, How.NOT_REACHED]
    assert found.chapters[2].detail == "b drained; update: exit 3; b updated back; b healthy"
    assert found.chapters[0].detail.endswith("a updated back; a healthy")


def test_a_batch_that_waits_for_a_person_is_under_way_with_the_reason() -> None:
    paused = replace(ROLLING, rolling=Rolling(on_failure=OnFailure.PAUSE))
    begun = [RolloutStarted(paused), *FIRST[1:], *moved(2, "b", until=2)]
    found = told(*begun, GateFailed(2, "update", "exit 3", "boom"))
    assert (found.chapters[2].how, found.chapters[2].detail) == (How.UNDER_WAY, "update: exit 3; b:80 may be out")
    stopped = told(*begun, GateFailed(2, "update", "exit 3", "boom"), CommandTaken(Word.ROLLBACK, "bob"))
    assert stopped.chapters[2].how is How.STOPPED
    assert stopped.chapters[2].detail == "b drained; rollback by bob"


def test_a_batch_that_could_not_be_taken_back_says_so() -> None:
    stuck: list[Event] = [Stuck("b cannot be taken back"), RunnerTookOver("bob"), BatchMoved(2, Act.LEAVE, "exit 3")]
    found = told(*FIRST, *moved(2, "b"), StepPassed(3), CommandTaken(Word.ROLLBACK, "bob"), *stuck)
    assert (found.chapters[2].how, found.chapters[2].detail.split("; ")[-1]) == (How.DONE, "not taken back: exit 3")


def test_a_refused_rollout_reached_no_step() -> None:
    found = told(RolloutStarted(PLAN), Refused("no target", 18), RolloutEnded(Ending.REFUSED))
    assert hows(found) == [How.NOT_REACHED] * 5


def test_a_pause_leaves_the_step_under_way_with_its_reason() -> None:
    found = told(*BEGUN, RunnerPaused("SIGTERM"))
    assert found.chapters[1].how is How.UNDER_WAY
    assert found.chapters[1].detail == "SIGTERM"


def test_entries_of_others_are_passed_over() -> None:
    ours = chained([*BEGUN, *BACK])
    theirs = chained([ShiftVerified(), RolloutStarted(PLAN), Prepared()], head=ours[-1].head)
    assert story([*ours, *theirs]).entries == tuple(ours)


def test_a_journal_that_does_not_begin_with_a_start_has_no_story() -> None:
    with pytest.raises(NoRollout):
        told(ShiftVerified(), RolloutStarted(PLAN))


@given(st.lists(rollout_events | st.sampled_from([*BEGUN[1:], *BACK]), max_size=12))
def test_any_row_of_events_has_a_story_with_a_chapter_a_step(happened: list[Event]) -> None:
    others = [event for event in happened if not isinstance(event, RolloutStarted)]
    found = told(RolloutStarted(PLAN), *others)
    assert len(found.chapters) == len(STEPS)
    assert hows(found).count(How.UNDER_WAY) <= 1


@given(st.lists(rollout_events | st.sampled_from([*FIRST[1:], *moved(2, "b"), *BACK]), max_size=16))
def test_any_row_of_events_of_batches_has_a_story_too(happened: list[Event]) -> None:
    others = [event for event in happened if not isinstance(event, RolloutStarted)]
    found = told(RolloutStarted(ROLLING), *others)
    assert [chapter.step for chapter in found.chapters] == list(ROLLING.steps)
    assert hows(found).count(How.UNDER_WAY) <= 1
