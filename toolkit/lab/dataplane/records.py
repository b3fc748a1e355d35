"""What was served, minute by minute: the tails of Envoy's two logs, added up."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolkit.lab.dataplane.flows import FlowLedger, MinuteFlows
from toolkit.lab.dataplane.model import Target, suffix_of
from toolkit.lab.dataplane.standing import Standing
from toolkit.lab.dataplane.traffic import AccessLog, Ledger, MinuteTraffic

ROTATE_BYTES = 64 * 1024 * 1024


class Records:
    """Requests and flows. Thread-safe."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        self.request_log = directory / "access.log"
        self.flow_log = directory / "flows.log"
        self._clock = clock
        self._request_tail = AccessLog(self.request_log)
        self._flow_tail = AccessLog(self.flow_log)
        self._requests = Ledger()
        self._flows = FlowLedger()
        self._lock = threading.Lock()

    def begin_anew(self) -> None:
        """Envoy starts: its logs are empty, and no flow of before is open."""
        with self._lock:
            for leftover in (self.request_log, self.flow_log):
                leftover.unlink(missing_ok=True)
            self._request_tail = AccessLog(self.request_log)
            self._flow_tail = AccessLog(self.flow_log)
            self._flows.forget_open()

    def read(self) -> None:
        """Add up what has been written since the last time."""
        with self._lock:
            self._requests.add(self._request_tail.read())
            self._flows.add(self._flow_tail.read(), now=self._clock())

    def rotate(self, reopen: Callable[[], None]) -> None:
        """Keep the files small; `reopen` has Envoy turn to new ones."""
        with self._lock:
            for tail in (self._request_tail, self._flow_tail):
                tail.rotate(reopen, above=ROTATE_BYTES)

    def traffic(self, since: float) -> Sequence[MinuteTraffic]:
        self.read()
        with self._lock:
            return self._requests.since(since)

    def flows(self, since: float) -> Sequence[MinuteFlows]:
        self.read()
        with self._lock:
            return self._flows.since(since)

    def closing(self, standings: Mapping[str, Mapping[Target, Standing]]) -> None:
        """Note whose flows are being closed now; `standings` by target group ARN."""
        with self._lock:
            for arn, each in standings.items():
                for target in (target for target, standing in each.items() if standing is Standing.CLOSES):
                    self._flows.closing(suffix_of(arn), f"{target.address}:{target.port}", now=self._clock())
