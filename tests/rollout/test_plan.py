from fractions import Fraction

import pytest

from toolkit.errors import UsageError
from toolkit.rollout.plan import Plan
from toolkit.rollout.plan_codec import plan_in, plan_out
from toolkit.rollout.steps import Analyze, Approve, Bake, Deploy, Hook, Probe, Retire, Scale, Shift, Step, Via
from toolkit.rollout.workload import Change
from toolkit.settings import HookPoint
from toolkit.traffic import Color, Split

TENTH, ALL = Shift(Fraction(1, 10)), Shift(Fraction(1))
BAKE = Bake(60)
VETO = Hook("veto", ("false",))
ASKED = Hook("ask", ("true",), at=HookPoint.BEFORE_RETIRE)


def a_plan(*steps: Step, base: Color = Color.BLUE) -> Plan:
    return Plan("web", "mine", base, steps, ("main",))


@pytest.mark.parametrize("steps", [(), (BAKE,), (TENTH,), (ALL, TENTH)])
def test_a_plan_ends_with_all_traffic_on_the_new_color(steps: tuple[Step, ...]) -> None:
    with pytest.raises(UsageError, match="does not end with all traffic on the new color"):
        a_plan(*steps)


def test_the_new_color_is_the_one_that_is_not_the_base() -> None:
    plan = a_plan(TENTH, ALL, base=Color.GREEN)
    assert plan.to is Color.BLUE
    assert plan.split(TENTH) == Split(blue=10, green=90)
    assert plan.home == Split(blue=0, green=100)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((ALL,), 1),
        ((ALL, BAKE), 2),
        ((TENTH, BAKE, ALL, BAKE, Analyze()), 5),
        ((ALL, Retire()), 1),
        ((ALL, BAKE, Retire()), 2),  # the only watch there is comes before the promotion
        ((ALL, BAKE, BAKE, Retire()), 2),  # the second one is how long the old side stays
        ((ALL, BAKE, Approve(60), BAKE, Retire(1), BAKE, Retire(0)), 3),
        ((ALL, BAKE, Analyze(), Retire()), 3),
        ((ALL, VETO, BAKE, Retire()), 3),
        ((ALL, BAKE, BAKE, ASKED, Retire()), 2),
        ((ALL, BAKE, ASKED, Retire()), 2),
    ],
)
def test_a_rollout_is_promoted_after_its_last_watch_and_before_anything_is_retired(
    steps: tuple[Step, ...], expected: int
) -> None:
    assert a_plan(*steps).promotes_before == expected


def test_the_share_at_a_step_is_what_the_shifts_before_it_gave() -> None:
    plan = a_plan(Scale(targets=2), TENTH, BAKE, ALL, BAKE)
    assert [plan.share_at(index) for index in range(6)] == [0, 0, Fraction(1, 10), Fraction(1, 10), 1, 1]
    assert plan.last_shift == 3


def test_a_plan_comes_back_from_the_journal_as_it_went_in() -> None:
    steps = (
        Deploy(Change(image="web:2.0", container="app")),
        Scale(for_share=Fraction(1, 20)),
        Scale(of_live=Fraction(1, 3)),
        Scale(targets=2),
        Probe("/x", Via.TEST_ROUTE, None, 0.5, ("X-Version", "v2"), "ok", 3, 2.0, 1),
        Shift(Fraction(1, 1000)),
        BAKE,
        Analyze(),
        Approve(60, "look"),
        Hook("smoke", command=("./smoke.sh", "--fast"), retries=2),
        Hook("tell", url="https://example.com"),
        ALL,
        Retire(1),
    )
    plan = Plan("web", "mine", Color.GREEN, steps, ("a", "b"), (Probe(),), 600.0, ("web", "api"), True, 30.0)
    assert plan_in(plan_out(plan)) == plan


def test_a_plan_of_a_journal_from_before_services_had_hooks_is_read() -> None:
    document = plan_out(a_plan(VETO, ALL))
    del document["on_rollback"], document["on_end"], document["steps"][0]["at"]
    assert plan_in(document) == a_plan(VETO, ALL)


def test_a_scale_step_of_a_journal_from_before_there_were_deployments_is_read() -> None:
    document = plan_out(a_plan(Scale(targets=2), ALL))
    del document["steps"][0]["for_share"]
    assert plan_in(document).steps[0] == Scale(targets=2)


@pytest.mark.parametrize(
    ("steps", "scales", "brings_up"),
    [
        ((TENTH, ALL), False, False),
        ((Scale(targets=2), ALL), True, True),
        ((Deploy(Change(image="web:2")), ALL), True, True),
        ((TENTH, Scale(targets=2), ALL), True, False),
        ((ALL, BAKE, BAKE, Retire(1)), True, False),
    ],
)
def test_a_plan_knows_whether_it_touches_what_runs_behind_the_colors(
    steps: tuple[Step, ...], *, scales: bool, brings_up: bool
) -> None:
    plan = a_plan(*steps)
    assert (plan.scales, plan.brings_up) == (scales, brings_up)
    assert plan.kept == (1 if isinstance(steps[-1], Retire) else None)
