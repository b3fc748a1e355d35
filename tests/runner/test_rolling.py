"""Rolling updates on fakes: what operators see of whole ones, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.runner.test_rollout import say, when
from tests.support.fakes import NOON
from tests.support.targets import UPDATE, InPlace, in_place
from toolkit.errors import (
    AwsUnreachable,
    Halted,
    JournalError,
    Paused,
    PreflightRefused,
    RolledBack,
    RouteUnusable,
    Throttled,
)
from toolkit.rollout.events import BatchMoved, CommandTaken, GateFailed, RunnerPaused, Word
from toolkit.rollout.ports import Result
from toolkit.rollout.rolling import Act
from toolkit.rollout.rolling_plan import RollingStrategy
from toolkit.rollout.state import Phase
from toolkit.rollout.steps import Hook
from toolkit.runner.interrupts import Signals
from toolkit.runner.lease import LEASE_SECONDS
from toolkit.runner.rollout import RolloutOutcome, Wanted, resume, start
from toolkit.runner.shift import shift
from toolkit.runner.tell import tell
from toolkit.settings import HookPoint, HookSettings, OnFailure, ServiceSettings
from toolkit.traffic import Split

ONE_BY_ONE = RollingStrategy(update=UPDATE, bake_seconds=4.0, version="2.0")
PAUSING = RollingStrategy(update=UPDATE, bake_seconds=4.0, on_failure=OnFailure.PAUSE)
HOME = Split(blue=100, green=0)
ACTS = ("take-out", "update", "put-in")


def run(
    place: InPlace, strategy: RollingStrategy = ONE_BY_ONE, signals: Signals | None = None, **words: Any
) -> RolloutOutcome:
    return start(place.world.service, Wanted(strategy=strategy, **words), signals=signals)


def moved(place: InPlace) -> list[tuple[int, str]]:
    """The acts that are done, each with the number of its batch."""
    events = [event for event in place.world.events() if isinstance(event, BatchMoved)]
    return [(event.step // 2 + 1, str(event.act)) for event in events]


def is_back(place: InPlace) -> None:
    """Every target runs what it ran, is registered and healthy, and nobody holds the service."""
    assert set(place.versions.values()) == {"old"}
    assert set(place.health.values()) == {"healthy"}
    assert place.world.service.record().rollout is None
    assert place.world.service.store.holder("web") is None
    assert place.world.split() == HOME


def when_moved(place: InPlace, act: Act, do: Callable[[], None], *, number: int = 2) -> None:
    """Do it once, at the first moment at which that act of that batch is under way."""
    order = list(Act)
    done: list[bool] = []
    before = place.world.clock.on_sleep

    def on_sleep() -> None:
        before()
        past = [(n, a) for n, a in moved(place)]
        behind = (number, str(order[order.index(act) - 1])) if act is not Act.RELEASE else (number - 1, "put-in")
        if not done and past and past[-1] == behind:
            done.append(True)
            do()

    place.world.clock.on_sleep = on_sleep


def test_batch_by_batch_every_target_leaves_drains_is_updated_and_comes_back() -> None:
    place = in_place("a", "b", "c")
    least: list[int] = []
    place.world.clock.on_sleep = lambda: least.append(list(place.health.values()).count("healthy"))
    outcome = run(place)
    assert outcome.state is not None
    assert outcome.state.phase is Phase.COMPLETED
    assert moved(place) == [(n, act) for n in (1, 2, 3) for act in ("release", *ACTS)]
    assert place.updates.calls == [("a", False), ("b", False), ("c", False)]
    assert place.versions == {"a": "new", "b": "new", "c": "new"}
    assert place.health == {"a:8080": "healthy", "b:8080": "healthy", "c:8080": "healthy"}
    assert min(least) == 2
    assert place.world.router.writes == []
    assert place.world.service.record().rollout is None


def test_an_update_is_told_whom_it_updates_to_what_and_in_which_direction() -> None:
    place = in_place("a", "b")
    place.updates.fails.add(("b", False))
    with pytest.raises(RolledBack):
        run(place)
    told = [
        {key: each[f"BLUEGREEN_{key}"] for key in ("TARGET_ID", "BATCH", "DIRECTION", "VERSION", "BASE")}
        for each in place.updates.told
    ]
    words = ("TARGET_ID", "BATCH", "DIRECTION", "VERSION", "BASE")
    assert told == [
        dict(zip(words, each, strict=True))
        for each in (
            ("a", "1/2", "forward", "2.0", "blue"),
            ("b", "2/2", "forward", "2.0", "blue"),
            ("b", "2/2", "back", "2.0", "blue"),
            ("a", "1/2", "back", "2.0", "blue"),
        )
    ]
    ids = [each["BLUEGREEN_HOOK_ID"] for each in place.updates.told]
    assert len(set(ids)) == 4


def test_a_batch_of_several_leaves_and_comes_back_together() -> None:
    place = in_place("a@z1", "b@z2", "c@z1", "d@z2", "e@z1")
    run(place, RollingStrategy(update=UPDATE, batch=2, bake_seconds=0))
    assert [names for name, names in place.targets.calls if name == "deregister"] == [
        ("a:8080", "c:8080"),
        ("b:8080", "e:8080"),
        ("d:8080",),
    ]
    assert set(place.versions.values()) == {"new"}


def test_a_host_at_several_ports_leaves_as_a_whole() -> None:
    place = in_place("a:8080", "a:8081", "b:8080")
    run(place)
    assert [names for name, names in place.targets.calls if name == "deregister"] == [
        ("a:8080", "a:8081"),
        ("b:8080",),
    ]
    assert [each["BLUEGREEN_TARGET_PORT"] for each in place.updates.told] == ["8080", "8081", "8080"]
    assert set(place.health.values()) == {"healthy"}


def test_behind_a_network_load_balancer_it_goes_the_same_way() -> None:
    place = in_place("a", "b", network=True)
    place.targets.terminates = True
    run(place)
    assert place.versions == {"a": "new", "b": "new"}


def test_a_lambda_function_is_refused_before_anything_is_written() -> None:
    place = in_place("a", "b")
    lives = place.targets.lives[place.arn]
    for member in list(lives):
        del lives[member]
    place.came("arn:aws:lambda:function", None)  # type: ignore[arg-type]
    with pytest.raises(PreflightRefused, match="Lambda"):
        run(place)
    assert place.world.events() == []


def test_a_failing_update_is_taken_back_the_last_first() -> None:
    place = in_place("a", "b", "c")
    place.updates.fails.add(("b", False))
    with pytest.raises(RolledBack, match=r"update: b:8080: exit 3.*runs again what it ran") as caught:
        run(place)
    assert "\n" not in caught.value.message
    assert place.updates.calls == [("a", False), ("b", False), ("b", True), ("a", True)]
    back = ("update", "put-in")
    assert moved(place)[6:] == [*((2, act) for act in back), *((1, act) for act in ("release", "take-out", *back))]
    is_back(place)


def test_a_target_that_dies_of_a_successful_update_is_taken_out_again_and_back() -> None:
    place = in_place("a", "b", "c")
    place.updates.kills.add(("b", False))
    with pytest.raises(RolledBack, match=r"put-in: b:8080 is unhealthy \(Target.FailedHealthChecks\) after 1m"):
        run(place)
    assert moved(place)[7:] == [
        *((2, act) for act in ("take-out", "update", "put-in")),
        *((1, act) for act in ("release", *ACTS)),
    ]
    is_back(place)


def test_a_target_that_never_drains_fails_in_one_line_and_is_registered_again() -> None:
    place = in_place("a", "b", "c")
    place.targets.stubborn.add("a")
    began = place.world.clock.now()
    with pytest.raises(RolledBack, match=r"take-out: a:8080 is draining .* after 1m20s, 20 s being the delay"):
        run(place)
    assert (place.world.clock.now() - began).total_seconds() == pytest.approx(80 + 4, abs=6)
    assert place.updates.calls == []
    is_back(place)


def test_a_target_that_takes_its_whole_delay_to_drain_is_waited_for() -> None:
    place = in_place("a", "b")
    place.targets.drain_seconds = place.targets.delay_seconds + 30
    run(place)
    assert set(place.versions.values()) == {"new"}


def test_where_too_few_others_are_healthy_it_waits_and_goes_on_when_they_are() -> None:
    place = in_place("a", "b", "c")
    when_moved(place, Act.RELEASE, lambda: place.targets.sick.add("c"))
    when(place.world, 60, place.targets.sick.clear)
    run(place, RollingStrategy(update=UPDATE, min_healthy=2, bake_seconds=4))
    assert set(place.versions.values()) == {"new"}
    moves = [each for each in place.world.store.tail("web", 100) if isinstance(each.event, BatchMoved)]
    assert (moves[4].at - NOON).total_seconds() == pytest.approx(60, abs=2)


def test_where_too_few_others_stay_healthy_it_is_taken_back() -> None:
    place = in_place("a", "b", "c")
    when_moved(place, Act.RELEASE, lambda: place.targets.sick.add("c"))
    with pytest.raises(Halted, match=r"without a:8080 1 target of blue is healthy after 1m, and 2 have to be"):
        run(place, RollingStrategy(update=UPDATE, min_healthy=2, bake_seconds=4))
    failed = [event for event in place.world.events() if isinstance(event, GateFailed)]
    assert failed[0].reason == "without b:8080 1 target of blue is healthy after 1m, and 2 have to be"
    assert place.health == {"a:8080": "healthy", "b:8080": "healthy", "c:8080": "unhealthy"}
    place.targets.sick.clear()
    with pytest.raises(RolledBack):
        resume(place.world.service)
    is_back(place)


def test_on_the_way_back_those_nobody_misses_go_first() -> None:
    """All but one may be out at no time; the sick one is out already, whoever asks."""
    place = in_place("a", "b", "c", "d")
    place.updates.fails.add(("c", False))
    when_moved(place, Act.UPDATE, lambda: place.targets.sick.add("a"), number=3)
    place.updates.before = lambda name, back: place.targets.sick.add("a") if (name, back) == ("c", True) else None
    with pytest.raises(RolledBack):
        run(place, RollingStrategy(update=UPDATE, min_healthy=3, bake_seconds=0))
    assert [each for each in place.updates.calls if each[1]] == [("c", True), ("a", True), ("b", True)]
    is_back(place)


def test_where_all_that_was_updated_is_sick_it_is_taken_back_all_the_same() -> None:
    place = in_place("a", "b", "c")
    place.updates.fails.add(("c", False))
    place.updates.before = lambda name, back: place.targets.sick.update("ab") if (name, back) == ("c", True) else None
    with pytest.raises(RolledBack):
        run(place, RollingStrategy(update=UPDATE, min_healthy=2, bake_seconds=0))
    is_back(place)


def test_by_policy_a_failing_batch_pauses_and_a_resume_tries_it_again() -> None:
    place = in_place("a", "b", "c")
    place.updates.fails.add(("b", False))
    with pytest.raises(Paused, match=r"update: b:8080: exit 3; b:8080 may be out"):
        run(place, PAUSING)
    assert place.versions == {"a": "new", "c": "old"}
    place.updates.fails.clear()
    resume(place.world.service)
    assert place.updates.calls == [("a", False), ("b", False), ("b", False), ("c", False)]
    assert set(place.versions.values()) == {"new"}
    assert set(place.health.values()) == {"healthy"}


def test_by_policy_a_batch_that_is_sick_once_it_is_in_is_taken_out_and_updated_again() -> None:
    place = in_place("a", "b")
    place.updates.kills.add(("a", False))
    with pytest.raises(Paused, match="a:8080 is unhealthy"):
        run(place, PAUSING)
    place.updates.kills.clear()
    resume(place.world.service)
    assert place.updates.calls == [("a", False), ("a", False), ("b", False)]
    assert set(place.versions.values()) == {"new"}


@pytest.mark.parametrize("word", [Word.ROLLBACK, Word.ABORT])
def test_by_policy_a_failing_batch_pauses_and_a_person_takes_it_back(word: Word) -> None:
    place = in_place("a", "b", "c")
    place.updates.fails.add(("b", False))
    with pytest.raises(Paused):
        run(place, PAUSING)
    tell(place.world.service, word)
    assert place.updates.calls[2:] == [("b", True), ("a", True)]
    is_back(place)


@pytest.mark.parametrize("act", list(Act)[:4])
def test_a_pause_waits_until_the_batch_is_in_again(act: Act) -> None:
    place = in_place("a", "b", "c")
    if act is Act.UPDATE:
        place.updates.before = lambda name, _back: say(place.world, Word.PAUSE) if name == "b" else None
    else:
        when_moved(place, act, lambda: say(place.world, Word.PAUSE))
    stood: list[dict[str, str]] = []

    def then() -> None:
        if any(isinstance(event, CommandTaken) for event in place.world.events()) and not stood:
            stood.append(dict(place.health))
            say(place.world, Word.RESUME)

    before = place.world.clock.on_sleep

    def on_sleep() -> None:
        before()
        then()

    place.world.clock.on_sleep = on_sleep
    run(place)
    assert set(stood[0].values()) == {"healthy"}
    assert set(place.versions.values()) == {"new"}


@pytest.mark.parametrize("word", [Word.ROLLBACK, Word.ABORT])
@pytest.mark.parametrize("act", list(Act)[:4])
def test_a_word_back_is_heeded_at_every_act(act: Act, word: Word) -> None:
    place = in_place("a", "b", "c")
    if act is Act.UPDATE:
        place.updates.hangs.add(("b", False))
    when_moved(place, act, lambda: say(place.world, word))
    with pytest.raises(RolledBack, match="because"):
        run(place)
    assert ("c", False) not in place.updates.calls
    is_back(place)


@pytest.mark.parametrize("act", list(Act)[:4])
def test_whoever_is_asked_to_end_leaves_it_where_it_is_and_says_who_may_be_out(act: Act) -> None:
    place, signals = in_place("a", "b", "c"), Signals()
    if act is Act.UPDATE:
        place.updates.hangs.add(("b", False))

    def end() -> None:
        signals.terminated = True

    when_moved(place, act, end)
    with pytest.raises(Paused, match="SIGTERM") as caught:
        run(place, signals=signals)
    assert ("b:8080 may be out" in caught.value.message) is (act is not Act.RELEASE)
    place.updates.hangs.clear()
    resume(place.world.service)
    assert place.versions == {"a": "new", "b": "new", "c": "new"}
    assert set(place.health.values()) == {"healthy"}
    assert place.targets.calls.count(("deregister", ("b:8080",))) == 1, "what drains already is left to it"


def test_an_update_that_hangs_is_stopped_as_soon_as_somebody_wants_to_go_back() -> None:
    place = in_place("a", "b")
    place.updates.hangs.add(("a", False))
    when_moved(place, Act.UPDATE, lambda: say(place.world, Word.ROLLBACK), number=1)
    began = place.world.clock.now()
    with pytest.raises(RolledBack):
        run(place)
    assert (place.world.clock.now() - began).total_seconds() < UPDATE.timeout_seconds
    is_back(place)


def test_an_update_that_is_not_done_in_time_is_taken_back() -> None:
    place = in_place("a", "b")
    place.updates.hangs.add(("a", False))
    with pytest.raises(RolledBack, match="a:8080: not done after 30s"):
        run(place)
    is_back(place)


def test_a_member_that_somebody_has_taken_out_fails_the_rollout_in_one_line() -> None:
    place = in_place("a", "b", "c")
    when_moved(place, Act.PUT_IN, lambda: place.gone("c"))
    with pytest.raises(RolledBack, match="release: c:8080 is not registered: somebody has taken it out meanwhile"):
        run(place, RollingStrategy(update=UPDATE, min_healthy=1, bake_seconds=0))
    assert place.versions == {"a": "old", "b": "old"}
    assert set(place.health.values()) == {"healthy"}


def test_a_member_that_drains_by_somebody_elses_doing_is_not_ours_to_take_out() -> None:
    place = in_place("a", "b", "c")
    place.targets.stubborn.add("c")
    when_moved(
        place,
        Act.PUT_IN,
        lambda: place.leaves("c"),
    )
    with pytest.raises(RolledBack, match=r"release: c:8080 is draining \(Target.Dereg\w+\): somebody has taken it out"):
        run(place, RollingStrategy(update=UPDATE, min_healthy=1, bake_seconds=0))


def test_targets_that_came_later_are_told_and_left_alone() -> None:
    place = in_place("a", "b")
    when_moved(place, Act.RELEASE, lambda: place.came("x"))
    run(place)
    told = "x:8080: not part of this rolling update, for it was registered later"
    assert place.updates.calls == [("a", False), ("b", False)]
    assert any(told in note for note in place.world.notes)
    assert any(isinstance(event, BatchMoved) and told in event.detail for event in place.world.events())
    assert place.health["x:8080"] == "healthy"


def failing(place: InPlace, call: str, times: int, error: Exception) -> None:
    """These calls of the targets' port fail, so often."""
    left = [error] * times

    def before(name: str) -> None:
        if name == call and left and place.world.events():
            raise left.pop()

    place.targets.before = before


