"""The lab's own process: the emulated AWS, the load balancer behind it, and the end of both.

    python -m toolkit.lab.supervisor '{"directory": ..., "options": ..., "ready_fd": ..., "owner": ...}'

It says one JSON line on `ready_fd`: {} when it answers, {"error": ..., "hint": ...} when it cannot.
"""

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import BluegreenError, LabError
from toolkit.lab.admin import beside
from toolkit.lab.control_plane import ControlPlane
from toolkit.lab.dataplane import DataPlane
from toolkit.lab.fidelity import Fidelity
from toolkit.lab.metrics import HostCounts, Lateness, MetricsSource, published
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded, is_running, stop
from toolkit.lab.reconciler import Reconciler
from toolkit.lab.state import Published, StateDirectory
from toolkit.lab.survey import HealthChecks, look_at_hosts

log = logging.getLogger(__name__)
_BEAT = 0.5  # seconds between two looks at the children and the owner
_GUEST_GRACE = 8.0  # less than those who stop the lab wait for it
_SURVEY = 10.0  # seconds between two looks at target health for the host counts


class Supervisor:
    """One lab while it runs.

    Args:
        state: where the lab is published and its processes are recorded.
        options: how it behaves.
        owner: the process whose end is the lab's end too; None for a lab that stays until it is told.
    """

    def __init__(self, state: StateDirectory, options: LabOptions, owner: Recorded | None = None) -> None:
        self._state = state
        self._options = options
        self._owner = owner
        self._started = time.time()
        self._stop = threading.Event()
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
        self._hosts = HostCounts()
        self._metrics = MetricsSource(
            self._plane.traffic, self._hosts, self._lateness, time.time, flows=self._plane.flows
        )

    def run(self, ready: Callable[[Published], None]) -> None:
        """Serve until told to stop. `ready` is called once, when everything answers."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        with contextlib.ExitStack() as stack:
            own = self._recorded(os.getpid(), "lab", stack)
            stack.callback(self._stop_guests)
            stack.enter_context(self._fidelity)
            stack.enter_context(published(self._metrics))
            self._control.start(lambda aws: beside(aws, self))
            stack.callback(self._control.stop)
            stack.callback(self._plane.stop)
            self._plane.start()
            for pid in self._plane.pids:
                self._recorded(pid, "envoy", stack)
            announced = Published(self._control.endpoint_url, self._options, own)
            self._state.publish(announced)
            stack.callback(self._state.retract)
            ready(announced)
            self._watch()

    def _recorded(self, pid: int, what: str, stack: contextlib.ExitStack) -> Recorded:
        process = self._state.record(pid, what)
        if process is None:
            raise LabError(f"{what} (pid {pid}) ended while the lab was starting.")
        stack.callback(self._state.forget, pid)
        return process

    def _stop_guests(self) -> None:
        """End what others have recorded to end with this lab: sample apps, the commands of a demo."""
        guests = [process for process in self._state.processes() if process.pid != os.getpid()]
        stop(guests, grace=_GUEST_GRACE)
        for process in guests:
            self._state.forget(process.pid)

    def _watch(self) -> None:
        surveyed = 0.0
        while not self._stop.wait(_BEAT):
            if self._owner is not None and not is_running(self._owner):
                log.info("the process this lab belongs to is gone; stopping")
                return
            if time.monotonic() - surveyed >= _SURVEY:
                surveyed = time.monotonic()
                look_at_hosts(self._checks, self._hosts, now=time.time())

    def _lateness(self) -> Lateness:
        return Lateness(self._options.metrics_delay, self._options.metrics_revision)

    def status(self) -> Mapping[str, Any]:
        others = [process for process in self._state.processes() if process.pid != os.getpid()]
        return {
            "name": self._options.name,
            "endpoint_url": self._control.endpoint_url,
            "pid": os.getpid(),
            "uptime_seconds": round(time.time() - self._started, 1),
            "options": self._options.to_json(),
            "listeners": dict(self.listeners()),
            "children": [process.to_json() | {"running": is_running(process)} for process in others],
            "reconciliations": self._reconciler.runs,
            "failures": [{"region": one.region, "at": one.at, "error": one.error} for one in self._reconciler.failures],
        }

    def listeners(self) -> Mapping[str, str]:
        return self._plane.listeners()

    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        self._options = self._options.changed(changes)
        self._plane.propagation_delay = self._options.propagation_delay
        return self._options.to_json()


def main(argument: str) -> int:
    """Run a lab as `argument` says; the exit code."""
    document = json.loads(argument)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    owner = document.get("owner")
    with os.fdopen(document["ready_fd"], "w") as pipe:

        def say(word: Mapping[str, Any]) -> None:
            pipe.write(json.dumps(word) + "\n")
            pipe.close()

        try:
            supervisor = Supervisor(
                StateDirectory(Path(document["directory"])),
                LabOptions.from_json(document["options"]),
                owner=None if owner is None else Recorded(**owner),
            )
            supervisor.run(lambda _published: say({}))
        except BluegreenError as error:
            log.exception("the lab ends")
            if not pipe.closed:
                say({"error": error.message, "hint": error.hint})
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
