"""Updates one target as an operator's script does: ends the process that serves there, and starts another version.

    python tests/support/update_target.py DIRECTORY [OPTIONS OF THE APP]

It is told what bluegreen tells an update. DIRECTORY keeps what each target runs, and `ran.jsonl`: what each update was
told, and when it began. A version that ends in `-errors` answers a part of its requests with 500, and `-dead` serves
nobody though the update succeeds; `-fails` is no update at all. While there is a file `hold` in DIRECTORY an update
stands between its end of the old process and its start of the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ERROR_RATE = 0.25
"""The part of its requests that a version with errors answers with 500."""
_END_SECONDS = 5.0


def identity(pid: int) -> str:
    """The process by id and start, for an id may be another's by now; empty once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, began = fields[0], fields[19]
    return "" if state == "Z" else f"{pid} {began}"


def end(home: Path) -> None:
    """End the process of a target at once: a request that it still had would be lost, and be counted."""
    noted = text_of(home / "process")
    pid = int(noted.partition(" ")[0] or 0)
    deadline = time.monotonic() + _END_SECONDS
    while noted and identity(pid) == noted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"process {pid} has not ended")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def start(home: Path, site: str, version: str, options: list[str]) -> None:
    """Start the server of a target, and wait until it listens."""
    errors = ("--error-rate", str(ERROR_RATE)) if version.endswith("-errors") else ()
    with subprocess.Popen(
        [sys.executable, __file__, "--serve", str(home), "--site", site, *options, *errors],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=(home / "said").open("wb"),
        start_new_session=True,  # it outlives the update
    ) as server:
        assert server.stdout is not None
        if server.stdout.readline() != b"ready\n":
            sys.exit(f"{site} does not listen: {text_of(home / 'said')}")
        os._exit(0)  # a server is not waited for


def serve(home: Path, words: list[str]) -> None:
    """Become the server. It notes itself who it is, so that nobody loses sight of it who is killed meanwhile."""
    (home / "process").write_text(identity(os.getpid()), "ascii")
    os.execv(sys.executable, [sys.executable, "-m", "toolkit.lab.app", *words])  # noqa: S606 - no shell is wanted


def text_of(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def wanted_version(home: Path, told: dict[str, str]) -> str:
    """What is to run. What ran before a rollout is noted once, so that repeating an update does no harm."""
    before = home / f"before-{told['rollout']}"
    if told["direction"] == "back":
        return text_of(before) or text_of(home / "version")
    if not before.exists():
        before.write_text(text_of(home / "version"), "utf-8")
    return told["version"]


def update(directory: Path, told: dict[str, str], options: list[str]) -> None:
    """Bring the target to what is wanted, whatever it runs."""
    home = directory / told["target_id"]
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the update of a runner that was killed may still be under way
        version = wanted_version(home, told)
        with (directory / "ran.jsonl").open("a") as log:
            log.write(json.dumps({**told, "brings": version, "at": time.monotonic()}) + "\n")
        if version.endswith("-fails"):
            sys.exit("there is no such version")
        end(home)
        while (directory / "hold").exists():
            time.sleep(0.02)
        (home / "version").write_text(version, "utf-8")
        print(f"{told['target_id']} runs {version}", flush=True)
        if not version.endswith("-dead"):
            address = "127." + told["target_id"].partition(".")[2]
            color = "errors" if version.endswith("-errors") else "blue"
            start(home, f"{address}:{told['target_port']}:{color}:{version}", version, options)


def main() -> None:
    if sys.argv[1] == "--serve":
        serve(Path(sys.argv[2]), sys.argv[3:])
    else:
        told = {name[10:].lower(): value for name, value in os.environ.items() if name.startswith("BLUEGREEN_")}
        update(Path(sys.argv[1]), told, sys.argv[2:])


if __name__ == "__main__":
    main()
