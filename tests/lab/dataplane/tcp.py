"""Targets that speak plain TCP, and flows to them: real sockets on loopback."""

import contextlib
import os
import select
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_TIMEOUT = 10.0
_RESET = struct.pack("ii", 1, 0)


def reset(connection: socket.socket) -> None:
    """End a connection with a RST instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


@dataclass(slots=True)
class Echo:
    """A target that greets with its name and sends every line back; `reset` as a line makes it reset."""

    name: str
    address: str
    port: int = 0
    context: ssl.SSLContext | None = None
    _server: Any = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _open: set[socket.socket] = field(default_factory=set, repr=False)

    def start(self) -> None:
        echo = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    echo._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

        self._server = Server((self.address, self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening and end every connection, as a killed process would."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket) -> None:
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True)
        with self._lock:
            self._open.add(connection)
        try:
            connection.sendall(f"{self.name}\n".encode())
            lines = connection.makefile("rb")
            for line in lines:
                if line == b"reset\n":
                    lines.close()
                    reset(connection)
                    return
                connection.sendall(line)
        finally:
            with self._lock:
                self._open.discard(connection)


class Flow:
    """One client's connection; `name` is the target that greeted."""

    def __init__(self, url: str) -> None:
        scheme, _, address = url.partition("://")
        host, _, port = address.partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=_TIMEOUT)
        if scheme == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self._lines = self.socket.makefile("rb")
        self.name = self._lines.readline().decode().strip()

    def says(self, text: str) -> str:
        """What comes back for one line; raises OSError or gives "" when the flow is gone."""
        self.socket.sendall(f"{text}\n".encode())
        return self._lines.readline().decode().strip()

    @property
    def lives(self) -> bool:
        try:
            return self.says("still there?") == "still there?"
        except OSError:
            return False

    def ended(self, seconds: float = _TIMEOUT) -> bool:
        """Whether the load balancer ends the flow in time, without a byte from us."""
        readable, _, _ = select.select([self.socket], [], [], seconds)
        try:
            return bool(readable) and self._lines.readline() == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._lines.close()
        self.socket.close()

    def reset(self) -> None:
        self._lines.close()
        reset(self.socket)


def name_of_one(url: str) -> str:
    """Who answers one new flow; "" where nobody does."""
    try:
        flow = Flow(url)
    except OSError:
        return ""
    flow.close()
    return flow.name


@contextlib.contextmanager
def echoing(name: str, number: int, *, port: int = 0, context: ssl.SSLContext | None = None) -> Iterator[Echo]:
    """A target at an address of this process's own."""
    echo = Echo(name, f"127.78.{os.getpid() % 256}.{number}", port, context)
    echo.start()
    try:
        yield echo
    finally:
        echo.stop()