@pytest.mark.parametrize("call", ["health", "draining", "deregister", "register"])
@pytest.mark.parametrize("error", [Throttled("Rate exceeded"), AwsUnreachable("AWS did not answer")])
def test_what_aws_does_not_take_is_tried_again(call: str, error: Exception) -> None:
    place = in_place("a", "b")
    failing(place, call, 5, error)
    run(place)
    assert set(place.versions.values()) == {"new"}


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("draining", "take-out: Rate exceeded"),
        ("deregister", "take-out: Rate exceeded"),
        ("register", "put-in: Rate exceeded"),
    ],
)
def test_what_aws_does_not_take_for_long_takes_it_back(call: str, line: str) -> None:
    place = in_place("a", "b")
    failing(place, call, 31, Throttled("Rate exceeded"))
    with pytest.raises(RolledBack, match=line):
        run(place)
    is_back(place)


def test_health_that_is_out_of_sight_from_the_first_look_on_is_said_as_such() -> None:
    place = in_place("a", "b")
    looks = iter(range(200))

    def before(name: str) -> None:
        if name == "health" and place.world.events()[-1:] and next(looks) < 31:
            raise Throttled("Rate exceeded")

    place.targets.before = before
    with pytest.raises(RolledBack, match="web: release: Rate exceeded; nothing was updated"):
        run(place)


