from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from tests.support.journals import chained, events
from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    DriftAccepted,
    Ending,
    Event,
    GateFailed,
    HooksRan,
    Kind,
    Prepared,
    Promoted,
    Refused,
    ReleasePut,
    ReleaseRestored,
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
    WorkloadHeld,
    WorkloadLetGo,
    WorkloadSeen,
    WorldDiffers,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.rolling import Act, Member, Rolling
from toolkit.rollout.steps import Bake, Batch, Shift
from toolkit.rollout.telling import MOVES, tell
from toolkit.rollout.workload import Capacity, Release, Side
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split

ALL, CANARY = Split(blue=100, green=0), Split(blue=95, green=5)
IDLE = Capacity(0, 0)
PLAN = Plan("web", "canary", Color.BLUE, (Shift(Fraction(1, 20)), Bake(300), Shift(Fraction(1))), ("web", "api"))
ROLLING = Plan("web", "rolling", Color.BLUE, (Batch(1, 1, (Member("i-0a", 80),)),), ("web",), rolling=Rolling())
TOLD: list[tuple[Event, str]] = [
    (RolloutStarted(PLAN), "begins: canary, blue to green, 3 steps"),
    (Prepared(), "every check has passed"),
    (Prepared(("headroom", "age")), "every check has passed, with headroom; age"),
    (Refused("no healthy target", 18), "refused, nothing was written: no healthy target [exit 18]"),
    (
        ShiftIntended(Kind.ROLLOUT, Color.BLUE, {"web": ALL, "api": ALL}, CANARY),
        f"rollout: about to write {CANARY} on web, api; base blue",
    ),
    (ShiftIntended(Kind.SYNC, None, {}, CANARY), f"sync: about to write {CANARY} on no route; base unknown"),
    (ShiftVerified(), "read back as meant"),
    (ShiftFailed("throttled", {"web": ALL}), f"not as meant: throttled; last seen: web {ALL}"),
    (StepPassed(0), "step 1 is done"),
    (StepPassed(1, "5 minutes, healthy", "long output"), "step 2 is done: 5 minutes, healthy"),
    (
        WorkloadSeen({Color.BLUE: Side(Capacity(3, 3, 2, 6), Release("web:1", "web:1.0")), Color.GREEN: Side(IDLE)}),
        "blue has 3 of 3 of web:1.0 (web:1), at least 2; green has 0 of 0",
    ),
    (WorkloadHeld(), "nothing scales a color in until the rollout is over"),
    (ReleasePut(0, Release("web:2", "web:2.0")), "step 1: AWS is asked to run web:2.0 (web:2)"),
    (RestSkipped(7, "hook veto: no"), "step 8 and what follows is left undone: hook veto: no"),
    (HooksRan(HookPoint.ON_END, "hook tell: answered 200", "ok"), "on-end: hook tell: answered 200"),
    (WorkloadLetGo(), "autoscaling is bound as before"),
    (WorkloadLetGo("green keeps its minimum"), "not all is as before: green keeps its minimum"),
    (GateFailed(1, "probe /", "answered 503", "<html>"), "gate failed at step 2: probe /: answered 503"),
    (CommandTaken(Word.PAUSE, "bob"), "pause by bob"),
    (CommandTaken(Word.ABORT, "bob", "x", "errors"), "abort by bob: errors"),
    (RolloutStarted(ROLLING), "begins: rolling, blue in place, 1 step"),
    (
        BatchMoved(0, Act.RELEASE, "2 others are healthy"),
        "step 1: the batch is about to be taken out: 2 others are healthy",
    ),
    (BatchMoved(0, Act.TAKE_OUT), "step 1: the batch is out and has drained"),
    (BatchMoved(2, Act.UPDATE, "i-0a:80 updated", "log"), "step 3: the batch is updated: i-0a:80 updated"),
    (BatchMoved(2, Act.PUT_IN, "after 4s"), "step 3: the batch is in again and healthy: after 4s"),
    (
        BatchMoved(2, Act.LEAVE, "update: exit 3"),
        "step 3: the batch stays as it is, for it could not be taken back: update: exit 3",
    ),
    (ReleaseRestored("blue runs web:1"), "the live color runs again what it ran: blue runs web:1"),
    (RolloutEnded(Ending.COMPLETED), "over: completed"),
    (RunnerPaused("SIGTERM"), "paused: SIGTERM; the lease is given back"),
    (RunnerPaused("no sight", leaves=False), "paused: no sight"),
    (RunnerTookOver("bob"), "bob goes on"),
    (RunnerTookOver("bob", "alice"), "bob takes over from alice"),
    (RunnerTookOver("bob", "alice", broke=True), "bob broke the lease of alice"),
    (WorldDiffers("a stranger wrote", {"web": CANARY}), f"halted: a stranger wrote; found: web {CANARY}"),
    (Stuck("no healthy target on blue"), "halted: no healthy target on blue"),
    (Promoted(Color.GREEN), "green is live"),
    (DriftAccepted({"web": CANARY}), f"what AWS holds is taken as the truth: web {CANARY}"),
    (RolloutEnded(Ending.ROLLED_BACK), "over: rolled back"),
    (RolloutEnded(Ending.RETIRED), "over: promoted, and the old side is retired"),
]


@pytest.mark.parametrize(("event", "words"), TOLD, ids=lambda value: type(value).__name__)
def test_every_event_is_told_in_words(event: Event, words: str) -> None:
    assert tell(chained([event])[0]) == words


@given(events)
def test_whatever_is_told_is_one_line_that_no_terminal_obeys(event: Event) -> None:
    words = tell(chained([event])[0])
    assert words
    assert len(words.splitlines()) == 1
    assert "\x1b" not in words
    assert "\x9b" not in words


def test_every_act_of_a_batch_has_its_words() -> None:
    assert {*MOVES} == {*Act}
