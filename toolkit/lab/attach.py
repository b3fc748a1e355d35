"""The own process of a data plane that is attached to a foreign endpoint: Envoy, and no AWS beside it.

Whatever serves ELBv2 on loopback (LocalStack, moto, MiniStack, another lab) is read again and again, and its load
balancers are served here. See `resident.py` for how it is started.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.errors import LabError
from toolkit.lab.attach_door import Door
from toolkit.lab.attach_notice import Notice
from toolkit.lab.attach_options import AttachOptions, is_region
from toolkit.lab.attach_watch import Readings
from toolkit.lab.dataplane import DataPlane, TargetHealth
from toolkit.lab.dataplane.reader import Reader
from toolkit.lab.processes import Recorded
from toolkit.lab.resident import Resident, serve
from toolkit.lab.state import Published, StateDirectory

_NOTICE_SECONDS = 10.0  # an endpoint may be started anew between two readings, and then knows of nobody


class Attached:
    """One attached data plane while it runs.

    Args:
        state: where it is published and its processes are recorded.
        options: which endpoint, and how.
        owner: the process whose end is its end too; None for one that stays until it is told.
    """

    def __init__(self, state: StateDirectory, options: AttachOptions, owner: Recorded | None = None) -> None:
        self._options = options
        self._resident = Resident(state, owner)
        self._started = time.time()
        self._is_notice_due = threading.Event()
        self._readings = Readings(came_back=self._is_notice_due.set)
        self._plane = DataPlane(
            endpoint_url=options.endpoint_url,
            directory=state.dataplane,
            time_scale=options.time_scale,
            poll_interval=options.poll_interval,
            regions=options.regions,
            polled=self._readings,
        )
        self._door = Door(self.health, self)
        self._notice = Notice(options.endpoint_url, self._door.url)

    def run(self, ready: Callable[[Published], None]) -> None:
        """Serve until told to stop. `ready` is called once, when the endpoint's listeners answer.

        Raises:
            LabError: the endpoint cannot be read, or Envoy does not start.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(self._door.stop)
            own = self._resident.enter("data plane", stack)
            self._require_endpoint()
            stack.callback(self._plane.stop)
            self._plane.start()
            for pid in self._plane.pids:
                self._resident.record(pid, "envoy", stack)
            for region in self._options.regions:
                self._read(region)
            self._door.start()
            stack.callback(self._notice.withdraw)
            self._notice.give()
            announced = Published(self._options.endpoint_url, self._options, own, door_url=self._door.url)
            self._resident.publish(announced, stack)
            ready(announced)
            self._given = time.monotonic()
            self._resident.watch(self._give_notice)

    def health(self, target_group_arn: str) -> Mapping[tuple[str, int], TargetHealth]:
        """As `DataPlane.health`; a group of a region that was not served so far makes that region one that is."""
        parts = target_group_arn.split(":")
        if len(parts) > 3 and is_region(parts[3]):  # noqa: PLR2004  arn:partition:service:region:...
            self._plane.follow(parts[3])
        return self._plane.health(target_group_arn)

    def _require_endpoint(self) -> None:
        """Better said at once than a data plane that waits for what was misspelled."""
        reader = Reader(self._options.endpoint_url)
        for region in self._options.regions:
            try:
                reader.read(region)
            except LabError as error:
                hint = "Start it first, and see that it serves ELBv2; `bluegreen lab attach` needs it once."
                raise LabError(error.message, hint=hint) from error

    def _read(self, region: str) -> None:
        """The first reading. What Envoy does not take of it is said by `status`, as later on."""
        try:
            self._plane.reconcile(region)
        except LabError as error:
            self._readings(region, error)
        else:
            self._readings(region, None)

    def _give_notice(self) -> None:
        if self._is_notice_due.is_set():
            self._is_notice_due.clear()
            self._notice.give()
        elif time.monotonic() - self._given >= _NOTICE_SECONDS and not self._readings.failures:
            self._notice.renew()
        else:
            return
        self._given = time.monotonic()

    def status(self) -> Mapping[str, Any]:
        return {
            "name": self._options.name,
            "endpoint_url": self._options.endpoint_url,
            "attached": True,
            "door_url": self._door.url,
            "reports_health": self._notice.is_taken is True,
            "pid": os.getpid(),
            "uptime_seconds": round(time.time() - self._started, 1),
            "options": self._options.to_json(),
            "listeners": dict(self.listeners()),
            "children": self._resident.children(),
            "reconciliations": self._readings.count,
            "failures": [{"region": one.region, "at": one.at, "error": one.error} for one in self._readings.failures],
        }

    def listeners(self) -> Mapping[str, str]:
        return self._plane.listeners()

    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        raise LabError(
            f"an attached data plane cannot change {', '.join(sorted(changes)) or 'anything'} while it runs.",
            hint="Stop it and attach it anew.",
        )


def main(argument: str) -> int:
    """Run an attached data plane as `argument` says; the exit code."""
    return serve(argument, lambda state, options, owner: Attached(state, AttachOptions.from_json(options), owner))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
