"""moto as an HTTP server on loopback.

Not `ThreadedMotoServer`: it waits for ever when its port is taken, and nothing can be mounted beside it.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from toolkit.errors import LabError
from toolkit.lab.admin import WsgiApp

LOOPBACK = "127.0.0.1"
_BACKLOG = 128


class ControlPlane:
    """The server. Its port is taken on construction, so the endpoint is known before anything answers."""

    def __init__(self, port: int = 0) -> None:
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        # moto builds URLs of its own (SQS queues, pre-signed S3) with this port.
        os.environ["MOTO_PORT"] = str(self.port)
        logging.getLogger("werkzeug").setLevel(logging.WARNING)

    @property
    def endpoint_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, mount: Callable[[WsgiApp], WsgiApp] = lambda aws: aws) -> None:
        """Answer in threads; `mount` may put something beside the emulated AWS."""
        self._server = make_server(
            LOOPBACK,
            self.port,
            mount(_whole_writes(DomainDispatcherApplication(create_backend_app))),
            threaded=True,
            request_handler=MotoRequestHandler,
            fd=self._socket.fileno(),
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="control-plane", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._socket.close()


def _whole_writes(aws: WsgiApp) -> WsgiApp:
    """Answer calls of DynamoDB one at a time: moto checks a condition and writes in two steps, AWS does in one."""
    turn = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with turn if environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB") else nullcontext():
            return aws(environ, start_response)

    return answer


def _bound(port: int) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((LOOPBACK, port))
        server.listen(_BACKLOG)
    except OSError as error:
        server.close()
        raise LabError(
            f"port {port} on {LOOPBACK} cannot be had: {error.strerror}.",
            hint="Name another with --port, or leave it out to take a free one.",
        ) from error
    return server
