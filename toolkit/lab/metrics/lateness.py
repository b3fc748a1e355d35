"""When a minute becomes visible in CloudWatch, and how much of it. Pure: the time is an argument.

AWS promises no figure; what is known is that a minute arrives late and may still grow. Times are epoch seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from toolkit.lab.dataplane import MinuteTraffic

MINUTE: Final = 60
FIRST_SHARE: Final = 0.5
_CLASSES: Final = (
    "target_2xx",
    "target_3xx",
    "target_4xx",
    "target_5xx",
    "elb_3xx",
    "elb_4xx",
    "elb_5xx",
)


@dataclass(frozen=True, slots=True)
class Lateness:
    """Seconds. `delay`: from a minute's end until it appears; `revision`: from then until it is final."""

    delay: float
    revision: float

    def share(self, minute: int, now: float) -> float:
        """How much of the minute that began at `minute` is visible: 0, then half or more, at last 1."""
        visible_for = now - (minute + MINUTE + self.delay)
        if visible_for < 0:
            return 0.0
        if visible_for >= self.revision:
            return 1.0
        return FIRST_SHARE + (1 - FIRST_SHARE) * visible_for / self.revision


def shown(row: MinuteTraffic, share: float) -> MinuteTraffic:
    """What CloudWatch shows of `row` while `share` of it has arrived: whole requests, and sums that agree."""
    if share >= 1:
        return row
    counts: dict[str, Any] = {name: int(getattr(row, name) * share) for name in _CLASSES}
    unclassed = row.request_count - sum(getattr(row, name) for name in _CLASSES)
    return replace(
        row,
        **counts,
        request_count=sum(counts.values()) + int(unclassed * share),
        connection_errors=int(row.connection_errors * share),
        response_times=_thinned(row.response_times, share),
    )


def _thinned(times: Mapping[float, int], share: float) -> dict[float, int]:
    """The distribution with `share` of its samples, of the same shape; rounding is carried along, not lost."""
    thinned: dict[float, int] = {}
    seen = kept = 0
    for time, count in sorted(times.items()):
        seen += count
        if (take := int(seen * share) - kept) > 0:
            thinned[time] = take
            kept += take
    return thinned
