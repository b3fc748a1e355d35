"""Rules that divert requests: meant, made and removed, whoever resumes; and the checks before the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from toolkit.errors import AwsError, AwsUnreachable, JournalError, LeaseLost, RouteUnusable
from toolkit.rollout.diverting import (
    Diversion,
    Diversions,
    PriorityTaken,
    between,
    free_priority,
    orphans,
    planned,
    refusal,
)
from toolkit.rollout.effects import MeanDivert, PutDivert
from toolkit.rollout.events import Diverted, DivertMeant, DivertRemoved, Event, GateFailed, RunnerPaused, Stuck
from toolkit.rollout.plan import Plan
from toolkit.rollout.preflight import Finding, Level, Observation, preflight
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Divert, Shift
from toolkit.runner.attention import Attention
from toolkit.runner.recorder import Recorder
from toolkit.runner.scaling import TRY_SECONDS, tried
from toolkit.runner.service import Service

BACK_SECONDS = 300.0
"""How long the way back tries to remove the rules before a person must decide."""
_RETRY_SECONDS = 2.0
_NO_PORT = "nothing here can make or remove rules"


def mean(effect: MeanDivert, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Which rules are about to be made, by what stands now; not while the new color is too small for any request."""
    diversions = service.diversions
    if diversions is None:
        return GateFailed(state.step, "divert", _NO_PORT)
    found: list[tuple[Diversion, ...] | str] = []

    def look() -> None:
        needed, healthy = service.settings.minimum_healthy, service.healthy(effect.color)
        if healthy < needed and not state.plan.force:
            found[:] = [f"{effect.color} has {healthy} healthy targets, and takes requests with {needed}"]
            return
        found[:] = [planned(service.contract, diversions.ground(service.contract), effect.conditions, effect.color)]

    problem = tried(look, service, attention, state)
    if problem or isinstance(found[0], str):
        return GateFailed(state.step, "divert", problem or str(found[0]))
    return DivertMeant(found[0])


def put(effect: PutDivert, service: Service, attention: Attention, state: RolloutState, recorder: Recorder) -> Event:
    """Make those that do not stand yet. One whose making was not answered is looked for before another is made."""
    diversions = service.diversions
    if diversions is None:
        return GateFailed(state.step, "divert", _NO_PORT)
    making = _Making(service, diversions, state, recorder)
    end = service.clock.now() + timedelta(seconds=TRY_SECONDS)
    while True:
        problem = making.all_of(effect.rules)
        if not problem:
            return Diverted(state.step, making.made)
        if service.clock.now() >= end or making.is_hopeless:
            return GateFailed(state.step, "divert", problem)
        heard = attention.wait(making.pause_seconds, state)
        if heard is not None:
            return heard


class _Making:
    """Making the rules of one rollout. Raises LeaseLost."""

    def __init__(self, service: Service, diversions: Diversions, state: RolloutState, recorder: Recorder) -> None:
        self._service = service
        self._diversions = diversions
        self._state = state
        self._recorder = recorder
        self.made: tuple[Diversion, ...] = ()
        self.is_hopeless = False
        self.pause_seconds = _RETRY_SECONDS

    def all_of(self, rules: Sequence[Diversion]) -> str:
        """Every one; why not, empty where all stand."""
        self.pause_seconds = _RETRY_SECONDS
        try:
            standing = {
                each.route: each
                for each in self._diversions.standing(self._service.contract)
                if each.rollout == self._state.id
            }
            made = []
            for rule in rules:
                there = standing.get(rule.route)
                made.append(_at(rule, there.arn, there.priority) if there else self._one(rule))
        except AwsUnreachable as error:
            self.pause_seconds = WRITE_TIMEOUT_SECONDS  # it may be made yet
            return error.message
        except LeaseLost:
            raise
        except (AwsError, JournalError) as error:
            self.is_hopeless = isinstance(error, _NoPriority)
            return error.message
        self.made = tuple(made)
        return ""

    def _one(self, rule: Diversion) -> Diversion:
        contract, keeper = self._service.contract, self._recorder.keeper

        def guard() -> None:
            if keeper is not None:
                keeper.require(WRITE_TIMEOUT_SECONDS)

        while True:
            try:
                return self._diversions.make(rule, contract, rollout=self._state.id, guard=guard)
            except PriorityTaken:
                rule = self._elsewhere(rule)

    def _elsewhere(self, rule: Diversion) -> Diversion:
        contract = self._service.contract
        route = next(each for each in contract.routes if each.name == rule.route)
        ground = self._diversions.ground(contract).get(rule.route)
        priority = free_priority(route, ground.taken | {rule.priority}) if ground else None
        if priority is None:
            raise _NoPriority(f"every one of the priorities {route.reserved_priorities} of {route.name} is in use")
        return _at(rule, "", priority)


class _NoPriority(AwsError):
    """None is left."""


def _at(rule: Diversion, arn: str, priority: int) -> Diversion:
    return Diversion(rule.route, rule.listener_arn, priority, rule.conditions, rule.color, arn)


