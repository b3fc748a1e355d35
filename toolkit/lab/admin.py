"""The lab's own door beside the emulated AWS, under `/_lab/`.

GET  /_lab/status     everything about the lab
GET  /_lab/listeners  listener ARN -> address on loopback
PUT  /_lab/settings   {"propagation_delay": 1.5, ...} -> the options now in force
POST /_lab/...        a command that a part of the lab brings, with a JSON object
"""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from toolkit.errors import LabError

PREFIX = "/_lab/"
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Command = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What a POST does: takes and answers with a JSON object; LabError where it cannot."""


class Managed(Protocol):
    """What the door needs of the lab behind it."""

    def status(self) -> Mapping[str, Any]: ...
    def listeners(self) -> Mapping[str, str]: ...
    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]: ...


def beside(aws: WsgiApp, lab: Managed, commands: Mapping[str, Command] | None = None) -> WsgiApp:
    """One application: `/_lab/...` goes to the lab, everything else to the emulated AWS.

    `commands` are what POST does, by path below `/_lab/`.
    """

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return aws(environ, start_response)
        status, document = answer(lab, environ["REQUEST_METHOD"], path, _body(environ), commands)
        content = json.dumps(document).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [content]

    return app


def answer(
    lab: Managed, method: str, path: str, body: bytes, commands: Mapping[str, Command] | None = None
) -> tuple[HTTPStatus, Mapping[str, Any]]:
    """The status and the JSON document for one request."""
    match method, path.removeprefix(PREFIX):
        case "GET", "status":
            return HTTPStatus.OK, lab.status()
        case "GET", "listeners":
            return HTTPStatus.OK, lab.listeners()
        case "PUT", "settings":
            return _done(lab.change, body)
        case "POST", name if name in (commands or {}):
            return _done((commands or {})[name], body)
        case _:
            return HTTPStatus.NOT_FOUND, {"error": f"the lab has no {method} {path}"}


def _done(command: Command, body: bytes) -> tuple[HTTPStatus, Mapping[str, Any]]:
    try:
        asked = json.loads(body)
    except ValueError:
        return HTTPStatus.BAD_REQUEST, {"error": "the request is no JSON"}
    if not isinstance(asked, dict):
        return HTTPStatus.BAD_REQUEST, {"error": "the request is no JSON object"}
    try:
        return HTTPStatus.OK, command(asked)
    except LabError as error:
        return HTTPStatus.BAD_REQUEST, {"error": error.message, "hint": error.hint}


def _body(environ: Mapping[str, Any]) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body
