"""One HTTP request and its answer, on a connection of its own, while the pulse goes on."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from toolkit.gates.waiting import Beat, TookTooLong, beside
from toolkit.rollout.steps import duration

_PORTS = {"http": 80, "https": 443}
_PROXY_PORT = 8080


class Unanswered(Exception):
    """No answer came; the text says why, to stand behind `GET http://…`."""


class Untrusted(Unanswered):
    """The certificate does not hold, so nothing was sent."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. connect_to: `HOST:PORT` where the connection goes, if not where the URL says.

    through_proxy: whether the proxies of the environment count, for https.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    connect_to: str | None = None
    through_proxy: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. headers: by name in small letters; several of one name are joined by a comma.

    body: its first bytes, as many as were asked for. cut: there was more. seconds: from the first byte of the
    connection to the last that was read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    seconds: float


def exchange(
    message: Message, *, seconds: float, limit: int, beat: Beat, timer: Callable[[], float] = time.monotonic
) -> Answer:
    """Send it and read at most `limit` bytes of the answer. No redirect is followed; nothing is sent twice.

    Raises:
        Untrusted: a certificate that is not for the URL's host, or that nobody known has signed.
        Unanswered: no connection, no HTTP, or no whole answer within `seconds`.
        Stopped: the pulse said so.
    """
    try:
        line = _Line(message, seconds)
    except (KeyError, ValueError):
        raise Unanswered("was not sent: that is no http or https address") from None
    try:
        return beside(lambda: line.ask(limit, timer), beat, seconds=seconds, cancel=line.cut)
    except (TookTooLong, TimeoutError):
        raise Unanswered(f"was not answered within {duration(seconds)}") from None
    except ssl.SSLCertVerificationError as error:
        raise Untrusted(f"was not sent: the certificate does not hold ({error.verify_message})") from None
    except socket.gaierror as error:
        raise Unanswered(f"was not sent: nobody knows the address of {line.place} ({error.strerror})") from None
    except ConnectionRefusedError:
        raise Unanswered(f"was not sent: {line.place} refuses connections") from None
    except OSError as error:
        raise Unanswered(f"got no answer: {error.strerror or error}") from None
    except (http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"got no HTTP: {str(error) or type(error).__name__}") from None


class _Line:
    """One connection, which another thread may cut."""

    def __init__(self, message: Message, seconds: float) -> None:
        self._message = message
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._is_cut = False
        url = urlsplit(message.url)
        self._scheme = url.scheme
        self._target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        self._netloc = url.netloc.rpartition("@")[2]
        self._host = url.hostname or ""
        self._port = url.port or _PORTS[url.scheme]
        self._where = _place(message.connect_to) if message.connect_to else (self._host, self._port)
        self._proxy = _proxy(self._host) if message.through_proxy and self._scheme == "https" else None

    @property
    def place(self) -> str:
        """Where the connection goes."""
        host, port = self._proxy[:2] if self._proxy else self._where
        return f"{host}:{port}"

    def ask(self, limit: int, timer: Callable[[], float]) -> Answer:
        """Send, and read the answer; in the other thread."""
        began = timer()
        connection = http.client.HTTPConnection(*(self._proxy[:2] if self._proxy else self._where), self._seconds)
        try:
            self._connect(connection)
            headers = {"Host": self._netloc, "User-Agent": "bluegreen", "Connection": "close", **self._message.headers}
            connection.request(self._message.method, self._target, self._message.body, headers)
            answer = connection.getresponse()
            body = answer.read(limit + 1)
            took = timer() - began
            if answer.length and len(body) <= limit:
                raise http.client.IncompleteRead(body, answer.length)
        finally:
            connection.close()
        named: dict[str, str] = {}
        for name, value in answer.getheaders():
            small = name.lower()
            named[small] = f"{named[small]}, {value}" if small in named else value
        return Answer(answer.status, named, body[:limit], len(body) > limit, took)

    def cut(self) -> None:
        """End it, whatever it waits for, but for a name that is being looked up."""
        self._is_cut = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        if self._proxy:
            connection.set_tunnel(*self._where, headers=dict(self._proxy[2]))
        connection.connect()
        self._socket = connection.sock
        if self._scheme == "https":
            # Checked against the host of the URL, wherever the connection goes.
            secure = ssl.create_default_context().wrap_socket(
                connection.sock, server_hostname=self._host, do_handshake_on_connect=False
            )
            self._socket = connection.sock = secure
            secure.do_handshake()
        if self._is_cut:  # before there was anything to cut
            raise TookTooLong


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _proxy(host: str) -> tuple[str, int, Mapping[str, str]] | None:
    """Host, port and headers of the proxy that the environment names for https; None: go there directly."""
    named = getproxies().get("https")
    if not named or proxy_bypass(host):
        return None
    url = urlsplit(named if "//" in named else f"//{named}")
    if not url.hostname:
        return None
    word = b64encode(f"{unquote(url.username)}:{unquote(url.password or '')}".encode()) if url.username else b""
    return url.hostname, url.port or _PROXY_PORT, {"Proxy-Authorization": f"Basic {word.decode()}"} if word else {}
