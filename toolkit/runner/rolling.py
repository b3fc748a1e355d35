"""A rolling update through the ports, batch by batch: one act on one batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from toolkit.errors import AwsError, RouteUnusable
from toolkit.rollout.effects import MoveBatch
from toolkit.rollout.events import BatchMoved, Event, GateFailed, RunnerPaused, Stuck
from toolkit.rollout.leaving import (
    LEAVING,
    by_member,
    healthy_beside,
    in_words,
    member_of,
    needed,
    registered_since,
    taken_out_by_others,
    who_may_leave,
)
from toolkit.rollout.ports import Pulse, Result, TargetHealth, Updates
from toolkit.rollout.rolling import Act, Runs, Standing
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import duration
from toolkit.runner.attention import Attention
from toolkit.runner.gates import batch_words, environment
from toolkit.runner.scaling import TRY_SECONDS
from toolkit.runner.service import Service
from toolkit.settings import Update

DRAIN_MARGIN_SECONDS = 60.0
"""How long past its deregistration delay a target may still be seen draining."""
NO_PORT = "nothing here can update a target"
IMPATIENT = "nobody waits for the way back any more"
_RETRY_SECONDS = 2.0


def move(effect: MoveBatch, service: Service, attention: Attention, state: RolloutState, pulse: Pulse) -> Event:
    """Carry the act out, and wait until it shows. Whatever is done is harmless when it is repeated.

    On the way back the batch that is released may be another one than asked for: one that may leave already.
    """
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
            case Act.LEAVE:
                return self._done("nothing more is done with it")

    def _release(self) -> Event:
        """Not while too few of the others are healthy, who may be waited for; nor where somebody took a member out."""
        state, effect = self._state, self._effect
        if not state.back and self._how is None:
            return self._failed("update", NO_PORT)
        lost: list[str] = []
        found: list[tuple[int, int]] = []
        seen: list[Sequence[TargetHealth]] = []

        def may_leave(health: Sequence[TargetHealth]) -> bool:
            seen[:] = [health]
            lost[:] = [] if state.back else taken_out_by_others(effect.batch, health)
            leaving = who_may_leave(state, state.may_be_released or (effect.step,), health)
            found[:] = [] if leaving is None else [leaving]
            return bool(lost or found)

        event = self._awaited(may_leave, self._service.settings.ready_seconds, self._too_few)
        if event is not None:
            return event
        if lost:
            return self._failed(str(Act.RELEASE), f"{', '.join(lost)}: somebody has taken it out meanwhile")
        step, others = found[0]
        told = f"{others} {'other is' if others == 1 else 'others are'} healthy"
        return BatchMoved(step, Act.RELEASE, told + ("" if state.back else self._strangers(seen[0])))

    def _strangers(self, health: Sequence[TargetHealth]) -> str:
        """Who was registered since the plan was made; said aloud at the end, when nobody else can come."""
        new = registered_since(self._state.plan, health)
        if not new:
            return ""
        told = f"{', '.join(map(str, new))}: not part of this rolling update, for it was registered later"
        if self._effect.batch.number == self._effect.batch.of:
            self._service.note(f"warning: {self._service.name}: {told}")
        return f"; {told}"

    def _too_few(self, health: Sequence[TargetHealth]) -> str:
        healthy, color = healthy_beside(self._members, health), self._state.plan.base
        targets = f"1 target of {color} is" if healthy == 1 else f"{healthy} targets of {color} are"
        waited, least = duration(self._service.settings.ready_seconds), needed(self._state.plan)
        return f"without {self._names} {targets} healthy after {waited}, and {least} have to be"

    def _take_out(self) -> Event:
        began = self._service.clock.now()
        event = self._emptied()
        took = duration(round((self._service.clock.now() - began).total_seconds()))
        return event or self._done(f"{self._names} drained in {took}")

    def _emptied(self) -> Event | None:
        """Nobody of the batch is registered: None, once that is so."""
        service = self._service
        delay: list[float] = []

        def out() -> None:
            delay[:] = [service.targets.draining(self._group).delay_seconds]
            present = [each for each in service.targets.health(self._group) if member_of(each) in self._members]
            leaving = [each for each in present if each.state != LEAVING]
            if leaving:
                service.targets.deregister(self._group, leaving)

        def gone(health: Sequence[TargetHealth]) -> bool:
            return not any(member_of(each) in self._members for each in health)

        event = self._tried(out)
        if event is not None:
            return event
        most = delay[0] + DRAIN_MARGIN_SECONDS
        return self._awaited(
            gone, most, lambda health: f"{self._stands(health)} after {duration(most)}, {delay[0]:g} s being the delay"
        )

    def _update(self) -> Event:
        effect, how = self._effect, self._how
        if how is None:
            return self._failed("update", NO_PORT)
        updates, update = how
        event = self._emptied()  # somebody may have put it in again since
        if event is not None:
            return event
        results: list[Result] = []

        def ask() -> None:
            results[:] = [
                updates.update(
                    update, effect.batch.members, self._words, back=effect.wanted is Runs.OLD, pulse=self._goes_on
                )
            ]

        event = self._tried(ask)
        if event is not None:
            return event
        result = results[0]
        if result.passed:
            return self._done(result.reason, result.output)
        return self._impatient() or self._failed("update", result.reason, result.output)

    @property
    def _how(self) -> tuple[Updates, Update] | None:
        """Who updates, and how; None where nobody can."""
        rolling, updates = self._state.plan.rolling, self._service.updates
        return None if rolling is None or rolling.update is None or updates is None else (updates, rolling.update)

    @property
    def _words(self) -> Mapping[str, str]:
        effect, rolling = self._effect, self._state.plan.rolling
        return (
            environment(self._service, self._state, f"{effect.step}-{effect.wanted}")
            | {"BLUEGREEN_DIRECTION": "back" if effect.wanted is Runs.OLD else "forward"}
            | batch_words(effect.batch, rolling.version if rolling else "")
        )

    def _goes_on(self) -> bool:
        return self._pulse() and self._impatient() is None

    def _put_in(self) -> Event:
        service = self._service
        absent = [TargetHealth(each.id, each.port, "unused", zone=each.zone) for each in self._effect.batch.members]
        event = self._tried(lambda: service.targets.register(self._group, absent))
        if event is not None:
            return event
        began = service.clock.now()

        def healthy(health: Sequence[TargetHealth]) -> bool:
            return self._members <= {member_of(each) for each in health if each.is_healthy}

        most = service.settings.ready_seconds
        event = self._awaited(healthy, most, lambda health: f"{self._stands(health)} after {duration(most)}")
        took = duration(round((service.clock.now() - began).total_seconds()))
        return event or self._done(f"{self._names} healthy after {took}")

    def _tried(self, do: Callable[[], None]) -> Event | None:
        """Do it, again for a while where AWS fails: None. What is heeded, or why it cannot be done, is the event."""
        end = self._service.clock.now() + timedelta(seconds=TRY_SECONDS)
        while True:
            try:
                do()
            except (AwsError, RouteUnusable) as error:
                if isinstance(error, RouteUnusable) or self._service.clock.now() >= end:
                    return self._failed(str(self._effect.act), error.message)
            else:
                return None
            heard = self._heard(_RETRY_SECONDS)
            if heard is not None:
                return heard

    def _awaited(
        self,
        holds: Callable[[Sequence[TargetHealth]], bool],
        seconds: float,
        otherwise: Callable[[Sequence[TargetHealth]], str],
    ) -> Event | None:
        """Look until it holds: None. What is heeded, or that it does not hold in time, is the event."""
        service, unseen = self._service, ""
        health: Sequence[TargetHealth] | None = None
        end = service.clock.now() + timedelta(seconds=seconds)
        while True:
            try:
                health, unseen = service.targets.health(self._group), ""
                if holds(health):
                    return None
            except AwsError as error:
                unseen = error.message
            except RouteUnusable as error:
                return self._failed(str(self._effect.act), error.message)
            if service.clock.now() >= end:
                stands = unseen if health is None else otherwise(health) + (f" ({unseen})" if unseen else "")
                return self._failed(str(self._effect.act), stands)
            heard = self._heard(service.settings.poll_seconds)
            if heard is not None:
                return heard

    def _heard(self, seconds: float) -> Event | None:
        """Let time pass; what cannot wait until the batch is in again, which is all while nothing was begun."""
        begun = self._effect.act is not Act.RELEASE
        return self._attention.wait(seconds, self._state, only_urgent=begun) or self._impatient()

    def _impatient(self) -> RunnerPaused | None:
        return RunnerPaused(IMPATIENT) if self._state.back and self._attention.is_impatient else None

    def _done(self, detail: str, output: str = "") -> BatchMoved:
        return BatchMoved(self._effect.step, self._effect.act, detail, output)

    def _failed(self, what: str, reason: str, output: str = "") -> Event:
        """Forward, the rollout turns back. On the way back a person is told, and where that was no help it is left."""
        if not self._state.back:
            return GateFailed(self._state.step, what, reason, output)
        step = self._effect.step
        if not self._state.batches.get(step, Standing()).stuck:
            return Stuck(f"{self._names} cannot be taken back: {what}: {reason}")
        name = self._service.name
        self._service.note(f"warning: {name}: {self._names} stays as it is, not taken back: {what}: {reason}")
        return BatchMoved(step, Act.LEAVE, f"{what}: {reason}", output)

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self._effect.batch.members))

    def _stands(self, health: Collection[TargetHealth]) -> str:
        """How each member stands: `i-0a:8080 is draining, i-0b:8080 is unhealthy (Target.Timeout)`."""
        known = by_member(health)
        return ", ".join(f"{each} is {in_words(known.get(each))}" for each in self._effect.batch.members)