def test_a_target_group_that_is_gone_is_not_asked_again() -> None:
    place = in_place("a", "b")
    began = place.world.clock.now()
    when_moved(
        place,
        Act.TAKE_OUT,
        lambda: setattr(place.targets, "before", _gone),
        number=1,
    )
    with pytest.raises(Halted, match="target group web-blue is gone"):
        run(place)
    assert (place.world.clock.now() - began).total_seconds() < 10


def _gone(_name: str) -> None:
    raise RouteUnusable("target group web-blue is gone")


def test_an_update_that_cannot_be_asked_for_is_tried_again() -> None:
    place = in_place("a", "b")
    left = [Throttled("Rate exceeded")] * 3

    def before(_name: str, _back: bool) -> None:
        if left:
            raise left.pop()

    place.updates.before = before
    run(place)
    assert set(place.versions.values()) == {"new"}


def test_what_cannot_be_taken_back_halts_and_a_resume_takes_it_back() -> None:
    place = in_place("a", "b", "c")
    place.updates.fails |= {("b", False), ("b", True)}
    with pytest.raises(Halted, match=r"b:8080 cannot be taken back: update: b:8080: exit 3") as caught:
        run(place)
    assert "\n" not in caught.value.message
    assert place.versions == {"a": "new", "c": "old"}
    place.updates.fails.clear()
    with pytest.raises(RolledBack):
        resume(place.world.service)
    assert place.updates.calls[2:] == [("b", True), ("b", True), ("a", True)]
    is_back(place)


