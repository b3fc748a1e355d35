"""Which data plane is attached, if any: one at a time, the last to come.

- `GET` answers {"url": "http://127.0.0.1:PORT"}, or null for the URL.
- `PUT` of such a document attaches; 400 for an address off loopback.
- `DELETE` with one detaches that one, and with no body whichever is there.
"""

import json
import threading
from http import HTTPStatus

from werkzeug import Request, Response

from bluegreen_localstack.checks import ask_for_health
from bluegreen_localstack.data_plane import BadUrl, DataPlane


class Attachment:
    def __init__(self) -> None:
        self._attached: DataPlane | None = None
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        body = request.get_data()  # whatever its content type; `data` would take curl's for a form
        try:
            with self._lock:
                if request.method == "PUT":
                    self._attach(_named(body))
                # Who was replaced by another and leaves afterwards must not detach that one.
                elif request.method == "DELETE" and (not body or _named(body) == self._attached):
                    self._attach(None)
                return _json({"url": self._attached and self._attached.url})
        except BadUrl as error:
            return _json({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _attach(self, plane: DataPlane | None) -> None:
        self._attached = plane
        ask_for_health(plane)


def _named(body: bytes) -> DataPlane:
    """The data plane that a request's body names."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    return DataPlane.at(document.get("url") if isinstance(document, dict) else None)


def _json(document: dict[str, str | None], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
