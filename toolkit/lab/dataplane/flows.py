"""TCP flows per minute, load balancer and target group, from Envoy's log of connections.

A flow is one client's connection through a Network Load Balancer. Source for what is counted: CloudWatch metrics
for your Network Load Balancer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

MINUTE = 60
GROUP_NAMESPACE, GROUP_KEY = "lab", "target_group"
"""Where each target's metadata says which group it is in."""
LOG_FIELDS = (
    "%EMIT_TIME(%s)%",
    "%ACCESS_LOG_TYPE%",
    "%CONNECTION_ID%",
    "%DOWNSTREAM_DETECTED_CLOSE_TYPE%",
    "%UPSTREAM_DETECTED_CLOSE_TYPE%",
    "%RESPONSE_FLAGS%",
    "%BYTES_RECEIVED%",
    "%BYTES_SENT%",
    "%UPSTREAM_HOST%",
    f"%UPSTREAM_METADATA({GROUP_NAMESPACE}:{GROUP_KEY})%",
)
"""Fields of one line of the flow log, separated by single spaces; the load balancer's suffix follows as the last.

A flow has a line when it has reached its target, one every few seconds, and one at its end.
"""
_BEGUN, _ENDED = "TcpUpstreamConnected", "TcpConnectionEnd"
_FROM_FAR = "RemoteReset"
_NO_VALUE = "-"
_REFUSED = "UF"


@dataclass(slots=True)
class MinuteFlows:
    """One minute of one target group's flows through one load balancer.

    `target_group` is "" for flows that found no target. `new` counts the flows that reached a target in this
    minute, `active` those open at its end (now, for the minute that runs). A reset is counted for the side that
    sent it. `bytes` are those of both directions, without headers.
    """

    minute: float
    """Epoch seconds at which the minute began."""
    load_balancer: str
    """`net/NAME/ID`"""
    target_group: str
    """`targetgroup/NAME/ID`"""
    new: int = 0
    active: int = 0
    client_resets: int = 0
    target_resets: int = 0
    balancer_resets: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Flow:
    load_balancer: str
    target_group: str
    bytes: int = 0


class FlowLedger:
    """Minutes of flows, added up line by line. Pure but for its own state; times are epoch seconds."""

    def __init__(self, keep_minutes: int = 24 * 60) -> None:
        self._keep = keep_minutes * MINUTE
        self._rows: dict[tuple[int, str, str], MinuteFlows] = {}
        self._open: dict[str, _Flow] = {}
        self._minute: int | None = None
        self._closings: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, lines: Iterable[str], *, now: float) -> None:
        """Count `lines`, in the order they were written, and note what is open at `now`."""
        for line in lines:
            fields = line.split(" ")
            if len(fields) == len(LOG_FIELDS) + 1:
                self._count(fields)
        self._turn_to(int(now))
        self._note_open()

    def closing(self, target_group: str, host: str, *, now: float) -> None:
        """Note that the flows to `host` (address:port) are being closed: Envoy's log does not say who ended them."""
        begin, _ = self._closings.get((target_group, host), (int(now), 0))
        if now - begin > MINUTE:
            begin = int(now)
        self._closings[(target_group, host)] = (begin, int(now) + 1)

    def forget_open(self) -> None:
        """Envoy has been started anew: no flow of before is open."""
        self._open.clear()

    def since(self, moment: float) -> list[MinuteFlows]:
        """Copies of every row whose minute ends after `moment`, the oldest first."""
        rows = (replace(row) for row in self._rows.values() if row.minute + MINUTE > moment)
        return sorted(rows, key=lambda row: (row.minute, row.load_balancer, row.target_group))

    def _count(self, fields: list[str]) -> None:
        second, kind, connection, client, target, flags, received, sent, host, group, balancer = fields
        self._turn_to(int(second))
        group = "" if group == _NO_VALUE else group
        row = self._row(balancer, group)
        flow = self._open.get(connection)
        if kind == _BEGUN:
            row.new += 1
            flow = self._open[connection] = _Flow(balancer, group)
        seen = int(received) + int(sent)
        row.bytes += seen - (flow.bytes if flow is not None else 0)
        if flow is not None:
            flow.bytes = seen
        if kind == _ENDED:
            self._open.pop(connection, None)
            begin, end = self._closings.get((group, host), (1, 0))
            is_closed = begin <= int(second) <= end
            _count_reset(row, client=client, target=target, is_closed=is_closed, flags=flags)

    def _turn_to(self, second: int) -> None:
        """Close the minutes that are over before `second`; a line that comes late counts in the minute that runs."""
        minute = second // MINUTE * MINUTE
        if self._minute is None:
            self._minute = minute
        while self._minute < minute:
            self._note_open()
            # Over a long silence only the minutes that are kept are worth a row.
            self._minute = max(self._minute + MINUTE, minute - self._keep)
        for key in [key for key in self._rows if key[0] < self._minute - self._keep]:
            del self._rows[key]

    def _note_open(self) -> None:
        """Write what is open now into the minute that runs."""
        counts: dict[tuple[str, str], int] = {}
        for flow in self._open.values():
            key = (flow.load_balancer, flow.target_group)
            counts[key] = counts.get(key, 0) + 1
        for minute, balancer, group in self._rows:
            if minute == self._minute:
                counts.setdefault((balancer, group), 0)
        for (balancer, group), count in counts.items():
            self._row(balancer, group).active = count

    def _row(self, balancer: str, group: str) -> MinuteFlows:
        minute = self._minute or 0
        return self._rows.setdefault((minute, balancer, group), MinuteFlows(minute, balancer, group))


def _count_reset(row: MinuteFlows, *, client: str, target: str, is_closed: bool, flags: str) -> None:
    """Whose reset ended a flow, if one did. A target that refuses answers with a reset."""
    if client == _FROM_FAR:
        row.client_resets += 1
    elif target == _FROM_FAR or (_REFUSED in flags.split(",") and row.target_group):
        row.target_resets += 1
    elif is_closed or not row.target_group:
        row.balancer_resets += 1
