"""A rollout in words: every event is a line, and every state says what may be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from tests.support.fakes import NOON
from toolkit.cli.rollout_words import gates_words, how_it_stands, lease_words, line_of, state_document, what_next
from toolkit.rollout.events import (
    CommandTaken,
    DriftAccepted,
    Ending,
    Entry,
    Event,
    GateFailed,
    HooksRan,
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
    WorldDiffers,
)
from toolkit.rollout.machine import fold_rollout
from toolkit.rollout.plan import Plan
from toolkit.rollout.ports import Holder, Lease
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Approve, Bake, Hook, Probe, Retire, Shift
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split

BOB = Holder("bob", "here", 7, "rollout canary")
HOME, CANARY = Split(blue=100, green=0), Split(blue=80, green=20)
PLAN = Plan(
    "web",
    "canary",
    Color.BLUE,
    (Shift(Fraction(1, 5)), Bake(300), Approve(600), Shift(Fraction(1))),
    ("one", "two"),
    gates=(Probe("/healthz"), Hook("smoke", command=("./smoke",))),
)
INTENT = ShiftIntended(Kind.ROLLOUT, Color.BLUE, {"one": HOME, "two": HOME}, CANARY)
BAKING = (RolloutStarted(PLAN), Prepared(), INTENT, ShiftVerified())
WAITING = (*BAKING, StepPassed(1))


def after(events: Sequence[Event]) -> tuple[Entry, RolloutState]:
    """The last entry and the state after it, one second between two."""
    entries = [
        Entry(number, NOON + timedelta(seconds=number), event, rollout="web-1") for number, event in enumerate(events)
    ]
    return entries[-1], fold_rollout(entries)


def state(*events: Event) -> RolloutState:
    return after(events)[1]


def line(*events: Event) -> str:
    return line_of(*after(events))


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (BAKING[:1], "12:00:00Z web: rollout web-1 begins: canary, blue to green, 4 steps"),
        (BAKING[:2], "every check has passed; step 1 of 4 (shift 20 %)"),
        ((BAKING[0], Prepared(("stickiness",))), "every check has passed, with stickiness; step 1 of 4 (shift 20 %)"),
        ((BAKING[0], Refused("too few", 14)), "web: refused, nothing was written: too few"),
        (BAKING[:3], "web: rollout: about to write blue 80 / green 20 on one, two; base blue"),
        (BAKING, "12:00:03Z web: blue 80 / green 20 is read back; step 2 of 4 (bake 5m) until 12:05:03Z"),
        ((*BAKING[:3], ShiftFailed("throttled", {})), "web: not as meant: throttled; all traffic goes back to blue"),
        ((*BAKING, StepPassed(1, "calm")), "step 2 of 4 (bake 5m) is done: calm; step 3 of 4 (approve within 10m)"),
        (
            (*BAKING, GateFailed(1, "probe /", "500")),
            "gate failed at step 2: probe /: 500; all traffic goes back to blue",
        ),
        ((*WAITING, CommandTaken(Word.APPROVE, "ann")), "web: approve by ann; step 4 of 4 (shift 100 %)"),
        ((*BAKING, CommandTaken(Word.ABORT, "ann", reason="no")), "abort by ann: no; all traffic goes back to blue"),
        ((*BAKING, CommandTaken(Word.PAUSE, "ann", reason="look")), "web: pause by ann: look"),
        ((*BAKING, RunnerPaused("Ctrl-C")), "web: paused: Ctrl-C"),
        ((*BAKING, RunnerTookOver("ann", "bob")), "ann takes over from bob; step 2 of 4 (bake 5m) until 12:05:04Z"),
        ((*BAKING, RunnerTookOver("ann", "bob", broke=True)), "web: ann broke the lease of bob; step 2"),
        ((*BAKING, RunnerTookOver("ann")), "web: ann goes on; step 2"),
        ((*BAKING, WorldDiffers("one holds blue 1 / green 1")), "web: halted: one holds blue 1 / green 1"),
        ((*BAKING, Stuck("blue is sick")), "web: halted: blue is sick"),
        ((*WAITING, Promoted(Color.GREEN)), "web: green is live"),
        ((*BAKING, RolloutEnded(Ending.ROLLED_BACK)), "web: rollout web-1 is over: rolled back"),
        ((*BAKING, DriftAccepted({})), "web: what AWS holds is taken as the truth: "),
    ],
)
def test_every_event_is_a_line_that_says_what_begins_with_it(events: tuple[Event, ...], said: str) -> None:
    assert said in line(*events)
    assert len(line(*events).splitlines()) == 1


def test_what_a_hook_or_a_person_wrote_cannot_move_the_cursor() -> None:
    written = line(*BAKING, GateFailed(1, "hook smoke", "\x1b[2Jgone\nand \x07more"))
    assert written == "12:00:04Z web: gate failed at step 2: hook smoke: gone and more; all traffic goes back to blue"


@pytest.mark.parametrize(
    ("events", "held", "commands"),
    [
        (BAKING, True, ["pause", "promote", "rollback"]),
        (BAKING, False, ["resume", "rollback"]),
        (WAITING, True, ["approve", "abort"]),
        ((*BAKING, RunnerPaused("Ctrl-C", leaves=False)), True, ["resume", "rollback"]),
        ((*BAKING, RunnerPaused("Ctrl-C")), False, ["resume", "rollback"]),
        ((*BAKING, Stuck("no")), False, ["drift", "resume", "rollback"]),
        ((*BAKING, GateFailed(1, "health", "fell")), True, []),
        ((*BAKING, GateFailed(1, "health", "fell")), False, ["resume", "rollback"]),
        ((*BAKING, RolloutEnded(Ending.PROMOTED)), False, ["rollback"]),
        ((*BAKING, RolloutEnded(Ending.ROLLED_BACK)), False, []),
    ],
)
def test_what_may_be_done_depends_on_the_phase_and_on_who_runs_it(
    events: tuple[Event, ...], *, held: bool, commands: list[str]
) -> None:
    assert [command.split()[1] for command, _ in what_next(state(*events), held=held)] == commands


def test_how_it_stands_names_phase_step_and_split() -> None:
    assert how_it_stands(state(*WAITING)) == (
        "it is waiting for an approval, step 3 of 4 (approve within 10m), blue 80 / green 20"
    )
    assert how_it_stands(state(*BAKING, RolloutEnded(Ending.PROMOTED))) == "it is promoted, blue 80 / green 20"


def test_what_is_watched_is_target_health_and_every_gate() -> None:
    assert gates_words(PLAN) == "target health, probe /healthz via route every 10s, hook smoke every 10s"
    assert gates_words(replace(PLAN, gates=())) == "target health"


def test_a_lease_says_who_since_when_and_whether_it_is_alive() -> None:
    lease = Lease("web", 1, BOB, NOON, NOON + timedelta(seconds=30))
    assert lease_words(None, NOON) == "nobody holds the lease"
    assert lease_words(lease, NOON + timedelta(seconds=10)) == (
        "held by bob on here (process 7, rollout canary) since 2026-01-02T12:00:00+00:00, "
        "for another 20 s unless it is renewed"
    )
    assert lease_words(lease, NOON + timedelta(seconds=42)).startswith("expired 12 s ago; bob on here")


def test_a_state_as_json_has_step_split_and_deadline() -> None:
    told = state_document(state(*BAKING))
    assert (told["step"], told["steps"], told["phase"]) == (2, 4, "baking")
    assert told["splits"] == {name: {"blue": 80, "green": 20} for name in ("one", "two")}
    assert told["deadline"] == "2026-01-02T12:05:03+00:00"
    assert state_document(state(*BAKING, RolloutEnded(Ending.PROMOTED)))["ending"] == "promoted"


PAGE = Hook("page", command=("./page",))
PAGED = replace(PLAN, on_rollback=(PAGE,), on_end=(PAGE, replace(PAGE, name="tidy")))
BACK = (
    RolloutStarted(PAGED),
    *BAKING[1:],
    GateFailed(1, "analysis", "it errs"),
    ShiftIntended(Kind.ROLLBACK, Color.BLUE, {"one": CANARY, "two": CANARY}, HOME),
    ShiftVerified(),
)


def test_the_hooks_that_run_beside_the_steps_are_named_while_they_do() -> None:
    assert line_of(*after(BACK)).endswith("blue 100 / green 0 is read back; on-rollback: hook page")
    ran = line_of(*after((*BACK, HooksRan(HookPoint.ON_ROLLBACK, "hook page: sent"))))
    assert ran.endswith("on-rollback: hook page: sent; on-end: hook page, hook tidy")
    assert line_of(*after((*BACK, HooksRan(HookPoint.ON_ROLLBACK, "a"), HooksRan(HookPoint.ON_END, "b")))).endswith(
        ": b"
    )


def test_nothing_is_promoted_past_a_hook_of_the_preparation() -> None:
    migrate = replace(PAGE, at=HookPoint.AFTER_PREPARE)
    begun = (RolloutStarted(replace(PLAN, steps=(migrate, *PLAN.steps))), Prepared())
    assert [command for command, _ in what_next(state(*begun), held=True)] == [
        "bluegreen pause web",
        "bluegreen rollback web",
    ]
    assert "bluegreen promote web" in dict(what_next(state(*begun, StepPassed(0)), held=True))


def test_an_old_side_that_was_not_retired_is_told() -> None:
    may = replace(PAGE, at=HookPoint.BEFORE_RETIRE)
    kept = replace(PLAN, steps=(Shift(Fraction(1)), Bake(1), Bake(1), may, Retire(1)))
    everything = replace(INTENT, to=Split(blue=0, green=100))
    promoted = (RolloutStarted(kept), Prepared(), everything, ShiftVerified(), StepPassed(1), Promoted(Color.GREEN))
    over = (*promoted, StepPassed(2), RestSkipped(3, "hook page: no"), RolloutEnded(Ending.PROMOTED))
    assert line_of(*after(over)).endswith("is over: promoted; blue is left as it is")
