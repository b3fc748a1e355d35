"""Watching a rollout until a time is up: the gates are asked again and again, and what must be heeded ends it early."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.rollout.effects import Watch
from toolkit.rollout.events import Event, GateFailed, RunnerPaused, StepPassed
from toolkit.rollout.ports import Pulse
from toolkit.rollout.record import Record
from toolkit.rollout.state import RolloutState
from toolkit.runner.attention import Attention
from toolkit.runner.gates import Gates
from toolkit.runner.service import Service
from toolkit.settings import AnalysisSettings, Inconclusive

UNSEEN_SECONDS = 60.0
"""How long a gate that cannot be seen is waited for, once its time is up."""
DETACHED = "it goes on by itself until somebody decides"


class Watcher:
    """Looks at one rollout.

    stale_until: until when a write of the one whose lease was taken may still arrive; no watch ends before. detaches:
    leave where an approval is waited for.
    """

    def __init__(
        self,
        service: Service,
        attention: Attention,
        gates: Gates,
        stale_until: datetime | None = None,
        *,
        detaches: bool = False,
    ) -> None:
        self._service = service
        self._attention = attention
        self._gates = gates
        self._stale_until = stale_until
        self._detaches = detaches

    def watched(
        self, effect: Watch, state: RolloutState, record: Record, pulse_of: Callable[[RolloutState, list[Event]], Pulse]
    ) -> Event:
        """Look, and look again until the time is up; what cannot be seen then is waited for a little longer."""
        poll = self._service.settings.poll_seconds
        until = later(effect.until, self._stale_until)
        heard: list[Event] = []
        while True:
            failed = self._gates.look(state, record, pulse_of(state, heard))
            if heard:
                return heard[0]
            if failed is not None:
                return failed
            if effect.approval and self._detaches and not self._gates.unseen:
                return RunnerPaused(DETACHED)
            ended = self._may_end(effect, state, until)
            if ended is not None:
                return ended
            left = math.inf if until is None else (until - self._service.clock.now()).total_seconds()
            said = self._attention.wait(min(left, poll) if left > 0 else poll, state)
            if said is not None:
                return said

    def _may_end(self, effect: Watch, state: RolloutState, until: datetime | None) -> Event | None:
        """How the watch ends now; None where it goes on."""
        verdict, settings = self._gates.verdict, self._service.settings.analysis
        safe = verdict is not None and verdict.outcome is Outcome.PASS
        if safe and effect.until_safe and self._stale_until is None:
            return StepPassed(state.step, _reason_of(verdict))
        if until is None or self._service.clock.now() < until:
            return None
        late = (self._service.clock.now() - until).total_seconds()
        if self._gates.unseen:
            return unseen(self._gates.unseen) if late >= UNSEEN_SECONDS else None
        if effect.approval:
            return _unapproved(until, state)
        if safe or verdict is None or not effect.judged:
            return StepPassed(state.step, _reason_of(verdict))
        return _on_inconclusive(verdict, settings or AnalysisSettings(), state, late)


def unseen(reason: str) -> RunnerPaused:
    """Nobody knows how things are, so nothing goes on."""
    return RunnerPaused(f"it cannot be seen how things are: {reason}")


def _unapproved(until: datetime, state: RolloutState) -> GateFailed:
    if state.plan.ends_back:
        return GateFailed(state.step, "time", f"it was meant to last until {until:%Y-%m-%d %H:%M:%S} UTC")
    return GateFailed(state.step, "approval", f"nobody approved by {until:%Y-%m-%d %H:%M:%S} UTC")


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of the two; None as the first waits for ever."""
    return one if one is None or other is None else max(one, other)


def _reason_of(verdict: Verdict | None) -> str:
    return verdict.reason if verdict else ""


def _on_inconclusive(
    verdict: Verdict, settings: AnalysisSettings, state: RolloutState, late_seconds: float
) -> Event | None:
    """What the policy says where the bake is over and nothing is known: never pass. None: wait on."""
    policy = state.plan.inconclusive or settings.inconclusive
    if policy is Inconclusive.FAIL:
        return GateFailed(state.step, "analysis", f"inconclusive: {verdict.reason}")
    if policy is Inconclusive.WAIT and late_seconds < settings.wait_seconds:
        return None
    return RunnerPaused(f"the analysis is inconclusive: {verdict.reason}")