def test_what_can_never_be_taken_back_is_left_and_all_else_goes_back() -> None:
    place = in_place("a", "b", "c", "d")
    place.updates.fails |= {("b", False), ("b", True)}
    strategy = RollingStrategy(update=UPDATE, min_healthy=2, bake_seconds=0)
    with pytest.raises(Halted):
        run(place, strategy)
    with pytest.raises(RolledBack, match=r"b:8080 could not be taken back \(update: b:8080: exit 3\)"):
        resume(place.world.service)
    assert place.versions == {"a": "old", "c": "old", "d": "old"}
    assert set(place.health.values()) == {"healthy"}
    assert place.world.service.record().rollout is None


def test_who_is_put_in_again_and_never_healthy_halts_and_is_left_in() -> None:
    place = in_place("a", "b", "c")
    place.updates.fails.add(("b", False))
    place.updates.kills.add(("b", True))
    with pytest.raises(Halted, match="b:8080 cannot be taken back: put-in: b:8080 is unhealthy"):
        run(place, RollingStrategy(update=UPDATE, min_healthy=1, bake_seconds=0))
    with pytest.raises(RolledBack, match=r"b:8080 could not be taken back \(put-in: b:8080 is unhealthy"):
        resume(place.world.service)
    assert place.versions == {"a": "old", "b": "old", "c": "old"}
    assert place.health == {"a:8080": "healthy", "b:8080": "unhealthy", "c:8080": "healthy"}


