"""What the own process of every lab does, whichever kind of lab it is.

It is started as `python -m MODULE '{"directory": ..., "options": ..., "ready_fd": ..., "owner": ...}'`, and says one
JSON line on `ready_fd`: {} when it answers, {"error": ..., "hint": ...} when it cannot.
"""

import contextlib
import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from toolkit.errors import BluegreenError, LabError
from toolkit.lab.processes import Recorded, is_running, stop
from toolkit.lab.state import Published, StateDirectory

log = logging.getLogger(__name__)
_BEAT = 0.5  # seconds between two looks at the children and the owner
_GUEST_GRACE = 8.0  # less than those who stop the lab wait for it


class Servant(Protocol):
    """A lab in the process that is its own."""

    def run(self, ready: Callable[[Published], None]) -> None:
        """Serve until told to stop. `ready` is called once, when everything answers."""
        ...


class Resident:
    """Records this process and its children, ends the guests, and watches for the end.

    Args:
        state: where the lab is published and its processes are recorded.
        owner: the process whose end is the lab's end too; None for a lab that stays until it is told.
    """

    def __init__(self, state: StateDirectory, owner: Recorded | None) -> None:
        self.state = state
        self._owner = owner
        self._stop = threading.Event()

    def enter(self, what: str, stack: contextlib.ExitStack) -> Recorded:
        """Listen for signals and record this process; when `stack` ends, so do the guests."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        own = self.record(os.getpid(), what, stack)
        stack.callback(self._stop_guests)
        return own

    def record(self, pid: int, what: str, stack: contextlib.ExitStack) -> Recorded:
        """Write a process down until `stack` ends; LabError if it is gone already."""
        process = self.state.record(pid, what)
        if process is None:
            raise LabError(f"{what} (pid {pid}) ended while the lab was starting.")
        stack.callback(self.state.forget, pid)
        return process

    def publish(self, published: Published, stack: contextlib.ExitStack) -> None:
        """Let others find the lab until `stack` ends."""
        self.state.publish(published)
        stack.callback(self.state.retract)

    def watch(self, each_beat: Callable[[], None]) -> None:
        """Return when told to stop, or when the owner is gone."""
        while not self._stop.wait(_BEAT):
            if self._owner is not None and not is_running(self._owner):
                log.info("the process this lab belongs to is gone; stopping")
                return
            each_beat()

    def children(self) -> list[dict[str, Any]]:
        """The recorded processes besides this one, and whether they run."""
        others = [process for process in self.state.processes() if process.pid != os.getpid()]
        return [process.to_json() | {"running": is_running(process)} for process in others]

    def _stop_guests(self) -> None:
        """End what others have recorded to end with this lab: sample apps, the commands of a demo."""
        guests = [process for process in self.state.processes() if process.pid != os.getpid()]
        stop(guests, grace=_GUEST_GRACE)
        for process in guests:
            self.state.forget(process.pid)


def serve(argument: str, make: Callable[[StateDirectory, Mapping[str, Any], Recorded | None], Servant]) -> int:
    """Run the lab that `make` makes of `argument`; the exit code."""
    document = json.loads(argument)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    owner = document.get("owner")
    with os.fdopen(document["ready_fd"], "w") as pipe:

        def say(word: Mapping[str, Any]) -> None:
            pipe.write(json.dumps(word) + "\n")
            pipe.close()

        try:
            servant = make(
                StateDirectory(Path(document["directory"])),
                document["options"],
                None if owner is None else Recorded(**owner),
            )
            servant.run(lambda _published: say({}))
        except BluegreenError as error:
            log.exception("the lab ends")
            if not pipe.closed:
                say({"error": error.message, "hint": error.hint})
            return error.exit_code
    return 0
