"""The lab's own process: the emulated AWS, the load balancer and the workloads behind it, and the end of them.

See `resident.py` for how it is started.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.lab.admin import beside
from toolkit.lab.compute.assembly import compute_of
from toolkit.lab.control_plane import ControlPlane
from toolkit.lab.dataplane import DataPlane
from toolkit.lab.fidelity import Fidelity
from toolkit.lab.metrics import HostCounts, Lateness, MetricsSource, published
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded
from toolkit.lab.reconciler import Reconciler
from toolkit.lab.resident import Resident, serve
from toolkit.lab.state import Published, StateDirectory
from toolkit.lab.survey import HealthChecks, look_at_hosts

_SURVEY = 10.0  # seconds between two looks at target health for the host counts


class Supervisor:
    """One lab while it runs.

    Args:
        state: where the lab is published and its processes are recorded.
        options: how it behaves.
        owner: the process whose end is the lab's end too; None for a lab that stays until it is told.
    """

    def __init__(self, state: StateDirectory, options: LabOptions, owner: Recorded | None = None) -> None:
        self._options = options
        self._resident = Resident(state, owner)
        self._started = time.time()
        self._surveyed = 0.0
        self._control = ControlPlane(options.port)
        self._plane = DataPlane(
            endpoint_url=self._control.endpoint_url,
            directory=state.dataplane,
            propagation_delay=options.propagation_delay,
            time_scale=options.time_scale,
            # Every write announces itself (Fidelity); looking is only for what moto does unasked, and not free.
            poll_interval=5.0,
        )
        self._reconciler = Reconciler(self._plane.reconcile)
        self._checks = HealthChecks(self._plane)
        self._fidelity = Fidelity(health=self._checks, on_change=self._reconciler)
        self._compute = compute_of(state, self._checks, time_scale=options.time_scale)
        self._hosts = HostCounts()
        self._metrics = MetricsSource(
            self._plane.traffic, self._hosts, self._lateness, time.time, flows=self._plane.flows
        )

    def run(self, ready: Callable[[Published], None]) -> None:
        """Serve until told to stop. `ready` is called once, when everything answers."""
        with contextlib.ExitStack() as stack:
            own = self._resident.enter("lab", stack)
            stack.enter_context(self._fidelity)
            stack.enter_context(self._compute.installed())
            stack.enter_context(published(self._metrics))
            self._control.start(lambda aws: beside(aws, self, self._compute.commands))
            stack.callback(self._control.stop)
            stack.callback(self._plane.stop)
            self._plane.start()
            for pid in self._plane.pids:
                self._resident.record(pid, "envoy", stack)
            stack.callback(self._compute.stop)
            self._compute.start()
            announced = Published(self._control.endpoint_url, self._options, own)
            self._resident.publish(announced, stack)
            ready(announced)
            self._resident.watch(self._survey)

    def _survey(self) -> None:
        if time.monotonic() - self._surveyed >= _SURVEY:
            self._surveyed = time.monotonic()
            look_at_hosts(self._checks, self._hosts, now=time.time())

    def _lateness(self) -> Lateness:
        return Lateness(self._options.metrics_delay, self._options.metrics_revision)

    def status(self) -> Mapping[str, Any]:
        return {
            "name": self._options.name,
            "endpoint_url": self._control.endpoint_url,
            "pid": os.getpid(),
            "uptime_seconds": round(time.time() - self._started, 1),
            "options": self._options.to_json(),
            "listeners": dict(self.listeners()),
            "children": self._resident.children(),
            "reconciliations": self._reconciler.runs,
            "failures": [{"region": one.region, "at": one.at, "error": one.error} for one in self._reconciler.failures],
            "compute_failures": list(self._compute.failures),
        }

    def listeners(self) -> Mapping[str, str]:
        return self._plane.listeners()

    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        self._options = self._options.changed(changes)
        self._plane.propagation_delay = self._options.propagation_delay
        return self._options.to_json()


def main(argument: str) -> int:
    """Run a lab as `argument` says; the exit code."""
    return serve(argument, lambda state, options, owner: Supervisor(state, LabOptions.from_json(options), owner))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
