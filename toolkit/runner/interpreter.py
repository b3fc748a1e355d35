"""Carrying out one effect of the machine through the ports; the answer is one event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from toolkit.errors import AwsError, BluegreenError, LeaseLost, NoHealthyTarget, RouteUnusable
from toolkit.rollout.effects import (
    AwaitRelease,
    Effect,
    End,
    Hold,
    Intend,
    Judge,
    LetGo,
    MeanDivert,
    MoveBatch,
    Prepare,
    Promote,
    PutDivert,
    PutRelease,
    RestoreRelease,
    RunHook,
    RunHooks,
    RunProbe,
    ScaleTo,
    Survey,
    Undivert,
    Wane,
    Watch,
    Write,
)
from toolkit.rollout.events import (
    Event,
    GateFailed,
    Kind,
    Prepared,
    Promoted,
    Refused,
    RestSkipped,
    RolloutEnded,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Stuck,
)
from toolkit.rollout.preflight import Level, Observation, capacity
from toolkit.rollout.record import Record
from toolkit.rollout.rolling import Act
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Hook, Probe, Shift
from toolkit.runner import diverting, rolling
from toolkit.runner.attention import Attention, Peers
from toolkit.runner.behind import hold, let_go, put_release, survey
from toolkit.runner.carry_out import intent_of, put
from toolkit.runner.checked import move_to
from toolkit.runner.checks import checks
from toolkit.runner.gates import Gates
from toolkit.runner.move import Move
from toolkit.runner.recorder import Recorder
from toolkit.runner.rollback import of_the_pair, require_a_healthy_target, way_back
from toolkit.runner.rolling_release import await_release, restore_release
from toolkit.runner.scaling import bring_up, scale, wane
from toolkit.runner.service import Service
from toolkit.runner.watching import UNSEEN_SECONDS, Watcher, later, unseen
from toolkit.runner.world import differs, move_again
from toolkit.runner.write import splits_now
from toolkit.settings import HookPoint

BACK_SECONDS = 300.0
"""How long a rollback tries to read the routes."""
_RETRY_SECONDS = 2.0
_Behind = Survey | Hold | PutRelease | MeanDivert | PutDivert | ScaleTo | Wane
_Forward = Prepare | Intend | Watch | Judge | RunHook | RunProbe | Promote


@dataclass(slots=True)
class Interpreter:
    """What one runner needs to carry effects out.

    record: the fold of the journal so far, kept by the engine. stale_until: until when a write of the one whose lease
    was taken may still arrive. observation: what was seen before the rollout began, for its preparation. detaches:
    leave where an approval is waited for.
    """

    service: Service
    recorder: Recorder
    attention: Attention
    gates: Gates
    record: Record
    peers: Peers | None = None
    stale_until: datetime | None = None
    observation: Observation | None = None
    detaches: bool = False
    _meant: tuple[ShiftIntended, Move] | None = None

    def carry_out(self, effect: Effect, state: RolloutState) -> Event:  # noqa: PLR0911 - one case an effect
        """Do it. What cannot wait is heeded first, except on the way back and in the middle of a write.

        Raises:
            LeaseLost: somebody took the lease over.
        """
        match effect:
            case Write(intent):
                return self._write(intent, state)
            case Intend(back=True):
                return self._intend_back(state)
            case RunHooks():
                return self.gates.run_hooks(effect, state, self._unheeding(state))
            case LetGo():
                return let_go(self.service, self.attention, state)
            case Undivert():
                return diverting.remove(self.service, self.attention, state, self._doubtful_until(state))
            case End(ending):
                return RolloutEnded(ending)
            case Survey() | Hold() | PutRelease() | MeanDivert() | PutDivert() | ScaleTo() | Wane():
                return self.attention.beat(state) or self._behind(effect, state)
            case MoveBatch() | AwaitRelease() | RestoreRelease():
                return self._in_place(effect, state)
            case _:
                return self.attention.beat(state) or self._go_on(effect, state)

    def _in_place(self, effect: MoveBatch | AwaitRelease | RestoreRelease, state: RolloutState) -> Event:
        """A batch that was begun is brought to its end before anything is heeded that can wait."""
        begun = not (isinstance(effect, MoveBatch) and effect.act is Act.RELEASE)
        said = self.attention.beat(state, only_urgent=begun)
        if said is not None:
            return said
        match effect:
            case MoveBatch():
                wrong = None if begun or state.back else self._drifted(state)
                if wrong is not None:
                    return wrong
                heard: list[Event] = []
                moved = rolling.move(effect, self.service, self.attention, state, self._pulse(state, heard))
                return heard[0] if heard else moved
            case AwaitRelease(color):
                return await_release(color, self.service, self.attention, state, self._looking)
            case RestoreRelease(color):
                return restore_release(color, self.service, self.attention, state)

    def _drifted(self, state: RolloutState) -> Event | None:
        """What somebody has done to the weights, before anybody leaves; every bake looks at them too."""
        try:
            return differs(self.service.contract, self.service.read(), self.record, state)
        except AwsError as error:
            self.service.note(f"warning: {error.message}")
            return None

    def _looking(self, state: RolloutState) -> Event | None:
        """Ask the gates once; what is heard meanwhile comes first."""
        heard: list[Event] = []
        failed = self.gates.look(state, self.record, self._pulse(state, heard))
        return heard[0] if heard else failed

    def _behind(self, effect: _Behind, state: RolloutState) -> Event:  # noqa: PLR0911 - one case an effect
        service, attention = self.service, self.attention
        match effect:
            case Survey():
                return survey(service, attention, state)
            case Hold():
                return hold(service, attention, state)
            case PutRelease():
                return put_release(effect, service, attention, state)
            case MeanDivert():
                return diverting.mean(effect, service, attention, state)
            case PutDivert():
                return diverting.put(effect, service, attention, state, self.recorder)
            case ScaleTo():
                return scale(effect, service, attention, state)
            case Wane():
                return wane(effect, service, attention, state)

    def _go_on(self, effect: _Forward, state: RolloutState) -> Event:
        match effect:
            case Prepare():
                return self._prepare(state)
            case Intend():
                return self._with_peers(state) or self._intend(effect, state)
            case Watch():
                return self._watch(effect, state)
            case Judge():
                return self._watch(Watch(until=self._now(), judged=True), state)
            case RunHook(gate) | RunProbe(gate):
                return self._ask(gate, state)
            case Promote(color):
                return self._with_peers(state) or Promoted(color)

    def _doubtful_until(self, state: RolloutState) -> datetime | None:
        """Until when a rule may appear that was begun to be made, by us or by who was here before."""
        if all(rule.arn for rule in state.diversions):
            return self.stale_until
        return later(self._now() + timedelta(seconds=WRITE_TIMEOUT_SECONDS), self.stale_until)

    def _now(self) -> datetime:
        return self.service.clock.now()

    def _prepare(self, state: RolloutState) -> Event:
        observation, self.observation = self.observation or self.service.observe(), None
        findings = checks(self.service, state.plan, observation)
        if state.plan.brings_up:
            findings = [finding for finding in findings if not finding.is_about_capacity]
        for finding in findings:
            if finding.level is Level.REFUSED and not (state.plan.force and finding.is_about_capacity):
                return Refused(finding.reason, finding.error.exit_code)
        return Prepared(tuple(finding.reason for finding in findings if finding.level is not Level.OK))

    def _with_peers(self, state: RolloutState) -> Event | None:
        """Wait until every service of the release is as far: their shifts are the same, what lies between need not."""
        shifts = sum(isinstance(step, Shift) for step in state.plan.steps[: state.step])
        while self.peers is not None and not self.peers.has_arrived(self.service.name, shifts):
            heard = self.attention.wait(self.service.settings.poll_seconds, state)
            heard = heard or self.gates.look(state, self.record, self._pulse(state, []))
            if heard is not None:
                return heard
        return None

    def _intend(self, effect: Intend, state: RolloutState) -> Event:
        try:
            seen = self._looked(state)
        except AwsError as error:
            return unseen(error.message)
        if not isinstance(seen, Observation):
            return seen
        wrong = differs(self.service.contract, seen.routes, self.record, state)
        if wrong is not None:
            return wrong
        if not state.plan.force:
            for finding in capacity(seen, effect.to, self.service.settings):
                if finding.level is Level.REFUSED:
                    return GateFailed(state.step, "capacity", finding.reason)
        self.gates.expect(seen.healthy(state.plan.base))
        move = move_to(seen, effect.to, kind=Kind.ROLLOUT, now=self._now())
        return self._meaning(replace(move, base=state.plan.base))

    def _looked(self, state: RolloutState) -> Observation | Event:
        """The world, tried again for a while. Raises AwsError where it stays out of sight."""
        end = self._now() + timedelta(seconds=UNSEEN_SECONDS)
        while True:
            try:
                return self.service.look(self.record)
            except AwsError as error:
                if self._now() >= end:
                    raise
                self.service.note(f"warning: {error.message}")
            heard = self.attention.wait(_RETRY_SECONDS, state)
            if heard is not None:
                return heard

    def _meaning(self, move: Move) -> ShiftIntended:
        intent = intent_of(self.service, move)
        self._meant = (intent, move)
        return intent

    def _intend_back(self, state: RolloutState) -> Event:
        """What stands in the way of a rollback is tried again for a while; then a person must decide."""
        base, end = state.plan.base, self._now() + timedelta(seconds=BACK_SECONDS)
        try:
            bring_up(base, self.service, self.recorder)
        except AwsError as error:  # whether somebody there is healthy is what counts
            self.service.note(f"warning: {error.message}")
        while True:
            try:
                if not state.plan.force:
                    require_a_healthy_target(self.service, base)
                return self._meaning(way_back(self.service, self.service.read(), self.record, base))
            except (NoHealthyTarget, RouteUnusable) as error:
                reason = error.message.removeprefix(f"{self.service.name}: ").removesuffix(" Nothing was changed.")
                return Stuck(f"{reason} {state.plan.to} keeps what it carries")
            except AwsError as error:
                if self._now() >= end:
                    return Stuck(error.message)
                self.service.note(f"warning: {error.message}")
            self.attention.wait(_RETRY_SECONDS, state)

    def _write(self, intent: ShiftIntended, state: RolloutState) -> Event:
        try:
            move = self._move(intent)
            wrong = None if state.back else differs(self.service.contract, move.routes, self.record, state)
            if wrong is not None:
                return wrong
            put(self.service, move, self.recorder, until=self.stale_until)
        except LeaseLost:
            raise
        except BluegreenError as error:
            return ShiftFailed(error.message.removeprefix(f"{self.service.name}: "), splits_now(self.service))
        lost = [route.name for route in self.service.contract.routes if route.name not in move.routes]
        if lost:
            return ShiftFailed(
                f"{', '.join(lost)} cannot be written: gone, or not of this pair", splits_now(self.service)
            )
        return ShiftVerified()

    def _move(self, intent: ShiftIntended) -> Move:
        """The move of this intent; one that an earlier runner meant is made again over what stands now."""
        if self._meant is not None and self._meant[0] == intent:
            move = self._meant[1]
        else:
            routes = self.service.read()
            if intent.kind is Kind.ROLLBACK:
                routes = of_the_pair(self.service, routes)
            move = move_again(self.service.contract, routes, self.record, intent)
        return move.urgently() if intent.kind is Kind.ROLLBACK else move

    def _watch(self, effect: Watch, state: RolloutState) -> Event:
        watcher = Watcher(self.service, self.attention, self.gates, self.stale_until, detaches=self.detaches)
        return watcher.watched(effect, state, self.record, self._pulse)

    def _ask(self, gate: Hook | Probe, state: RolloutState) -> Event:
        heard: list[Event] = []
        name, result = self.gates.ask(gate, state, str(state.step), self._pulse(state, heard))
        if heard:
            return heard[0]
        if result.passed:
            return StepPassed(state.step, result.reason, result.output)
        if isinstance(gate, Hook) and gate.at is HookPoint.BEFORE_RETIRE:
            return RestSkipped(state.step, f"{name}: {result.reason}", result.output)
        return GateFailed(state.step, name, result.reason, result.output)

    def _unheeding(self, state: RolloutState) -> Callable[[], bool]:
        """Keep the lease, and go on until somebody loses patience."""

        def pulse() -> bool:
            self.attention.beat(replace(state, back=True))
            return not self.attention.is_impatient

        return pulse

    def _pulse(self, state: RolloutState, heard: list[Event]) -> Callable[[], bool]:
        """Go on? What is heard in between stands in `heard`."""

        def pulse() -> bool:
            if not heard:
                event = self.attention.beat(state, only_urgent=True)
                if event is not None:
                    heard.append(event)
            return not heard

        return pulse
