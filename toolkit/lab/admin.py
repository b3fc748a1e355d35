"""The lab's own door beside the emulated AWS, under `/_lab/`.

GET  /_lab/status     everything about the lab
GET  /_lab/listeners  listener ARN -> address on loopback
PUT  /_lab/settings   {"propagation_delay": 1.5, ...} -> the options now in force
"""

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from toolkit.errors import LabError

PREFIX = "/_lab/"
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Managed(Protocol):
    """What the door needs of the lab behind it."""

    def status(self) -> Mapping[str, Any]: ...
    def listeners(self) -> Mapping[str, str]: ...
    def change(self, changes: Mapping[str, Any]) -> Mapping[str, Any]: ...


def beside(aws: WsgiApp, lab: Managed) -> WsgiApp:
    """One application: `/_lab/...` goes to the lab, everything else to the emulated AWS."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return aws(environ, start_response)
        status, document = answer(lab, environ["REQUEST_METHOD"], path, _body(environ))
        content = json.dumps(document).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [content]

    return app


def answer(lab: Managed, method: str, path: str, body: bytes) -> tuple[HTTPStatus, Mapping[str, Any]]:
    """The status and the JSON document for one request."""
    match method, path.removeprefix(PREFIX):
        case "GET", "status":
            return HTTPStatus.OK, lab.status()
        case "GET", "listeners":
            return HTTPStatus.OK, lab.listeners()
        case "PUT", "settings":
            return _change(lab, body)
        case _:
            return HTTPStatus.NOT_FOUND, {"error": f"the lab has no {method} {path}"}


def _change(lab: Managed, body: bytes) -> tuple[HTTPStatus, Mapping[str, Any]]:
    try:
        changes = json.loads(body)
    except ValueError:
        return HTTPStatus.BAD_REQUEST, {"error": "the settings are no JSON"}
    if not isinstance(changes, dict):
        return HTTPStatus.BAD_REQUEST, {"error": "the settings are no JSON object"}
    try:
        return HTTPStatus.OK, lab.change(changes)
    except LabError as error:
        return HTTPStatus.BAD_REQUEST, {"error": error.message, "hint": error.hint}


def _body(environ: Mapping[str, Any]) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body
