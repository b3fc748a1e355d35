"""A Slack-compatible webhook: what it is sent, and what its answers mean, over real connections."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.rollout.test_notification import a_notification
from tests.support.http_server import Reply, Server, running_server
from toolkit.errors import ConfigError
from toolkit.notify.slack import LONGEST_TEXT, SlackSink, text_of
from toolkit.rollout.notification import Severity, Unsent
from toolkit.traffic import Split

SECRET = "/services/T000/B000/verysecretindeed"


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


def sink(url: str, seconds: float = 5.0) -> SlackSink:
    return SlackSink("HOOK", {"HOOK": url}, seconds=seconds)


def test_it_is_sent_as_json_text(server: Server) -> None:
    sink(server.url(SECRET)).send(a_notification())
    (got,) = server.got
    assert (got.method, got.path, got.headers["content-type"]) == ("POST", SECRET, "application/json")
    assert json.loads(got.body) == {"text": text_of(a_notification())}


def test_the_message_says_what_and_below_it_where_things_stand() -> None:
    first, second = text_of(a_notification()).split("\n")
    assert first == ":large_green_circle: *web-4*: green is live"
    assert second == (
        "blue 5 / green 95 · entry 12 `abababababab` · by alice · 2026-01-02 12:00:03Z · 123456789012 eu-central-1"
    )
    assert text_of(replace(a_notification(), severity=Severity.ALERT)).startswith(":rotating_light: ")
    differing = replace(a_notification(), splits={"a": Split(blue=1, green=0), "b": Split(blue=0, green=1)})
    assert "a blue 1 / green 0 · b blue 0 / green 1" in text_of(differing)


def test_nobody_is_called_and_nothing_is_a_link() -> None:
    text = text_of(a_notification("<!channel> <https://evil.example|click> &"))
    assert "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp;" in text


def test_a_message_too_long_for_slack_is_cut() -> None:
    assert len(text_of(a_notification("&" * 8_000, routes=1_000))) <= LONGEST_TEXT


@pytest.mark.parametrize(
    ("status", "again", "refused"),
    [
        (500, True, False),
        (503, True, False),
        (429, True, False),
        (400, False, True),
        (413, False, True),
        (403, False, False),
        (404, False, False),
        (410, False, False),
        (302, False, False),
    ],
)
def test_every_answer_but_a_yes_says_what_follows(server: Server, status: int, again: bool, refused: bool) -> None:
    server.answers(Reply(status, b"no_service\n", {"Location": "https://elsewhere.example"}))
    with pytest.raises(Unsent, match=rf"answered {status} \(no_service\)") as unsent:
        sink(server.url(SECRET)).send(a_notification())
    assert (unsent.value.again, unsent.value.refused) == (again, refused)
    assert len(server.got) == 1


def test_the_time_that_slack_asks_for_is_told(server: Server) -> None:
    server.answers(Reply(429, headers={"Retry-After": "12"}))
    with pytest.raises(Unsent) as unsent:
        sink(server.url()).send(a_notification())
    assert unsent.value.after == 12


def test_one_that_hangs_is_given_up(server: Server) -> None:
    server.answers(Reply(after=30))
    began = time.monotonic()
    with pytest.raises(Unsent, match="was not answered within") as unsent:
        sink(server.url(), seconds=0.3).send(a_notification())
    assert time.monotonic() - began < 15, "the answer comes after 30 s"
    assert unsent.value.again


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"])
def test_one_that_vanishes_midway_is_asked_again(server: Server, raw: bytes) -> None:
    server.answers(Reply(raw=raw))
    with pytest.raises(Unsent) as unsent:
        sink(server.url()).send(a_notification())
    assert unsent.value.again


def test_one_that_is_not_there_is_asked_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(Unsent, match="refuses connections") as unsent:
        sink(f"http://127.0.0.1:{port}{SECRET}").send(a_notification())
    assert unsent.value.again


def test_an_answer_that_repeats_the_address_does_not_give_it_away(server: Server) -> None:
    url = server.url(SECRET)
    server.answers(Reply(404, f"nothing at {url} or {SECRET}".encode()))
    with pytest.raises(Unsent) as unsent:
        sink(url).send(a_notification())
    assert "verysecret" not in unsent.value.reason


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.slack.com/services/verysecret",
        "http://hooks.slack.com/services/verysecret",
        "ftp://127.0.0.1/verysecret",
        "https://hooks.slack.com/very secret",
        "https://[hooks/verysecret",
        "https:///verysecret",
        "https://hooks.slack.com:port/verysecret",
    ],
)
def test_an_address_that_is_none_is_refused_by_its_variables_name_alone(url: str) -> None:
    with pytest.raises(ConfigError, match="HOOK") as refused:
        sink(url)
    assert "secret" not in refused.value.message + refused.value.hint
