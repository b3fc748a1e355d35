"""Batches: what follows what, and what holds whatever happens to whoever moves them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rollout.test_machine import Story, told
from tests.support.fakes import NOON
from tests.support.journals import events as any_events
from toolkit.errors import UsageError
from toolkit.rollout.agenda import effect_of, ending_of
from toolkit.rollout.codec import decode, encode
from toolkit.rollout.effects import Effect, End, LetGo, MoveBatch, Prepare, RunHook, RunHooks, Undivert, Watch
from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    DivertRemoved,
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
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Stuck,
    Word,
    WorkloadLetGo,
    WorldDiffers,
)
from toolkit.rollout.machine import evolve
from toolkit.rollout.plan import Plan
from toolkit.rollout.rolling import Act, Member, Place, Rolling, Runs, Standing, batches, count_of
from toolkit.rollout.state import Course, Phase, RolloutState
from toolkit.rollout.steps import Bake, Batch, Hook, Roll, Shift, Step
from toolkit.rollout.workload import Change
from toolkit.settings import OnFailure, Update
from toolkit.traffic import Color, Split

ROLLING = Rolling(Update(command=("./update.sh",)), min_healthy=1, version="2.0")
PAUSING = replace(ROLLING, on_failure=OnFailure.PAUSE)
HOOK = Hook("tell", ("true",))
ACTS = (Act.RELEASE, Act.TAKE_OUT, Act.UPDATE, Act.PUT_IN)
HOME = Split(blue=100, green=0)


def batch(number: int, of: int = 3) -> Batch:
    return Batch(number, of, (Member(f"i-{number}", 8080),))


def a_plan(*steps: Step, rolling: Rolling = ROLLING, **words: tuple[Hook, ...]) -> Plan:
    chosen = steps or (batch(1), batch(2), batch(3))
    return Plan("web", "rolling", Color.BLUE, chosen, ("a", "b"), rolling=rolling, **words)  # type: ignore[arg-type]


PLAN = a_plan()


def done(step: int, *acts: Act) -> list[Event]:
    return [BatchMoved(step, act) for act in acts or ACTS]


def begun(plan: Plan = PLAN) -> Story:
    story = Story(plan)
    story.then(Prepared())
    return story


def asked(effect: Effect | None) -> tuple[int, Act, Runs]:
    assert isinstance(effect, MoveBatch)
    return effect.step, effect.act, effect.wanted


def test_each_batch_leaves_is_updated_and_comes_back_before_the_next_one_leaves() -> None:
    story = begun()
    for step in range(3):
        for act in ACTS:
            assert asked(effect_of(story.state)) == (step, act, Runs.NEW)
            assert story.state.phase is Phase.UPDATING
            story.then(BatchMoved(step, act))
    assert effect_of(story.state) == End(Ending.COMPLETED)
    assert ending_of(story.state) is Ending.COMPLETED
    story.then(RolloutEnded(Ending.COMPLETED))
    assert story.state.phase is Phase.COMPLETED


def test_nothing_behind_the_colors_is_noted_or_held_for_batches() -> None:
    assert isinstance(begun().then(), MoveBatch)


def test_the_same_act_has_the_same_id_however_often_it_is_asked_for_and_no_other_has_it() -> None:
    story, ids = begun(), list[str]()
    for act in ACTS:
        effect = story.then(RunnerTookOver("bob"))
        assert isinstance(effect, MoveBatch)
        assert effect == story.then(RunnerPaused("SIGTERM"), RunnerTookOver("eve"))
        ids.append(effect.id)
        story.then(BatchMoved(0, act))
    assert len(set(ids)) == len(ACTS)


@pytest.mark.parametrize(
    ("so_far", "back"),
    [
        ((), []),
        ((Act.RELEASE,), [Act.PUT_IN]),
        ((Act.RELEASE, Act.TAKE_OUT), [Act.UPDATE, Act.PUT_IN]),
        ((Act.RELEASE, Act.TAKE_OUT, Act.UPDATE), [Act.TAKE_OUT, Act.UPDATE, Act.PUT_IN]),
        (ACTS, [*ACTS]),
    ],
)
@pytest.mark.parametrize("why", [GateFailed(0, "update", "exit 3"), told(Word.ROLLBACK), told(Word.ABORT)])
def test_a_batch_goes_back_by_as_much_as_may_have_become_of_it(
    so_far: tuple[Act, ...], back: list[Act], why: Event
) -> None:
    story = begun()
    if so_far:
        story.then(*done(0, *so_far))
    story.then(why)
    acts = []
    while isinstance(effect := effect_of(story.state), MoveBatch):
        assert effect.wanted is Runs.OLD
        acts.append(effect.act)
        story.then(BatchMoved(effect.step, effect.act))
    assert acts == back
    assert effect_of(story.state) == End(Ending.ROLLED_BACK)


def test_the_failed_batch_goes_back_first_and_then_the_last_one() -> None:
    story = begun()
    story.then(*done(0), *done(1), *done(2, Act.RELEASE, Act.TAKE_OUT), GateFailed(2, "update", "exit 3"))
    order = []
    while isinstance(effect := effect_of(story.state), MoveBatch):
        order.append(effect.step)
        story.then(BatchMoved(effect.step, effect.act))
    assert order == [2, 2, 1, 1, 1, 1, 0, 0, 0, 0]


def test_on_the_way_back_another_batch_may_leave_first_and_then_only_that_one_moves() -> None:
    story = begun()
    story.then(*done(0), *done(1), told(Word.ROLLBACK))
    assert story.state.may_be_released == (1, 0)
    assert asked(story.then(BatchMoved(0, Act.RELEASE))) == (0, Act.TAKE_OUT, Runs.OLD)
    assert not story.state.may_be_released
    assert story.then(BatchMoved(1, Act.RELEASE)) is None
    assert story.state.phase is Phase.HALTED


def test_forward_no_batch_leaves_before_its_turn() -> None:
    story = begun()
    assert story.then(BatchMoved(1, Act.RELEASE)) is None
    assert "BatchMoved cannot happen while the rollout is updating" in story.state.reason


@pytest.mark.parametrize("act", [Act.TAKE_OUT, Act.UPDATE, Act.PUT_IN, Act.LEAVE])
def test_no_act_comes_before_those_it_needs(act: Act) -> None:
    assert begun().then(BatchMoved(0, act)) is None


def test_by_policy_a_failure_waits_for_a_person_who_is_told_who_may_be_out() -> None:
    story = begun(a_plan(rolling=PAUSING))
    story.then(*done(0), *done(1, Act.RELEASE, Act.TAKE_OUT))
    assert story.then(GateFailed(1, "update", "exit 3")) is None
    assert (story.state.phase, story.state.reason) == (Phase.PAUSED, "update: exit 3; i-2:8080 may be out")
    assert asked(story.then(RunnerTookOver("bob"))) == (1, Act.UPDATE, Runs.NEW)


def test_a_batch_that_was_sick_once_it_was_in_is_taken_out_and_updated_again_by_a_resume() -> None:
    story = begun(a_plan(rolling=PAUSING))
    story.then(*done(0, *ACTS[:3]), GateFailed(0, "put-in", "unhealthy"))
    acts = []
    story.then(RunnerTookOver("bob"))
    while story.state.step == 0:
        acts.append(asked(effect_of(story.state))[1])
        story.then(BatchMoved(0, acts[-1]))
    assert acts == [Act.TAKE_OUT, Act.UPDATE, Act.PUT_IN]


def test_by_policy_too_a_failing_check_of_the_beginning_is_no_pause() -> None:
    story = Story(a_plan(rolling=PAUSING))
    assert story.then(GateFailed(0, "release", "another service failed")) == End(Ending.ROLLED_BACK)


def test_by_policy_what_fails_between_two_batches_leaves_nobody_out() -> None:
    story = begun(a_plan(batch(1, 2), Bake(60), batch(2, 2), rolling=PAUSING))
    story.then(*done(0), GateFailed(1, "analysis", "it errs"))
    assert (story.state.phase, story.state.reason) == (Phase.PAUSED, "analysis: it errs")
    assert isinstance(story.then(RunnerTookOver("bob")), Watch)


def test_whoever_leaves_in_the_middle_says_who_may_be_out() -> None:
    story = begun()
    story.then(*done(0, Act.RELEASE), RunnerPaused("SIGTERM"))
    assert story.state.reason == "SIGTERM; i-1:8080 may be out"


def test_what_cannot_be_taken_back_halts_and_is_left_only_once_a_person_went_on() -> None:
    story = begun()
    story.then(*done(0), *done(1, Act.RELEASE, Act.TAKE_OUT), GateFailed(1, "update", "exit 3"))
    assert story.then(Stuck("i-2:8080 cannot be taken back")) is None
    assert asked(story.then(RunnerTookOver("bob"))) == (1, Act.UPDATE, Runs.OLD)
    assert asked(story.then(BatchMoved(1, Act.LEAVE, "update: exit 3"))) == (0, Act.RELEASE, Runs.OLD)
    assert story.state.left == batch(2).members
    assert story.state.away == ()
    assert story.then(*done(0)) == End(Ending.ROLLED_BACK)
    assert story.state.reason == "i-2:8080 could not be taken back (update: exit 3)"


def test_an_act_that_goes_well_after_all_is_no_reason_to_leave_the_batch_at_the_next_one() -> None:
    story = begun()
    story.then(
        *done(0, Act.RELEASE, Act.TAKE_OUT), GateFailed(0, "update", "exit 3"), Stuck("no"), RunnerTookOver("bob")
    )
    story.then(BatchMoved(0, Act.UPDATE))
    assert story.then(BatchMoved(0, Act.LEAVE)) is None
    assert story.state.phase is Phase.HALTED


def test_hooks_of_a_rollback_and_of_the_end_run_once_all_are_back() -> None:
    story = begun(a_plan(on_rollback=(HOOK,), on_end=(HOOK,)))
    story.then(*done(0, Act.RELEASE), told(Word.ABORT))
    back = story.then(BatchMoved(0, Act.PUT_IN))
    assert isinstance(back, RunHooks)
    end = story.then(HooksRan(back.at, "well done"))
    assert isinstance(end, RunHooks)
    assert story.then(HooksRan(end.at, "well done")) == End(Ending.ROLLED_BACK)


def test_hooks_among_the_batches_run_where_they_stand() -> None:
    story = begun(a_plan(HOOK, batch(1, 1), HOOK))
    assert story.then() == RunHook(HOOK, "web-1/0")
    story.then(StepPassed(0), *done(1))
    assert effect_of(story.state) == RunHook(HOOK, "web-1/2")


def test_nothing_is_promoted_that_is_updated_in_place() -> None:
    story = begun()
    assert asked(story.then(told(Word.PROMOTE))) == (0, Act.RELEASE, Runs.NEW)
    assert story.then(Promoted(Color.BLUE)) is None


def test_a_rollback_of_weights_takes_no_batch_back_so_the_batches_follow() -> None:
    story = begun()
    away = Split(blue=50, green=50)
    story.then(*done(0), ShiftIntended(Kind.ROLLBACK, Color.BLUE, dict.fromkeys(("a", "b"), away), HOME))
    assert asked(story.then(ShiftVerified())) == (0, Act.RELEASE, Runs.OLD)


@pytest.mark.parametrize("steps", [(Bake(5),), (batch(1), Shift(Fraction(1))), ()])
def test_a_plan_in_place_has_batches_or_leaves_it_to_ecs_and_shifts_nothing(
    steps: tuple[Step, ...],
) -> None:
    with pytest.raises(UsageError, match="in place"):
        Plan("web", "rolling", Color.BLUE, steps, ("a",), rolling=ROLLING)
    with pytest.raises(UsageError, match="in place"):
        Plan("web", "rolling", Color.BLUE, (Roll(Change(image="web:2")),), ("a",))


ZONES = dict(zip("abcdefgh", [None, "z1", "z2", "z1", None, "z2", "z1", "z2"], strict=True))
members = st.builds(lambda host, port: Member(host, port, ZONES[host]), st.sampled_from("abcdefgh"), st.integers(1, 3))


@given(st.lists(members, max_size=12, unique_by=lambda each: (each.id, each.port)), st.integers(1, 5))
def test_everybody_is_in_one_batch_none_is_too_large_and_zones_stay_together(found: list[Member], size: int) -> None:
    parts = batches(found, size)
    flat = [member for part in parts for member in part]
    assert sorted(map(str, flat)) == sorted(map(str, found))
    assert all(1 <= len(part) <= size or len({each.id for each in part}) == 1 for part in parts)
    hosts = [host for part in parts for host in {each.id for each in part}]
    assert len(hosts) == len(set(hosts)), "a host leaves as a whole"
    zones = [member.zone for member in flat]
    assert len([zone for index, zone in enumerate(zones) if index == 0 or zones[index - 1] != zone]) == len(set(zones))


@given(st.floats(0, 99, exclude_min=True), st.integers(1, 500))
def test_a_part_of_the_targets_is_at_least_one_and_never_more_than_it_says(amount: float, targets: int) -> None:
    count = count_of(amount, targets)
    assert count >= (1 if amount < 1 else int(amount))
    assert count <= max(1, targets * amount if amount < 1 else amount)


@dataclass
class Fleet:
    """Of each batch, by its step: whether requests reach it, and what it runs; UNKNOWN is half an update."""

    steps: tuple[int, ...]
    reached: dict[int, bool] = field(default_factory=dict)
    runs: dict[int, Runs] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reached = dict.fromkeys(self.steps, True)
        self.runs = dict.fromkeys(self.steps, Runs.OLD)

    def carry_out(self, effect: MoveBatch, state: RolloutState, *, halfway: bool = False) -> None:
        """Do the act, or half of it; what must never be is asserted here, where it would harm."""
        step = effect.step
        match effect.act:
            case Act.TAKE_OUT:
                others = [each for each in self.steps if each != step and not self.reached[each]]
                assert all(state.batches[each].left for each in others), "two batches are out at once"
                self.reached[step] = False
            case Act.UPDATE:
                assert not self.reached[step], "an update begins while requests reach the batch"
                self.runs[step] = Runs.UNKNOWN if halfway else effect.wanted
            case Act.PUT_IN:
                assert self.runs[step] is effect.wanted, "what is put in does not run what it is said to"
                self.reached[step] = True
            case Act.RELEASE | Act.LEAVE:
                pass


TROUBLE = st.lists(
    st.sampled_from(
        [
            *[told(word) for word in Word],
            RunnerPaused("SIGTERM"),
            RunnerPaused("by itself", leaves=False),
            WorldDiffers("odd"),
            "crash before",
            "crash half way",
            "crash after",
            "fail before",
            "fail half way",
            "fail after",
            "another first",
            *[None] * 8,
        ]
    ),
    max_size=40,
)
PLANS = st.builds(
    lambda count, between, rolling, hooks: a_plan(
        *(step for number in range(1, count + 1) for step in (batch(number, count), *between)),
        rolling=rolling,
        on_rollback=hooks,
        on_end=hooks,
    ),
    st.integers(1, 4),
    st.sampled_from([(), (Bake(5),), (HOOK, Bake(5))]),
    st.sampled_from([ROLLING, PAUSING]),
    st.sampled_from([(), (HOOK,)]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS, TROUBLE)
def test_whatever_happens_it_ends_with_every_batch_in_and_all_of_one_version(
    plan: Plan, trouble: list[Event | str | None]
) -> None:
    story = Story(plan)
    fleet = Fleet(tuple(index for index, step in enumerate(plan.steps) if isinstance(step, Batch)))
    coming = iter(trouble)
    for _ in range(400):
        if story.state.is_over:
            break
        story.then(next_event(story, fleet, coming))
    state = story.state
    assert state.is_over, f"it still {state.phase}s"
    left = {step for step, standing in state.batches.items() if standing.left}
    if state.ending is Ending.COMPLETED:
        assert set(fleet.reached.values()) == {True}
        assert set(fleet.runs.values()) == {Runs.NEW}
        assert not left
    else:
        assert state.ending in (Ending.ROLLED_BACK, Ending.REFUSED)
        for step in set(fleet.steps) - left:
            assert (fleet.reached[step], fleet.runs[step]) == (True, Runs.OLD)
    for entry in story.entries:
        assert replace(decode(encode(entry), source="here"), hash="") == entry


def next_event(story: Story, fleet: Fleet, coming: Iterator[Event | str | None]) -> Event:
    """What a runner answers, or what happens in between."""
    state, effect, trouble = story.state, effect_of(story.state), next(coming, None)
    if effect is None:
        return RunnerTookOver("somebody")
    if not isinstance(trouble, str | None) and not isinstance(effect, End):
        return trouble
    if not isinstance(effect, MoveBatch):
        return RunnerTookOver("somebody") if trouble == "crash before" else other_event(state, effect, trouble)
    if trouble == "another first" and effect.act is Act.RELEASE and state.may_be_released:
        return BatchMoved(state.may_be_released[-1], Act.RELEASE)
    how, _, when = trouble.partition(" ") if isinstance(trouble, str) else ("", "", "")
    if when != "before":
        fleet.carry_out(effect, state, halfway=when == "half way")
    if how == "crash":
        return RunnerTookOver("somebody")
    return failure_of(state, effect) if how == "fail" else BatchMoved(effect.step, effect.act)


def other_event(state: RolloutState, effect: Effect, trouble: Event | str | None) -> Event:
    match effect:
        case Prepare():
            return Refused("no", 14) if trouble == "fail before" else Prepared()
        case RunHooks(point):
            return HooksRan(point, "well done")
        case End(ending):
            return RolloutEnded(ending)
        case Watch(until=None):
            return told(Word.RESUME)
        case _:
            failed = isinstance(trouble, str) and trouble.startswith("fail")
            return GateFailed(state.step, "gate", "no") if failed else StepPassed(state.step)


def failure_of(state: RolloutState, effect: MoveBatch) -> Event:
    if not state.back:
        return GateFailed(state.step, str(effect.act), "no")
    is_stuck = state.batches[effect.step].stuck
    return BatchMoved(effect.step, Act.LEAVE, "no") if is_stuck else Stuck("no")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    PLANS,
    st.lists(
        any_events
        | st.builds(BatchMoved, st.integers(-1, 5), st.sampled_from(Act))
        | st.builds(StepPassed, st.integers(0, 4))
        | st.sampled_from([Prepared(), RestSkipped(0, "no"), Promoted(Color.BLUE), told(Word.ROLLBACK)]),
        max_size=15,
    ),
)
def test_whatever_a_journal_holds_a_state_comes_of_it_and_no_batch_is_passed_by(
    plan: Plan, happened: list[Event]
) -> None:
    story = Story(plan)
    story.then(Prepared(), *[event for event in happened if not isinstance(event, RolloutStarted)])
    state = story.state
    for index in range(state.step if not state.back else 0):
        if isinstance(plan.steps[index], Batch):
            assert state.batches[index].is_done(Runs.NEW)
    out = [step for step, each in state.batches.items() if each.place is not Place.IN and not each.left]
    assert len(out) <= 1
    for event in (RunnerTookOver("bob"), told(Word.ROLLBACK)):
        state = evolve(state, Entry(99, NOON, event, rollout="web-1"))
    for _ in range(40):
        effect = effect_of(state)
        if effect is None:
            break
        state = evolve(state, Entry(99, NOON, event_back(effect), rollout="web-1"))
    assert state.course is Course.OVER


def event_back(effect: Effect) -> Event:
    match effect:
        case MoveBatch(step, _, act):
            return BatchMoved(step, act)
        case RunHooks(point):
            return HooksRan(point, "well done")
        case LetGo():
            return WorkloadLetGo()
        case Undivert():
            return DivertRemoved()
        case End(ending):
            return RolloutEnded(ending)
        case _:
            return ShiftVerified()


@given(st.sampled_from(Place), st.sampled_from(Runs), st.sampled_from([Runs.OLD, Runs.NEW]))
def test_from_every_standing_a_batch_comes_to_serve_with_what_is_wanted(place: Place, runs: Runs, wanted: Runs) -> None:
    standing = Standing(place, runs)
    for _ in range(len(ACTS)):
        if standing.is_done(wanted):
            break
        standing = standing.after(standing.act(wanted), wanted)
    assert standing == Standing(Place.IN, wanted)


def test_plans_of_releases_before_there_were_rolling_updates_are_read() -> None:
    shifting = Plan("web", "cutover", Color.BLUE, (Shift(Fraction(1)),), ("web",))
    document = json.loads(encode(Entry(1, NOON, RolloutStarted(shifting), rollout="web-1")))
    del document["plan"]["rolling"]
    event = decode(json.dumps(document), source="here").event
    assert isinstance(event, RolloutStarted)
    assert event.plan == shifting
    assert not event.plan.in_place


def test_what_a_command_says_is_no_word_for_batches_that_wait_for_none() -> None:
    story = begun()
    for word in (Word.APPROVE, Word.PROMOTE, Word.RESUME):
        assert asked(story.then(CommandTaken(word, "bob"))) == (0, Act.RELEASE, Runs.NEW)
