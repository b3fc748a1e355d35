"""A deployment: the idle side gets the release and the capacity, then the traffic; what fails leaves all as it was."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from tests.support.fakes import FakeWorld, a_world
from tests.support.workload import FakeWorkload, autoscaled, follow
from toolkit.errors import AwsError, Halted, PreflightRefused, RolledBack, UsageError
from toolkit.rollout.events import Ending, Promoted, RolloutEnded, ShiftVerified, StepPassed, WorkloadLetGo
from toolkit.rollout.ports import Result
from toolkit.rollout.steps import Bake, Hook, Shift
from toolkit.rollout.strategy import Strategy
from toolkit.rollout.workload import Capacity, Change, Progress
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import RolloutOutcome, Wanted, plan_rollout, start
from toolkit.settings import RetireSettings, ServiceSettings
from toolkit.traffic import Color, Split

TENTH, ALL = Shift(Fraction(1, 10)), Shift(Fraction(1))
CANARY = Strategy("canary", (TENTH, Bake(60), ALL, Bake(60)))
NEW = Change(image="web:2.0")
AT_ONCE = RetireSettings(after_seconds=0.0, keep=0)
HOME = Split(blue=100, green=0)


def a_pair(*, green: int = 0, settings: ServiceSettings | None = None) -> tuple[FakeWorld, FakeWorkload]:
    world = a_world(settings=settings)
    return world, follow(world, autoscaled(blue=10, green=green))


def deploy(world: FakeWorld, change: Change = NEW, strategy: Strategy = CANARY, **more: object) -> RolloutOutcome:
    words: dict[str, object] = {"retire": RetireSettings(), **more}
    return start(world.service, Wanted(strategy=strategy, change=change, **words))  # type: ignore[arg-type]


def bounds(workload: FakeWorkload, color: Color) -> tuple[int, int | None, tuple[str, ...]]:
    held = workload.held[color]
    return held.desired, held.minimum, held.suspended


def test_the_idle_side_gets_the_release_and_only_the_capacity_that_each_share_takes() -> None:
    world, workload = a_pair()
    outcome = deploy(world)
    assert workload.scaled == [(Color.GREEN, 2), (Color.GREEN, 10)]
    assert (workload.runs[Color.GREEN], workload.images["web:2"]) == ("web:2", "web:2.0")
    assert workload.runs[Color.BLUE] == "web:1"
    assert world.split() == Split(blue=0, green=100)
    assert outcome.state is not None
    assert outcome.state.ending is Ending.PROMOTED


def test_at_full_capacity_it_is_scaled_once() -> None:
    world, workload = a_pair()
    deploy(world, full_capacity=True)
    assert workload.scaled == [(Color.GREEN, 10)]


def test_a_side_that_has_more_already_is_not_scaled_down_for_a_small_share() -> None:
    world, workload = a_pair(green=10)
    deploy(world)
    assert workload.scaled == []


def test_nothing_scales_in_meanwhile_and_each_role_has_its_minimum_in_the_end() -> None:
    world, workload = a_pair()
    held = []
    world.router.before_write = lambda _name: held.append({color: bounds(workload, color)[1:] for color in Color})
    deploy(world, retire=AT_ONCE)
    assert held == [
        {Color.BLUE: (10, ("scale-in",)), Color.GREEN: (2, ("scale-in",))},
        {Color.BLUE: (10, ("scale-in",)), Color.GREEN: (10, ("scale-in",))},
    ]
    assert bounds(workload, Color.GREEN) == (10, 10, ())
    assert bounds(workload, Color.BLUE) == (0, 0, ())


def test_the_old_side_is_retired_no_sooner_than_the_last_shift_has_settled() -> None:
    world, workload = a_pair()
    at: dict[Color, float] = {}
    following = workload.after

    def noted(color: Color) -> None:
        at[color] = world.clock.now().timestamp()
        following(color)

    workload.after = noted
    deploy(world, strategy=Strategy("fast", (ALL,)), retire=AT_ONCE)
    (verified,) = (entry.at for entry in world.store.since("web", 1) if isinstance(entry.event, ShiftVerified))
    assert at[Color.BLUE] - verified.timestamp() >= 120
    events = [event for event in world.events() if isinstance(event, Promoted | RolloutEnded)]
    assert events == [Promoted(Color.GREEN), RolloutEnded(Ending.RETIRED)]


@pytest.mark.parametrize("retire", [RetireSettings(), RetireSettings(after_seconds=None, keep=5)])
def test_an_old_side_that_is_never_retired_stays_as_it_is(retire: RetireSettings) -> None:
    world, workload = a_pair()
    deploy(world, retire=retire)
    assert bounds(workload, Color.BLUE) == (10, 10, ())


def test_a_release_that_does_not_start_never_gets_a_request_and_all_is_as_before() -> None:
    world, workload = a_pair()
    said = "task 1a2b stopped: Essential container in task exited (app: exit code 1)"
    workload.ended = Progress(0, failures=3, lines=(said,))
    with pytest.raises(RolledBack, match=r"green does not come up: 3 of them .* exit code 1\).*nothing was shifted"):
        deploy(world)
    assert world.router.writes == []
    assert (workload.runs, bounds(workload, Color.GREEN)) == (dict.fromkeys(Color, "web:1"), (0, 0, ()))
    assert bounds(workload, Color.BLUE) == (10, 10, ())
    assert f"web: green: {said}" in world.notes


def test_what_aws_gives_up_is_not_waited_for() -> None:
    world, workload = a_pair()
    workload.ended = Progress(0, given_up="ECS deployment circuit breaker: tasks failed to start.")
    began = world.clock.now()
    with pytest.raises(RolledBack, match="circuit breaker"):
        deploy(world)
    assert world.clock.now() - began < timedelta(minutes=1)


def test_capacity_that_never_comes_ends_it_with_what_aws_said_last() -> None:
    world, workload = a_pair(settings=ServiceSettings(ready_seconds=300))
    workload.after = lambda _color: None
    workload.ended = Progress(0, lines=("could not launch: insufficient capacity",))
    world.health(Color.GREEN, "initial", "unhealthy")
    with pytest.raises(RolledBack, match=r"had not 2 healthy targets after 5m, but 0 .*1 initial.*insufficient capac"):
        deploy(world)
    assert world.router.writes == []


def test_older_ones_must_be_gone_before_the_first_shift() -> None:
    world, workload = a_pair(green=10)
    looks = iter([Progress(4, older=6), Progress(10, older=1), Progress(10)])

    def progressed(*_words: object) -> Progress:
        assert world.router.writes == []
        return next(looks)

    workload.progress = progressed  # type: ignore[method-assign, assignment]
    deploy(world, strategy=Strategy("fast", (ALL,)))
    assert next(looks, None) is None


def test_a_release_that_is_bad_under_traffic_is_taken_back_and_down_once_that_has_settled() -> None:
    world, workload = a_pair()
    following, times = workload.after, []

    def noted(color: Color) -> None:
        times.append((color, workload.held[color].desired, world.clock.now()))
        following(color)

    workload.after = noted
    bad = Strategy("bad", (TENTH, Bake(60), ALL), gates=(Hook("smoke", ("false",)),))
    world.hooks.results = [Result(passed=False, reason="it errs")]
    with pytest.raises(RolledBack, match="all traffic is back on blue"):
        deploy(world, strategy=bad)
    assert world.split() == HOME
    verified = [entry.at for entry in world.store.since("web", 1) if isinstance(entry.event, ShiftVerified)]
    (color, desired, at) = times[-1]
    assert (color, desired) == (Color.GREEN, 0)
    assert at - verified[-1] >= timedelta(seconds=120)
    assert workload.runs[Color.GREEN] == "web:1"


def test_what_runs_already_is_not_deployed_again() -> None:
    world, workload = a_pair()
    outcome = deploy(world, Change(image="web:1.0"))
    assert outcome.state is None
    assert outcome.already is not None
    assert outcome.already.revision == "web:1"
    assert (world.events(), workload.scaled) == ([], [])


def test_a_release_is_put_on_no_side_that_has_traffic() -> None:
    world, workload = a_pair(green=10)
    world.put(Split(blue=90, green=10))
    with pytest.raises(PreflightRefused, match="green has traffic"):
        deploy(world, to=Color.GREEN)
    assert (world.events(), workload.runs[Color.GREEN]) == ([], "web:1")


def test_traffic_that_somebody_gives_the_idle_side_meanwhile_halts_it() -> None:
    world, workload = a_pair()

    def shifted(name: str) -> None:
        if name == "hold":
            world.put(Split(blue=90, green=10))

    workload.before = shifted
    with pytest.raises(Halted, match="green has traffic, so no release is put on it"):
        deploy(world)
    assert workload.runs[Color.GREEN] == "web:1"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (Change(task_definition="web:9"), PreflightRefused, "no task definition web:9"),
        (Change(ami="ami-1"), UsageError, "runs ECS services"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(
    change: Change, error: type[Exception], words: str
) -> None:
    world, workload = a_pair()
    with pytest.raises(error, match=words):
        deploy(world, change)
    assert (world.events(), workload.scaled) == ([], [])


def test_a_side_without_room_for_all_of_the_traffic_is_refused_at_once() -> None:
    world, workload = a_pair()
    workload.held[Color.GREEN] = Capacity(0, 0, 0, 4)
    with pytest.raises(PreflightRefused, match="takes 10 targets, and green may have 4 at most"):
        deploy(world)
    assert world.events() == []


def test_without_a_workload_nothing_can_be_deployed() -> None:
    with pytest.raises(PreflightRefused, match="names no workload"):
        deploy(a_world())


def test_somebody_who_scales_the_new_side_down_is_said_to_have() -> None:
    world, workload = a_pair()

    def meddle() -> None:
        if world.split() != HOME and workload.held[Color.GREEN].desired == 2:
            workload.scale(Color.GREEN, 0)

    world.clock.on_sleep = meddle
    with pytest.raises(RolledBack, match="green fell to 0 healthy targets, needs 2; somebody has scaled it to 0"):
        deploy(world)
    assert world.split() == HOME


def test_what_cannot_be_restored_is_said_and_recorded() -> None:
    world, workload = a_pair()

    def barred(name: str) -> None:
        if name == "let_go":
            raise AwsError("access denied")

    workload.before = barred
    deploy(world)
    (gone,) = (event for event in world.events() if isinstance(event, WorkloadLetGo))
    assert "blue's autoscaling is not restored: access denied" in gone.problem
    assert any("is not restored" in note for note in world.notes)


def test_a_retirement_that_aws_does_not_take_is_no_reason_to_go_back() -> None:
    world, workload = a_pair()
    scale = workload.scale

    def barred(color: Color, targets: int) -> None:
        if color is Color.BLUE:
            raise AwsError("access denied")
        scale(color, targets)

    workload.scale = barred  # type: ignore[method-assign]
    deploy(world, retire=AT_ONCE)
    assert world.split() == Split(blue=0, green=100)
    assert "blue is not brought down: access denied" in [
        event.detail for event in world.events() if isinstance(event, StepPassed)
    ]


def test_a_retired_side_is_brought_up_whole_before_a_rollback_and_the_time_is_said() -> None:
    world, workload = a_pair()
    deploy(world, retire=RetireSettings(after_seconds=0.0, keep=1))
    rollback(world.service)
    assert bounds(workload, Color.BLUE) == (10, 10, ())
    assert world.split() == HOME
    assert "web: blue has 1 of 10 targets; bringing it up to 10 before going back" in world.notes
    assert any("blue has 10 healthy of 10 after" in note for note in world.notes)


@pytest.mark.parametrize(
    ("dying_at", "left", "words"),
    [("progress", (0, 0, ()), ""), ("sleep", (2, 0, ()), "green is left up with web:2.0 (web:2)")],
)
def test_a_rollback_after_a_crash_restores_a_side_that_had_no_traffic_and_tells_of_one_that_had(
    dying_at: str, left: tuple[int, int, tuple[str, ...]], words: str
) -> None:
    world, workload = a_pair()

    def dies(name: str = "sleep") -> None:
        if name == dying_at and (name == "progress" or world.split() != HOME):
            raise KeyboardInterrupt

    workload.before, world.clock.on_sleep = dies, dies
    with pytest.raises(KeyboardInterrupt):
        deploy(world)
    workload.before, world.clock.on_sleep = lambda _name: None, lambda: None
    rollback(world.service, break_lease=True)
    assert (world.split(), bounds(workload, Color.GREEN)) == (HOME, left)
    assert workload.runs[Color.GREEN] == ("web:2" if words else "web:1")
    assert any(words in note for note in world.notes) if words else not any("left up" in note for note in world.notes)


def test_a_rollback_does_not_wait_for_a_workload_that_cannot_be_read() -> None:
    world, workload = a_pair(green=10)
    deploy(world)

    def barred(name: str) -> None:
        raise AwsError(f"{name}: access denied")

    workload.before = barred
    rollback(world.service)
    assert world.split() == HOME
    assert "warning: capacity: access denied" in world.notes


def test_a_plan_says_what_it_is_going_to_do() -> None:
    world, _ = a_pair()
    wanted = Wanted(strategy=CANARY, change=NEW, retire=RetireSettings(after_seconds=600.0, keep=1))
    plan, _, findings = plan_rollout(world.service, wanted)
    assert [type(step).__name__ for step in plan.steps] == [
        *("Deploy", "Scale", "Shift", "Bake", "Scale", "Shift", "Bake"),
        *("Bake", "Retire"),
    ]
    assert [finding.reason for finding in findings if finding.check == "deploy"] == ["green is to run web:2.0"]
