"""A webhook is called once a try, signed, and its answer is read as yes, no or veto."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from tests.support.hooks import Pulsing
from tests.support.http_server import Reply, Server
from toolkit.gates.waiting import Beat, Try
from toolkit.gates.webhooks import body_of, post
from toolkit.rollout.steps import OUTPUT_LIMIT, Hook

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
TOLD = {"BLUEGREEN_SERVICE": "web", "BLUEGREEN_SHARE": "5", "BLUEGREEN_HOOK_ID": "web-42/3"}


def call(url: str, *, secret: str | None = None, timeout: float = 10, secrets: tuple[str, ...] = ()) -> Try:
    hook = Hook("approve", url=url, timeout_seconds=timeout)
    return post(hook, TOLD, secret=secret, now=NOON, beat=Beat(Pulsing()), secrets=secrets)


def test_what_the_hook_is_told_is_posted_as_json(server: Server) -> None:
    server.answers(Reply(204))
    made = call(server.url("/gate"))
    assert made.passed
    (got,) = server.got
    assert (got.method, got.path, got.headers["content-type"]) == ("POST", "/gate", "application/json")
    assert json.loads(got.body) == {"service": "web", "share": "5", "hook_id": "web-42/3"}
    assert got.headers["idempotency-key"] == "web-42/3"
    assert "x-bluegreen-signature" not in got.headers


def test_a_receiver_can_check_who_sent_it_and_when(server: Server) -> None:
    call(server.url(), secret="k3y")
    (got,) = server.got
    stamp = got.headers["x-bluegreen-timestamp"]
    assert int(stamp) == NOON.timestamp()
    signed = hmac.new(b"k3y", stamp.encode() + b"." + got.body, sha256).hexdigest()
    assert got.headers["x-bluegreen-signature"] == f"sha256={signed}"


@pytest.mark.parametrize(
    ("status", "passed", "again"),
    [(200, True, True), (299, True, True), (302, False, False), (400, False, False), (404, False, False),
     (429, False, True), (500, False, True), (503, False, True)],
)  # fmt: skip
def test_2xx_passes_and_what_may_be_better_later_is_tried_again(
    server: Server, status: int, *, passed: bool, again: bool
) -> None:
    server.answers(Reply(status, b"text"))
    made = call(server.url("/secret-path"))
    assert (made.passed, made.again, made.output) == (passed, again, "text")
    assert f"POST http://localhost:{server.port}/… answered {status} in " in made.reason


def test_a_redirect_is_told_and_not_followed(server: Server) -> None:
    server.answers(Reply(307, headers={"Location": server.url("/other")}), Reply(200))
    made = call(server.url())
    assert made.reason.endswith(f"to {server.url('/other')}: redirects are not followed")
    assert len(server.got) == 1


def test_a_redirect_to_an_endless_address_is_one_readable_line(server: Server) -> None:
    server.answers(Reply(302, headers={"Location": "https://example.com/" + "x" * 20_000}))
    reason = call(server.url()).reason
    assert reason.endswith("xxx: redirects are not followed")
    assert len(reason) < 500


@pytest.mark.parametrize(
    ("body", "passed", "words"),
    [
        (b'{"ok": false, "reason": "database  is\\n frozen"}', False, "says no: database is frozen"),
        (b'{"ok": false}', False, "says no: no reason given"),
        (b'{"ok": false, "reason": ["x"]}', False, "says no: no reason given"),
        (b'{"ok": true}', True, ""),
        (b'{"ok": 0}', True, ""),
        (b"[false]", True, ""),
        (b"fine", True, ""),
        (b"[" * 100_000, True, ""),
    ],
)
def test_an_answer_that_says_ok_false_is_a_veto_and_final(
    server: Server, body: bytes, words: str, *, passed: bool
) -> None:
    server.answers(Reply(body=body))
    made = call(server.url())
    assert made.passed is passed
    assert words in made.reason
    assert passed or not made.again


def test_an_answer_too_long_to_be_read_whole_is_no_yes(server: Server) -> None:
    server.answers(Reply(body=b" " * 1_100_000 + b'{"ok": false}'))
    made = call(server.url())
    assert not made.passed
    assert "1 MB" in made.reason
    assert len(made.output.encode()) <= OUTPUT_LIMIT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3),
        ("100", 10),
        ("Fri, 02 Jan 2026 12:00:07 GMT", 7),
        ("Fri, 02 Jan 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("-1", 0),
    ],
)
def test_a_pause_that_is_asked_for_is_given_up_to_the_timeout(server: Server, text: str, seconds: float) -> None:
    server.answers(Reply(503, headers={"Retry-After": text}))
    assert call(server.url(), timeout=10).after == seconds


@pytest.mark.parametrize("url", ["http://hooks.example.com/x", "http://10.0.0.1/", "ftp://localhost/", "hooks"])
def test_only_https_leaves_this_machine(url: str) -> None:
    made = call(url)
    assert not made.passed
    assert not made.again
    assert "was not called: a webhook is https" in made.reason


def test_over_https_the_certificate_is_checked(trusted: Server) -> None:
    assert call(trusted.url()).passed


def test_nothing_is_sent_to_who_cannot_prove_who_it_is(secure: Server) -> None:
    made = call(secure.url(), secret="k3y")
    assert not made.passed
    assert "certificate does not hold" in made.reason
    assert secure.got == []


def test_no_answer_is_a_failure_that_may_be_tried_again(server: Server) -> None:
    server.answers(Reply(after=30))
    made = call(server.url(), timeout=0.2)
    assert (made.passed, made.again) == (False, True)
    assert made.reason.endswith("was not answered within 0.2s")


def test_secrets_that_are_known_do_not_get_into_the_record(server: Server) -> None:
    server.answers(Reply(body=b'{"ok": false, "reason": "bad key s3cret-s3cret"}'))
    made = call(server.url(), secrets=("s3cret-s3cret",))
    assert "s3cret" not in made.reason + made.output


def test_the_body_is_the_same_for_the_same_words() -> None:
    assert body_of({"BLUEGREEN_B": "1", "BLUEGREEN_A": "ä"}) == b'{"a":"\\u00e4","b":"1"}'
