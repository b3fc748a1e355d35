"""Watching whether the rules of a rollout still stand: nothing else tells that nobody is diverted any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from toolkit.rollout.diverting import Diversion
from toolkit.rollout.events import WorldDiffers
from toolkit.rollout.state import RolloutState
from toolkit.runner.service import Service

_OFTEN = timedelta(seconds=60)
_FRESH = timedelta(seconds=30)
"""AWS publishes no figure for how soon a rule that was made is listed."""


class RuleWatch:
    """Asks for them once a minute."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asked: datetime | None = None

    def look(self, state: RolloutState) -> WorldDiffers | None:
        """What is gone; None where all stand, or they were made a moment ago. Raises AwsError."""
        now = self._service.clock.now()
        if now - state.began < _FRESH or (self._asked is not None and now - self._asked < _OFTEN):
            return None
        gone = missing(self._service, state)
        if gone:
            return WorldDiffers(in_words(gone))
        self._asked = now
        return None


def missing(service: Service, state: RolloutState) -> tuple[Diversion, ...]:
    """The rules that the rollout made and that stand no more, or have lost the tags by which they are removed.

    Raises:
        AwsError: and its children.
    """
    made = [rule for rule in state.diversions if rule.arn]
    if service.diversions is None or not state.diverts or not made:
        return ()
    standing = {each.arn for each in service.diversions.standing(service.contract) if each.rollout == state.id}
    return tuple(rule for rule in made if rule.arn not in standing)


def in_words(gone: tuple[Diversion, ...]) -> str:
    """For people."""
    rules = " and ".join(f"rule {rule.priority} before route {rule.route}" for rule in gone)
    verb = "is" if len(gone) == 1 else "are"
    return f"{rules}, which diverted requests to {gone[0].color}, {verb} gone or without the rollout's tags"
