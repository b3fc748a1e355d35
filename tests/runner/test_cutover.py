import pytest

from tests.support.fakes import a_world
from toolkit.contract import Stickiness
from toolkit.errors import (
    AwsUnreachable,
    CutoverReversed,
    Interrupted,
    JournalError,
    NoBase,
    NoHealthyTarget,
    PreflightRefused,
)
from toolkit.rollout.events import Kind, Promoted
from toolkit.runner.cutover import cutover, plan_cutover
from toolkit.runner.rollback import rollback
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split

TO_GREEN, TO_BLUE = Split(blue=0, green=100), Split(blue=100, green=0)


def test_everything_goes_to_the_idle_color_and_stays_when_the_bake_is_good() -> None:
    world = a_world()
    outcome = cutover(world.service, bake_seconds=10)
    assert outcome.after == world.split() == TO_GREEN
    assert outcome.base is Color.BLUE
    assert sum(world.clock.slept) == pytest.approx(10)
    assert world.events()[-1] == Promoted(Color.GREEN)


def test_sides_alternate_and_a_rollback_goes_to_the_one_before() -> None:
    world = a_world()
    for expected in (TO_GREEN, TO_BLUE, TO_GREEN):
        assert cutover(world.service, bake_seconds=0).after == expected
    assert rollback(world.service).after == TO_BLUE


def test_from_mid_canary_it_goes_on_to_the_same_color() -> None:
    world = a_world()
    shift(world.service, Split(blue=80, green=20))
    assert cutover(world.service, bake_seconds=0).after == TO_GREEN


def test_without_a_base_nobody_knows_which_color_is_idle() -> None:
    world = a_world(split=Split(blue=50, green=50))
    with pytest.raises(NoBase) as caught:
        cutover(world.service)
    assert "--to green" in caught.value.hint
    assert cutover(world.service, Color.BLUE, bake_seconds=0).after == TO_BLUE


def test_a_side_that_is_too_small_is_refused() -> None:
    world = a_world(blue=3, green=2)
    with pytest.raises(PreflightRefused, match="needs 3"):
        cutover(world.service)
    move, findings = plan_cutover(world.service)
    assert move.to == TO_GREEN
    assert any(finding.level == "refused" for finding in findings)
    assert world.router.writes == []


def test_when_the_new_side_falls_the_traffic_goes_back_by_itself() -> None:
    world = a_world(stickiness=Stickiness(enabled=True, duration_seconds=60))
    world.clock.on_sleep = lambda: world.health(Color.GREEN, "healthy", "unhealthy", "unhealthy")
    with pytest.raises(CutoverReversed, match=r"green fell to 1 healthy target during the bake, needs 3.*back on blue"):
        cutover(world.service, bake_seconds=60)
    assert world.split() == TO_BLUE
    assert not world.router.live["route-0"].stickiness.enabled
    assert world.service.record().kind is Kind.ROLLBACK
    assert not any(isinstance(event, Promoted) for event in world.events())


def test_a_fall_at_the_very_end_of_the_bake_counts() -> None:
    world = a_world()

    def fall_at_the_end() -> None:
        if sum(world.clock.slept) >= 10:
            world.health(Color.GREEN, "unhealthy")

    world.clock.on_sleep = fall_at_the_end
    with pytest.raises(CutoverReversed):
        cutover(world.service, bake_seconds=10)


def test_when_both_sides_fall_the_traffic_stays_and_that_is_said() -> None:
    world = a_world()

    def all_fall() -> None:
        world.health(Color.GREEN, "unhealthy")
        world.health(Color.BLUE, "unhealthy")

    world.clock.on_sleep = all_fall
    with pytest.raises(NoHealthyTarget, match="blue is no better; green keeps all traffic"):
        cutover(world.service)
    assert world.split() == TO_GREEN


def test_a_look_that_fails_is_no_reason_to_go_back() -> None:
    world = a_world()
    looks: list[int] = []

    def fail_once() -> None:
        looks.append(1)
        if len(looks) == 4:  # two looks of the preflight, one of the bake, then this
            raise AwsUnreachable("no answer")

    world.targets.before = fail_once
    assert cutover(world.service, bake_seconds=10).after == TO_GREEN
    assert any("no answer" in note for note in world.notes)
    assert world.events()[-1] == Promoted(Color.GREEN)


def test_a_bake_that_ends_unseen_is_not_a_good_one() -> None:
    world = a_world()

    def go_dark() -> None:
        def fail() -> None:
            raise AwsUnreachable("no answer")

        world.targets.before = fail

    world.clock.on_sleep = go_dark
    with pytest.raises(AwsUnreachable, match="green carries all traffic, but its health could not be seen"):
        cutover(world.service, bake_seconds=10)
    assert world.split() == TO_GREEN
    assert not any(isinstance(event, Promoted) for event in world.events())


def test_ctrl_c_during_the_bake_says_who_carries_the_traffic() -> None:
    world = a_world()

    def interrupt() -> None:
        raise KeyboardInterrupt

    world.clock.on_sleep = interrupt
    with pytest.raises(Interrupted, match="green carries all traffic, and nobody watches it now"):
        cutover(world.service)


def test_an_end_that_cannot_be_recorded_is_said_and_no_failure() -> None:
    world = a_world()
    append = world.journal.append

    def fail_on_promotion(service: str, event: object, **words: object) -> object:
        if isinstance(event, Promoted):
            raise JournalError("the table is away")
        return append(service, event, **words)  # type: ignore[arg-type]

    world.journal.append = fail_on_promotion  # type: ignore[method-assign,assignment]
    assert cutover(world.service, bake_seconds=0).after == TO_GREEN
    assert any("could not be recorded" in note for note in world.notes)


def test_a_cutover_to_where_everything_is_watches_nothing() -> None:
    world = a_world()
    assert not cutover(world.service, Color.BLUE).written
    assert world.clock.slept == []
