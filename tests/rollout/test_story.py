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
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Word,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.state import Phase
from toolkit.rollout.steps import Approve, Bake, Hook, Retire, Shift
from toolkit.rollout.story import How, Story, story
from toolkit.settings import HookPoint
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
