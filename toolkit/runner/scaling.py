"""Bringing a color up before traffic goes to it, and down once it is retired."""

from __future__ import annotations

import math
from datetime import timedelta

from toolkit.errors import AwsError
from toolkit.rollout.effects import ScaleTo
from toolkit.rollout.events import Event, GateFailed, StepPassed
from toolkit.rollout.machine import RolloutState
from toolkit.rollout.steps import duration
from toolkit.runner.attention import Attention
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.traffic import Color

SCALE_SECONDS = 900.0
"""How long a color may take until its targets are healthy."""


def scale(effect: ScaleTo, service: Service, attention: Attention, state: RolloutState) -> Event:
    """Ask for the targets where they are not asked for yet; on the way up, wait until they are healthy."""
    workload, color = service.workload, effect.color
    if workload is None:
        return GateFailed(state.step, "workload", "the contract names none, so nothing can be scaled")
    try:
        targets = effect.targets
        if targets is None:
            targets = math.ceil(workload.capacity(color.other).running * (effect.of_live or 1))
        if workload.capacity(color).desired != targets:
            workload.scale(color, targets)
        asked = workload.capacity(color).desired
    except AwsError as error:
        return GateFailed(state.step, "workload", error.message)
    if color is state.plan.base:
        return StepPassed(state.step, f"{color} goes down to {asked}")
    return _until_healthy(color, targets, service, attention, state)


def _until_healthy(color: Color, targets: int, service: Service, attention: Attention, state: RolloutState) -> Event:
    began, unseen = service.clock.now(), ""
    while service.clock.now() < began + timedelta(seconds=SCALE_SECONDS):
        try:
            healthy, unseen = service.healthy(color), ""
        except AwsError as error:
            healthy, unseen = 0, f" ({error.message})"
        if healthy >= targets:
            took = duration(round((service.clock.now() - began).total_seconds()))
            return StepPassed(state.step, f"{color} has {healthy} healthy targets after {took}")
        heard = attention.wait(service.settings.poll_seconds, state)
        if heard is not None:
            return heard
    waited = duration(SCALE_SECONDS)
    return GateFailed(state.step, "workload", f"{color} had not {targets} healthy targets after {waited}{unseen}")


def bring_up(color: Color, service: Service, recorder: Recorder) -> None:
    """Before traffic goes back to a side that was retired: so many targets as the other one runs, one of them healthy.

    Raises:
        AwsError: and its children.
        LeaseLost: somebody took the lease over.
    """
    workload = service.workload
    if workload is None:
        return
    now, other = workload.capacity(color), workload.capacity(color.other)
    if now.desired:
        return
    targets = max(1, other.running if now.maximum is None else min(other.running, now.maximum))
    service.note(f"{service.name}: {color} is retired; bringing it up to {targets} before going back")
    workload.scale(color, targets)
    end = service.clock.now() + timedelta(seconds=SCALE_SECONDS)
    while not service.healthy(color) and service.clock.now() < end:
        service.clock.sleep(service.settings.poll_seconds)
        recorder.renew_if_due()
