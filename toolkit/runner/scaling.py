"""Bringing a color up before traffic goes to it, and down once it has none."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from toolkit.errors import AwsError
from toolkit.rollout.effects import ScaleTo, Wane
from toolkit.rollout.events import Event, GateFailed, StepPassed
from toolkit.rollout.ports import TargetHealth
from toolkit.rollout.preflight import needed_targets
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Scale, duration
from toolkit.rollout.workload import Progress, Workload
from toolkit.runner.attention import Attention
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.traffic import Color

TRY_SECONDS = 60.0
"""How long a write to a workload that AWS does not take is tried again."""
_RETRY_SECONDS = 2.0
NO_WORKLOAD = "the contract names none, so nothing can be scaled"


def scale(effect: ScaleTo, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Ask for the targets where they are not asked for yet, and wait until they are healthy and run the release."""
    workload, color = service.workload, effect.color
    if workload is None:
        return GateFailed(state.step, "workload", NO_WORKLOAD)
    asked: list[int] = []

    def up() -> None:
        asked[:] = [targets_of(effect.amount, color, service, workload)]
        if workload.capacity(color).desired != asked[0]:
            workload.scale(color, asked[0])

    problem = tried(up, service, attention, state)
    if problem:
        return GateFailed(state.step, "workload", problem)
    return Arrival(color, asked[0], service, workload, state).awaited(attention)


def targets_of(amount: Scale, color: Color, service: Service, workload: Workload) -> int:
    """How many targets a scale step means now. Raises AwsError."""
    if amount.for_share is not None:
        needed = needed_targets(service.healthy(color.other), amount.for_share, service.settings)
        return max(needed, workload.capacity(color).desired)
    if amount.targets is not None:
        return amount.targets
    return math.ceil(workload.capacity(color.other).running * (amount.of_live or 1))


class Arrival:
    """Waiting for the targets of a color; what AWS says meanwhile is told once."""

    def __init__(self, color: Color, targets: int, service: Service, workload: Workload, state: RolloutState) -> None:
        self._color = color
        self._targets = targets
        self._service = service
        self._workload = workload
        self._state = state
        self._told: tuple[str, ...] = ()
        self._unseen = ""
        self._health: Sequence[TargetHealth] = ()
        self._progress: Progress | None = None

    def awaited(self, attention: Attention) -> Event:
        service, state = self._service, self._state
        began = service.clock.now()
        while service.clock.now() < began + timedelta(seconds=service.settings.ready_seconds):
            if self._is_there():
                took = duration(round((service.clock.now() - began).total_seconds()))
                return StepPassed(state.step, f"{self._color} has {self._in_words()} after {took}")
            if self._progress is not None and self._progress.hopeless:
                return GateFailed(state.step, "workload", f"{self._color} does not come up: {self._progress.hopeless}")
            heard = attention.wait(service.settings.poll_seconds, state)
            if heard is not None:
                return heard
        return GateFailed(state.step, "workload", self._too_late())

    def _is_there(self) -> bool:
        """Whether enough are healthy, and nothing older is left. A look that fails says no."""
        try:
            self._look()
        except AwsError as error:
            self._unseen = f" ({error.message})"
            return False
        self._unseen = ""
        healthy = sum(target.is_healthy for target in self._health)
        if self._progress is None:
            return healthy >= self._targets
        return min(healthy, self._progress.running) >= self._targets and not self._progress.older

    def _look(self) -> None:
        self._health = self._service.targets.health(self._service.contract.target_groups[self._color])
        release = self._state.release
        if release is None:
            return
        self._progress = self._workload.progress(self._color, release, self._state.began)
        for line in self._progress.lines:
            if line not in self._told:
                self._service.note(f"{self._service.name}: {self._color}: {line}")
        self._told = (*self._told, *self._progress.lines)

    def _in_words(self) -> str:
        """`3 healthy targets`, and how many in each zone where more than one is known."""
        healthy = [target for target in self._health if target.is_healthy]
        zones = Counter(target.zone for target in healthy if target.zone)
        each = f" ({', '.join(f'{zone} {count}' for zone, count in sorted(zones.items()))})" if len(zones) > 1 else ""
        return f"{len(healthy)} healthy target{'' if len(healthy) == 1 else 's'}{each}"

    def _too_late(self) -> str:
        states = Counter(
            f"{target.state} ({target.reason})" if target.reason else target.state
            for target in self._health
            if not target.is_healthy
        )
        others = "".join(f", {count} {state}" for state, count in sorted(states.items()))
        older = f", {self._progress.older} of an older release" if self._progress and self._progress.older else ""
        last = f"; AWS says last: {self._told[-1]}" if self._told else ""
        waited = duration(self._service.settings.ready_seconds)
        return (
            f"{self._color} had not {self._targets} healthy targets after {waited}, but {self._in_words()}"
            f"{others}{older}{last}{self._unseen}"
        )


