"""Several services as one release, each in a thread of its own, on fakes."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from tests.support.fakes import FakeWorld, a_world
from toolkit.errors import AwsError, Locked, PreflightRefused, ReleaseFailed
from toolkit.rollout.events import ShiftIntended
from toolkit.rollout.strategy import canary
from toolkit.runner.lease import take
from toolkit.runner.release import start_release
from toolkit.runner.rollout import Wanted
from toolkit.settings import HookPoint, HookSettings, ServiceSettings
from toolkit.traffic import Split

HOME, ALL = Split(blue=100, green=0), Split(blue=0, green=100)
WANTED = Wanted(strategy=canary([Fraction(1, 10), Fraction(1)], 4))
PATIENT = ServiceSettings(poll_seconds=0.1)


def named(name: str, **words: Any) -> FakeWorld:
    world = a_world(settings=PATIENT, **words)
    world.service.contract = replace(world.service.contract, name=name)
    return world


def yielding(world: FakeWorld) -> None:
    """Let other threads run whenever this world's time passes."""
    world.clock.on_sleep = lambda: time.sleep(0.001)


def release(*worlds: FakeWorld, together: bool = True) -> list[Any]:
    for world in worlds:
        yielding(world)
    return list(start_release([world.service for world in worlds], WANTED, together=together))


@pytest.mark.parametrize("together", [True, False])
def test_all_are_promoted(together: bool) -> None:
    web, api = named("web"), named("api")
    outcomes = release(web, api, together=together)
    assert [outcome.service for outcome in outcomes] == ["web", "api"]
    assert web.split() == api.split() == ALL
    assert outcomes[0].state.plan.release == ("web", "api")


def test_in_step_go_services_too_that_have_different_hooks() -> None:
    web, api = named("web"), named("api")
    hooks = tuple(HookSettings(at=point, name=point.value, command=("true",)) for point in HookPoint)
    web.service.settings = replace(web.service.settings, hooks=hooks)
    shifts: list[tuple[str, int]] = []
    for world in (web, api):

        def watch(entry: Any, _state: Any, name: str = world.service.name) -> None:
            if isinstance(entry.event, ShiftIntended):
                shifts.append((name, entry.event.to.green))

        world.service.watch = watch
    release(web, api)
    assert web.split() == api.split() == ALL
    assert [green for _, green in shifts] == [10, 10, 100, 100]
    assert len(web.hooks.ran) == len(
        ("before-prepare", "after-prepare", *["before-shift", "after-shift"] * 2, "on-end")
    )


def test_in_step_none_begins_a_shift_before_all_are_as_far() -> None:
    web, api = named("web"), named("api")
    steps: list[tuple[str, int]] = []
    for world in (web, api):

        def watch(entry: Any, state: Any, name: str = world.service.name) -> None:
            if isinstance(entry.event, ShiftIntended):
                steps.append((name, state.step))

        world.service.watch = watch
    release(web, api)
    assert [step for _, step in steps] == [0, 0, 2, 2]


def test_in_step_one_that_fails_takes_all_back() -> None:
    web, api = named("web"), named("api", green=2)
    with pytest.raises(
        ReleaseFailed, match=r"web: release: api failed: capacity.*back on blue.*api: capacity"
    ) as caught:
        release(web, api)
    assert web.split() == api.split() == HOME
    assert "Traceback" not in caught.value.message


def test_in_order_one_that_fails_takes_those_before_it_back_and_leaves_the_later_ones() -> None:
    web, api, shop = named("web"), named("api", green=2), named("shop")
    with pytest.raises(ReleaseFailed, match=r"web: all traffic is back on blue.*api: capacity.*shop was not begun"):
        release(web, api, shop, together=False)
    assert web.split() == api.split() == shop.split() == HOME
    assert shop.router.writes == []


def test_a_refusal_before_anything_was_written_is_itself() -> None:
    web, api = named("web", green=0), named("api")
    with pytest.raises(PreflightRefused, match="web: green has 0"):
        release(web, api, together=False)
    assert api.router.writes == []


def test_one_that_somebody_else_holds_takes_no_other_along() -> None:
    web, api = named("web"), named("api")
    take(api.service, "something else")
    with pytest.raises((Locked, ReleaseFailed)):
        release(web, api)
    assert web.split() == api.split() == HOME


def test_what_cannot_be_taken_back_is_named_with_what_it_holds_and_the_command() -> None:
    web, api = named("web"), named("api", green=2)

    def refuse(_name: str) -> None:
        if web.split() == ALL:
            raise AwsError("AWS answered InternalFailure")

    web.router.before_write = refuse
    with pytest.raises(ReleaseFailed, match="route-0 holds blue 0 / green 100") as caught:
        release(web, api, together=False)
    assert "bluegreen rollback web" in caught.value.hint
