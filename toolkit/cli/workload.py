"""What runs behind the colors, in words and as JSON values: releases, capacities, and what the second color costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.cli.render import style
from toolkit.contract import AsgPair, EcsPair
from toolkit.rollout.plain import plain
from toolkit.rollout.state import Course
from toolkit.rollout.steps import duration
from toolkit.traffic import Color

if TYPE_CHECKING:
    from toolkit.contract import Contract
    from toolkit.rollout.state import RolloutState
    from toolkit.rollout.upkeep import Upkeep
    from toolkit.rollout.workload import Capacity, Release
    from toolkit.runner.sides import SideSeen
    from toolkit.settings import PriceSettings

_DIGITS = 12
"""Of a digest, as container tools show it."""


def release_words(release: Release) -> str:
    """On one line, the digest cut short."""
    kind, _, digits = release.digest.partition(":")
    digest = f", {kind}:{digits[:_DIGITS]}" if digits else ""
    return plain(f"{release}{digest}")


def release_document(release: Release | None) -> dict[str, Any] | None:
    if release is None:
        return None
    return {"revision": release.revision, "image": release.image, "digest": release.digest or None}


def capacity_words(capacity: Capacity) -> str:
    """`2 running of 3, autoscaled between 1 and 6`."""
    words = f"{capacity.running} running of {capacity.desired}"
    if capacity.minimum is not None and capacity.maximum is not None:
        words += f", autoscaled between {capacity.minimum} and {capacity.maximum}"
    return words


def capacity_document(capacity: Capacity | None) -> dict[str, Any] | None:
    if capacity is None:
        return None
    return {
        "desired": capacity.desired,
        "running": capacity.running,
        "minimum": capacity.minimum,
        "maximum": capacity.maximum,
        "suspended": list(capacity.suspended),
    }


def side_lines(side: SideSeen) -> Iterator[str]:
    """What a color runs and how much of it; what could not be read, in its place."""
    if side.release is not None:
        yield f"runs {release_words(side.release)}"
    if side.capacity is not None:
        yield capacity_words(side.capacity)
    for problem in side.problems:
        yield style(f"not known: {plain(problem)}", 33)


def side_document(side: SideSeen) -> dict[str, Any]:
    return {
        "release": release_document(side.release),
        "capacity": capacity_document(side.capacity),
        "problems": list(side.problems),
    }


def upkeep_words(kept: Upkeep, price: PriceSettings | None, now: datetime) -> str:
    """How long the side without traffic is kept, how much of it, and what a month of that costs."""
    if not kept.targets:
        return f"{kept.color} is kept without targets, and costs nothing"
    hours = kept.hours(now)
    since = "for nobody knows how long" if hours is None else f"for {duration(60 * round(60 * hours))}"
    many = f"{kept.targets} target{'' if kept.targets == 1 else 's'}"
    words = f"{kept.color} is kept {since} with {many}"
    if price is None:
        return words
    return f"{words}: {kept.month(price):.2f} {price.currency} a month, at {price.target_hour:g} an hour each"


def upkeep_document(kept: Upkeep, price: PriceSettings | None, now: datetime) -> dict[str, Any]:
    hours = kept.hours(now)
    return {
        "color": kept.color.value,
        "targets": kept.targets,
        "since": kept.since.isoformat() if kept.since else None,
        "hours": None if hours is None else round(hours, 2),
        "month": None if price is None else round(kept.month(price), 2),
        "currency": price.currency if price else None,
    }


def held_words(state: RolloutState) -> str:
    """What a rollout holds behind the colors; empty where it holds nothing."""
    if state.before is None or not state.held or state.let_go:
        return ""
    minima = [
        f"{color} at least {side.capacity.minimum}"
        for color, side in state.before.items()
        if side.capacity.minimum is not None
    ]
    before = f"; before: {', '.join(minima)}" if minima else ""
    restored = "its end restores that" if state.course is not Course.HALTED else "nobody restores that yet"
    return f"nothing scales either color in{before}; {restored}"


def workload_document(state: RolloutState) -> dict[str, Any] | None:
    """What a rollout does behind the colors; None where it does nothing there."""
    if state.before is None:
        return None
    return {
        "release": release_document(state.release),
        "before": {
            color.value: {
                "capacity": capacity_document(side.capacity),
                "release": release_document(side.release),
            }
            for color, side in state.before.items()
        },
        "held": state.held,
        "let_go": state.let_go,
    }


def left_suspended(seen: Mapping[Color, SideSeen]) -> dict[Color, tuple[str, ...]]:
    """What of each color's autoscaling is switched off; a color with nothing off is left out."""
    return {color: side.capacity.suspended for color, side in seen.items() if side.capacity and side.capacity.suspended}


def switched_on(contract: Contract, color: Color, names: tuple[str, ...]) -> str:
    """The AWS CLI command that switches on again what `left_suspended` names; empty without a workload."""
    match contract.workload:
        case EcsPair(cluster, services):
            resource = f"service/{cluster.rpartition('/')[2]}/{services[color]}"
            off = "DynamicScalingInSuspended=false,DynamicScalingOutSuspended=false,ScheduledScalingSuspended=false"
            return (
                "aws application-autoscaling register-scalable-target --service-namespace ecs "
                f"--scalable-dimension ecs:service:DesiredCount --resource-id {resource} --suspended-state {off}"
            )
        case AsgPair(groups):
            processes = f"--scaling-processes {' '.join(names)}"
            return f"aws autoscaling resume-processes --auto-scaling-group-name {groups[color]} {processes}"
        case None:
            return ""
