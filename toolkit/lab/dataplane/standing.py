"""What a Network Load Balancer does with each target: give it new flows, leave it those it has, or close them.

The health of targets comes from the checks; what follows from it is decided here, as AWS does it and not as Envoy
would: a group without a healthy target gets new flows on all of its targets, and its weight stays what it is.
Source: Network Load Balancer user guide, "Health checks" and "Edit target group attributes".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from toolkit.lab.dataplane.health import TargetHealth
from toolkit.lab.dataplane.model import Target, TargetGroup


class Standing(Enum):
    """How a target of a Network Load Balancer stands."""

    TAKES = "takes new flows"
    KEEPS = "keeps the flows it has"
    CLOSES = "has its flows closed"


@dataclass(frozen=True, slots=True)
class Group:
    """What is known of one group at this moment. `draining`: until when (epoch seconds) who has left it drains.

    Who has just ceased to drain is among them.
    """

    group: TargetGroup
    health: Mapping[tuple[str, int], TargetHealth]
    draining: Mapping[Target, float]


_Key = tuple[str, Target]
"""Target group ARN and target."""

_FIT = frozenset({"healthy", "draining"})
"""Who drains and is registered still, leaves when the propagation delay is over."""


class Standings:
    """How every target stands, look by look."""

    def __init__(self) -> None:
        self._leaving: dict[_Key, float] = {}
        self._parted: dict[_Key, float] = {}
        self._closing: set[_Key] = set()
        self._healthy: frozenset[_Key] = frozenset()

    def is_due(self, now: float) -> bool:
        """Whether there is something to do that no health check announces."""
        return bool(self._closing) or any(until <= now for until in self._leaving.values())

    def look(
        self, groups: Iterable[Group], *, now: float, is_closed: Callable[[TargetGroup, Target], bool]
    ) -> Mapping[str, Mapping[Target, Standing]]:
        """The standing of each target by target group ARN: of the registered and of those that are leaving.

        Args:
            groups: every group that a Network Load Balancer's listener forwards to.
            now: epoch seconds.
            is_closed: whether Envoy has closed the flows to a target of a group.
        """
        by_arn = {each.group.arn: each for each in groups}
        self._closing = {
            (arn, target) for arn, target in self._closing if arn in by_arn and not is_closed(by_arn[arn].group, target)
        }
        self._closing |= {key for key in self._gone(by_arn, now) if by_arn[key[0]].group.closes_deregistered}
        healthy = frozenset((arn, target) for arn, each in by_arn.items() for target in _healthy(each))
        open_to_all = by_arn.keys() - {arn for arn, _ in healthy}
        self._closing |= {
            (arn, target)
            for arn, target in self._healthy - healthy
            # A group that fails open needs its flows. Source: Health checks for NLB target groups.
            if arn in by_arn and by_arn[arn].group.closes_unhealthy and arn not in open_to_all
            if target in by_arn[arn].group.targets
        }
        self._healthy = healthy
        return {arn: dict(self._standings(each, arn in open_to_all)) for arn, each in by_arn.items()}

    def _gone(self, by_arn: Mapping[str, Group], now: float) -> frozenset[_Key]:
        """Those whose time to drain is over since the last look."""
        draining = _draining(by_arn.values())
        leaving = {
            (arn, target): until
            for (arn, target), until in {**self._leaving, **draining}.items()
            if arn in by_arn and target not in by_arn[arn].group.targets and self._parted.get((arn, target)) != until
        }
        gone = {key: until for key, until in leaving.items() if until <= now}
        self._leaving = {key: until for key, until in leaving.items() if until > now}
        # Who has gone may be reported for a while yet.
        self._parted = {key: until for key, until in {**self._parted, **gone}.items() if draining.get(key) == until}
        return frozenset(gone)

    def _standings(self, each: Group, open_to_all: bool) -> Iterator[tuple[Target, Standing]]:
        arn = each.group.arn
        for target in each.group.targets:
            if (arn, target) in self._closing:
                yield target, Standing.CLOSES
            elif open_to_all or (arn, target) in self._healthy:
                yield target, Standing.TAKES
            else:
                yield target, Standing.KEEPS
        for other, target in sorted(self._leaving, key=_order):
            if other == arn:
                yield target, Standing.KEEPS
        for other, target in sorted(self._closing, key=_order):
            if other == arn and target not in each.group.targets:
                yield target, Standing.CLOSES


def _draining(groups: Iterable[Group]) -> dict[_Key, float]:
    return {(each.group.arn, target): until for each in groups for target, until in each.draining.items()}


def _healthy(each: Group) -> Iterator[Target]:
    for target in each.group.targets:
        health = each.health.get((target.id, target.port))
        if health is not None and health.state in _FIT:
            yield target


def _order(key: _Key) -> tuple[str, int]:
    return key[1].id, key[1].port
