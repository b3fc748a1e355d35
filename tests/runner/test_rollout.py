"""Rollouts on fakes: what operators see of the engine, from the first check to the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

import pytest

from tests.support.fakes import NOON, FakeWorld, a_world
from toolkit.contract import Stickiness
from toolkit.errors import (
    AwsUnreachable,
    Halted,
    JournalError,
    LeaseLost,
    Locked,
    NoBase,
    NoRollout,
    Paused,
    PreflightRefused,
    RolledBack,
)
from toolkit.rollout.events import (
    CommandTaken,
    DriftAccepted,
    Ending,
    GateFailed,
    Kind,
    Promoted,
    RolloutEnded,
    RolloutStarted,
    RunnerTookOver,
    ShiftIntended,
    ShiftVerified,
    Word,
    WorldDiffers,
)
from toolkit.rollout.ports import Command, Result
from toolkit.rollout.preflight import Level
from toolkit.rollout.state import Phase
from toolkit.rollout.steps import Approve, Bake, Hook, Probe, Shift
from toolkit.rollout.strategy import Strategy, all_at_once, canary
from toolkit.runner.lease import take
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import RolloutOutcome, Wanted, plan_rollout, resume, start
from toolkit.runner.shift import shift
from toolkit.runner.states import state_of
from toolkit.runner.tell import tell
from toolkit.settings import FreezeSettings, ServiceSettings
from toolkit.traffic import Color, Split

TO_GREEN, TO_BLUE = Split(blue=0, green=100), Split(blue=100, green=0)
CANARY = canary([Fraction(5, 100), Fraction(50, 100), Fraction(1)], 60)


def run(world: FakeWorld, strategy: Strategy = CANARY, **words: object) -> RolloutOutcome:
    return start(world.service, Wanted(strategy=strategy, **words))  # type: ignore[arg-type]


def cutover(world: FakeWorld, bake: float = 60, **words: object) -> RolloutOutcome:
    return run(world, all_at_once(bake), **words)


def when(world: FakeWorld, seconds: float, act: Callable[[], None]) -> None:
    """Do it once, when so much time has passed."""
    before = world.clock.on_sleep
    done: list[bool] = []

    def on_sleep() -> None:
        before()
        if not done and world.clock.now() >= NOON + timedelta(seconds=seconds):
            done.append(True)
            act()

    world.clock.on_sleep = on_sleep


def say(world: FakeWorld, word: Word, *, rollout: str = "web-1") -> None:
    command = Command(f"{word}-{world.clock.now().timestamp()}", word, rollout, "bob", world.clock.now(), "because")
    world.service.store.put("web", command)


def names(world: FakeWorld) -> list[str]:
    return [type(event).__name__ for event in world.events()]


def test_a_canary_goes_step_by_step_and_is_promoted() -> None:
    world = a_world()
    outcome = run(world)
    assert [weights for _, weights, _ in world.router.writes] == [
        world.service.contract.weights(Split(blue=100 - share, green=share)) for share in (5, 50, 100)
    ]
    assert sum(world.clock.slept) == pytest.approx(3 * 60)
    assert outcome.state is not None
    assert outcome.state.phase is Phase.PROMOTED
    assert world.events()[-2:] == [Promoted(Color.GREEN), RolloutEnded(Ending.PROMOTED)]
    assert outcome.rollout == "web-1"
    assert world.service.record().rollout is None


def test_sides_alternate_and_a_rollback_goes_to_the_one_before() -> None:
    world = a_world()
    for expected in (TO_GREEN, TO_BLUE, TO_GREEN):
        cutover(world, 0)
        assert world.split() == expected
    assert rollback(world.service).after == TO_BLUE


def test_from_mid_canary_it_goes_on_to_the_same_color() -> None:
    world = a_world()
    shift(world.service, Split(blue=80, green=20))
    cutover(world, 0)
    assert world.split() == TO_GREEN


def test_without_a_base_nobody_knows_which_color_is_idle() -> None:
    world = a_world(split=Split(blue=50, green=50))
    with pytest.raises(NoBase) as caught:
        cutover(world)
    assert "--to green" in caught.value.hint
    cutover(world, 0, to=Color.BLUE)
    assert world.split() == TO_BLUE


def test_what_is_there_already_begins_nothing() -> None:
    world = a_world()
    outcome = cutover(world, to=Color.BLUE)
    assert outcome.state is None
    assert world.events() == []
    assert world.clock.slept == []


def test_a_side_that_is_too_small_is_refused_before_anything_is_recorded() -> None:
    world = a_world(blue=3, green=2)
    with pytest.raises(PreflightRefused, match="needs 3"):
        cutover(world)
    _, _, findings = plan_rollout(world.service, Wanted(strategy=all_at_once(0)))
    assert any(finding.level is Level.REFUSED for finding in findings)
    assert world.router.writes == world.events() == []
    assert world.service.store.holder("web") is None


def test_a_side_too_small_for_a_later_step_takes_the_rollout_back_there() -> None:
    world = a_world(blue=6, green=2)
    with pytest.raises(RolledBack, match="capacity: green has 2 healthy targets of 2, and this shift needs 4"):
        run(world)
    assert world.split() == TO_BLUE


def test_force_goes_to_a_side_without_a_healthy_target() -> None:
    world = a_world(green=0)
    with pytest.raises(PreflightRefused):
        cutover(world, 0)
    cutover(world, 0, force=True)
    assert world.split() == TO_GREEN


def test_when_the_new_side_falls_the_traffic_goes_back_by_itself() -> None:
    world = a_world(stickiness=Stickiness(enabled=True, duration_seconds=60))
    when(world, 10, lambda: world.health(Color.GREEN, "healthy", "unhealthy", "unhealthy"))
    with pytest.raises(RolledBack, match=r"green fell to 1 healthy target, needs 3.*back on blue"):
        cutover(world)
    assert world.split() == TO_BLUE
    assert not world.router.live["route-0"].stickiness.enabled
    record = world.service.record()
    assert record.kind is Kind.ROLLBACK
    assert record.rollout is None
    assert "Promoted" not in names(world)
    assert world.service.store.holder("web") is None


def test_a_fall_at_the_very_end_of_the_bake_counts() -> None:
    world = a_world()
    when(world, 60, lambda: world.health(Color.GREEN, "unhealthy"))
    with pytest.raises(RolledBack):
        cutover(world, 60)


def test_when_both_sides_fall_the_traffic_stays_and_a_person_must_decide() -> None:
    world = a_world()

    def all_fall() -> None:
        world.health(Color.GREEN, "unhealthy")
        world.health(Color.BLUE, "unhealthy")

    when(world, 5, all_fall)
    with pytest.raises(Halted, match=r"both sides are sick.*green keeps what it carries"):
        cutover(world)
    assert world.split() == TO_GREEN
    world.health(Color.BLUE, "healthy")
    with pytest.raises(RolledBack):
        resume(world.service)
    assert world.split() == TO_BLUE


def test_a_look_that_fails_is_no_reason_to_go_back() -> None:
    world = a_world()

    def fail_for_a_while() -> None:
        if NOON + timedelta(seconds=10) <= world.clock.now() < NOON + timedelta(seconds=20):
            raise AwsUnreachable("no answer")

    world.targets.before = fail_for_a_while
    cutover(world)
    assert world.split() == TO_GREEN
    assert world.notes.count("warning: no answer") == 1, "said once, not at every look"


def test_a_bake_that_ends_unseen_is_waited_for_and_then_paused() -> None:
    world = a_world()

    def go_dark() -> None:
        def fail() -> None:
            raise AwsUnreachable("no answer")

        world.targets.before = fail

    when(world, 5, go_dark)
    with pytest.raises(Paused, match="cannot be seen how things are: no answer"):
        cutover(world)
    assert sum(world.clock.slept) == pytest.approx(120, abs=3)
    assert world.split() == TO_GREEN
    world.targets.before = lambda: None
    assert resume(world.service).state is not None
    assert world.events()[-1] == RolloutEnded(Ending.PROMOTED)


def test_weights_that_somebody_else_wrote_halt_it_and_nothing_is_touched() -> None:
    world = a_world()
    odd = Split(blue=70, green=30)
    when(world, 10, lambda: world.put(odd))
    with pytest.raises(Halted, match="holds blue 70 / green 30, and the journal says blue 95 / green 5"):
        run(world)
    assert world.split() == odd
    assert isinstance(world.events()[-1], WorldDiffers)
    with pytest.raises(Halted):
        resume(world.service)
    assert world.split() == odd
    world.put(Split(blue=95, green=5))
    resume(world.service)
    assert world.split() == TO_GREEN


def test_drift_before_the_start_is_refused_or_taken_as_the_truth() -> None:
    world = a_world()
    shift(world.service, Split(blue=80, green=20))
    world.put(Split(blue=70, green=30))
    with pytest.raises(PreflightRefused, match="70"):
        cutover(world)
    cutover(world, accept_drift=True)
    assert world.split() == TO_GREEN
    assert DriftAccepted({"route-0": Split(blue=70, green=30)}) in world.events()


def test_a_rollback_leads_out_of_a_halt_and_ends_the_rollout() -> None:
    world = a_world()
    when(world, 10, lambda: world.put(Split(blue=70, green=30)))
    with pytest.raises(Halted):
        run(world)
    assert rollback(world.service).after == TO_BLUE
    assert world.service.record().rollout is None
    assert state_of(world.service, "web-1").ending is Ending.ROLLED_BACK
    with pytest.raises(NoRollout):
        resume(world.service)


def test_a_rival_is_refused_and_told_who_holds_the_lease() -> None:
    world = a_world()
    refused: list[str] = []

    def rival() -> None:
        for act in (lambda: run(world), lambda: shift(world.service, TO_GREEN), lambda: rollback(world.service)):
            with pytest.raises(Locked) as caught:
                act()
            refused.append(caught.value.message)

    when(world, 10, rival)
    run(world)
    assert len(refused) == 3
    assert all("alice" in message and "rollout canary" in message for message in refused)


def test_a_paused_rollout_keeps_others_out() -> None:
    world = a_world()
    world.service.ask = None
    strategy = Strategy("asks", (Shift(Fraction(5, 100)), Approve(3600), Shift(Fraction(1))))
    when(world, 5, lambda: say(world, Word.PAUSE))
    when(world, 9, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(world, strategy)
    with pytest.raises(PreflightRefused, match="rollout web-1 is under way"):
        shift(world.service, TO_GREEN)
    with pytest.raises(PreflightRefused, match="rollout web-1 is under way"):
        run(world)


def test_an_approval_from_elsewhere_lets_it_go_on() -> None:
    world = a_world()
    strategy = Strategy("asks", (Shift(Fraction(5, 100)), Approve(3600), Shift(Fraction(1))))
    when(world, 100, lambda: say(world, Word.APPROVE))
    run(world, strategy)
    assert world.split() == TO_GREEN
    assert any(isinstance(event, CommandTaken) and event.by == "bob" for event in world.events())
    assert world.service.store.pending("web") == []


def test_an_approval_that_does_not_come_takes_it_back() -> None:
    world = a_world()
    strategy = Strategy("asks", (Shift(Fraction(5, 100)), Approve(3600), Shift(Fraction(1))))
    with pytest.raises(RolledBack, match=r"approval: nobody approved by 2026-01-02 13:00:\d\d UTC"):
        run(world, strategy)


@pytest.mark.parametrize("word", [Word.ROLLBACK, Word.ABORT])
def test_going_back_from_elsewhere_is_heeded_within_two_seconds(word: Word) -> None:
    world = a_world()
    said: list[float] = []

    def tell_it() -> None:
        say(world, word)
        said.append(sum(world.clock.slept))

    when(world, 90, tell_it)
    with pytest.raises(RolledBack, match="bob: because"):
        run(world)
    assert world.split() == TO_BLUE
    assert sum(world.clock.slept) - said[0] <= 2.5


def test_a_rollback_jumps_the_queue() -> None:
    world = a_world()

    def both() -> None:
        say(world, Word.PROMOTE)
        say(world, Word.ROLLBACK)

    when(world, 10, both)
    with pytest.raises(RolledBack):
        run(world)


def test_pause_holds_it_where_it_is_and_resume_bakes_anew() -> None:
    world = a_world()
    when(world, 30, lambda: say(world, Word.PAUSE))
    when(world, 1000, lambda: say(world, Word.RESUME))
    run(world)
    assert sum(world.clock.slept) == pytest.approx(1000 + 3 * 60, abs=5)


def test_gates_watch_a_paused_rollout_too() -> None:
    world = a_world()
    when(world, 30, lambda: say(world, Word.PAUSE))
    when(world, 100, lambda: world.health(Color.GREEN, "unhealthy"))
    with pytest.raises(RolledBack, match="target health"):
        run(world)


def test_promote_skips_what_is_left_but_not_the_capacity() -> None:
    world = a_world()
    when(world, 10, lambda: say(world, Word.PROMOTE))
    run(world)
    assert [weights for _, weights, _ in world.router.writes] == [
        world.service.contract.weights(split) for split in (Split(blue=95, green=5), TO_GREEN)
    ]


def test_a_command_for_an_earlier_rollout_is_dropped() -> None:
    world = a_world()
    say(world, Word.ROLLBACK, rollout="web-0")
    run(world)
    assert world.split() == TO_GREEN
    assert world.service.store.pending("web") == []


def test_hooks_are_told_where_the_rollout_stands_and_their_output_is_kept() -> None:
    world = a_world()
    hook = Hook("smoke", ("true",))
    run(world, Strategy("hooked", (Shift(Fraction(1, 10)), hook, Shift(Fraction(1)))))
    ((name, told),) = world.hooks.ran
    assert name == "smoke"
    assert told["BLUEGREEN_SHARE"] == "10"
    assert told["BLUEGREEN_NEW"] == "green"
    assert told["BLUEGREEN_HOOK_ID"] == "web-1/1"
    assert any(getattr(event, "output", "") == "fine" for event in world.events())


@pytest.mark.parametrize("step", [Hook("smoke", ("false",)), Probe("/healthz")])
def test_a_step_that_fails_takes_it_back(step: Hook | Probe) -> None:
    world = a_world()
    world.hooks.results = world.probes.results = [Result(passed=False, reason="it said no", output="no\n")]
    with pytest.raises(RolledBack, match="it said no"):
        run(world, Strategy("checked", (Shift(Fraction(1, 10)), step, Shift(Fraction(1)))))
    assert world.split() == TO_BLUE
    (failed,) = [event for event in world.events() if isinstance(event, GateFailed)]
    assert failed.output == "no\n"


def test_gates_of_the_strategy_are_asked_during_the_bake() -> None:
    world = a_world()
    world.probes.results = [Result(passed=True, reason="")] * 3 + [Result(passed=False, reason="GET / answered 503")]
    with pytest.raises(RolledBack, match="probe /: GET / answered 503"):
        run(world, Strategy("probed", CANARY.steps, gates=(Probe(),), gate_seconds=10))
    assert sum(world.clock.slept) == pytest.approx(30, abs=3)


def test_a_hook_before_any_traffic_that_fails_leaves_everything_as_it_was() -> None:
    world = a_world()
    world.hooks.results = [Result(passed=False, reason="no")]
    with pytest.raises(RolledBack):
        run(world, Strategy("first", (Hook("migrate", ("false",)), Shift(Fraction(1)))))
    assert world.router.writes == []
    assert world.events()[-1] == RolloutEnded(Ending.ROLLED_BACK)


def test_a_route_that_cannot_be_written_takes_all_of_them_back() -> None:
    world = a_world(routes=3)

    failures = [PreflightRefused("no")]

    def fail(name: str) -> None:
        if name == "route-2" and len(world.router.writes) > 3 and failures:
            raise failures.pop()

    world.router.before_write = fail
    with pytest.raises(RolledBack):
        run(world)
    assert {world.split(route) for route in range(3)} == {TO_BLUE}


def test_a_runner_that_died_is_picked_up_where_the_journal_says() -> None:
    world = a_world()

    class Died(BaseException):
        pass

    def die() -> None:
        raise Died

    world.service.store.release = lambda _lease: None  # type: ignore[method-assign,assignment]
    when(world, 90, die)
    with pytest.raises(Died):
        run(world)
    assert world.split() == Split(blue=50, green=50)
    world.clock.on_sleep = lambda: None
    with pytest.raises(Locked):
        resume(world.service)
    world.clock.sleep(31)
    outcome = resume(world.service)
    assert outcome.state is not None
    assert outcome.state.phase is Phase.PROMOTED
    took = next(event for event in world.events() if isinstance(event, RunnerTookOver))
    assert not took.broke


def test_a_lease_that_is_broken_ends_the_one_who_held_it() -> None:
    world = a_world()

    def thief() -> None:
        take(world.service, "stealing", force=True)

    when(world, 10, thief)
    with pytest.raises(LeaseLost, match="wrote nothing"):
        run(world)
    assert world.split() == Split(blue=95, green=5)


def test_breaking_a_lease_reads_back_until_a_write_of_its_holder_cannot_arrive_any_more() -> None:
    world = a_world()
    take(world.service, "being slow")
    world.put(Split(blue=95, green=5))
    world.append(ShiftIntended(Kind.SHIFT, Color.BLUE, {"route-0": TO_BLUE}, Split(blue=95, green=5)))
    world.append(ShiftVerified())
    rollback(world.service, break_lease=True)
    assert sum(world.clock.slept) >= 5
    assert world.split() == TO_BLUE


def test_a_rollback_before_the_first_shift_goes_to_the_rollouts_base_and_ends_it() -> None:
    world = a_world()
    cutover(world, 0)
    strategy = Strategy("hooked", (Hook("slow", ("true",)), Shift(Fraction(1))))

    def leave() -> None:
        raise KeyboardInterrupt

    world.hooks.before = leave
    with pytest.raises(KeyboardInterrupt):
        run(world, strategy)
    assert rollback(world.service, break_lease=True).after == TO_GREEN, "not to where the last release came from"
    assert world.service.record().rollout is None
    assert rollback(world.service).after == TO_BLUE, "and that is known again afterwards"


def test_an_append_whose_answer_was_lost_is_known_for_ones_own() -> None:
    world = a_world()
    append, lost = world.store.append, [False]

    def unheard(*args: object, **words: object) -> None:
        append(*args, **words)  # type: ignore[arg-type]
        if lost[0]:
            lost[0] = False
            raise JournalError("no answer")

    world.store.append = unheard  # type: ignore[method-assign]

    def lose_one_and_fall() -> None:
        lost[0] = True
        world.health(Color.GREEN, "unhealthy")

    when(world, 10, lose_one_and_fall)
    with pytest.raises(RolledBack, match="target health"):
        run(world)
    assert world.split() == TO_BLUE
    assert names(world).count("GateFailed") == 1


def test_when_the_store_is_away_the_way_back_is_still_taken_and_recorded_later() -> None:
    world = a_world()
    append, away = world.store.append, [False]

    def flaky(*args: object, **words: object) -> None:
        if away[0]:
            raise JournalError("the table is away")
        append(*args, **words)  # type: ignore[arg-type]

    world.store.append = flaky  # type: ignore[method-assign]

    def go_away() -> None:
        away[0] = True
        world.health(Color.GREEN, "unhealthy")

    when(world, 10, go_away)
    written = len(world.router.writes)

    def come_back(_name: str) -> None:
        if len(world.router.writes) > written + 1:
            away[0] = False

    world.router.after_write = come_back
    with pytest.raises(RolledBack):
        run(world)
    assert world.split() == TO_BLUE
    assert any("not recorded yet" in note for note in world.notes)
    assert names(world)[-3:] == ["ShiftIntended", "ShiftVerified", "RolloutEnded"]


def test_a_way_back_that_was_never_recorded_is_followed_by_whoever_resumes() -> None:
    world = a_world()
    append, away = world.store.append, [False]

    def flaky(*args: object, **words: object) -> None:
        if away[0]:
            raise JournalError("the table is away")
        append(*args, **words)  # type: ignore[arg-type]

    world.store.append = flaky  # type: ignore[method-assign]

    def go_away() -> None:
        away[0] = True
        world.health(Color.GREEN, "unhealthy")

    when(world, 10, go_away)
    with pytest.raises(JournalError, match=r"nothing can be recorded.*route-0 holds blue 100 / green 0"):
        run(world)
    assert world.split() == TO_BLUE
    away[0] = False
    writes = len(world.router.writes)
    with pytest.raises(RolledBack, match="all traffic is on blue already"):
        resume(world.service)
    assert len(world.router.writes) == writes
    assert world.service.record().rollout is None


def test_a_freeze_refuses_a_start_and_never_a_rollback() -> None:
    freeze = FreezeSettings(windows=("2026-01-01 - 2026-01-05",))
    world = a_world(settings=ServiceSettings(freeze=freeze))
    with pytest.raises(PreflightRefused, match="2026-01-0"):
        run(world)
    run(world, ignore_freeze=True)
    assert rollback(world.service).after == TO_BLUE


def test_telling_a_rollout_that_nobody_runs_to_go_back_does_it_here() -> None:
    world = a_world()
    when(world, 10, lambda: world.put(Split(blue=70, green=30)))
    with pytest.raises(Halted):
        run(world)
    told = tell(world.service, Word.ABORT, reason="enough")
    assert told.taken
    assert told.state.ending is Ending.ROLLED_BACK
    assert world.split() == TO_BLUE


def test_telling_nobody_leaves_the_word_for_the_next_runner() -> None:
    world = a_world()
    strategy = Strategy("asks", (Shift(Fraction(5, 100)), Approve(3600), Shift(Fraction(1))))

    def leave() -> None:
        raise KeyboardInterrupt

    when(world, 5, leave)
    with pytest.raises(KeyboardInterrupt):
        run(world, strategy)
    world.clock.on_sleep = lambda: None
    told = tell(world.service, Word.APPROVE)
    assert not told.taken
    resume(world.service)
    assert world.split() == TO_GREEN


def test_every_entry_of_a_rollout_is_of_it_and_is_watched() -> None:
    world = a_world()
    seen: list[tuple[str, Phase]] = []
    world.service.watch = lambda entry, state: seen.append((type(entry.event).__name__, state.phase))
    run(world)
    entries = world.store.tail("web", 1000)
    assert {entry.rollout for entry in entries} == {"web-1"}
    assert [name for name, _ in seen] == names(world)
    assert isinstance(entries[0].event, RolloutStarted)


def test_a_network_balancer_is_judged_only_after_it_has_settled() -> None:
    world = a_world(network=True)
    cutover(world, 10)
    assert sum(world.clock.slept) == pytest.approx(600, abs=3)
    assert isinstance(world.events()[0], RolloutStarted)
    assert world.events()[0].plan.steps[1] == Bake(600)
