"""Real commands and webhooks that misbehave, at each kind of point of a whole rollout: one line, nothing stuck."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.fakes import FakeWorld, a_world
from tests.support.hooks import is_alive
from tests.support.http_server import Reply, Server, running_server, wait_until
from tests.support.workload import autoscaled, follow
from toolkit.errors import RolledBack
from toolkit.gates.hooks import OutsideHooks
from toolkit.rollout.events import Ending, HooksRan, RestSkipped, RolloutEnded, ShiftVerified
from toolkit.rollout.steps import OUTPUT_LIMIT, Bake, Shift
from toolkit.rollout.strategy import Strategy
from toolkit.rollout.workload import Change
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import Wanted, start
from toolkit.settings import HookPoint, HookSettings, RetireSettings, ServiceSettings
from toolkit.traffic import Color, Split

CANARY = Strategy("canary", (Shift(Fraction(1, 10)), Bake(10), Shift(Fraction(1)), Bake(10)))
HOME, GREEN = Split(blue=100, green=0), Split(blue=0, green=100)
COMMANDS = {
    "hangs": (("sleep", "60"), "sleep was not done after 0.3s and was ended"),
    "prints for ever": (("yes", "no end of it"), "yes was not done after 0.3s and was ended"),
    "dies by a signal": (("sh", "-c", "kill -9 $$"), "sh was ended by SIGKILL"),
    "is not there": (("./nothing",), "there is no program ./nothing"),
    "leaves children": (("sh", "-c", "sleep 60 & echo $! > child; wait"), "sh was not done after 0.3s and was ended"),
    "has no words": (("sh", "-c", "exit 4"), "sh ended with exit code 4"),
}
ANSWERS = {
    "answers 500": (Reply(500), "answered 500"),
    "answers 429": (Reply(429, headers={"Retry-After": "3600"}), "answered 429"),
    "vetoes": (Reply(200, b'{"ok": false, "reason": "not on\\n a Friday"}'), "says no: not on a Friday"),
    "answers too much": (Reply(200, b"x" * 1_100_000), "more than a webhook may say (1 MB)"),
    "never answers": (Reply(200, after=60), "was not answered within 0.3s"),
    "redirects": (Reply(302, headers={"Location": "https://example.com/" + "x" * 9000}), "redirects are not followed"),
    "speaks no HTTP": (Reply(raw=b"\x00\x01 hello"), "got no HTTP"),
}


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


def hook(server: Server, bad: str, at: HookPoint) -> tuple[HookSettings, str]:
    """A hook that is bad in this way, and what is said of it."""
    if bad in COMMANDS:
        command, said = COMMANDS[bad]
        return HookSettings(at=at, name="bad", command=command, timeout_seconds=patience(said)), said
    reply, said = ANSWERS[bad]
    server.answers(reply)
    return HookSettings(at=at, name="bad", url=server.url("/secret"), timeout_seconds=patience(said)), said


def patience(said: str) -> float:
    """Seconds until a hook is given up: many, where that is not what is tried."""
    return 0.3 if "0.3s" in said else 30


def world_with(directory: Path, *hooks: HookSettings) -> FakeWorld:
    world = a_world(settings=ServiceSettings(hooks=hooks))
    follow(world, autoscaled(blue=3))
    world.service.hooks = OutsideHooks(directory=directory, clock=world.clock)
    return world


def deploy(world: FakeWorld) -> None:
    retire = RetireSettings(after_seconds=0.0, keep=1)
    start(world.service, Wanted(strategy=CANARY, change=Change(image="web:2.0"), retire=retire))


def assert_clear(said: str, words: str) -> None:
    """One line of a readable length, without what the address may hide."""
    assert words in said
    assert "\n" not in said
    assert len(said) < 600
    assert "secret" not in said


@pytest.mark.parametrize("bad", [*COMMANDS, *ANSWERS])
def test_what_goes_wrong_after_a_shift_takes_it_back_and_on_the_way_back_holds_nothing_up(
    tmp_path: Path, server: Server, bad: str
) -> None:
    (first, said), (page, _) = (hook(server, bad, at) for at in (HookPoint.AFTER_SHIFT, HookPoint.ON_ROLLBACK))
    world = world_with(tmp_path, first, page)
    with pytest.raises(RolledBack) as caught:
        deploy(world)
    assert_clear(caught.value.message, said)
    assert world.split() == HOME
    *_, last = events = world.events()
    assert last == RolloutEnded(Ending.ROLLED_BACK)
    (at,) = (index for index, event in enumerate(events) if isinstance(event, HooksRan))
    paged = events[at]
    assert isinstance(paged, HooksRan)
    assert_clear(paged.detail, said)
    assert len(paged.output.encode()) <= OUTPUT_LIMIT
    assert at > max(index for index, event in enumerate(events) if isinstance(event, ShiftVerified))
    if bad == "leaves children":
        child = int((tmp_path / "child").read_text(encoding="utf-8"))
        wait_until(lambda: not is_alive(child))


@pytest.mark.parametrize("bad", [*COMMANDS, *ANSWERS])
def test_what_goes_wrong_after_the_promotion_undoes_nothing_and_leaves_the_way_back_open(
    tmp_path: Path, server: Server, bad: str
) -> None:
    (may, said), (end, _) = (hook(server, bad, at) for at in (HookPoint.BEFORE_RETIRE, HookPoint.ON_END))
    world = world_with(tmp_path, may, end)
    deploy(world)
    assert world.split() == GREEN
    assert world.service.workload is not None
    assert world.service.workload.capacity(Color.BLUE).desired == 3
    (skipped,) = (event for event in world.events() if isinstance(event, RestSkipped))
    assert_clear(skipped.reason, said)
    (ended,) = (event for event in world.events() if isinstance(event, HooksRan))
    assert_clear(ended.detail, said)
    assert world.events()[-1] == RolloutEnded(Ending.PROMOTED)
    rollback(world.service)
    assert world.split() == HOME


@pytest.mark.parametrize("point", [HookPoint.BEFORE_PREPARE, HookPoint.AFTER_PREPARE, HookPoint.BEFORE_SHIFT])
def test_a_hook_that_hangs_before_the_first_shift_leaves_everything_where_it_was(
    tmp_path: Path, server: Server, point: HookPoint
) -> None:
    bad, said = hook(server, "hangs", point)
    world = world_with(tmp_path, bad)
    with pytest.raises(RolledBack) as caught:
        deploy(world)
    assert_clear(caught.value.message, said)
    assert world.router.writes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_ends_a_hook_that_hangs_on_the_way_back_and_those_after_it_at_its_point(
    tmp_path: Path, number: signal.Signals
) -> None:
    hangs = ("sh", "-c", f"kill -{number.value} {os.getpid()}; exec sleep 60")
    world = world_with(
        tmp_path,
        HookSettings(at=HookPoint.BEFORE_SHIFT, name="no", command=("false",)),
        HookSettings(at=HookPoint.ON_ROLLBACK, name="hangs", command=hangs),
        HookSettings(at=HookPoint.ON_ROLLBACK, name="after", command=("touch", "after")),
    )
    with pytest.raises(RolledBack):
        deploy(world)
    (ran,) = (event for event in world.events() if isinstance(event, HooksRan))
    assert ran.detail == "hook hangs: stopped; hook after: was not run, because nobody would wait for it"
    assert not (tmp_path / "after").exists()
    assert world.events()[-1] == RolloutEnded(Ending.ROLLED_BACK)


def test_a_signal_ends_a_hook_that_hangs_in_a_rollback_from_outside(tmp_path: Path) -> None:
    hangs = ("sh", "-c", f"kill -2 {os.getpid()}; exec sleep 60")
    world = world_with(tmp_path, HookSettings(at=HookPoint.ON_END, name="hangs", command=hangs))

    def dies() -> None:
        if world.split() != HOME:
            world.clock.on_sleep = lambda: None
            raise KeyboardInterrupt

    world.clock.on_sleep = dies
    with pytest.raises(KeyboardInterrupt):
        deploy(world)
    rollback(world.service, break_lease=True)
    (ran,) = (event for event in world.events() if isinstance(event, HooksRan))
    assert ran.detail == "hook hangs: stopped"
    assert world.events()[-1] == RolloutEnded(Ending.ROLLED_BACK)
