"""Any words from others, at any time, in any order: the rollout ends, and AWS holds what its journal says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runner.test_crash_everywhere import HOME, OLD, STRATEGIES, Life, fleet, fresh, last, lived, sane, started
from tests.runner.test_faults_everywhere import UPDATED
from tests.support.fakes import FakeWorld
from toolkit.errors import BluegreenError, NoRollout, Paused
from toolkit.rollout.events import CommandTaken, Word
from toolkit.rollout.ports import Command
from toolkit.rollout.state import Phase
from toolkit.runner.lease import LEASE_SECONDS
from toolkit.runner.rollout import resume
from toolkit.traffic import Split

_THEN = (Word.RESUME, Word.RESUME, Word.ABORT)
"""What is said at last, a minute apart, so that nothing stays paused for ever."""
_WENT_ON = Split(blue=0, green=100)

Said = tuple[float, Word, str]
"""Seconds after the begin, the word, and of which rollout."""


def spoken(world: FakeWorld, words: Sequence[Said]) -> None:
    """Let others put these words down when their time has come."""
    begin, before = world.clock.now(), world.clock.on_sleep
    end = max((at for at, _, _ in words), default=0.0)
    waiting = [*sorted(words), *((end + 60 * minute, word, "web-1") for minute, word in enumerate(_THEN, start=1))]

    def on_sleep() -> None:
        before()
        while waiting and world.clock.now() >= begin + timedelta(seconds=waiting[0][0]):
            at, word, rollout = waiting.pop(0)
            command = Command(f"{len(waiting)}-{word}", word, rollout, "bob", begin + timedelta(seconds=at))
            world.store.put("web", command)

    world.clock.on_sleep = on_sleep


said = st.tuples(st.floats(0, 20), st.sampled_from(list(Word)), st.sampled_from(["web-1", "web-1", "web-1", "web-7"]))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(name=st.sampled_from(sorted(STRATEGIES)), words=st.lists(said, max_size=6), death=st.integers(1, 90))
def test_a_rollout_ends_whatever_it_is_told_and_whoever_dies_of_those_who_run_it(
    name: str, words: list[Said], death: int
) -> None:
    world = fresh(name)
    spoken(world, words)
    lived(world, Life(death), started(STRATEGIES[name]))
    sane(world)
    world.clock.sleep(LEASE_SECONDS)
    if last(world) is None:
        return
    with suppress(NoRollout):
        resume_until_over(world)
    sane(world)
    state = last(world)
    assert state is not None
    assert state.is_over
    assert state.phase in (Phase.PROMOTED, Phase.RETIRED, Phase.ROLLED_BACK, Phase.COMPLETED)
    stays = state.phase in (Phase.ROLLED_BACK, Phase.COMPLETED)
    assert {world.split(0), world.split(1)} == {HOME if stays else _WENT_ON}
    assert fleet(world) in ({}, UPDATED if state.phase is Phase.COMPLETED else OLD)


def resume_until_over(world: FakeWorld) -> None:
    """As a person would: a pause that leaves the terminal is picked up again."""
    for _ in range(4):
        try:
            resume(world.service)
        except Paused:
            continue
        except BluegreenError:
            return
        return


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(words=st.lists(said, max_size=6))
def test_a_word_is_taken_once_and_only_by_the_rollout_that_is_meant(words: list[Said]) -> None:
    world = fresh("canary")
    spoken(world, words)
    lived(world, Life(), started(STRATEGIES["canary"]))
    taken = [event.id for event in world.events() if isinstance(event, CommandTaken) and event.id]
    assert len(taken) == len(set(taken))
    assert len(taken) <= sum(rollout == "web-1" for _, _, rollout in words) + len(_THEN)


def test_the_first_word_back_counts_whatever_comes_after_it() -> None:
    world = fresh("canary")
    spoken(world, [(1, Word.PAUSE, "web-1"), (2, Word.ABORT, "web-1"), (2, Word.PROMOTE, "web-1")])
    lived(world, Life(), started(STRATEGIES["canary"]))
    state = last(world)
    assert state is not None
    assert state.phase is Phase.ROLLED_BACK
    assert {world.split(0), world.split(1)} == {HOME}
