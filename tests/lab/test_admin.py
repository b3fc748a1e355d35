"""The lab's own door beside the emulated AWS."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from toolkit.errors import LabError
from toolkit.lab.admin import answer, beside
from toolkit.lab.options import LabOptions


class FakeLab:
    def status(self) -> Mapping[str, Any]:
        return {"name": "fake"}

    def listeners(self) -> Mapping[str, str]:
        return {"arn": "http://127.0.0.1:1"}

    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        return LabOptions().changed(changes).to_json()


def aws(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"aws"]


def call(method: str, path: str, body: bytes = b"") -> tuple[str, bytes]:
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    content = b"".join(beside(aws, FakeLab())(environ, lambda status, _headers: said.append(status)))
    return said[0], content


def test_everything_else_goes_to_aws() -> None:
    assert call("POST", "/") == ("200 OK", b"aws")
    assert call("GET", "/_labels") == ("200 OK", b"aws")


def test_status_and_listeners_are_json() -> None:
    assert call("GET", "/_lab/status") == ("200 OK", b'{"name": "fake"}')
    assert call("GET", "/_lab/listeners") == ("200 OK", b'{"arn": "http://127.0.0.1:1"}')


def test_settings_answer_with_what_is_now_in_force() -> None:
    status, content = call("PUT", "/_lab/settings", b'{"propagation_delay": 2}')
    assert status == "200 OK"
    assert json.loads(content)["propagation_delay"] == 2.0


def test_bad_settings_are_refused_in_words() -> None:
    for body in (b"{", b"[]", b'{"port": 1}', b'{"propagation_delay": -1}'):
        status, document = answer(FakeLab(), "PUT", "/_lab/settings", body)
        assert status is HTTPStatus.BAD_REQUEST
        assert document["error"]


def test_other_paths_are_not_found() -> None:
    assert call("GET", "/_lab/other")[0] == "404 Not Found"
    assert call("POST", "/_lab/status")[0] == "404 Not Found"


def test_a_command_answers_what_it_did_or_why_not() -> None:
    def scale(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if "to" not in asked:
            raise LabError("nothing to do.", hint="Say to what.")
        return {"desired_count": asked["to"]}

    commands = {"compute/scale-in": scale}
    path = "/_lab/compute/scale-in"
    assert answer(FakeLab(), "POST", path, b'{"to": 1}', commands) == (HTTPStatus.OK, {"desired_count": 1})
    status, document = answer(FakeLab(), "POST", path, b"{}", commands)
    assert (status, document) == (HTTPStatus.BAD_REQUEST, {"error": "nothing to do.", "hint": "Say to what."})
    assert answer(FakeLab(), "POST", path, b"[]", commands)[0] is HTTPStatus.BAD_REQUEST
    assert answer(FakeLab(), "GET", path, b"", commands)[0] is HTTPStatus.NOT_FOUND
    assert answer(FakeLab(), "POST", "/_lab/settings", b"{}", commands)[0] is HTTPStatus.NOT_FOUND
    assert answer(FakeLab(), "POST", path, b"{}")[0] is HTTPStatus.NOT_FOUND
