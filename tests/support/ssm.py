"""SSM Run Command with an agent on every instance, which runs scripts for real: on loopback, over AWS's protocol.

moto answers every command with Success at once and has no ListCommandInvocations, so how a command goes is told here.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

SHELL = "AWS-RunShellScript"
HANG_UP = (0, "hang up")
_SUBSTITUTED = re.compile(r"\{\{.*?\}\}")
"""SSM puts parameters of its own in place of `{{ssm:NAME}}`; here it is less choosy."""
Look = Mapping[str, Any]


class Refused(Exception):
    """An error of AWS's, by its code."""


@dataclass
class Ssm:
    """looks: of the next commands, what is seen of each at every look, the last one for ever; without them a script is
    run. then: by operation, the errors of the next calls: status and code. calls: operation and request, as they came.
    """

    url: str
    directory: Path
    looks: list[list[Look]] = field(default_factory=list)
    then: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _commands: dict[str, _Command] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The requests of one operation."""
        return [request for name, request in self.calls if name == operation]

    def answer(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        with self._turn:
            self.calls.append((operation, request))
            pending = self.then.get(operation)
            status, code = pending.pop(0) if pending else (200, "")
            if code:
                return status, {"__type": code, "message": f"{code} it is"}
            try:
                return 200, _OPERATIONS[operation](self, request)
            except Refused as error:
                return 400, {"__type": str(error), "message": "as AWS would say"}

    def send(self, request: dict[str, Any]) -> dict[str, Any]:
        (instance,) = request["InstanceIds"]
        given, document = request.get("Parameters", {}), request["DocumentName"]
        timeout = given.get("executionTimeout", ["3600"])[0]
        if document == SHELL and not (given.get("commands") and re.fullmatch(r"[1-9]\d{0,5}", timeout)):
            raise Refused("InvalidParameters")
        if not 30 <= request["TimeoutSeconds"] <= 2_592_000 or len(request.get("Comment", "")) > 100:
            raise Refused("ValidationException")
        name = str(uuid4())
        if self.looks:
            self._commands[name] = _Command(instance, self.looks.pop(0))
        elif document == SHELL:
            self._commands[name] = _Command(instance, [], _Script(self.directory, name, given["commands"]))
        else:
            self._commands[name] = _Command(instance, [_SUCCESS])
        return {"Command": {"CommandId": name, "Status": "Pending"}}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        return {**self._command(request).look(), "CommandId": request["CommandId"]}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        seen = self._command(request).look()
        return {"CommandInvocations": [seen] if seen else []}

    def cancel(self, request: dict[str, Any]) -> dict[str, Any]:
        (instance,) = request["InstanceIds"]
        self._command({**request, "InstanceId": instance}).cancel()
        return {}

    def _command(self, request: dict[str, Any]) -> _Command:
        command = self._commands.get(request["CommandId"])
        if command is None or command.instance != request["InstanceId"]:
            raise Refused("InvocationDoesNotExist")
        return command

    def forget(self) -> None:
        """What was asked and what was to come."""
        self.looks, self.then, self.calls = [], {}, []

    def end(self) -> None:
        for command in self._commands.values():
            if command.script:
                command.script.end()


_SUCCESS = {"Status": "Success", "StatusDetails": "Success", "ResponseCode": 0}
_UNDER_WAY = {"Status": "InProgress", "StatusDetails": "InProgress", "ResponseCode": -1}
_CANCELLED = {"Status": "Cancelled", "StatusDetails": "Cancelled", "ResponseCode": -1}


@dataclass
class _Command:
    instance: str
    looks: list[Look]
    script: _Script | None = None
    is_cancelled: bool = False

    def look(self) -> dict[str, Any]:
        if self.script:
            return self.script.look(is_cancelled=self.is_cancelled)
        return dict(self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])

    def cancel(self) -> None:
        self.is_cancelled = True
        if self.script:
            self.script.end()
        elif self.looks[0].get("Status") != "Cancelling":  # what is told of the end stays
            self.looks = [_CANCELLED]


class _Script:
    """Lines as the agent runs them: from a file, by `sh -c`, so that a first line may name another shell."""

    def __init__(self, directory: Path, name: str, lines: list[str]) -> None:
        path = directory / f"{name}.sh"
        path.write_text(_SUBSTITUTED.sub("SSM was here", "\n".join(lines)), encoding="utf-8")
        path.chmod(0o700)
        self._out, self._err = directory / f"{name}.out", directory / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                ["sh", "-c", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={"PATH": os.environ["PATH"]},
                start_new_session=True,
            )

    def look(self, *, is_cancelled: bool) -> dict[str, Any]:
        code = self._process.poll()
        if code is None:
            return dict(_UNDER_WAY)
        said = {
            "StandardOutputContent": self._out.read_text(errors="replace")[:24_000],
            "StandardErrorContent": self._err.read_text(errors="replace")[:8_000],
        }
        status = "Success" if code == 0 else "Failed"
        return {
            "Status": status,
            "StatusDetails": status,
            "ResponseCode": code,
            **said,
            **(_CANCELLED if is_cancelled else {}),
        }

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)


_OPERATIONS = {
    "SendCommand": Ssm.send,
    "GetCommandInvocation": Ssm.get,
    "ListCommandInvocations": Ssm.list,
    "CancelCommand": Ssm.cancel,
}


@contextmanager
def running_ssm(directory: Path) -> Iterator[Ssm]:
    """One on a free port of loopback; scripts stand in `directory`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    ssm = Ssm(f"http://127.0.0.1:{server.server_port}", directory)
    server.ssm = ssm  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield ssm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        ssm.end()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, which nobody waits for

    def do_POST(self) -> None:
        ssm: Ssm = self.server.ssm  # type: ignore[attr-defined]
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        status, body = ssm.answer(self.headers["X-Amz-Target"].removeprefix("AmazonSSM."), request)
        if not status:
            self.close_connection = True
            return
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
