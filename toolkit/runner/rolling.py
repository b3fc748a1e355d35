"""A rolling update through the ports: one act on one batch, or what ECS does with its tasks by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from toolkit.errors import AwsError
from toolkit.rollout.effects import MoveBatch
from toolkit.rollout.events import BatchMoved, Event, GateFailed, ReleaseRestored, RunnerPaused, Stuck
from toolkit.rollout.ports import Pulse, TargetHealth
from toolkit.rollout.rolling import Act, Member, Runs
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import duration
from toolkit.rollout.workload import Progress, Release
from toolkit.runner.attention import Attention
from toolkit.runner.gates import environment
from toolkit.runner.scaling import NO_WORKLOAD, Arrival, tried
from toolkit.runner.service import Service
from toolkit.traffic import Color

DRAIN_MARGIN_SECONDS = 60.0
"""How long past its deregistration delay a target may still be seen draining."""
NO_PORT = "nothing here can update a target"


def move(effect: MoveBatch, service: Service, attention: Attention, state: RolloutState, pulse: Pulse) -> Event:
    """Carry the act out, and wait until it shows. Whatever is done is harmless when it is repeated."""
    return _Move(effect, service, attention, state, pulse).carried_out()


class _Move:
    """One act on one batch of the live color's targets."""

    def __init__(
        self, effect: MoveBatch, service: Service, attention: Attention, state: RolloutState, pulse: Pulse
    ) -> None:
        self._effect = effect
        self._service = service
        self._attention = attention
        self._state = state
        self._pulse = pulse
        self._group = service.contract.target_groups[state.plan.base]
        self._members = frozenset(effect.batch.members)

    def carried_out(self) -> Event:
        match self._effect.act:
            case Act.RELEASE:
                return self._release()
            case Act.TAKE_OUT:
                return self._take_out()
            case Act.UPDATE:
                return self._update()
            case Act.PUT_IN:
                return self._put_in()

    def _release(self) -> Event:
        """Not while too few of the others are healthy; they may be waited for."""
        rolling, plan = self._state.plan.rolling, self._state.plan
        needed = 0 if rolling is None or plan.force else rolling.min_healthy
        seen: list[int] = []

        def enough(health: Sequence[TargetHealth]) -> bool:
            seen[:] = [sum(each.is_healthy for each in health if _member(each) not in self._members)]
            return seen[0] >= needed

        settings = self._service.settings
        event = self._awaited(enough, settings.ready_seconds, lambda _: self._too_few(seen[0], needed))
        return event or self._done(f"{seen[0]} others are healthy")

    def _too_few(self, healthy: int, needed: int) -> str:
        waited, color = duration(self._service.settings.ready_seconds), self._state.plan.base
        return f"without {self._names} {healthy} targets of {color} are healthy after {waited}, and {needed} have to be"

    def _take_out(self) -> Event:
        service = self._service
        delay: list[float] = []

        def out() -> None:
            delay[:] = [service.targets.draining(self._group).delay_seconds]
            present = [each for each in service.targets.health(self._group) if _member(each) in self._members]
            leaving = [each for each in present if each.state != "draining"]
            if leaving:
                service.targets.deregister(self._group, leaving)

        problem = tried(out, service, self._attention, self._state)
        if problem:
            return self._failed(str(Act.TAKE_OUT), problem)
        began = service.clock.now()

        def gone(health: Sequence[TargetHealth]) -> bool:
            return not any(_member(each) in self._members for each in health)

        most = delay[0] + DRAIN_MARGIN_SECONDS
        event = self._awaited(
            gone, most, lambda health: f"{self._stands(health)} after {duration(most)}, {delay[0]:g} s being the delay"
        )
        took = duration(round((service.clock.now() - began).total_seconds()))
        return event or self._done(f"{self._names} drained in {took}")

    def _update(self) -> Event:
        service, effect, rolling = self._service, self._effect, self._state.plan.rolling
        if service.updates is None or rolling is None or rolling.update is None:
            return self._failed("update", NO_PORT)
        back = effect.wanted is Runs.OLD
        words = environment(service, self._state, f"{effect.step}-{effect.wanted}") | {
            "BLUEGREEN_DIRECTION": "back" if back else "forward",
            "BLUEGREEN_VERSION": rolling.version,
            "BLUEGREEN_BATCH": f"{effect.batch.number}/{effect.batch.of}",
        }
        try:
            result = service.updates.update(rolling.update, effect.batch.members, words, back=back, pulse=self._pulse)
        except AwsError as error:
            return self._failed("update", error.message)
        if result.passed:
            return self._done(result.reason, result.output)
        return self._failed("update", result.reason, result.output)

    def _put_in(self) -> Event:
        service = self._service
        absent = [TargetHealth(each.id, each.port, "unused", zone=each.zone) for each in self._effect.batch.members]
        problem = tried(lambda: service.targets.register(self._group, absent), service, self._attention, self._state)
        if problem:
            return self._failed(str(Act.PUT_IN), problem)
        began = service.clock.now()

        def healthy(health: Sequence[TargetHealth]) -> bool:
            return self._members <= {_member(each) for each in health if each.is_healthy}

        most = service.settings.ready_seconds
        event = self._awaited(healthy, most, lambda health: f"{self._stands(health)} after {duration(most)}")
        took = duration(round((service.clock.now() - began).total_seconds()))
        return event or self._done(f"{self._names} healthy after {took}")

    def _awaited(
        self,
        holds: Callable[[Sequence[TargetHealth]], bool],
        seconds: float,
        otherwise: Callable[[Sequence[TargetHealth]], str],
    ) -> Event | None:
        """Look until it holds: None. What is heeded, or that it does not hold in time, is the event."""
        service, unseen = self._service, ""
        health: Sequence[TargetHealth] = ()
        end = service.clock.now() + timedelta(seconds=seconds)
        while True:
            try:
                health, unseen = service.targets.health(self._group), ""
                if holds(health):
                    return None
            except AwsError as error:
                unseen = f" ({error.message})"
            if service.clock.now() >= end:
                return self._failed(str(self._effect.act), otherwise(health) + unseen)
            heard = self._attention.wait(
                service.settings.poll_seconds, self._state, only_urgent=self._effect.act is not Act.RELEASE
            )
            if heard is not None:
                return heard
            if self._state.back and self._attention.is_impatient:
                return RunnerPaused(f"nobody waits for the way back any more; {self._names} may be out")

    def _done(self, detail: str, output: str = "") -> BatchMoved:
        return BatchMoved(self._effect.step, self._effect.act, detail, output)

    def _failed(self, what: str, reason: str, output: str = "") -> Event:
        """On the way back nothing is left to go back to."""
        if self._state.back:
            return Stuck(f"{self._names}: {what}: {reason}")
        return GateFailed(self._state.step, what, reason, output)

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self._effect.batch.members))

    def _stands(self, health: Collection[TargetHealth]) -> str:
        """How each member stands: `i-0a:8080 is draining, i-0b:8080 is unhealthy (Target.Timeout)`."""
        known = {_member(each): each for each in health}
        return ", ".join(f"{each} is {_in_words(known.get(each))}" for each in self._effect.batch.members)