@pytest.mark.parametrize("act", [Act.UPDATE, Act.PUT_IN])
def test_whoever_will_not_wait_for_the_way_back_leaves_it_and_a_resume_goes_on(act: Act) -> None:
    place, signals = in_place("a", "b", "c"), Signals()
    place.updates.fails.add(("b", False))
    if act is Act.UPDATE:
        place.updates.hangs.add(("b", True))
    before = place.world.clock.on_sleep

    def on_sleep() -> None:
        before()
        failed = any(isinstance(event, GateFailed) for event in place.world.events())
        if failed and (act is Act.UPDATE or (2, "put-in") not in moved(place)):
            signals.interrupts = 1

    place.world.clock.on_sleep = on_sleep
    with pytest.raises(Paused, match="nobody waits for the way back any more; b:8080 may be out"):
        run(place, signals=signals)
    entries = place.world.store.tail("web", 100)
    (failed,) = (each for each in entries if isinstance(each.event, GateFailed))
    assert (place.world.clock.now() - failed.at).total_seconds() < UPDATE.timeout_seconds / 2
    assert isinstance(place.world.events()[-1], RunnerPaused)
    place.updates.hangs.clear()
    with pytest.raises(RolledBack):
        resume(place.world.service)
    is_back(place)


def test_weights_that_somebody_moves_meanwhile_halt_it() -> None:
    place = in_place("a", "b", "c")
    shift(place.world.service, Split(blue=90, green=10))
    shift(place.world.service, HOME)
    when_moved(place, Act.PUT_IN, lambda: place.world.put(Split(blue=50, green=50)))
    with pytest.raises(Halted, match="route-0 holds blue 50 / green 50"):
        run(place)
    assert set(place.health.values()) == {"healthy"}
    place.world.put(HOME)
    resume(place.world.service)
    assert set(place.versions.values()) == {"new"}


