"""Which loopback port stands for which listener, remembered over restarts of the lab."""

import json
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from toolkit.lab.dataplane.listeners import LOOPBACK


class Ports:
    """The listener's own port where it can be had, else a free one; the same again next time, if still free."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._remembered: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        self._given: dict[str, int] = {}

    @property
    def given(self) -> Mapping[str, int]:
        """Port by listener ARN."""
        return dict(self._given)

    def assign(self, listeners: Iterable[tuple[str, int]]) -> Mapping[str, int]:
        """A port for each (listener ARN, its own port); those no longer named are given up."""
        wanted = dict(listeners)
        self._given = {arn: port for arn, port in self._given.items() if arn in wanted}
        for arn, own in wanted.items():
            if arn not in self._given:
                self._given[arn] = self._choose(self._remembered.get(arn), own)
        if any(self._remembered.get(arn) != port for arn, port in self._given.items()):
            self._remembered.update(self._given)
            self._path.write_text(json.dumps(self._remembered, indent=1))
        return self.given

    def reconsider(self, arns: Iterable[str]) -> None:
        """Choose anew for these next time: the port that was free has been taken by somebody else."""
        for arn in arns:
            self._given.pop(arn, None)
            self._remembered.pop(arn, None)

    def _choose(self, before: int | None, own: int) -> int:
        taken = set(self._given.values())
        for port in (before, own):
            if port is not None and port not in taken and _can_bind(port):
                return port
        return _free_port()


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:  # taken, or privileged
            return False
    return True


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
