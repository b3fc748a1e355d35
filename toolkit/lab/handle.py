"""A lab from outside: start one, find one, talk to it, stop it. Command line and tests use the same."""

import json
import os
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from toolkit.errors import LabError
from toolkit.lab.attach_notice import Notice
from toolkit.lab.attach_options import AnyOptions, AttachOptions
from toolkit.lab.options import DEFAULT_NAME, LabOptions
from toolkit.lab.processes import Recorded, Stopped, is_running, recorded, stop
from toolkit.lab.state import Published, StateDirectory

REGION = "eu-central-1"
START_SECONDS = 30.0
GRACE_SECONDS = 20.0
_HTTP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that has been started. As a context manager it is stopped at the end."""

    published: Published
    state: StateDirectory
    region: str = REGION
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)  # of the one who started it

    @property
    def endpoint_url(self) -> str:
        return self.published.endpoint_url

    @property
    def door_url(self) -> str:
        """Where the lab itself answers: beside its AWS endpoint, but for an attached data plane."""
        return self.published.door_url or self.endpoint_url

    @property
    def pid(self) -> int:
        return self.published.supervisor.pid

    @property
    def exports(self) -> dict[str, str]:
        """The variables that lead the AWS SDKs, the AWS CLI and Terraform's provider to this lab."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment for a child: this process's, without what would lead it to the real AWS."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return inherited | self.exports | _no_proxy(inherited)

    def status(self) -> dict[str, Any]:
        return self._asked("GET", "/_lab/status")

    def listeners(self) -> dict[str, str]:
        """Listener ARN -> where its traffic is served: `http://127.0.0.1:PORT`, or `https`, `tcp` or `tls`."""
        return self._asked("GET", "/_lab/listeners")

    def health(self, target_group_arn: str) -> list[dict[str, Any]]:
        """The targets of a group as an attached data plane sees them; other labs are asked through ELBv2's API."""
        return self._ask("GET", f"/health?target_group={quote(target_group_arn, safe='')}")  # type: ignore[no-any-return]

    def settings(self, **changes: float) -> LabOptions:
        """Change what a running lab can change (see `LabOptions`), from the next request on."""
        return LabOptions.from_json(self._asked("PUT", "/_lab/settings", changes))

    def record(self, pid: int, what: str) -> None:
        """Let the lab's end, or its crash and `lab down`, be the end of this process too."""
        self.state.record(pid, what)

    def stop(self) -> list[Stopped]:
        """Stop the lab and all that is recorded for it; what was stopped. Harmless when nothing runs."""
        stopped = stop_lab(self.state)
        if self.process is not None:
            self.process.wait()
        return stopped

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask(method, path, body)
        return answer

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own endpoint on loopback
            f"{self.door_url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        # A proxy from the environment has no way to our loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_HTTP_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            said = json.load(error)
            raise LabError(said["error"], hint=said.get("hint", "")) from error
        except OSError as error:
            raise LabError(
                f"the lab at {self.door_url} does not answer: {error}.",
                hint=f"See {self.state.log}, or start it anew: bluegreen lab down && bluegreen lab up",
            ) from error