def test_without_a_way_to_update_a_target_nothing_is_updated() -> None:
    place = in_place("a", "b")
    place.world.service.updates = None
    with pytest.raises(PreflightRefused, match="web: nothing here can update a target"):
        run(place)
    assert place.targets.calls == []


def test_where_it_is_gone_with_whoever_resumes_nobody_else_is_taken_out() -> None:
    place = in_place("a", "b")
    when_moved(place, Act.PUT_IN, lambda: setattr(place.world.service, "updates", None), number=1)
    with pytest.raises(Halted, match="a:8080 cannot be taken back: update: nothing here can update a target"):
        run(place)
    assert [names for name, names in place.targets.calls if name == "deregister"] == [("a:8080",), ("a:8080",)]


def test_a_batch_that_somebody_puts_in_while_it_is_out_is_taken_out_again_before_it_is_updated() -> None:
    place = in_place("a", "b")
    place.updates.fails.add(("a", False))
    with pytest.raises(Paused):
        run(place, PAUSING)
    place.came("a")
    place.updates.fails.clear()
    resume(place.world.service)
    assert [names[0] for name, names in place.targets.calls if name == "deregister"] == ["a:8080", "a:8080", "b:8080"]
    assert set(place.versions.values()) == {"new"}


def test_a_journal_that_is_away_holds_a_batch_where_it_is_on_the_way_back_too() -> None:
    """What AWS holds does not say which version a target runs, so what is not recorded would be forgotten."""
    place = in_place("a", "b", "c")
    place.updates.fails.add(("b", False))
    append, store = place.world.store.append, place.world.store

    def away(*_words: object, **_named: object) -> None:
        raise JournalError("the store did not answer")

    def then(name: str, back: bool) -> None:
        if (name, back) == ("b", True):
            store.append = away  # type: ignore[method-assign]

    place.updates.before = then
    with pytest.raises(JournalError, match="b:8080 may be out") as caught:
        run(place)
    assert "\n" not in caught.value.message
    assert place.versions == {"a": "new", "c": "old"}
    store.append = append  # type: ignore[method-assign]
    place.updates.before = lambda _name, _back: None
    place.world.clock.sleep(LEASE_SECONDS)
    with pytest.raises(RolledBack):
        resume(place.world.service)
    is_back(place)


