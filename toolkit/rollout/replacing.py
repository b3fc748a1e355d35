"""What an operator should know before ECS replaces the live color's tasks by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.rollout.preflight import Finding, Level
from toolkit.rollout.rolling import Rolling
from toolkit.rollout.workload import Replacement
from toolkit.settings import OnFailure
from toolkit.traffic import Color

_CHECK = "rolling"


def replacing(
    color: Color, how: Replacement, rolling: Rolling, *, needed: int, force: bool = False
) -> Iterator[Finding]:
    """needed: healthy targets that the gates ask for. force: the operator goes past what is refused for too few."""
    percents = f"minimumHealthyPercent {how.minimum_percent}, maximumPercent {how.maximum_percent}"
    if how.is_stuck:
        yield Finding(
            _CHECK,
            Level.REFUSED,
            f"of {color}'s {_tasks(how.desired)} {how.least} have to stay healthy and {how.most} may run at most "
            f"({percents}), so ECS could stop none and start none",
            "Raise maximumPercent, or lower minimumHealthyPercent, of the ECS service.",
        )
        return
    yield Finding(
        _CHECK,
        Level.OK,
        f"ECS replaces {color}'s {_tasks(how.desired)}: {how.least} stay healthy and up to {how.most} run meanwhile "
        f"({percents})",
    )
    if how.desired and not how.least:
        yield Finding(
            _CHECK,
            Level.WARNING,
            f"ECS may stop all of {color}'s {_tasks(how.desired)} before another one is healthy, so nobody may serve "
            "meanwhile",
            "Raise minimumHealthyPercent of the ECS service, and maximumPercent with it.",
        )
    elif how.desired and how.least < needed:
        yield Finding(
            _CHECK,
            Level.WARNING if force else Level.REFUSED,
            f"ECS keeps only {how.least} of {color}'s {_tasks(how.desired)} healthy meanwhile ({percents}), and "
            f"{needed} have to be",
            "Raise minimumHealthyPercent of the ECS service, or ask for fewer healthy targets.",
        )
    yield from _on_failure(color, how, rolling)


def _on_failure(color: Color, how: Replacement, rolling: Rolling) -> Iterator[Finding]:
    if how.goes_back and rolling.on_failure is OnFailure.PAUSE:
        yield Finding(
            _CHECK,
            Level.WARNING,
            f"where it fails it is to pause, and {color}'s ECS service goes back by itself all the same",
            "Set rollback to false in its deployment circuit breaker and alarms.",
        )
    elif how.goes_back:
        yield Finding(_CHECK, Level.OK, "where ECS finds it failed, ECS goes back by itself, and the rollout with it")
    elif how.gives_up:
        yield Finding(_CHECK, Level.OK, "where ECS gives it up, the rollout has it go back")


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"
