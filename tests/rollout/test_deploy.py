"""A strategy made a deployment: release first, capacity before each shift, the old side retired at the end."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import a_contract
from toolkit.contract import Stickiness
from toolkit.rollout.deploy import APPLICATION_SETTLE_SECONDS, deployed, runs_already, settle_of
from toolkit.rollout.steps import Bake, Deploy, Retire, Scale, Shift
from toolkit.rollout.strategy import Strategy, canary, plan_of
from toolkit.rollout.workload import Change, Release
from toolkit.settings import NETWORK_SETTLE_SECONDS, RetireSettings, ServiceSettings
from toolkit.traffic import Color

NEW = Change(image="web:2.0")
TENTH, ALL = Fraction(1, 10), Fraction(1)
CANARY = canary([TENTH, ALL], 60)
NEVER = RetireSettings()


def test_capacity_comes_before_each_shift() -> None:
    steps = deployed(CANARY, NEW, retire=NEVER, settle_seconds=0).steps
    assert steps == (
        Deploy(NEW),
        Scale(for_share=TENTH),
        Shift(TENTH),
        Bake(60),
        Scale(for_share=ALL),
        *CANARY.steps[2:],
    )


def test_full_capacity_comes_once() -> None:
    steps = deployed(CANARY, NEW, retire=NEVER, settle_seconds=0, full_capacity=True).steps
    assert steps == (Deploy(NEW), Scale(for_share=ALL), *CANARY.steps)


def test_a_strategy_that_scales_or_retires_by_itself_is_left_to_do_so() -> None:
    own = Strategy("own", (Scale(targets=3), Shift(ALL), Bake(60), Bake(5), Retire(2)))
    retire = RetireSettings(after_seconds=0.0, keep=0)
    assert deployed(own, NEW, retire=retire, settle_seconds=600).steps == (Deploy(NEW), *own.steps)


@pytest.mark.parametrize(("after", "settle", "waits"), [(0.0, 120.0, 120.0), (600.0, 120.0, 600.0)])
def test_the_old_side_is_retired_after_its_time_and_never_before_the_last_shift_has_settled(
    after: float, settle: float, waits: float
) -> None:
    steps = deployed(CANARY, NEW, retire=RetireSettings(after_seconds=after, keep=1), settle_seconds=settle).steps
    assert steps[-3:] == (Bake(60), Bake(waits), Retire(1))


@given(
    shares=st.lists(st.integers(1, 99), max_size=4, unique=True).map(sorted),
    bakes=st.booleans(),
    after=st.none() | st.floats(0, 1000),
    settle=st.floats(0, 1000),
    full=st.booleans(),
)
def test_every_deployment_is_a_plan_that_is_promoted_before_anything_is_retired(
    shares: list[int], after: float | None, settle: float, *, bakes: bool, full: bool
) -> None:
    all_shares = [*(Fraction(share, 100) for share in shares), ALL]
    strategy = canary(all_shares, 5) if bakes else Strategy("bare", tuple(map(Shift, all_shares)))
    retire = RetireSettings(after_seconds=after, keep=1)
    made = deployed(strategy, NEW, retire=retire, settle_seconds=settle, full_capacity=full)
    plan = plan_of(made, a_contract(), base=Color.BLUE, settle_seconds=0)
    assert plan.brings_up
    assert plan.kept == (None if after is None else 1)
    retiring = [index for index, step in enumerate(plan.steps) if isinstance(step, Retire)]
    assert plan.promotes_before > plan.last_shift
    if retiring:
        assert isinstance(plan.steps[plan.promotes_before], Bake)
        assert plan.promotes_before == retiring[0] - 1
    brought = Fraction(0)
    for step in plan.steps:
        if isinstance(step, Scale) and step.for_share is not None:
            brought = max(brought, step.for_share)
        assert not isinstance(step, Shift) or step.share <= brought


def test_the_settling_is_the_operators_else_by_the_load_balancer_and_outlasts_cookies() -> None:
    contract, network = a_contract(), a_contract(network=True)
    assert settle_of(contract, ServiceSettings()) == APPLICATION_SETTLE_SECONDS
    assert settle_of(network, ServiceSettings()) == NETWORK_SETTLE_SECONDS
    assert settle_of(contract, ServiceSettings(settle_seconds=0)) == 0
    sticky = tuple(replace(route, stickiness=Stickiness(True, 3600)) for route in contract.routes)
    assert settle_of(replace(contract, routes=sticky), ServiceSettings(settle_seconds=0)) == 3600


@pytest.mark.parametrize(
    ("wanted", "change", "already"),
    [
        (Release("", "web:1"), NEW, True),
        (Release("", "web:2"), NEW, False),
        (Release("", "web@sha256:ab"), NEW, True),
        (Release("", "web@sha256:cd"), NEW, False),
        (Release("web:7", "web:1"), NEW, True),
        (Release("lt-green:3", "web:1"), NEW, True),
        (Release("web:7", "web:1"), Change(task_definition="web:7"), True),
        (Release("web:8", "web:1"), Change(task_definition="web:8"), False),
        (Release("lt-green:3", "web:1"), Change(template_version=3), False),
    ],
)
def test_the_same_image_or_the_named_revision_runs_already(wanted: Release, change: Change, *, already: bool) -> None:
    assert runs_already(wanted, Release("web:7", "web:1", "sha256:ab"), change) is already
