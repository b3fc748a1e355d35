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
from toolkit.lab.fidelity import Fidelity
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded, is_running
from toolkit.lab.reconciler import Reconciler
from toolkit.lab.state import Published, StateDirectory

log = logging.getLogger(__name__)
_BEAT = 0.5  # seconds between two looks at the children and the owner


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
        self._reconciler = Reconciler(lambda _region: None)
        self._fidelity = Fidelity(health=None, on_change=self._reconciler)

    def run(self, ready: Callable[[Published], None]) -> None:
        """Serve until told to stop. `ready` is called once, when everything answers."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        with contextlib.ExitStack() as stack:
            supervisor = self._state.record(os.getpid(), "lab")
            if supervisor is None:
                raise LabError("the lab cannot see its own process")
            stack.callback(self._state.forget, os.getpid())
            stack.enter_context(self._fidelity)
            self._control.start(lambda aws: beside(aws, self))
            stack.callback(self._control.stop)
            published = Published(self._control.endpoint_url, self._options, supervisor)
            self._state.publish(published)
            stack.callback(self._state.retract)
            ready(published)
            self._watch()

    def _watch(self) -> None:
        while not self._stop.wait(_BEAT):
            if self._owner is not None and not is_running(self._owner):
                log.info("the process this lab belongs to is gone; stopping")
                return

    def status(self) -> Mapping[str, Any]:
        return {
            "name": self._options.name,
            "endpoint_url": self._control.endpoint_url,
            "pid": os.getpid(),
            "uptime_seconds": round(time.time() - self._started, 1),
            "options": self._options.to_json(),
            "listeners": dict(self.listeners()),
            "children": [process.to_json() for process in self._state.processes() if process.pid != os.getpid()],
            "reconciliations": self._reconciler.runs,
            "failures": [{"region": one.region, "at": one.at, "error": one.error} for one in self._reconciler.failures],
        }

    def listeners(self) -> Mapping[str, str]:
        return {}

    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        self._options = self._options.changed(changes)
        return self._options.to_json()


def main(argument: str) -> int:
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
            if pipe.closed:
                raise
            say({"error": error.message, "hint": error.hint})
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
