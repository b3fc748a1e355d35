"""HealthyHostCount and UnHealthyHostCount: how many targets were in which state, looked at several times a minute."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from toolkit.lab.metrics.lateness import MINUTE
from toolkit.lab.metrics.points import Point

_STATES: Final = {"HealthyHostCount": "healthy", "UnHealthyHostCount": "unhealthy"}
_KEPT_MINUTES: Final = 24 * 60


class HostCounts:
    """Counts per minute, added up look by look. Times are epoch seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[int, str, str, str], Counter[float]] = {}

    def look(self, load_balancer: str, target_group: str, states: Iterable[str], *, now: float) -> None:
        """Note the health states of a target group's targets at this moment."""
        minute = int(now) // MINUTE * MINUTE
        found = tuple(states)
        with self._lock:
            for name, counted in _STATES.items():
                count = found.count(counted)
                self._seen.setdefault((minute, name, load_balancer, target_group), Counter())[float(count)] += 1
            for key in [key for key in self._seen if key[0] < minute - _KEPT_MINUTES * MINUTE]:
                del self._seen[key]

    def points(self, since: float) -> Iterator[Point]:
        """The points of the minutes that end after `since`."""
        with self._lock:
            seen = {key: dict(values) for key, values in self._seen.items() if key[0] + MINUTE > since}
        for (minute, name, load_balancer, target_group), values in seen.items():
            yield Point(name, load_balancer, target_group, minute, values)
