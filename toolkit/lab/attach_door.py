"""Where an attached data plane itself answers, on loopback.

GET /health?target_group=ARN -> [{"id": "10.0.1.11", "port": 8080, "state": "healthy", "reason": null,
    "description": null}, ...]: the targets as the load balancer sees them, the draining ones among them; none for a
    group that it does not know (yet)
GET /_lab/...: as beside every lab (`admin.py`)
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from werkzeug.serving import make_server

from toolkit.errors import LabError
from toolkit.lab.admin import Managed, WsgiApp, beside
from toolkit.lab.dataplane import TargetHealth

LOOPBACK = "127.0.0.1"
HealthOf = Callable[[str], Mapping[tuple[str, int], TargetHealth]]


class Door:
    """The server. Its port is taken on construction, so its address is known before it answers."""

    def __init__(self, health: HealthOf, lab: Managed) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._server = make_server(LOOPBACK, 0, beside(health_app(health), lab), threaded=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="attach-door", daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def health_app(health: HealthOf) -> WsgiApp:
    """The part of the door that is not every lab's."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        status, document = answer(health, environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), query)
        content = json.dumps(document).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [content]

    return app


def answer(
    health: HealthOf, method: str, path: str, query: Mapping[str, list[str]]
) -> tuple[HTTPStatus, list[dict[str, Any]] | dict[str, str]]:
    """The status and the JSON document for one request."""
    if (method, path) != ("GET", "/health"):
        return HTTPStatus.NOT_FOUND, {"error": f"the data plane has no {method} {path}"}
    arns = query.get("target_group", [])
    if len(arns) != 1:
        return HTTPStatus.BAD_REQUEST, {"error": "name one target group: /health?target_group=ARN"}
    try:
        found = health(arns[0])
    except LabError as error:  # a dead load balancer is no answer about the targets
        return HTTPStatus.SERVICE_UNAVAILABLE, {"error": error.message}
    return HTTPStatus.OK, [
        {"id": id_, "port": port, "state": one.state, "reason": one.reason, "description": one.description}
        for (id_, port), one in found.items()
    ]
