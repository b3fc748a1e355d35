"""The state machine: what follows what, and what holds in every state that can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fakes import NOON
from tests.support.journals import events as any_events
from toolkit.errors import NoRollout
from toolkit.rollout.agenda import effect_of, ending_of
from toolkit.rollout.effects import (
    Effect,
    End,
    Hold,
    Intend,
    Judge,
    LetGo,
    Prepare,
    Promote,
    PutRelease,
    RunHook,
    RunHooks,
    RunProbe,
    ScaleTo,
    Survey,
    Wane,
    Watch,
    Write,
)
from toolkit.rollout.events import (
    CommandTaken,
    Ending,
    Entry,
    Event,
    GateFailed,
    HooksRan,
    Kind,
    Prepared,
    Promoted,
    Refused,
    ReleasePut,
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
from toolkit.rollout.machine import advance, begin, evolve, fold_rollout
from toolkit.rollout.plan import Plan
from toolkit.rollout.state import Course, Phase, RolloutState
from toolkit.rollout.steps import Analyze, Approve, Bake, Deploy, Hook, Probe, Retire, Scale, Shift, Step
from toolkit.rollout.workload import Capacity, Change, Release, Side
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split

HOME, CANARY, ALL = Split(blue=100, green=0), Split(blue=95, green=5), Split(blue=0, green=100)
ROUTES = ("a", "b")
STEPS: tuple[Step, ...] = (Shift(Fraction(5, 100)), Bake(60), Shift(Fraction(1)), Bake(30))
PLAN = Plan("web", "canary", Color.BLUE, STEPS, ROUTES)


def plan(*steps: Step) -> Plan:
    return Plan("web", "own", Color.BLUE, steps, ROUTES)


class Story:
    """A journal in the writing: each event a second after the one before."""

    def __init__(self, plan: Plan = PLAN) -> None:
        self.entries: list[Entry] = []
        self._add(RolloutStarted(plan))
        self.state = begin(self.entries[0])

    def _add(self, event: Event) -> Entry:
        number = len(self.entries) + 1
        self.entries.append(Entry(number, NOON + timedelta(seconds=number), event, rollout="web-1"))
        return self.entries[-1]

    def then(self, *happened: Event) -> Effect | None:
        """What is to be done after these."""
        for event in happened:
            self.state, effect = advance(self.state, self._add(event))
            assert effect == effect_of(self.state), "an effect depends on the state alone"
        assert fold_rollout(self.entries) == self.state, "the journal gives the same state"
        return effect_of(self.state)


def intent(to: Split, before: Split = HOME, kind: Kind = Kind.ROLLOUT) -> ShiftIntended:
    return ShiftIntended(kind, Color.BLUE, dict.fromkeys(ROUTES, before), to)


def told(word: Word) -> CommandTaken:
    return CommandTaken(word, "bob", id="1")


def in_canary() -> Story:
    """Baking at 5 %."""
    story = Story()
    story.then(Prepared(), intent(CANARY), ShiftVerified())
    return story


def test_the_whole_way_of_a_canary() -> None:
    story = Story()
    assert effect_of(story.state) == Prepare()
    assert story.then(Prepared()) == Intend(CANARY)
    assert story.then(intent(CANARY)) == Write(intent(CANARY))
    assert story.then(ShiftVerified()) == Watch(until=story.state.began + timedelta(seconds=60), judged=True)
    assert story.state.phase is Phase.BAKING
    assert story.then(StepPassed(1)) == Intend(ALL)
    story.then(intent(ALL, CANARY), ShiftVerified())
    assert story.then(StepPassed(3)) == Promote(Color.GREEN)
    assert story.then(Promoted(Color.GREEN)) == End(Ending.PROMOTED)
    assert story.then(RolloutEnded(Ending.PROMOTED)) is None
    assert (story.state.phase, story.state.is_over) == (Phase.PROMOTED, True)


@pytest.mark.parametrize(
    ("step", "effect"),
    [
        (Analyze(), Judge()),
        (Hook("smoke", ("true",)), RunHook(Hook("smoke", ("true",)), "web-1/0")),
        (Probe("/healthz"), RunProbe(Probe("/healthz"))),
        (Approve(10, "the boss"), Watch(until=NOON + timedelta(seconds=12), approval=True, note="the boss")),
    ],
)
def test_each_step_has_its_effect(step: Step, effect: Effect) -> None:
    assert Story(plan(step, Shift(Fraction(1)))).then(Prepared()) == effect


def seen() -> WorkloadSeen:
    side = Side(Capacity(3, 3, 2, 6), Release("web:1", "web:1.0"))
    return WorkloadSeen(dict.fromkeys(Color, side))


DEPLOYMENT = plan(
    Deploy(Change(image="web:2.0")),
    Scale(for_share=Fraction(1, 20)),
    Shift(Fraction(1, 20)),
    Bake(60),
    Scale(for_share=Fraction(1)),
    Shift(Fraction(1)),
    Bake(5),
    Bake(60),
    Retire(1),
)


def test_a_deployment_notes_what_stands_and_holds_it_before_it_changes_anything() -> None:
    story = Story(DEPLOYMENT)
    assert story.then(Prepared()) == Survey()
    assert story.then(seen()) == Hold()
    assert story.then(WorkloadHeld()) == PutRelease(Change(image="web:2.0"), Color.GREEN)
    assert story.state.phase is Phase.DEPLOYING
    assert story.then(ReleasePut(0, Release("web:2", "web:2.0"))) == ScaleTo(
        Color.GREEN, Scale(for_share=Fraction(1, 20))
    )
    assert story.then(StepPassed(1)) == Intend(CANARY)


def test_the_old_side_is_retired_after_the_promotion_and_all_let_go_before_the_end() -> None:
    story = Story(DEPLOYMENT)
    story.then(Prepared(), seen(), WorkloadHeld(), ReleasePut(0, Release("web:2", "web:2.0")), StepPassed(1))
    story.then(intent(CANARY), ShiftVerified(), StepPassed(3), StepPassed(4), intent(ALL, CANARY), ShiftVerified())
    assert story.then(StepPassed(6)) == Promote(Color.GREEN)
    assert isinstance(story.then(Promoted(Color.GREEN)), Watch)
    assert story.then(StepPassed(7)) == Wane(Color.BLUE, 1)
    assert story.then(StepPassed(8)) == LetGo()
    assert story.then(WorkloadLetGo()) == End(Ending.RETIRED)


def test_a_deployment_that_fails_before_its_first_shift_lets_go_and_ends() -> None:
    story = Story(DEPLOYMENT)
    story.then(Prepared(), seen(), WorkloadHeld(), ReleasePut(0, Release("web:2", "web:2.0")))
    assert story.then(GateFailed(1, "workload", "it does not start")) == LetGo()
    assert story.then(WorkloadLetGo()) == End(Ending.ROLLED_BACK)
    assert not story.state.touched


def test_what_was_taken_back_is_let_go_only_once_the_traffic_is_home() -> None:
    story = Story(DEPLOYMENT)
    story.then(Prepared(), seen(), WorkloadHeld(), ReleasePut(0, Release("web:2", "web:2.0")), StepPassed(1))
    story.then(intent(CANARY), ShiftVerified())
    assert story.then(GateFailed(3, "analysis", "it errs")) == Intend(HOME, back=True)
    assert story.then(intent(HOME, CANARY, Kind.ROLLBACK), ShiftVerified()) == LetGo()
    assert story.then(WorkloadLetGo("green keeps its minimum")) == End(Ending.ROLLED_BACK)


def test_a_promotion_leaps_to_the_capacity_that_the_last_shift_takes() -> None:
    story = Story(DEPLOYMENT)
    story.then(Prepared(), seen(), WorkloadHeld(), ReleasePut(0, Release("web:2", "web:2.0")), StepPassed(1))
    story.then(intent(CANARY), ShiftVerified())
    assert story.then(told(Word.PROMOTE)) == ScaleTo(Color.GREEN, Scale(for_share=Fraction(1)))


def test_a_promotion_does_not_pass_by_what_is_yet_to_be_deployed() -> None:
    story = Story(DEPLOYMENT)
    story.then(Prepared(), seen(), WorkloadHeld())
    assert story.then(told(Word.PROMOTE)) == PutRelease(Change(image="web:2.0"), Color.GREEN)


HOOK = Hook("tell", ("true",))
HOOKED = replace(DEPLOYMENT, on_rollback=(HOOK,), on_end=(HOOK,))


def test_a_promotion_passes_by_no_hook_of_the_preparation_and_none_before_the_last_shift() -> None:
    migrate, smoke = replace(HOOK, at=HookPoint.AFTER_PREPARE), replace(HOOK, at=HookPoint.BEFORE_SHIFT)
    tell, grow = replace(HOOK, at=HookPoint.AFTER_SHIFT), Scale(for_share=Fraction(1))
    steps = (migrate, smoke, Shift(Fraction(1, 10)), tell, Bake(60), grow, smoke, Shift(Fraction(1)), tell, Bake(60))
    story = Story(plan(*steps))
    story.then(Prepared(), seen(), WorkloadHeld())
    assert story.then(told(Word.PROMOTE)) == RunHook(migrate, "web-1/0")
    story.then(StepPassed(0), StepPassed(1), intent(CANARY), ShiftVerified(), StepPassed(3))
    assert story.then(told(Word.PROMOTE)) == ScaleTo(Color.GREEN, grow)
    assert story.then(StepPassed(5)) == RunHook(smoke, "web-1/6")


def test_how_a_rollout_ends_is_known_before_it_has() -> None:
    story = Story(plan(Shift(Fraction(1)), Bake(5), Bake(60), replace(HOOK, at=HookPoint.BEFORE_RETIRE), Retire(1)))
    assert ending_of(story.state) is Ending.RETIRED
    story.then(Prepared(), seen(), WorkloadHeld(), intent(ALL), ShiftVerified(), StepPassed(1), Promoted(Color.GREEN))
    story.then(StepPassed(2), RestSkipped(3, "not yet"))
    assert (ending_of(story.state), story.state.reason) == (Ending.PROMOTED, "not yet")
    story.then(told(Word.ROLLBACK))
    assert ending_of(story.state) is Ending.ROLLED_BACK


def test_the_hooks_of_a_rollback_run_when_the_traffic_is_home_and_those_of_the_end_last() -> None:
    story = Story(HOOKED)
    story.then(Prepared(), seen(), WorkloadHeld(), ReleasePut(0, Release("web:2", "web:2.0")), StepPassed(1))
    story.then(intent(CANARY), ShiftVerified(), told(Word.ABORT))
    back = story.then(intent(HOME, CANARY, Kind.ROLLBACK), ShiftVerified())
    assert back == RunHooks(HookPoint.ON_ROLLBACK, (HOOK,), "web-1/on-rollback")
    assert story.then(HooksRan(HookPoint.ON_ROLLBACK, "it failed")) == LetGo()
    assert story.then(WorkloadLetGo()) == RunHooks(HookPoint.ON_END, (HOOK,), "web-1/on-end")
    assert story.then(HooksRan(HookPoint.ON_END, "well done")) == End(Ending.ROLLED_BACK)


def test_a_rollout_that_goes_well_has_no_hooks_of_a_rollback() -> None:
    story = Story(replace(plan(Shift(Fraction(1))), on_rollback=(HOOK,), on_end=(HOOK,)))
    story.then(Prepared(), intent(ALL), ShiftVerified())
    assert story.then(Promoted(Color.GREEN)) == RunHooks(HookPoint.ON_END, (HOOK,), "web-1/on-end")


def test_what_is_left_undone_after_the_promotion_ends_it_promoted() -> None:
    story = Story(plan(Shift(Fraction(1)), Bake(5), Bake(60), replace(HOOK, at=HookPoint.BEFORE_RETIRE), Retire(1)))
    story.then(Prepared(), seen(), WorkloadHeld(), intent(ALL), ShiftVerified(), StepPassed(1), Promoted(Color.GREEN))
    assert story.then(StepPassed(2)) == RunHook(replace(HOOK, at=HookPoint.BEFORE_RETIRE), "web-1/3")
    assert story.then(RestSkipped(3, "not yet")) == LetGo()
    assert story.then(WorkloadLetGo()) == End(Ending.PROMOTED)


@pytest.mark.parametrize("untimely", [seen(), WorkloadHeld(), ReleasePut(0, Release("", "")), WorkloadLetGo()])
def test_what_cannot_be_told_of_a_workload_yet_halts_the_rollout(untimely: Event) -> None:
    story = Story(DEPLOYMENT)
    assert story.then(untimely) is None
    assert story.state.phase is Phase.HALTED


@pytest.mark.parametrize("failure", [GateFailed(1, "target health", "it fell"), told(Word.ABORT), told(Word.ROLLBACK)])
def test_a_failed_gate_and_a_word_lead_back_to_the_base(failure: Event) -> None:
    story = in_canary()
    assert story.then(failure) == Intend(HOME, back=True)
    assert story.state.phase is Phase.ROLLING_BACK
    back = intent(HOME, CANARY, Kind.ROLLBACK)
    assert story.then(back) == Write(back)
    assert story.then(ShiftVerified()) == End(Ending.ROLLED_BACK)
    assert story.then(RolloutEnded(Ending.ROLLED_BACK)) is None


def test_before_anything_was_written_there_is_nothing_to_take_back() -> None:
    assert Story().then(told(Word.ABORT)) == End(Ending.ROLLED_BACK)


def test_a_refusal_ends_it_at_once() -> None:
    story = Story()
    assert story.then(Refused("too few targets", 14)) == End(Ending.REFUSED)
    assert story.state.exit_code == 14


def test_a_failed_write_goes_back_and_one_on_the_way_back_halts() -> None:
    story = in_canary()
    story.then(StepPassed(1), intent(ALL, CANARY))
    assert story.then(ShiftFailed("throttled", {"a": ALL})) == Intend(HOME, back=True)
    assert story.then(intent(HOME, CANARY, Kind.ROLLBACK), ShiftFailed("gone", {"a": HOME})) is None
    assert story.state.phase is Phase.HALTED
    assert story.then(RunnerTookOver("bob")) == Intend(HOME, back=True), "half of it back is not back"


def test_a_way_back_that_was_half_seen_is_not_taken_for_done() -> None:
    story = in_canary()
    story.then(StepPassed(1), intent(ALL, CANARY), ShiftFailed("nothing can be read", {}))
    assert effect_of(story.state) == Intend(HOME, back=True)


@pytest.mark.parametrize("halting", [WorldDiffers("it holds something else"), Stuck("no healthy target")])
def test_a_halted_rollout_does_nothing_until_somebody_takes_it_up(halting: Event) -> None:
    story = in_canary()
    assert story.then(halting) is None
    assert story.state.phase is Phase.HALTED
    assert isinstance(story.then(RunnerTookOver("bob")), Watch)


def test_a_paused_rollout_waits_and_bakes_anew() -> None:
    story = in_canary()
    assert story.then(told(Word.PAUSE)) == Watch(until=None)
    resumed = story.then(told(Word.RESUME))
    assert resumed == Watch(until=story.entries[-1].at + timedelta(seconds=60), judged=True)


def test_a_runner_that_leaves_leaves_it_paused() -> None:
    story = in_canary()
    assert story.then(RunnerPaused("SIGTERM")) is None
    assert story.state.phase is Phase.PAUSED
    assert isinstance(story.then(RunnerTookOver("bob")), Watch)


def test_an_approval_counts_only_where_one_is_awaited() -> None:
    story = Story(plan(Shift(Fraction(5, 100)), Approve(60), Shift(Fraction(1))))
    story.then(told(Word.APPROVE), Prepared(), intent(CANARY), ShiftVerified())
    assert story.state.phase is Phase.AWAITING_APPROVAL
    assert story.then(told(Word.APPROVE)) == Intend(ALL)


def test_the_deadline_of_an_approval_is_not_moved_by_a_new_runner() -> None:
    story = Story(plan(Shift(Fraction(5, 100)), Approve(60), Shift(Fraction(1))))
    story.then(Prepared(), intent(CANARY), ShiftVerified())
    before = story.state.deadline
    story.then(RunnerTookOver("bob"))
    assert story.state.deadline == before


def test_promote_goes_to_the_last_shift_and_past_the_last_bake() -> None:
    story = in_canary()
    assert story.then(told(Word.PROMOTE)) == Intend(ALL)
    story.then(intent(ALL, CANARY), ShiftVerified())
    assert story.then(told(Word.PROMOTE)) == Promote(Color.GREEN)


def test_a_rollback_that_somebody_else_wrote_is_the_rollouts_own_way_back() -> None:
    story = in_canary()
    story.then(intent(HOME, CANARY, Kind.ROLLBACK), ShiftVerified())
    assert effect_of(story.state) == End(Ending.ROLLED_BACK)


def test_what_cannot_happen_halts() -> None:
    assert Story().then(intent(CANARY)) is None
    assert in_canary().then(StepPassed(3)) is None
    story = in_canary()
    story.then(ShiftVerified())
    assert story.state.course is Course.HALTED
    assert "cannot happen while the rollout is baking" in story.state.reason


def test_entries_of_others_are_passed_over_and_a_rollout_needs_its_start() -> None:
    story = in_canary()
    stranger = Entry(9, NOON, ShiftVerified(), rollout=None)
    assert fold_rollout([*story.entries, stranger]) == story.state
    with pytest.raises(NoRollout):
        begin(stranger)


@given(st.lists(any_events, max_size=12))
def test_it_is_total_and_always_has_a_way_back(happened: list[Event]) -> None:
    """Whatever a journal holds, a state comes of it, and a rollback from there ends."""
    story = Story()
    story.then(*[event for event in happened if not isinstance(event, RolloutStarted)])
    assert_there_is_a_way_back(story.state)


STEP = st.sampled_from(
    [Bake(5), Analyze(), Approve(30), Hook("h", ("true",)), Probe(), Scale(2), Shift(Fraction(1, 10))]
)
PLANS = st.builds(
    lambda steps, last: plan(*steps, Shift(Fraction(1)), Bake(5), *last),
    st.lists(STEP, max_size=6),
    st.sampled_from([(), (Bake(3), Retire(0))]),
) | st.sampled_from([DEPLOYMENT, HOOKED])
INTERRUPTIONS = st.lists(
    st.sampled_from(
        [
            *[told(word) for word in Word],
            RunnerPaused("SIGTERM"),
            RunnerPaused("by itself", leaves=False),
            WorldDiffers("odd"),
            "crash",
            "fail",
            None,
            None,
            None,
        ]
    ),
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(PLANS, INTERRUPTIONS)
def test_any_interleaving_ends_and_only_ever_means_splits_of_the_plan(
    made: Plan, interruptions: list[Event | str | None]
) -> None:
    story = Story(made)
    coming = iter(interruptions)
    for _ in range(200):
        effect = effect_of(story.state)
        if story.state.is_over:
            break
        assert_there_is_a_way_back(story.state)
        story.then(next_event(story, effect, coming))
    assert story.state.is_over, f"it still {story.state.phase}s"
    meant = {entry.event.to for entry in story.entries if isinstance(entry.event, ShiftIntended)}
    assert meant <= {made.home, *(made.split(step) for step in made.steps if isinstance(step, Shift))}
    promoted = [entry for entry in story.entries if isinstance(entry.event, Promoted)]
    assert len(promoted) <= 1
    if story.state.ending in (Ending.PROMOTED, Ending.RETIRED):
        assert promoted
        assert set(story.state.splits.values()) == {ALL}
    if story.state.ending is Ending.ROLLED_BACK and story.state.touched:
        assert set(story.state.splits.values()) == {HOME}
    if any(isinstance(entry.event, WorkloadSeen) for entry in story.entries):
        assert story.state.let_go


def next_event(story: Story, effect: Effect | None, coming: Iterator[Event | str | None]) -> Event:
    """What a runner answers, or what happens in between."""
    interruption = next(coming, None)
    if effect is None or interruption == "crash":
        return RunnerTookOver("somebody")
    if interruption == "fail":
        return failure_of(story.state, effect)
    if isinstance(interruption, CommandTaken | RunnerPaused | WorldDiffers) and not isinstance(effect, Write | End):
        return interruption
    return success_of(story.state, effect)


def success_of(state: RolloutState, effect: Effect) -> Event:  # noqa: PLR0911, PLR0912, C901 - one case an effect
    before = state.splits or dict.fromkeys(ROUTES, HOME)
    match effect:
        case Prepare():
            return Prepared()
        case Survey():
            return seen()
        case Hold():
            return WorkloadHeld()
        case PutRelease():
            return ReleasePut(state.step, Release("web:2", "web:2.0"))
        case LetGo():
            return WorkloadLetGo()
        case RunHooks(point):
            return HooksRan(point, "well done")
        case Intend(to, back):
            return ShiftIntended(Kind.ROLLBACK if back else Kind.ROLLOUT, Color.BLUE, before, to)
        case Write():
            return ShiftVerified()
        case Promote(color):
            return Promoted(color)
        case End(ending):
            return RolloutEnded(ending)
        case Watch(until=None):
            return told(Word.RESUME)
        case Watch(approval=True):
            return told(Word.APPROVE)
        case _:
            return StepPassed(state.step)


def failure_of(state: RolloutState, effect: Effect) -> Event:
    match effect:
        case Prepare():
            return Refused("no", 14)
        case Intend(back=True):
            return Stuck("no healthy target")
        case Write():
            return ShiftFailed("no", dict(state.splits))
        case Promote() | LetGo() | RunHooks() | End():
            return success_of(state, effect)
        case _:
            return GateFailed(state.step, "gate", "no")


def assert_there_is_a_way_back(state: RolloutState) -> None:
    """Somebody takes over and says rollback; from there on everything goes well."""
    if state.is_over:
        return
    number = 1000
    for event in (RunnerTookOver("bob"), told(Word.ROLLBACK)):
        state = evolve(state, Entry(number, NOON, event, rollout="web-1"))
    for _ in range(8):
        effect = effect_of(state)
        if effect is None:
            break
        assert isinstance(effect, Intend | Write | LetGo | RunHooks | End)
        assert not isinstance(effect, Intend) or effect.to == HOME
        state = evolve(state, Entry(number, NOON, success_of(state, effect), rollout="web-1"))
    assert state.is_over
    assert state.ending in (Ending.ROLLED_BACK, Ending.REFUSED)