def _no_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Loopback past any proxy, in both spellings that programs read."""
    if not any(key.lower() in {"http_proxy", "all_proxy"} for key in environ):
        return {}
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    joined = ",".join(filter(None, (given, "127.0.0.1", "localhost")))
    return {"no_proxy": joined, "NO_PROXY": joined}


def find_lab(name: str, *, root: Path | None = None) -> Lab | None:
    """The running lab of this name, if there is one."""
    state = StateDirectory.of(name, root)
    published = state.published()
    return lab_of(published, state) if published is not None and published.is_up else None


def lab_of(published: Published, state: StateDirectory, process: "subprocess.Popen[bytes] | None" = None) -> Lab:
    """The lab that is published there. An attached one leads to the first of its regions."""
    options = published.options
    region = options.regions[0] if isinstance(options, AttachOptions) else REGION
    return Lab(published, state, region=region, process=process)


def running_lab(name: str, *, root: Path | None = None) -> Lab:
    """The running lab of this name; LabError if there is none."""
    lab = find_lab(name, root=root)
    if lab is None:
        words = "" if name == DEFAULT_NAME else f" --name {name}"
        raise LabError(f"lab '{name}' is not running.", hint=f"Start it: bluegreen lab up{words}")
    return lab


def start_lab(options: AnyOptions | None = None, *, root: Path | None = None, owned: bool = True) -> Lab:
    """Start a lab in a process and session of its own, and wait until it answers.

    Args:
        options: how it behaves, `AttachOptions` for a data plane without an AWS of its own; its name must not be that
            of a running lab.
        root: where its state is kept; default: see `state.default_root`.
        owned: whether it ends when this process does, however that ends.

    Raises:
        LabError: it is running already, or could not start; nothing is left behind.
    """
    options = options or LabOptions()
    state = StateDirectory.of(options.name, root)
    with state.locked():
        if (running := find_lab(options.name, root=root)) is not None:
            raise LabError(
                f"lab '{options.name}' is running already at {running.endpoint_url}.",
                hint=f"Use it, stop it (bluegreen lab down --name {options.name}), or take another --name.",
            )
        sweep(state)
        process = _spawn(state, options, owner=recorded(os.getpid(), "owner") if owned else None)
        published = state.published()
        if published is None or published.supervisor.pid != process.pid:
            raise LabError("the lab said it was ready and then left.", hint=f"See {state.log}.")
        return lab_of(published, state, process)


def _spawn(state: StateDirectory, options: AnyOptions, owner: Recorded | None) -> "subprocess.Popen[bytes]":
    """Start the lab's own process and wait for its word."""
    module = "toolkit.lab.attach" if isinstance(options, AttachOptions) else "toolkit.lab.supervisor"
    reader, writer = os.pipe()
    argument = {
        "directory": str(state.path),
        "options": options.to_json(),
        "ready_fd": writer,
        "owner": None if owner is None else owner.to_json(),
    }
    with state.log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, json.dumps(argument)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=(writer,),
            env=_supervisor_environ() | {"MOTO_RECORDER_FILEPATH": str(state.path / "recording.jsonl")},
        )
    os.close(writer)
    try:
        word = _word(reader)
    except BaseException:  # also Ctrl-C while waiting: leave nothing behind
        _abandon(process, state)
        raise
    finally:
        os.close(reader)
    if word is None or "error" in word:
        _abandon(process, state)
        said = word or {"error": f"the lab did not start: {state.last_words()}.", "hint": f"See {state.log}."}
        raise LabError(said["error"], hint=said.get("hint", ""))
    return process


def _supervisor_environ() -> dict[str, str]:
    """What the lab's own AWS clients need, and nothing that would lead them out of it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MOTO_"))}
    credentials = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return inherited | credentials | _no_proxy(inherited) | {"PYTHONUNBUFFERED": "1"}


def _word(reader: int) -> dict[str, Any] | None:
    """The line a starting supervisor says; None if it left without one or took too long."""
    deadline = time.monotonic() + START_SECONDS
    said = b""
    while not said.endswith(b"\n"):
        readable, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not readable or not (chunk := os.read(reader, 4096)):
            return None
        said += chunk
    word: dict[str, Any] = json.loads(said)
    return word


def _abandon(process: "subprocess.Popen[bytes]", state: StateDirectory) -> None:
    """End a supervisor that did not come up, and whatever it had started."""
    if (supervisor := recorded(process.pid, "lab")) is not None:
        stop([supervisor], grace=GRACE_SECONDS)
    process.wait()
    sweep(state)


def stop_lab(state: StateDirectory) -> list[Stopped]:
    """Stop a lab and every process recorded for it, also what a crashed one has left; what was stopped."""
    with state.locked():
        published = state.published()
        before = [process for process in state.processes() if is_running(process)]
        # The lab first: it ends its own children in order.
        own = [] if published is None else stop([published.supervisor], grace=GRACE_SECONDS)
        killed = {one.process for one in own + sweep(state) if one.killed}
        if published is not None and published.door_url is not None and published.supervisor not in before:
            # It crashed, and its endpoint may still ask it for target health.
            Notice(published.endpoint_url, published.door_url).withdraw()
        return [Stopped(process, killed=process in killed) for process in before]


def sweep(state: StateDirectory) -> list[Stopped]:
    """Stop what is recorded and still runs, and forget it."""
    left = state.processes()
    stopped = stop(left, grace=GRACE_SECONDS)
    for process in left:
        state.forget(process.pid)
    state.retract()
    return stopped
