"""Asking the gates: does AWS hold what was written, is the new color healthy, do probes and hooks pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.errors import AwsError
from toolkit.rollout.agenda import ending_of
from toolkit.rollout.effects import RunHooks
from toolkit.rollout.events import Event, GateFailed, HooksRan
from toolkit.rollout.plain import plain
from toolkit.rollout.ports import Pulse, Result, TargetHealth
from toolkit.rollout.preflight import needed_targets
from toolkit.rollout.record import Record
from toolkit.rollout.rolling import Member
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import OUTPUT_LIMIT, Batch, Hook, Probe, Shift, percent
from toolkit.runner.analyst import Analyst
from toolkit.runner.rule_watch import RuleWatch
from toolkit.runner.service import Service
from toolkit.runner.world import differs
from toolkit.settings import HookPoint
from toolkit.traffic import Color


class Gates:
    """The gates of one rollout. `unseen` is why the last look saw nothing; empty where it did."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._giving: int | None = None
        self._asked: datetime | None = None
        self._analyst = Analyst(service)
        self._analyzed_step: int | None = None
        self._rules = RuleWatch(service)
        self.unseen = ""

    def expect(self, giving_healthy: int) -> None:
        """The base's healthy targets when a shift was meant: they say what the whole of the traffic takes."""
        self._giving = giving_healthy
        self._analyst.forget()

    def look(self, state: RolloutState, record: Record, pulse: Pulse) -> Event | None:
        """Ask each that is due; the event says what fails. A look that fails says nothing about the color."""
        try:
            failed = (
                differs(self._service.contract, self._service.read(), record, state)
                or self._rules.look(state)
                or self._health(state)
            )
        except AwsError as error:
            if error.message != self.unseen:
                self._service.note(f"warning: {error.message}")
            self.unseen = error.message
            return None
        self.unseen = ""
        return failed or self._analyzed(state) or self._asked_for(state, pulse)

    @property
    def verdict(self) -> Verdict | None:
        """What the analysis said last; None where nothing is analyzed, or nothing can be compared."""
        return self._analyst.verdict

    def _analyzed(self, state: RolloutState) -> Event | None:
        share = carried(state)
        if not share:
            return None
        if state.plan.in_place:
            verdict = self._of_the_batch(state).look_alone(state.plan.base)
        else:
            verdict = self._analyst.look(state.plan.base, state.shifts, both=share < 1)
        if verdict is None or verdict.outcome is not Outcome.FAIL:
            return None
        return GateFailed(state.step, "analysis", verdict.reason)

    def _of_the_batch(self, state: RolloutState) -> Analyst:
        """Minutes from before the newest batch say nothing of it."""
        if state.step != self._analyzed_step:
            self._analyst, self._analyzed_step = Analyst(self._service), state.step
        return self._analyst

    def _health(self, state: RolloutState) -> Event | None:
        share = carried(state)
        if not (share or state.diverts) or state.plan.force:
            return None
        color = state.plan.to
        if state.plan.rolling is not None:
            self._giving = state.plan.rolling.min_healthy
        if self._giving is None:
            self._giving = self._service.healthy(state.plan.base)
        needed = needed_targets(self._giving, share, self._service.settings)
        targets = self._service.targets.health(self._service.contract.target_groups[color])
        healthy = sum(target.is_healthy for target in targets)
        if healthy >= needed:
            return _fallen(state, targets)
        noun = "target" if healthy == 1 else "targets"
        reason = f"{color} fell to {healthy} healthy {noun}, needs {needed}{self._asked_less(color, needed)}"
        return GateFailed(state.step, "target health", reason)

    def _asked_less(self, color: Color, needed: int) -> str:
        """Whether somebody scaled it down; nothing is said where that cannot be seen."""
        workload = self._service.workload
        if workload is None:
            return ""
        try:
            desired = workload.capacity(color).desired
        except AwsError:
            return ""
        return f"; somebody has scaled it to {desired}" if desired < needed else ""

    def _asked_for(self, state: RolloutState, pulse: Pulse) -> Event | None:
        """The gates of the plan, every so often, while the new color carries traffic."""
        now = self._service.clock.now()
        often = timedelta(seconds=state.plan.gate_seconds)
        if (
            not state.plan.gates
            or not (carried(state) or state.diverts)
            or (self._asked is not None and now - self._asked < often)
        ):
            return None
        self._asked = now
        for index, gate in enumerate(state.plan.gates):
            name, result = self.ask(gate, state, f"gate-{index}", pulse)
            if not result.passed and pulse():  # one that was stopped has said nothing
                return GateFailed(state.step, name, result.reason, result.output)
        return None

    def run_hooks(self, effect: RunHooks, state: RolloutState, pulse: Pulse) -> HooksRan:
        """Those of a point that holds nothing up."""
        return ran(self._service, effect, state, pulse)

    def ask(self, gate: Hook | Probe, state: RolloutState, place: str, pulse: Pulse) -> tuple[str, Result]:
        """Run one; its name and its result."""
        service = self._service
        match gate:
            case Hook():
                words = environment(service, state, place, gate.at)
                return f"hook {gate.name}", service.hooks.run(gate, words, pulse=pulse)
            case Probe():
                try:
                    return f"probe {gate.path}", service.probes.probe(gate, state.plan.to, pulse=pulse)
                except AwsError as error:
                    return f"probe {gate.path}", Result(passed=False, reason=error.message)


