"""Every process that a test run has started, however deep, and every address on which one of them ever listened."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psutil

from toolkit.lab.processes import Recorded, is_running, recorded

_MARK = "BLUEGREEN_TEST_RUN"
_BEAT = 1.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a process takes connections, or datagrams."""

    process: str
    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback


class Family:
    """Watches from the start of its `with` block on.

    A process belongs to it by descent, or by a mark in the environment that it was started with: a daemon, which has
    lost its parent, still has that. Who has belonged to it once is remembered.
    """

    def __init__(self) -> None:
        self._token = uuid.uuid4().hex
        self._members: dict[int, Recorded] = {}
        self._openings: set[Opening] = set()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, name="family")

    def __enter__(self) -> Self:
        os.environ[_MARK] = self._token
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        del os.environ[_MARK]

    def openings(self) -> set[Opening]:
        """All that were seen so far, and those there are now."""
        self._look()
        if self._failure is not None:
            raise RuntimeError("nobody watched the processes to the end") from self._failure
        return set(self._openings)

    def running(self) -> list[Recorded]:
        """Who still runs."""
        self._look()
        return [member for member in self._members.values() if is_running(member)]

    def _watch(self) -> None:
        while not self._end.wait(_BEAT):
            try:
                self._look()
            except psutil.Error as error:
                self._failure = error
                return

    def _look(self) -> None:
        with self._lock:
            table = {process.pid: process for process in psutil.process_iter(["ppid", "environ"])}
            parents = {os.getpid(), *(pid for pid, member in self._members.items() if is_running(member))}
            for process in table.values():
                # No environment: it is gone, or another user's, whom nobody here can have started.
                if (process.info["environ"] or {}).get(_MARK) == self._token or not parents.isdisjoint(
                    _forebears(process, table)
                ):
                    self._note(process)
            # All of the machine at once: asked process by process, it would read the same table again and again.
            for each in psutil.net_connections("inet"):
                member = self._members.get(each.pid or 0)
                if member is not None and is_running(member) and _is_open(each):
                    self._openings.add(Opening(_name(table.get(member.pid)), each.laddr.ip, each.laddr.port))

    def _note(self, process: psutil.Process) -> None:
        known = self._members.get(process.pid)
        if process.pid == os.getpid() or (known is not None and is_running(known)):
            return
        if (member := recorded(process.pid, _name(process))) is not None:
            self._members[process.pid] = member


def _forebears(process: psutil.Process, table: Mapping[int, psutil.Process]) -> Iterator[int]:
    """The pids of its parent, of that one's parent, and so on."""
    pid = process.info["ppid"]
    while pid in table and pid:
        yield pid
        pid = table[pid].info["ppid"]


def _name(process: psutil.Process | None) -> str:
    try:
        return " ".join(process.cmdline())[:120] if process is not None else ""
    except psutil.NoSuchProcess:
        return ""


def _is_open(connection: Any) -> bool:
    """Whether it waits for whoever comes, rather than lead to somebody."""
    is_datagram = connection.type == socket.SOCK_DGRAM
    return bool(connection.laddr) and (
        connection.status == psutil.CONN_LISTEN or (is_datagram and not connection.raddr)
    )