def _member(target: TargetHealth) -> Member:
    return Member(target.id, target.port, target.zone)


def _in_words(target: TargetHealth | None) -> str:
    if target is None:
        return "not registered"
    return f"{target.state} ({target.reason})" if target.reason else target.state


def await_release(color: Color, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Wait until ECS has replaced every task, or has given up."""
    if service.workload is None:
        return GateFailed(state.step, "workload", NO_WORKLOAD)
    try:
        desired = service.workload.capacity(color).desired
    except AwsError as error:
        return GateFailed(state.step, "workload", error.message)
    return Arrival(color, desired, service, service.workload, state).awaited(attention)


def restore_release(color: Color, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Put what the color ran, unless it does already, and wait until every task runs it."""
    workload = service.workload
    release = state.before[color].release if state.before else None
    if workload is None or release is None:
        return Stuck(f"what {color} ran before is not known")
    problem = tried(lambda: workload.put(color, release), service, attention, state)
    if problem:
        return Stuck(f"{color} cannot be given back {release}: {problem}")
    began, told = service.clock.now(), ""
    while service.clock.now() < began + timedelta(seconds=service.settings.ready_seconds):
        try:
            progress, desired = workload.progress(color, release, state.began), workload.capacity(color).desired
            told = _progress_in_words(progress, release)
            if progress.running >= desired and not progress.older:
                return ReleaseRestored(f"{color} runs {release}")
        except AwsError as error:
            told = error.message
        attention.wait(service.settings.poll_seconds, state)
        if attention.is_impatient:
            return RunnerPaused(f"nobody waits for the way back any more; {told}")
    return Stuck(f"{color} was given back {release}, and {told} after {duration(service.settings.ready_seconds)}")


def _progress_in_words(progress: Progress, release: Release) -> str:
    return progress.hopeless or f"{progress.running} run {release}, {progress.older} something else"