def ran(service: Service, effect: RunHooks, state: RolloutState, pulse: Pulse) -> HooksRan:
    """Run hooks that hold nothing up; how each ended, and what they said."""
    told, said = [], []
    ends = {"BLUEGREEN_ENDING": ending_of(state).value, "BLUEGREEN_REASON": plain(state.reason)}
    for index, hook in enumerate(effect.hooks):
        words = environment(service, state, f"{effect.at}-{index}", effect.at) | ends
        if pulse():
            result = service.hooks.run(hook, words, pulse=pulse)
        else:
            result = Result(passed=False, reason="was not run, because nobody would wait for it")
        told.append(f"hook {hook.name}: {result.reason}")
        said.append(result.output)
        if not result.passed:
            service.note(f"warning: {service.name}: {effect.at}: {told[-1]}")
    room = OUTPUT_LIMIT // len(effect.hooks)
    kept = [text.encode()[:room].decode(errors="ignore") for text in said if text]
    return HooksRan(effect.at, "; ".join(told), "\n".join(kept))


def _fallen(state: RolloutState, targets: Sequence[TargetHealth]) -> Event | None:
    """Somebody who was updated in place is sick: that enough others are healthy speaks for no new version."""
    known = {Member(each.id, each.port): each for each in targets if each.state != "draining"}
    sick = [
        f"{member} is {known[member].state}"
        for member in state.updated
        if member in known and not known[member].is_healthy
    ]
    return GateFailed(state.step, "target health", f"{', '.join(sick)} since it was updated") if sick else None


def carried(state: RolloutState) -> Fraction:
    """The share that the new color has now; of what is updated in place, what the live color has: all of it."""
    if state.plan.in_place:
        return Fraction(1)
    shares = [state.splits[name].share(state.plan.to) for name in state.plan.routes if name in state.splits]
    return max(shares, default=Fraction(0))


def batch_words(batch: Batch | None, version: str) -> dict[str, str]:
    """What is told of the batch that is meant, and of the version that is brought."""
    return {
        "BLUEGREEN_BATCH": f"{batch.number}/{batch.of}" if batch else "",
        "BLUEGREEN_TARGETS": " ".join(map(str, batch.members)) if batch else "",
        "BLUEGREEN_VERSION": version,
    }


def _batch_around(state: RolloutState, point: HookPoint | None) -> Batch | None:
    """The batch that a hook or gate is about: the next one before it leaves, the last one after that."""
    steps = state.plan.steps
    around = steps[state.step :] if point is HookPoint.BEFORE_SHIFT else reversed(steps[: state.step + 1])
    return next((step for step in around if isinstance(step, Batch)), None)


def environment(service: Service, state: RolloutState, place: str, point: HookPoint | None = None) -> dict[str, str]:
    """What a hook is told. The id is the same however often the hook is run for the same place of a rollout."""
    step, rolling = state.current, state.plan.rolling
    share = step.share if isinstance(step, Shift) else carried(state)
    return batch_words(_batch_around(state, point), rolling.version if rolling else "") | {
        "BLUEGREEN_SERVICE": service.name,
        "BLUEGREEN_ROLLOUT": state.id,
        "BLUEGREEN_STRATEGY": state.plan.strategy,
        "BLUEGREEN_STEP": str(state.step),
        "BLUEGREEN_BASE": state.plan.base.value,
        "BLUEGREEN_NEW": state.plan.to.value,
        "BLUEGREEN_POINT": point.value if point else "",
        "BLUEGREEN_SPLITS": ", ".join(f"{name}: {split}" for name, split in sorted(state.splits.items())),
        "BLUEGREEN_RELEASE": state.release.image if state.release else "",
        "BLUEGREEN_ENDING": "",
        "BLUEGREEN_REASON": "",
        "BLUEGREEN_SHARE": percent(share).removesuffix(" %"),
        "BLUEGREEN_HOOK_ID": f"{state.id}/{place}",
        "BLUEGREEN_LOAD_BALANCER": service.contract.load_balancer.dns_name,
    }