def remove(
    service: Service, attention: Attention, state: RolloutState, doubtful_until: datetime | None = None
) -> Event:
    """Remove every rule of the rollout. What cannot be is tried again for a while; then a person must decide.

    doubtful_until: until when one that somebody began to make may still appear.
    """
    end = service.clock.now() + timedelta(seconds=BACK_SECONDS if state.back else TRY_SECONDS)
    count = 0
    while True:
        try:
            count += remove_now(service, state.id)
        except AwsError as error:
            if service.clock.now() >= end:
                reason = f"the rules that divert requests to {state.plan.to} may stand yet: {error.message}"
                return Stuck(reason) if state.back else RunnerPaused(reason)
            service.note(f"warning: {error.message}")
        else:
            if doubtful_until is None or service.clock.now() >= doubtful_until:
                return DivertRemoved(count)
        heard = attention.wait(_RETRY_SECONDS, state)
        if heard is not None:
            return heard


def remove_after(service: Service, state: RolloutState) -> DivertRemoved | Stuck:
    """For a rollback from outside, which ends a rollout: remove its rules, in a few tries."""
    now = service.clock.now()
    is_doubtful = not all(rule.arn for rule in state.diversions)
    settled = now + timedelta(seconds=WRITE_TIMEOUT_SECONDS) if is_doubtful else now
    end, count = now + timedelta(seconds=TRY_SECONDS), 0
    while True:
        try:
            count += remove_now(service, state.id)
        except AwsError as error:
            if service.clock.now() >= end:
                return Stuck(f"the rules that divert requests to {state.plan.to} may stand yet: {error.message}")
        else:
            if service.clock.now() >= settled:
                return DivertRemoved(count)
        service.clock.sleep(_RETRY_SECONDS)


def remove_now(service: Service, rollout: str) -> int:
    """How many rules of the rollout there were. Raises AwsError."""
    diversions = service.diversions
    if diversions is None:
        raise AwsError(_NO_PORT)
    ours = [each for each in diversions.standing(service.contract) if each.rollout == rollout]
    for each in ours:
        diversions.remove(each.arn)
    return len(ours)


def checks(service: Service, plan: Plan, observation: Observation, *, accept_drift: bool = False) -> list[Finding]:
    """Every check before the first write of a plan: for its first shift, or for its rules. Raises AwsError."""
    if plan.diverts is None:
        first = next(step for step in plan.steps if isinstance(step, Shift))
        return preflight(observation, plan.split(first), service.settings, accept_drift=accept_drift)
    found = preflight(observation, plan.home, service.settings, accept_drift=accept_drift)
    if any(each.error is RouteUnusable for each in found if each.level is Level.REFUSED):
        return found
    return [*found, *findings(service, plan, plan.diverts, observation)]


def findings(service: Service, plan: Plan, step: Divert, observation: Observation) -> list[Finding]:
    """Whether the rules can be made, and what else would come their way. Raises AwsError."""
    diversions = service.diversions
    needed, healthy = service.settings.minimum_healthy, observation.healthy(plan.to)
    level = Level.OK if healthy >= needed else Level.WARNING if plan.force else Level.REFUSED
    found = [
        Finding(
            f"{plan.to} capacity",
            level,
            f"{plan.to} has {healthy} healthy targets, and takes requests with {needed}",
            "" if level is Level.OK else f"Wait until {plan.to}'s targets are healthy, or add some.",
        )
    ]
    contract = service.contract
    grounds = {} if diversions is None or contract.is_network else diversions.ground(contract)
    for route in contract.routes:
        ground = grounds.get(route.name)
        wrong = refusal(route, ground, step.conditions)
        if wrong is not None:
            found.append(Finding(f"route {route.name} divert", Level.REFUSED, *wrong))
        elif ground is not None:
            found.append(Finding(f"route {route.name} divert", Level.OK, "a rule before it can be made"))
            found += [_passed_over(route.name, each) for each in between(route, ground)]
    return found


def _passed_over(route: str, priority: int) -> Finding:
    return Finding(
        f"route {route} divert",
        Level.WARNING,
        f"rule {priority} stands between the reserved priorities and route {route}; matching requests of the route's "
        "conditions that it takes now would be diverted too",
        "Reserve priorities right before the route's own.",
    )


def remove_orphans(service: Service) -> list[str]:
    """Remove rules of no rollout under way; their ARNs. Raises AwsError, JournalError."""
    diversions = service.diversions
    if diversions is None or not service.may_divert:
        return []
    # The rules are read before the record: a rollout that begins in between has none of them.
    standing = diversions.standing(service.contract)
    found = orphans(standing, service.record().rollout)
    for each in found:
        diversions.remove(each.arn)
    return [each.arn for each in found]


def left_over(service: Service, under_way: str | None) -> list[Finding]:
    """Rules that a rollout left which is over or was never known, for a person to remove. Raises AwsError."""
    diversions = service.diversions
    if diversions is None or not service.may_divert:
        return []
    return [
        Finding(
            "orphan rule",
            Level.WARNING,
            f"rule {each.priority} of {each.route or 'no known route'} still diverts requests for rollout "
            f"{each.rollout}, which is not under way",
            f"bluegreen doctor {service.name} --remove-orphans, or: aws elbv2 delete-rule --rule-arn {each.arn}",
        )
        for each in orphans(diversions.standing(service.contract), under_way)
    ]
