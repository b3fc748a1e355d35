"""Ports that a rollback never asks, imported when they are first asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.contract import Contract, LoadBalancer
from toolkit.settings import NotifySettings, NotifyTo, ServiceSettings

if TYPE_CHECKING:
    from toolkit.aws.session import Session
    from toolkit.rollout.bypass import Rule
    from toolkit.rollout.diverting import Diversion, Diversions, Ground, Standing
    from toolkit.rollout.metrics import AlarmState, Metrics, MetricsWanted, Minutes
    from toolkit.rollout.notification import Sink
    from toolkit.rollout.ports import Clock, Hooks, Pulse, Result, Updates
    from toolkit.rollout.rolling import Member
    from toolkit.rollout.steps import Hook, Probe
    from toolkit.settings import Update
    from toolkit.traffic import Color


class LazyHooks:
    """Hooks, imported when one is run: a rollback needs none."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def run(self, hook: Hook, environment: Mapping[str, str], *, pulse: Pulse) -> Result:
        from toolkit.gates.hooks import OutsideHooks

        return OutsideHooks(directory=self._directory, clock=self._clock).run(hook, environment, pulse=pulse)


class LazyProbes:
    """Probes, imported and their ways looked up when one is sent."""

    def __init__(self, contract: Contract, settings: ServiceSettings, session: Session, clock: Clock) -> None:
        self._made: Callable[[], Any] = lru_cache(lambda: _probes(contract, settings, session, clock))

    def probe(self, probe: Probe, color: Color, *, pulse: Pulse) -> Result:
        result: Result = self._made().probe(probe, color, pulse=pulse)
        return result


class LazyMetrics:
    """CloudWatch's metrics, imported when they are asked for."""

    def __init__(self, session: Session) -> None:
        self._made: Callable[[], Metrics] = lru_cache(lambda: _metrics(session))

    def minutes(self, contract: Contract, wanted: MetricsWanted, *, since: datetime, until: datetime) -> Minutes:
        return self._made().minutes(contract, wanted, since=since, until=until)

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:
        return self._made().alarms(names)


class LazyRules:
    """The rules of a load balancer, imported when they are asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def on(self, balancer: LoadBalancer) -> Sequence[Rule]:
        from toolkit.aws.rules import ListenerRules

        return ListenerRules(self._session).on(balancer)


class LazySinks:
    """Where notifications go, imported when one is to be told."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sink(self, settings: NotifySettings) -> Sink:
        match settings.to:
            case NotifyTo.STDOUT:
                from toolkit.notify.stdout import StdoutSink

                return StdoutSink()
            case NotifyTo.SLACK:
                from toolkit.notify.slack import SlackSink

                return SlackSink(settings.place, os.environ)
            case NotifyTo.SNS:
                from toolkit.aws.sns import SnsSink

                return SnsSink(self._near(settings.place), settings.place)
            case NotifyTo.EVENTBRIDGE:
                from toolkit.aws.eventbridge import EventBridgeSink

                return EventBridgeSink(self._near(settings.place), settings.place)

    def _near(self, place: str) -> Session:
        """The session, in the region that an ARN names: a topic is published to in its own."""
        parts = place.split(":")
        region = parts[3] if parts[0] == "arn" else ""
        if region in ("", self._session.region):
            return self._session
        return type(self._session)(replace(self._session.settings, region=region))


class LazyDiversions:
    """Rules beside the routes, imported when they are asked for."""

    def __init__(self, session: Session) -> None:
        self._made: Callable[[], Diversions] = lru_cache(lambda: _diversions(session))

    def ground(self, contract: Contract) -> Mapping[str, Ground]:
        return self._made().ground(contract)

    def standing(self, contract: Contract) -> Sequence[Standing]:
        return self._made().standing(contract)

    def make(self, diversion: Diversion, contract: Contract, *, rollout: str, guard: Callable[[], None]) -> Diversion:
        return self._made().make(diversion, contract, rollout=rollout, guard=guard)

    def remove(self, arn: str) -> None:
        self._made().remove(arn)


class LazyUpdates:
    """What updates targets in place, imported when a batch is to be."""

    def __init__(self, hooks: Hooks, session: Session, clock: Clock, directory: Path) -> None:
        self._made: Callable[[], Updates] = lru_cache(lambda: _updates(hooks, session, clock, directory))

    def update(
        self, update: Update, members: Sequence[Member], environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Result:
        return self._made().update(update, members, environment, back=back, pulse=pulse)

    def unable(self, update: Update) -> str:
        return self._made().unable(update)


def _updates(hooks: Hooks, session: Session, clock: Clock, directory: Path) -> Updates:
    from toolkit.aws.ssm_commands import SsmCommands
    from toolkit.gates.updates import TargetUpdates

    return TargetUpdates(hooks=hooks, documents=SsmCommands(session, clock), clock=clock, directory=directory)


def _diversions(session: Session) -> Diversions:
    from toolkit.aws.diversions import ElbDiversions

    return ElbDiversions(session)


def _metrics(session: Session) -> Metrics:
    from toolkit.aws.metrics import CloudwatchMetrics

    return CloudwatchMetrics(session, single=True)  # a lease does not outlast the SDK's own attempts


def _probes(contract: Contract, settings: ServiceSettings, session: Session, clock: Clock) -> Any:
    from toolkit.aws.preview import ProbeTargets
    from toolkit.gates.probes import HttpProbes

    return HttpProbes(ProbeTargets(session, contract, via=settings.probe_via, host=settings.probe_host), clock=clock)
