"""Traffic per minute, load balancer and target group, from Envoy's access log.

Counters would be simpler, but Envoy counts its own 503s among a cluster's 5xx, and CloudWatch does not.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

MINUTE = 60
_TARGET_ANSWERED = "via_upstream"
_NO_VALUE = "-"
# Envoy's flags of a request for which no target was chosen: none healthy, no cluster, no route.
_NO_TARGET_FLAGS = frozenset({"UH", "NC", "NR"})
_CONNECTION_FAILED = "UF"
_FIELDS = 7


@dataclass(slots=True)
class MinuteTraffic:
    """One minute of what one target group was sent by one load balancer.

    `target_group` None stands for the requests that reached no target group: fixed answers, redirects, 503 with
    no target. So a load balancer's totals are the sums over its rows. `target_5xx` and its like count what the
    targets answered; `elb_4xx` and `elb_5xx` what the load balancer answered itself, which CloudWatch publishes
    per load balancer only. `response_times` counts seconds, rounded to three digits.
    """

    load_balancer: str
    target_group: str | None
    minute: int
    request_count: int = 0
    target_2xx: int = 0
    target_3xx: int = 0
    target_4xx: int = 0
    target_5xx: int = 0
    elb_3xx: int = 0
    elb_4xx: int = 0
    elb_5xx: int = 0
    connection_errors: int = 0
    response_times: dict[float, int] = field(default_factory=dict)

    def count_target(self, code: int) -> None:
        match code // 100:
            case 2:
                self.target_2xx += 1
            case 3:
                self.target_3xx += 1
            case 4:
                self.target_4xx += 1
            case 5:
                self.target_5xx += 1

    def count_elb(self, code: int) -> None:
        match code // 100:
            case 3:
                self.elb_3xx += 1
            case 4:
                self.elb_4xx += 1
            case 5:
                self.elb_5xx += 1


class Ledger:
    """Minutes of traffic, added up line by line. Pure but for its own state."""

    def __init__(self, keep_minutes: int = 24 * 60) -> None:
        self._keep = keep_minutes * MINUTE
        self._rows: dict[tuple[str, str, str], MinuteTraffic] = {}
        self._latest = 0

    def add(self, lines: Iterable[str]) -> None:
        for line in lines:
            fields = line.split(" ", _FIELDS - 1)
            if len(fields) == _FIELDS:
                self._count(fields)

    def since(self, moment: float) -> list[MinuteTraffic]:
        """Copies of every row whose minute ends after `moment` (epoch seconds), the oldest first."""
        return sorted(
            (
                replace(row, response_times=dict(row.response_times))
                for row in self._rows.values()
                if row.minute + MINUTE > moment
            ),
            key=lambda row: (row.minute, row.load_balancer, row.target_group or ""),
        )

    def _count(self, fields: Sequence[str]) -> None:
        second, code_text, flags, details, cluster, duration, balancer = fields
        has_target = cluster != _NO_VALUE and (flags == _NO_VALUE or _NO_TARGET_FLAGS.isdisjoint(flags.split(",")))
        row = self._row(second, cluster if has_target else "", balancer)
        code = int(code_text)
        row.request_count += 1
        if details == _TARGET_ANSWERED:
            row.count_target(code)
            if duration != _NO_VALUE:
                time = _rounded(int(duration))
                row.response_times[time] = row.response_times.get(time, 0) + 1
            return
        row.count_elb(code)
        if _CONNECTION_FAILED in flags.split(","):
            row.connection_errors += 1

    def _row(self, second: str, cluster: str, balancer: str) -> MinuteTraffic:
        minute = int(second) // MINUTE * MINUTE
        key = (str(minute), cluster, balancer)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = MinuteTraffic(balancer, cluster or None, minute)
            self._forget_before(minute)
        return row

    def _forget_before(self, minute: int) -> None:
        if minute <= self._latest:
            return
        self._latest = minute
        for key in [key for key, row in self._rows.items() if row.minute < minute - self._keep]:
            del self._rows[key]


class AccessLog:
    """The tail of the access log, in a file that is kept small."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._old = path.with_name(f"{path.name}.old")
        self._offset = 0
        self._moved = False

    def read(self) -> list[str]:
        """The complete lines written since the last call."""
        lines: list[str] = []
        if self._moved:
            # Envoy turns to a new file at a flush of its own; only then is the old one complete.
            is_complete = self._path.exists()
            lines, self._offset = _tail(self._old, self._offset)
            if not is_complete:
                return lines
            self._old.unlink()
            self._offset, self._moved = 0, False
        fresh, self._offset = _tail(self._path, self._offset)
        return lines + fresh

    def rotate(self, reopen: Callable[[], None], *, above: int) -> None:
        """Move a file of more than `above` bytes away and have Envoy `reopen` it."""
        if not self._moved and self._path.exists() and self._path.stat().st_size > above:
            self._path.rename(self._old)
            self._moved = True
            reopen()


def _tail(path: Path, offset: int) -> tuple[list[str], int]:
    if not path.exists():
        return [], offset
    with path.open("rb") as log:
        log.seek(offset)
        complete = log.read().rpartition(b"\n")[0]
    if not complete:
        return [], offset
    return complete.decode("utf-8", "replace").split("\n"), offset + len(complete) + 1


def _rounded(microseconds: int) -> float:
    """Seconds of three significant digits, so a minute's response times stay a short table."""
    step = 1
    while microseconds // step >= 1000:  # noqa: PLR2004  three digits
        step *= 10
    return microseconds // step * step / 1_000_000
