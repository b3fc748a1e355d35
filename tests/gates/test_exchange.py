"""One request, one answer, on a connection of its own; and every way in which none comes."""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from collections.abc import Callable

import pytest

from tests.support.hooks import A_SECOND, Pulsing
from tests.support.http_server import Reply, Server, wait_until
from toolkit.gates.exchange import Answer, Message, Unanswered, Untrusted, exchange
from toolkit.gates.waiting import Beat, Stopped
from toolkit.rollout.ports import Pulse


def ask(
    message: Message,
    *,
    seconds: float = 10,
    limit: int = 1000,
    pulse: Pulse | None = None,
    timer: Callable[[], float] = time.monotonic,
) -> Answer:
    beat = Beat(Pulsing() if pulse is None else pulse)
    return exchange(message, seconds=seconds, limit=limit, beat=beat, timer=timer)


def why(message: Message, **words: float) -> str:
    with pytest.raises(Unanswered) as caught:
        ask(message, **words)  # type: ignore[arg-type]
    return str(caught.value)


def test_status_headers_and_body_come_back_and_what_was_said_arrives(server: Server) -> None:
    server.answers(Reply(201, b"made", {"X-Color": "green"}))
    answer = ask(Message("POST", server.url("/a/b?c=d"), {"X-Mine": "1"}, b"body"))
    assert (answer.status, answer.headers["x-color"], answer.body, answer.cut) == (201, "green", b"made", False)
    (got,) = server.got
    assert (got.method, got.path, got.body) == ("POST", "/a/b?c=d", b"body")
    assert got.headers["x-mine"] == "1"
    assert got.headers["host"] == f"localhost:{server.port}"


def test_each_is_sent_on_a_connection_of_its_own(server: Server) -> None:
    for _ in range(3):
        ask(Message("GET", server.url()))
    assert server.connections == 3


def test_only_so_much_of_a_body_is_read(server: Server) -> None:
    server.answers(Reply(body=b"x" * 100_000))
    answer = ask(Message("GET", server.url()), limit=10)
    assert (answer.body, answer.cut) == (b"x" * 10, True)


def test_the_connection_may_go_elsewhere_than_the_url(server: Server) -> None:
    ask(Message("GET", "http://www.example.com/x", connect_to=server.place))
    assert server.got[0].headers["host"] == "www.example.com"


def test_the_time_is_that_of_the_timer(server: Server) -> None:
    times = iter([100.0, 102.5])
    assert ask(Message("GET", server.url()), timer=lambda: next(times)).seconds == 2.5


def test_nobody_listening_is_told() -> None:
    with socket.socket() as taken:  # bound, and never listening
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert why(Message("GET", f"http://127.0.0.1:{port}/")) == f"was not sent: 127.0.0.1:{port} refuses connections"


def test_a_name_that_nobody_knows_is_told() -> None:
    assert "nobody knows the address of no-such-host.invalid:80" in why(Message("GET", "http://no-such-host.invalid/"))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "got no answer"),
        (b"nonsense\r\n\r\n", "got no HTTP: nonsense"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha", "IncompleteRead"),
    ],
)
def test_half_an_answer_is_none(server: Server, raw: bytes, words: str) -> None:
    server.answers(Reply(raw=raw))
    assert words in why(Message("GET", server.url()))


@pytest.mark.parametrize("url", ["ftp://localhost/", "http://localhost:port/", "localhost"])
def test_what_is_no_address_is_told(url: str) -> None:
    assert "no http or https address" in why(Message("GET", url))


def test_an_answer_that_does_not_come_in_time_is_given_up(server: Server) -> None:
    server.answers(Reply(after=30))
    began = time.monotonic()
    assert why(Message("GET", server.url()), seconds=0.3) == "was not answered within 0.3s"
    assert time.monotonic() - began < 5


def test_a_drip_is_given_up_though_every_drop_comes_in_time() -> None:
    """The limit is on the whole, not on each read of the socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        began = time.monotonic()
        pulse = Pulsing()
        peer: socket.socket | None = None

        def drip() -> bool:
            nonlocal peer
            if peer is None:
                peer, _ = listening.accept()
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            peer.sendall(b"x")
            return pulse()

        with pytest.raises(Unanswered, match=r"within 1\.5s"):
            ask(Message("GET", f"http://127.0.0.1:{port}/"), seconds=1.5, pulse=drip)
        assert time.monotonic() - began < 5
        assert peer is not None
        peer.settimeout(5)
        assert peer.recv(1) == b"", "the connection was cut"
        peer.close()


def test_the_pulse_is_asked_while_nobody_answers_and_its_no_cuts_the_connection(server: Server) -> None:
    server.answers(Reply(after=30))
    pulse = Pulsing(stop_after=3)
    with pytest.raises(Stopped):
        ask(Message("GET", server.url()), seconds=30, pulse=pulse)
    assert pulse.longest_silence(until_now=False) < A_SECOND
    wait_until(lambda: len(server.got) == 1)


def test_a_certificate_is_checked_against_the_host_of_the_url(trusted: Server) -> None:
    assert ask(Message("GET", trusted.url())).status == 200
    with pytest.raises(Untrusted, match=r"'www\.example\.com'"):
        ask(Message("GET", "https://www.example.com/", connect_to=trusted.place))
    assert len(trusted.got) == 1


def test_a_certificate_of_nobody_known_is_refused_and_nothing_is_sent(secure: Server) -> None:
    with pytest.raises(Untrusted, match="the certificate does not hold"):
        ask(Message("POST", secure.url(), body=b"secret"))
    assert secure.got == []


def test_plain_http_where_tls_is_expected_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "got no answer" in why(Message("GET", f"https://localhost:{server.port}/"))


def test_a_proxy_of_the_environment_is_asked_for_a_way_where_that_is_allowed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers(Reply(raw=b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
    monkeypatch.setenv("https_proxy", f"http://us%40er:pa%20ss@{server.place}")
    monkeypatch.setenv("no_proxy", "localhost")
    told = why(Message("POST", "https://hooks.example.com/x", body=b"{}", through_proxy=True))
    assert "Tunnel connection failed: 407" in told
    (got,) = server.got
    assert (got.method, got.path) == ("CONNECT", "hooks.example.com:443")
    assert got.headers["proxy-authorization"] == f"Basic {b64encode(b'us@er:pa ss').decode()}"


def test_no_proxy_is_asked_about_what_is_exempt(trusted: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "localhost")
    assert ask(Message("GET", trusted.url(), through_proxy=True)).status == 200