@pytest.mark.parametrize(("number", "name"), [(1, "a"), (3, "c")])
def test_a_target_that_falls_sick_while_it_is_watched_fails_its_batch(number: int, name: str) -> None:
    """Though as many are healthy as have to be: so many were while it was out."""
    place = in_place("a", "b", "c")
    done: list[bool] = []

    def on_sleep() -> None:
        if not done and moved(place)[-1:] == [(number, "put-in")]:
            done.append(True)
            place.updates.dead.add(name)

    place.world.clock.on_sleep = on_sleep
    with pytest.raises(RolledBack, match=f"target health: {name}:8080 is unhealthy since it was updated"):
        run(place)
    assert [each for each in place.updates.calls if each[1]][:1] == [(name, True)]
    is_back(place)


def test_a_sick_target_that_was_not_updated_yet_fails_no_other_ones_batch() -> None:
    place = in_place("a", "b", "c")
    place.updates.dead.add("c")
    run(place, RollingStrategy(update=UPDATE, min_healthy=1, bake_seconds=4))
    assert set(place.health.values()) == {"healthy"}


@pytest.mark.parametrize("act", list(Act)[:4])
def test_ctrl_c_twice_takes_it_back_at_every_act(act: Act) -> None:
    place, signals = in_place("a", "b", "c"), Signals()
    if act is Act.UPDATE:
        place.updates.hangs.add(("b", False))

    def press() -> None:
        signals.interrupts = 2

    when_moved(place, act, press)
    with pytest.raises(RolledBack, match="Ctrl-C, twice"):
        run(place, signals=signals)
    is_back(place)


