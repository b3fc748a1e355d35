"""The lab's control plane alone, in a process of its own: every target is healthy, and nobody routes.

Most of the time of a write on the whole lab goes into its data plane, and what kills, faults and races show is in the
weights, not in the traffic.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.lab.handle import _supervisor_environ


@contextmanager
def control_plane(scratch: Path) -> Iterator[str]:
    """Its endpoint's URL. It ends with the block, and with its standard input: also where this process is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from tests.benchmarks.control import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_supervisor_environ() | {"MOTO_RECORDER_FILEPATH": str(scratch / "recording.jsonl")},
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("there is no pipe")
    try:
        yield process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def main() -> None:
    """Serve until the standard input ends."""
    from toolkit.lab.control_plane import ControlPlane
    from toolkit.lab.fidelity import Fidelity

    with Fidelity(health=None, on_change=lambda _region: None):
        plane = ControlPlane()
        plane.start()
        print(plane.endpoint_url, flush=True)
        sys.stdin.read()
        # It is not stopped in order: that would wait for connections which nobody uses any more.
