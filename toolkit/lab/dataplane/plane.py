"""The data plane: Envoy as the load balancer that ELBv2 describes.

`reconcile` reads one region and programs Envoy; a thread of its own does so every second too, so that the lab
also follows an endpoint that does not call it.
"""

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from toolkit.errors import LabError
from toolkit.lab.dataplane.admin import Admin
from toolkit.lab.dataplane.certificate import self_signed
from toolkit.lab.dataplane.coalesce import Coalescer
from toolkit.lab.dataplane.config import Layout, resources
from toolkit.lab.dataplane.flow_targets import FlowTargets, active_flows, await_admission, tcp_listeners
from toolkit.lab.dataplane.flows import MinuteFlows
from toolkit.lab.dataplane.health import TargetHealth
from toolkit.lab.dataplane.listeners import LOOPBACK, Certificate, bootstrap
from toolkit.lab.dataplane.model import Snapshot
from toolkit.lab.dataplane.ports import Ports
from toolkit.lab.dataplane.process import EnvoyProcess
from toolkit.lab.dataplane.reader import Reader
from toolkit.lab.dataplane.records import Records
from toolkit.lab.dataplane.roster import Roster
from toolkit.lab.dataplane.traffic import MinuteTraffic
from toolkit.lab.dataplane.xds import Files, Programmer

log = logging.getLogger(__name__)

SERVED = frozenset({"HTTP", "HTTPS", "TCP", "TLS"})
ENCRYPTED = frozenset({"HTTPS", "TLS"})
_TAIL_SECONDS = 1.0
_LOOK_SECONDS = 0.1
_JOIN_SECONDS = 5.0