def wane(effect: Wane, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Bring a color without traffic down. What AWS does not take is said: it is no reason to take a promotion back."""
    workload, color = service.workload, effect.color
    if workload is None:
        return StepPassed(state.step, f"{color} stays as it is: {NO_WORKLOAD}")
    heard = settled(service, attention, state)
    if heard is not None:
        return heard

    def down() -> None:
        if workload.capacity(color).desired > effect.targets:
            workload.scale(color, effect.targets)

    problem = tried(down, service, attention, state)
    asked = f"{color} goes down to {effect.targets}" if not problem else f"{color} is not brought down: {problem}"
    if problem:
        service.note(f"warning: {service.name}: {asked}; bluegreen retire {service.name} tries again")
    return StepPassed(state.step, asked)


def settled(service: Service, attention: Attention, state: RolloutState) -> Event | None:
    """Wait until the last verified shift has settled; what must be heeded ends it early."""
    if not state.shifts:
        return None
    end: datetime = state.shifts[-1][0] + timedelta(seconds=service.retire_settle_seconds)
    left = (end - service.clock.now()).total_seconds()
    if left > 0:
        service.note(f"{service.name}: waiting {duration(math.ceil(left))} for the last shift to settle")
    while left > 0:
        heard = attention.wait(min(left, service.settings.poll_seconds), state)
        if heard is not None or (state.back and attention.is_impatient):
            return heard
        left = (end - service.clock.now()).total_seconds()
    return None


def tried(write: Callable[[], None], service: Service, attention: Attention, state: RolloutState) -> str:
    """Do it, again for a while where AWS fails; why it could not be done, empty where it was."""
    end = service.clock.now() + timedelta(seconds=TRY_SECONDS)
    while True:
        try:
            write()
        except AwsError as error:
            if service.clock.now() >= end:
                return error.message
        else:
            return ""
        attention.wait(_RETRY_SECONDS, state)


def bring_up(color: Color, service: Service, recorder: Recorder) -> None:
    """Before traffic goes back to a side that was retired: as many healthy targets as the other one runs.

    Retired is one that is asked for less than half of them; one that is a little smaller must not hold a rollback up.

    Raises:
        AwsError: and its children.
        LeaseLost: somebody took the lease over.
    """
    workload = service.workload
    if workload is None:
        return
    now, other = workload.capacity(color), workload.capacity(color.other)
    if now.desired and 2 * now.desired >= other.running:
        return
    targets = max(1, other.running if now.maximum is None else min(other.running, now.maximum))
    stands = "is retired" if not now.desired else f"has {now.desired} of {other.running} targets"
    service.note(f"{service.name}: {color} {stands}; bringing it up to {targets} before going back")
    began = service.clock.now()
    workload.scale(color, targets)
    workload.let_go(color, replace(now, minimum=other.minimum))
    end = began + timedelta(seconds=service.settings.ready_seconds)
    while service.healthy(color) < targets and service.clock.now() < end:
        service.clock.sleep(service.settings.poll_seconds)
        recorder.renew_if_due()
    took = duration(round((service.clock.now() - began).total_seconds()))
    service.note(f"{service.name}: {color} has {service.healthy(color)} healthy of {targets} after {took}")
