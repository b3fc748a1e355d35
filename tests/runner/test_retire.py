"""Retiring outside of a rollout: when it may be, and what stands afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.fakes import FakeWorld, a_world
from tests.support.workload import FakeWorkload, follow
from toolkit.contract import Stickiness
from toolkit.errors import AwsError, Locked, PreflightRefused, RouteUnusable
from toolkit.rollout.events import DriftAccepted, RolloutStarted, ShiftIntended
from toolkit.rollout.plan import Plan
from toolkit.rollout.ports import Holder
from toolkit.rollout.steps import Shift
from toolkit.rollout.workload import Capacity
from toolkit.runner.retire import plan_retire, retire
from toolkit.runner.rollback import rollback
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split

GREEN = Split(blue=0, green=100)


def shifted(*, minimum: int | None = 2, suspended: tuple[str, ...] = (), minutes: float = 3) -> FakeWorld:
    """Green has had all traffic for so long; four run on each side."""
    world = a_world(blue=4, green=4)
    held = Capacity(4, 4, minimum, None if minimum is None else 8, suspended)
    follow(world, FakeWorkload(dict.fromkeys(Color, held)))
    shift(world.service, GREEN)
    world.clock.time += timedelta(minutes=minutes)
    return world


def blue(world: FakeWorld) -> Capacity:
    assert isinstance(world.service.workload, FakeWorkload)
    return world.service.workload.held[Color.BLUE]


def untouched(world: FakeWorld) -> bool:
    assert isinstance(world.service.workload, FakeWorkload)
    return world.service.workload.scaled == []


def test_it_goes_down_with_its_minimum_and_the_live_side_is_left_alone() -> None:
    world = shifted()
    done = retire(world.service, 1)
    assert (done.color, done.before.desired, done.after, done.written) == (Color.BLUE, 4, 1, True)
    assert (blue(world).desired, blue(world).minimum) == (1, 1)
    assert isinstance(world.service.workload, FakeWorkload)
    assert world.service.workload.held[Color.GREEN] == Capacity(4, 4, 2, 8)


def test_a_minimum_that_was_lower_stays_lower_and_what_was_suspended_stays_so() -> None:
    world = shifted(minimum=0, suspended=("nightly",))
    retire(world.service, 2)
    assert (blue(world).desired, blue(world).minimum, blue(world).suspended) == (2, 0, ("nightly",))


def test_it_is_never_brought_up_and_asked_again_it_does_nothing() -> None:
    world = shifted()
    assert retire(world.service, 6).written is False
    assert untouched(world)
    retire(world.service, 1)
    assert retire(world.service, 1).written is False
    assert (blue(world).desired, blue(world).minimum) == (1, 1)


def test_a_workload_without_autoscaling_is_scaled_alone() -> None:
    world = shifted(minimum=None)
    retire(world.service, 0)
    assert (blue(world).desired, blue(world).minimum) == (0, None)


def test_a_rollback_brings_the_retired_side_up_first() -> None:
    world = shifted()
    retire(world.service, 0)
    rollback(world.service)
    assert (blue(world).desired, world.split()) == (4, Split(blue=100, green=0))


def test_a_plan_writes_nothing_and_needs_no_lease() -> None:
    world = shifted()
    world.store.acquire("web", Holder("bob", "elsewhere", 7, "shift"), now=world.clock.now(), seconds=60, force=False)
    planned = plan_retire(world.service, 1)
    assert (planned.color, planned.before.desired, planned.after, planned.written) == (Color.BLUE, 4, 1, False)
    assert untouched(world)
    with pytest.raises(Locked):
        retire(world.service, 1)


def test_before_the_last_shift_has_settled_it_is_refused_or_waited_for() -> None:
    world = shifted(minutes=0.5)
    with pytest.raises(PreflightRefused, match=r"not 2m old.*wait 1m30s\. Nothing was changed"):
        retire(world.service, 1)
    assert untouched(world)
    began = world.clock.now()
    retire(world.service, 1, wait=True)
    assert (world.clock.now() - began).total_seconds() == 90
    assert blue(world).desired == 1


def test_cookies_that_hold_clients_to_it_must_have_expired_too() -> None:
    world = shifted(minutes=5)
    hour = Stickiness(enabled=True, duration_seconds=3600)
    routes = tuple(replace(route, stickiness=hour) for route in world.service.contract.routes)
    world.service.contract = replace(world.service.contract, routes=routes)
    with pytest.raises(PreflightRefused, match="wait 55m"):
        retire(world.service, 1)


def test_weights_that_somebody_else_wrote_count_from_when_they_were_accepted() -> None:
    world = shifted(minutes=60)
    world.append(DriftAccepted({"route-0": GREEN}))
    with pytest.raises(PreflightRefused, match="wait 2m"):
        retire(world.service, 1)


def test_where_nothing_was_ever_shifted_nothing_has_to_settle() -> None:
    world = a_world(blue=4, green=4)
    follow(world, FakeWorkload(dict.fromkeys(Color, Capacity(4, 4))))
    assert retire(world.service, 1).color is Color.GREEN


def test_a_shift_further_back_than_the_journals_tail_has_settled() -> None:
    world = shifted(minutes=0)
    for _ in range(40):
        world.append(DriftAccepted({"route-0": GREEN}), rollout=None)
    world.clock.time += timedelta(minutes=3)
    assert retire(world.service, 1).written


def test_a_rollout_under_way_keeps_both_sides() -> None:
    world = shifted()
    entry = world.append(
        RolloutStarted(Plan("web", "canary", Color.GREEN, (Shift(GREEN.share(Color.GREEN)),), ("route-0",))),
        rollout=f"web-{world.service.record().sequence + 1}",
    )
    with pytest.raises(PreflightRefused, match=f"rollout {entry.rollout} is under way"):
        retire(world.service, 1)
    assert untouched(world)


def test_both_colors_with_traffic_keep_both() -> None:
    world = shifted()
    shift(world.service, Split(blue=1, green=99))
    world.clock.time += timedelta(minutes=10)
    with pytest.raises(PreflightRefused, match="both colors carry traffic"):
        retire(world.service, 1)


def test_drift_is_refused_for_nobody_knows_who_wrote_it() -> None:
    world = shifted()
    world.put(Split(blue=100, green=0))
    with pytest.raises(PreflightRefused, match=r"route-0 holds blue 100 / green 0, but .* was recorded"):
        retire(world.service, 1)
    assert untouched(world)


def test_a_record_in_doubt_is_settled_first() -> None:
    world = shifted()
    intent = next(event for event in world.events() if isinstance(event, ShiftIntended))
    world.append(replace(intent, before={"route-0": GREEN}, to=Split(blue=100, green=0)))
    with pytest.raises(PreflightRefused, match="ended between writing weights and recording that"):
        retire(world.service, 1)


def test_a_route_that_is_gone_is_refused_as_in_a_shift() -> None:
    world = shifted()
    world.router.live.clear()
    with pytest.raises(RouteUnusable):
        retire(world.service, 1)


def test_a_sick_live_side_keeps_the_other_one_as_it_is() -> None:
    world = shifted()
    world.health(Color.GREEN, "unhealthy")
    with pytest.raises(PreflightRefused, match="green carries all traffic and has no healthy target"):
        retire(world.service, 1)
    assert untouched(world)


def test_what_aws_does_not_take_is_said_and_the_lease_is_given_back() -> None:
    world = shifted()
    assert isinstance(world.service.workload, FakeWorkload)

    def refusing(call: str) -> None:
        if call == "scale":
            raise AwsError("ECS said no")

    world.service.workload.before = refusing
    with pytest.raises(AwsError, match="ECS said no"):
        retire(world.service, 1)
    world.service.workload.before = lambda _call: None
    assert retire(world.service, 1).written


def test_autoscaling_that_cannot_be_bound_as_before_is_said_with_how_it_stands() -> None:
    world = shifted(minimum=0)
    assert isinstance(world.service.workload, FakeWorkload)

    def refusing(call: str) -> None:
        if call == "let_go":
            raise AwsError("Application Auto Scaling said no")

    world.service.workload.before = refusing
    done = retire(world.service, 1)
    assert (done.written, blue(world).desired) == (True, 1)
    assert "blue goes down to 1, and its autoscaling is not bound as meant" in done.problem
    assert any(done.problem in note for note in world.notes)
