"""What is told of which entry, and how loudly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.journals import chained, events
from tests.support.notify import HERE, ROLLED_BACK, TO_THE_APPROVAL
from toolkit.rollout.announcing import Known, known_of, learned, notification_of
from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    Ending,
    Event,
    GateFailed,
    Kind,
    Prepared,
    Promoted,
    Refused,
    RestSkipped,
    RolloutEnded,
    RunnerPaused,
    RunnerTookOver,
    ShiftFailed,
    ShiftIntended,
    StepPassed,
    Stuck,
    Word,
    WorkloadHeld,
    WorkloadLetGo,
    WorldDiffers,
)
from toolkit.rollout.notification import LONGEST_LINE, Notification, Severity
from toolkit.rollout.rolling import Act
from toolkit.traffic import Color, Split

INFO, WARNING, ALERT = Severity.INFO, Severity.WARNING, Severity.ALERT


def told(*happened: Event) -> list[Notification]:
    """What is told of each of these entries."""
    known, made = Known(), []
    for entry in chained(happened):
        now = learned(known, entry)
        made.append(notification_of("web", HERE, entry, known, now))
        known = now
    return made


def last(*happened: Event) -> tuple[str, Severity, bool]:
    notification = told(*happened)[-1]
    return notification.event, notification.severity, notification.important


def test_a_rollout_that_is_taken_back_is_told_step_by_step() -> None:
    assert [(each.event, each.severity.value, each.important) for each in told(*ROLLED_BACK)] == [
        ("started", "info", True),
        ("prepared", "info", False),
        ("shifting", "info", False),
        ("shifted", "info", True),
        ("gate-failed", "alert", True),
        ("shifting-back", "warning", True),
        ("shifted-back", "warning", True),
        ("rolled-back", "alert", True),
    ]


def test_the_line_of_a_shift_says_what_the_routes_hold_now() -> None:
    shifted = told(*ROLLED_BACK[:4])[-1]
    assert shifted.line == "blue 95 / green 5 is read back"
    assert shifted.splits == {"route-0": Split(blue=95, green=5)}
    assert shifted.rollout == "web-1"
    assert shifted.actor == "alice"


def test_that_somebody_must_say_yes_is_told_with_what_begins_the_wait_and_once() -> None:
    asks = told(*TO_THE_APPROVAL)[-1]
    assert (asks.event, asks.severity, asks.important) == ("awaiting-approval", WARNING, True)
    assert asks.line.endswith("; waits for an approval: ask the shop")
    again = told(*TO_THE_APPROVAL, CommandTaken(Word.RESUME, "bob"))[-1]
    assert again.event == "resumed"


def test_people_and_runners_are_told_of() -> None:
    start = ROLLED_BACK[:4]
    assert last(*start, CommandTaken(Word.PAUSE, "bob")) == ("paused", WARNING, True)
    assert last(*start, CommandTaken(Word.ABORT, "bob")) == ("taken-back", WARNING, True)
    assert last(*start, RunnerPaused("SIGTERM")) == ("paused", WARNING, True)
    assert last(*start, RunnerTookOver("bob")) == ("taken-over", WARNING, False)
    assert last(*start, RunnerTookOver("bob", "alice", broke=True)) == ("taken-over", WARNING, True)


def test_what_needs_a_person_is_an_alert() -> None:
    start = ROLLED_BACK[:3]
    assert last(*start, ShiftFailed("throttled", {})) == ("shift-failed", ALERT, True)
    assert last(*start, WorldDiffers("somebody wrote", {})) == ("halted", ALERT, True)
    assert last(*start, Stuck("no healthy target")) == ("halted", ALERT, True)
    assert last(*start, GateFailed(0, "x", "y")) == ("gate-failed", ALERT, True)


@pytest.mark.parametrize(
    ("act", "how"),
    [
        (Act.RELEASE, ("batch-leaving", INFO, False)),
        (Act.TAKE_OUT, ("batch-out", INFO, False)),
        (Act.UPDATE, ("batch-updated", INFO, False)),
        (Act.PUT_IN, ("batch-in", INFO, True)),
        (Act.LEAVE, ("batch-left", ALERT, True)),
    ],
)
def test_of_a_batch_it_is_told_aloud_that_it_is_in_again_or_cannot_be(
    act: Act, how: tuple[str, Severity, bool]
) -> None:
    assert last(*ROLLED_BACK[:1], BatchMoved(0, act)) == how


def test_endings_are_told_apart() -> None:
    start = ROLLED_BACK[:1]
    assert last(*start, RolloutEnded(Ending.PROMOTED)) == ("over", INFO, True)
    assert last(*start, RolloutEnded(Ending.COMPLETED)) == ("over", INFO, True)
    assert last(*start, RolloutEnded(Ending.RETIRED)) == ("retired", INFO, True)
    assert last(*start, Refused("no target", 14)) == ("refused", WARNING, True)
    assert last(*start, Promoted(Color.GREEN)) == ("promoted", INFO, True)
    assert last(*start, RestSkipped(2, "the hook said no")) == ("rest-skipped", WARNING, True)


def test_what_is_unimportant_becomes_important_with_a_problem() -> None:
    assert last(WorkloadLetGo()) == ("workload-let-go", INFO, False)
    assert last(WorkloadLetGo("the minimum stays at 4")) == ("workload-let-go", WARNING, True)
    assert last(Prepared(("no alarms",))) == ("prepared", WARNING, False)
    assert last(WorkloadHeld()) == ("workload-held", INFO, False)


def test_a_rollback_outside_a_rollout_is_told_as_one() -> None:
    home, away = Split(blue=100, green=0), Split(blue=0, green=100)
    meant, done = told(ShiftIntended(Kind.ROLLBACK, Color.BLUE, {"r": away}, home), ROLLED_BACK[3])
    assert (meant.event, done.event) == ("shifting-back", "shifted-back")
    assert done.rollout is None


def test_a_line_too_long_is_cut_and_says_how_long_it_was() -> None:
    (cut,) = told(Stuck("x" * 60_000))
    assert len(cut.line) == LONGEST_LINE
    assert cut.line.endswith("[… cut: 60008 characters in all]")
    assert cut.cut


def test_what_a_terminal_would_obey_is_not_told() -> None:
    (told_,) = told(Stuck("\x1b[2Jgone\nsecond\x07"))
    assert told_.line == "halted: gone second"


def test_of_a_rollout_whose_start_was_not_read_the_entry_alone_is_told() -> None:
    entries = chained(TO_THE_APPROVAL)
    known = known_of(entries[2:4])
    assert known.state is None
    made = notification_of("web", HERE, entries[4], known, learned(known, entries[4]))
    assert made.event == "step-passed"
    assert made.splits == {"route-0": Split(blue=95, green=5)}


@settings(max_examples=60, deadline=None)
@given(st.lists(events, min_size=1, max_size=6))
def test_whatever_a_journal_holds_can_be_told_on_one_line(happened: list[Event]) -> None:
    for notification in told(*happened):
        assert notification.event
        assert "\n" not in notification.line
        assert len(notification.line) <= LONGEST_LINE


def test_a_step_that_is_done_is_unimportant() -> None:
    assert last(*ROLLED_BACK[:4], StepPassed(0)) == ("step-passed", INFO, False)
