"""What a runner heeds on the way back, and what it does not."""

from __future__ import annotations

import threading
from dataclasses import replace
from fractions import Fraction

from tests.support.fakes import NOON, a_contract, a_world
from toolkit.rollout.state import RolloutState
from toolkit.rollout.strategy import canary, plan_of
from toolkit.runner.attention import Attention
from toolkit.runner.interrupts import Signals
from toolkit.runner.lease import take
from toolkit.runner.service import Wish
from toolkit.traffic import Color

PLAN = plan_of(canary([Fraction(1)], 5), a_contract(), base=Color.BLUE, settle_seconds=0)
STATE = RolloutState("web-1", PLAN, began=NOON, watched=NOON, prepared=True)
BACK = replace(STATE, back=True)


def test_ctrl_c_that_asked_a_question_is_no_impatience_with_the_way_back_and_one_more_is() -> None:
    world, signals, answered = a_world(), Signals(), threading.Event()

    def ask(_state: RolloutState) -> Wish:
        answered.wait(10)
        return Wish.CONTINUE

    world.service.ask = ask
    attention = Attention(world.service, take(world.service, "rollout"), signals)
    try:
        signals.interrupts = 1
        assert attention.beat(STATE) is None  # it is being asked
        assert attention.beat(BACK) is None
        assert not attention.is_impatient
        signals.interrupts = 2
        assert attention.beat(BACK) is None
        assert attention.is_impatient
    finally:
        answered.set()


def test_whoever_ends_the_process_on_the_way_back_is_impatient() -> None:
    world, signals = a_world(), Signals()
    attention = Attention(world.service, take(world.service, "rollout"), signals)
    assert not attention.is_impatient
    signals.terminated = True
    assert attention.beat(BACK) is None
    assert attention.is_impatient