class DataPlane:
    """One Envoy and what keeps it in step with the load balancers at `endpoint_url`.

    `directory` receives configuration and logs. `propagation_delay` (seconds, settable) lies between a write and
    the routing by it. `time_scale` multiplies health check intervals and timeouts and deregistration delays, so a
    test need not wait AWS's minimum of 5 s. `regions` are followed from the start; others once they are reconciled.
    `polled` is told how each reading of the poll ended (region, and the error if there was one); without it errors
    are logged.
    """

    def __init__(
        self, *, endpoint_url: str, directory: Path, propagation_delay: float = 0.0,
        clock: Callable[[], float] = time.time, time_scale: float = 1.0, regions: Iterable[str] = (),
        poll_interval: float = 1.0, polled: Callable[[str, Exception | None], None] | None = None,
    ) -> None:  # fmt: skip
        directory.mkdir(parents=True, exist_ok=True)
        self.endpoint_url = endpoint_url
        self.propagation_delay = propagation_delay
        self._time_scale = time_scale
        self._poll_interval = poll_interval
        self._polled = polled
        self._reader = Reader(endpoint_url)
        self._process = EnvoyProcess(directory)
        self._files = Files(directory)
        self._programmer = Programmer(self._files, self._process.complaint)
        self._ports = Ports(directory / "ports.json")
        self._events_path = directory / "health.log"
        self._roster = Roster(self._events_path, clock, time_scale)
        self._flow_targets = FlowTargets(self._roster, clock)
        self._records = Records(directory, clock)
        # In Linux's abstract namespace: it needs no file, whose path could be too long for a socket.
        self._doorman = f"@bluegreen-{uuid.uuid4().hex}"
        self._certificate: Certificate | None = None
        self._admin: Admin | None = None
        self._followed: dict[str, float] = {}
        self._applied: dict[str, Snapshot] = {}
        self._urls: Mapping[str, str] = {}
        self._due: deque[tuple[float, Snapshot]] = deque()
        self._programming = threading.RLock()
        self._coalescers: dict[str, Coalescer] = {}
        self._coalescers_lock = threading.Lock()
        self._regions = tuple(regions)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the children; empty when stopped."""
        return () if self._process.pid is None else (self._process.pid,)

    def start(self) -> None:
        """Start Envoy and follow the endpoint.

        Raises:
            LabError: Envoy did not start; the message says why.
        """
        if self._admin is not None:
            return
        self._events_path.unlink(missing_ok=True)
        self._records.begin_anew()
        self._applied, self._urls = {}, {}
        paths = {"listeners_path": self._files.path("lds"), "clusters_path": self._files.path("cds")}
        self._admin = self._programmer.start_empty(lambda: self._process.start(bootstrap(**paths)))
        self._roster.attach(self._admin)
        for region in self._regions:
            self._coalescer(region)
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in (
                (self._poll, "lab-poll"),
                (self._apply_due, "lab-delay"),
                (self._tail, "lab-log"),
                (self._follow_health, "lab-health"),
            )
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the threads and Envoy. Idempotent."""
        self._stopping.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN_SECONDS)  # an endpoint that hangs must not hold the end up
        self._threads = []
        self._process.stop()
        self._admin = None

    def reconcile(self, region: str) -> None:
        """Read the region and route by it: when this returns Envoy does, or will after the propagation delay.

        Raises:
            LabError: the region could not be read, or Envoy refused what came of it.
        """
        if self._admin is None:
            raise LabError("the data plane is not running")
        self._coalescer(region).run()

    def follow(self, region: str) -> None:
        """Read this region too from the next poll on. Returns at once."""
        self._coalescer(region)

    def health(self, target_group_arn: str) -> Mapping[tuple[str, int], TargetHealth]:
        """By (target id, port): every registered target, and those that are draining. Empty for unknown groups."""
        return self._roster.health(target_group_arn)

    def listeners(self) -> Mapping[str, str]:
        """Where each listener is reached on this machine, by ARN."""
        return self._urls

    def traffic(self, since: float) -> Sequence[MinuteTraffic]:
        """The requests served in the minutes that end after `since` (epoch seconds)."""
        return self._records.traffic(since)

    def flows(self, since: float) -> Sequence[MinuteFlows]:
        """The TCP flows of the minutes that end after `since` (epoch seconds)."""
        return self._records.flows(since)

    def active_flows(self) -> Mapping[str, int]:
        """Flows open now, by the suffix of the Network Load Balancer; empty when stopped.

        Raises:
            LabError: Envoy does not answer.
        """
        admin = self._admin
        return {} if admin is None else active_flows(admin, self._applied)

    def _coalescer(self, region: str) -> Coalescer:
        with self._coalescers_lock:
            if region not in self._coalescers:
                self._coalescers[region] = Coalescer(lambda: self._follow(region))
            return self._coalescers[region]

    def _follow(self, region: str) -> None:
        if not self._process.is_running:
            raise LabError(
                f"Envoy has ended by itself: {self._process.complaint()}",
                hint="Nothing is routed any more. Start the lab anew: bluegreen lab down && bluegreen lab up",
            )
        self._followed[region] = time.monotonic()
        snapshot = self._reader.read(region)
        self._roster.registered(snapshot)
        delay = self.propagation_delay
        if delay > 0 and region in self._applied:
            latest = next((each for _, each in reversed(self._due) if each.region == region), self._applied[region])
            if snapshot != latest:
                self._due.append((time.monotonic() + delay, snapshot))
            return
        self._apply(snapshot)

    def _apply(self, snapshot: Snapshot) -> None:
        with self._programming:
            self._program({**self._applied, snapshot.region: snapshot})

    def _program(self, wanted: Mapping[str, Snapshot]) -> None:
        served = {
            listener.arn: listener
            for each in wanted.values()
            for balancer in each.load_balancers
            for listener in balancer.listeners
            if listener.protocol in SERVED
        }
        if self._certificate is None and any(each.protocol in ENCRYPTED for each in served.values()):
            self._certificate = self_signed()
        ports = self._ports.assign((arn, listener.port) for arn, listener in served.items())
        layout = Layout(
            file=self._files.path,
            access_log=str(self._records.request_log),
            flow_log=str(self._records.flow_log),
            health_events=str(self._events_path),
            ports=ports,
            certificate=self._certificate,
            time_scale=self._time_scale,
            doorman=self._doorman,
            standings=self._flow_targets.look(wanted),
        )
        self._records.closing(layout.standings)
        try:
            if self._programmer.apply(resources(wanted, layout)) and self._admin is not None:
                await_admission(self._admin, wanted, layout.standings)
        except LabError:
            self._ports.reconsider(arn for arn in ports if arn not in self._urls)
            raise
        self._applied = dict(wanted)
        self._urls = {arn: f"{listener.protocol.lower()}://{LOOPBACK}:{ports[arn]}" for arn, listener in served.items()}

    def _follow_health(self) -> None:
        """Let new flows, and those to be closed, follow the health checks and the deregistration delays."""
        seen, look_until = -1, 0.0
        while not self._stopping.wait(_LOOK_SECONDS):
            size = self._events_path.stat().st_size if self._events_path.exists() else 0
            if size != seen:
                # The roster's view of Envoy may be older than the event: look until it cannot be.
                seen, look_until = size, time.monotonic() + 3 * _LOOK_SECONDS
            if time.monotonic() < look_until or self._flow_targets.is_due:
                self._guarded(self._reprogram)

    def _reprogram(self) -> None:
        with self._programming:
            if any(tcp_listeners(self._applied)):
                self._program(self._applied)

    def _poll(self) -> None:
        while not self._stopping.wait(self._poll_interval):
            with self._coalescers_lock:
                regions = list(self._coalescers)
            for region in regions:
                if time.monotonic() - self._followed.get(region, float("-inf")) >= self._poll_interval:
                    self._guarded(lambda region=region: self._poll_one(region))  # type: ignore[misc]

    def _poll_one(self, region: str) -> None:
        if self._polled is None:
            self._coalescer(region).run()
            return
        error: Exception | None = None
        try:
            self._coalescer(region).run()
        except Exception as caught:  # noqa: BLE001  told, not swallowed
            error = caught
        if not self._stopping.is_set():
            self._polled(region, error)

    def _apply_due(self) -> None:
        while not self._stopping.wait(0.01):
            while self._due and self._due[0][0] <= time.monotonic():
                _, snapshot = self._due.popleft()
                self._guarded(lambda snapshot=snapshot: self._apply(snapshot))  # type: ignore[misc]

    def _tail(self) -> None:
        while not self._stopping.wait(_TAIL_SECONDS):
            self._guarded(self._records.read)
            if self._admin is not None:
                reopen = self._admin.reopen_logs
                self._guarded(lambda reopen=reopen: self._records.rotate(reopen))  # type: ignore[misc]

    def _guarded(self, work: Callable[[], None]) -> None:
        """A thread goes on after an error, which is said: the next round may well succeed."""
        try:
            work()
        except LabError as error:
            if not self._stopping.is_set():
                log.warning("%s", error.message)
        except Exception:
            log.exception("the data plane met an error that it does not know; it goes on")
