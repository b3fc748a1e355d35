"""Hooks of a service: each at its point of every rollout."""

from __future__ import annotations

from fractions import Fraction

from tests.support.fakes import a_contract
from toolkit.rollout.hooking import hooked, hooks_at
from toolkit.rollout.steps import Bake, Deploy, Hook, Retire, Scale, Shift, Step
from toolkit.rollout.strategy import Strategy, plan_of
from toolkit.rollout.workload import Change
from toolkit.settings import HookPoint, HookSettings
from toolkit.traffic import Color

EVERY = tuple(HookSettings(at=point, name=point.value, command=("true",)) for point in HookPoint)
HALF, ALL = Shift(Fraction(1, 2)), Shift(Fraction(1))
DEPLOY, SCALE = Deploy(Change(image="web:2")), Scale(for_share=Fraction(1))


def named(steps: tuple[Step, ...]) -> list[str]:
    return [step.name if isinstance(step, Hook) else type(step).__name__ for step in steps]


def test_each_hook_stands_at_its_point() -> None:
    assert named(hooked((DEPLOY, SCALE, HALF, Bake(5), SCALE, ALL, Bake(5), Bake(60), Retire(1)), EVERY)) == [
        *("before-prepare", "Deploy", "Scale", "after-prepare"),
        *("before-shift", "Shift", "after-shift", "Bake", "Scale", "before-shift", "Shift", "after-shift", "Bake"),
        *("Bake", "before-retire", "Retire"),
    ]


def test_without_anything_to_prepare_both_points_are_at_the_beginning() -> None:
    wanted = ["before-prepare", "after-prepare", "before-shift", "Shift", "after-shift", "Bake"]
    assert named(hooked((ALL, Bake(5)), EVERY)) == wanted


def test_hooks_of_one_point_keep_their_order_and_all_they_are_told() -> None:
    first = HookSettings(at=HookPoint.ON_END, name="a", command=("./a", "-x"), timeout_seconds=5, retries=2)
    second = HookSettings(at=HookPoint.ON_END, name="b", url="https://example.com")
    assert hooks_at(HookPoint.ON_END, (first, *EVERY[:1], second)) == (
        Hook("a", command=("./a", "-x"), timeout_seconds=5, retries=2, at=HookPoint.ON_END),
        Hook("b", url="https://example.com", at=HookPoint.ON_END),
    )


def test_a_plan_keeps_the_hooks_that_are_no_steps_and_settles_before_the_one_after_a_shift() -> None:
    plan = plan_of(Strategy("all", (ALL, Bake(5))), a_contract(), base=Color.BLUE, settle_seconds=60, hooks=EVERY)
    assert named(plan.steps)[-4:] == ["Shift", "Bake", "after-shift", "Bake"]
    assert (named(plan.on_rollback), named(plan.on_end)) == (["on-rollback"], ["on-end"])
    assert plan.promotes_before == len(plan.steps)