def test_ctrl_c_twice_is_heeded_while_aws_does_not_take_a_write() -> None:
    place, signals = in_place("a", "b"), Signals()

    def before(name: str) -> None:
        if name == "deregister" and not signals.interrupts:
            raise Throttled("Rate exceeded")

    def press() -> None:
        signals.interrupts = 2

    place.targets.before = before
    when(place.world, 10, press)
    with pytest.raises(RolledBack, match="Ctrl-C, twice"):
        run(place, signals=signals)
    assert ("deregister", ("a:8080",)) not in place.targets.calls
    is_back(place)


def hooked(*points: HookPoint) -> ServiceSettings:
    hooks = tuple(HookSettings(at=point, name=str(point), command=("true",)) for point in points)
    return ServiceSettings(hooks=hooks, ready_seconds=60.0)


def test_hooks_of_a_shift_run_around_each_batch_and_those_of_the_end_last() -> None:
    place = in_place("a", "b", settings=hooked(*HookPoint))
    run(place)
    ran = [name for name, _ in place.world.hooks.ran]
    around = ["before-shift", "after-shift"]
    assert [name for name in ran if name in around] == around * 2
    assert ran[-1] == "on-end"
    assert "on-rollback" not in ran
    assert "before-retire" not in ran


def test_a_hook_that_fails_after_a_batch_takes_it_back_and_those_of_a_rollback_run_then() -> None:
    place = in_place("a", "b", settings=hooked(HookPoint.AFTER_SHIFT, HookPoint.ON_ROLLBACK, HookPoint.ON_END))
    place.world.hooks.results = [Result(passed=False, reason="exit 1")]
    with pytest.raises(RolledBack, match="hook after-shift: exit 1"):
        run(place)
    assert [name for name, _ in place.world.hooks.ran] == ["after-shift", "on-rollback", "on-end"]
    assert place.updates.calls == [("a", False), ("a", True)]
    is_back(place)


def test_a_gate_that_fails_while_a_batch_is_watched_waits_for_a_person_by_policy() -> None:
    place = in_place("a", "b")
    place.world.hooks.results = [Result(passed=True, reason="fine"), Result(passed=False, reason="errs")]
    gate = Hook("smoke", command=("true",))
    strategy = RollingStrategy(
        update=UPDATE, bake_seconds=30, on_failure=OnFailure.PAUSE, gates=(gate,), gate_seconds=10
    )
    with pytest.raises(Paused, match="hook smoke: errs") as caught:
        run(place, strategy)
    assert "may be out" not in caught.value.message
    assert set(place.health.values()) == {"healthy"}
    resume(place.world.service)
    assert place.updates.calls == [("a", False), ("b", False)]


def test_weights_that_somebody_moved_are_noticed_before_the_next_batch_leaves() -> None:
    place = in_place("a", "b")
    quick = RollingStrategy(update=UPDATE, bake_seconds=0.0)
    when_moved(place, Act.PUT_IN, lambda: place.world.put(Split(blue=50, green=50)), number=1)
    with pytest.raises(Halted, match="route-0 holds blue 50 / green 50, and blue is updated in place with all of the"):
        run(place, quick)
    assert place.versions == {"a": "new", "b": "old"}


def test_while_both_colors_have_traffic_nothing_is_begun() -> None:
    place = in_place("a", "b")
    shift(place.world.service, Split(blue=90, green=10))
    with pytest.raises(PreflightRefused, match=r"green has traffic too, on route-0\. Nothing was changed"):
        run(place)
    assert place.updates.calls == []
