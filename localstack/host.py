# ruff: noqa: INP001 - a program of the clone, no part of the package
"""LocalStack on this machine without Docker: `make localstack-up`, `make localstack-down`.

The open core runs in an environment of its own, `.venv-localstack`, because it needs Python 3.13 and old releases of
much that bluegreen uses too. This program runs in bluegreen's `.venv` and starts the other as a process.
"""

import argparse
import contextlib
import fcntl
import http.client
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from localstack.environment import ENVIRONMENT, prepare, say
from toolkit.errors import BluegreenError, LabError
from toolkit.lab.processes import Recorded, Stopped, is_running, recorded, stop

__all__ = ["SERVICES", "LocalStack", "State", "down", "main", "prepare", "up"]

LOOPBACK = "127.0.0.1"
USUAL_PORT = 4566
REGION = "eu-central-1"
START_SECONDS = 90.0
GRACE_SECONDS = 20.0

# Only these, and what they need: without a list LocalStack would load any service on demand.
SERVICES = (
    *("sts", "iam", "ec2", "elbv2", "autoscaling", "ecs", "application-autoscaling", "dynamodb", "s3", "ssm", "logs"),
    *("cloudwatch", "events", "sns", "sqs", "secretsmanager", "kms", "stepfunctions"),
)
# What would change the LocalStack we start, or lead it to the real AWS.
_NOT_INHERITED = (
    *("AWS_", "MOTO_", "LOCALSTACK_", "PROVIDER_OVERRIDE_", "GATEWAY_", "DNS_", "DISABLE_", "EAGER_", "PERSISTENCE"),
    *("USE_SSL", "PYTHON"),
)


@dataclass(frozen=True, slots=True)
class LocalStack:
    """One that was started here."""

    process: Recorded
    endpoint_url: str

    @property
    def exports(self) -> dict[str, str]:
        """The variables that lead the AWS SDKs, the AWS CLI and Terraform's provider to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True, slots=True)
class State:
    """The directory that remembers which LocalStack was started, private to its user."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "localstack.log"

    @property
    def filesystem(self) -> Path:
        return self.path / "filesystem"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time starts or stops it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise LabError(
                f"LocalStack cannot keep its state in {self.path}: {error.strerror}.",
                hint="Set BLUEGREEN_LOCALSTACK_DIR to a directory that can be written.",
            ) from error
        with (self.path / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def remember(self, localstack: LocalStack) -> None:
        document = {"endpoint_url": localstack.endpoint_url, "process": localstack.process.to_json()}
        fresh = self.path / "localstack.json.new"
        fresh.write_text(json.dumps(document))
        fresh.replace(self.path / "localstack.json")

    def forget(self) -> None:
        (self.path / "localstack.json").unlink(missing_ok=True)
        shutil.rmtree(self.filesystem, ignore_errors=True)

    def running(self) -> LocalStack | None:
        """The one that was started and still runs."""
        try:
            document = json.loads((self.path / "localstack.json").read_text())
            known = LocalStack(Recorded(**document["process"]), document["endpoint_url"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(
                f"{self.path}/localstack.json is damaged.", hint="Delete it; check for leftovers with `ps`."
            ) from error
        return known if is_running(known.process) else None


def default_directory(environ: Mapping[str, str]) -> Path:
    """`BLUEGREEN_LOCALSTACK_DIR`, or the place the XDG base directory specification gives to state."""
    if named := environ.get("BLUEGREEN_LOCALSTACK_DIR"):
        return Path(named).absolute()
    state = Path(environ.get("XDG_STATE_HOME", ""))
    home = state if state.is_absolute() else Path.home() / ".local" / "state"
    return home / "bluegreen" / "localstack"


def variables(inherited: Mapping[str, str], *, port: int, filesystem: Path) -> dict[str, str]:
    """The environment in which LocalStack runs as a process and listens on loopback only."""
    own = {
        "SERVICES": ",".join(SERVICES),
        "STRICT_SERVICE_LOADING": "1",
        "OVERRIDE_IN_DOCKER": "0",
        "GATEWAY_SERVER": "hypercorn",  # the default one ignores GATEWAY_LISTEN
        "GATEWAY_LISTEN": f"{LOOPBACK}:{port}",
        "LOCALSTACK_HOST": f"{LOOPBACK}:{port}",
        "EXTERNAL_SERVICE_PORTS_START": "4510",
        "EXTERNAL_SERVICE_PORTS_END": "4560",
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "FILESYSTEM_ROOT": str(filesystem),
        # LocalStack's own are programs in Java and Node, which download themselves; kinesis listens on every address.
        "PROVIDER_OVERRIDE_DYNAMODB": "moto",
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
        "PROVIDER_OVERRIDE_KINESIS": "moto",
        "PYTHONUNBUFFERED": "1",
    }
    kept = {name: value for name, value in inherited.items() if not name.startswith(_NOT_INHERITED)}
    # LocalStack calls itself: not by way of a proxy, in both spellings that programs read.
    direct = ",".join(filter(None, (kept.get("no_proxy") or kept.get("NO_PROXY"), LOOPBACK, "localhost")))
    return kept | own | {"no_proxy": direct, "NO_PROXY": direct}


def free_port(wanted: int | None) -> int:
    """The port to listen on: `wanted`, else LocalStack's usual one, else any that is free.

    Raises:
        LabError: `wanted` is taken, or no port.
    """
    for port in [USUAL_PORT, 0] if wanted is None else [wanted]:
        with socket.socket() as server, contextlib.suppress(OSError, OverflowError):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((LOOPBACK, port))
            return int(server.getsockname()[1])
    raise LabError(f"port {wanted} on {LOOPBACK} cannot be had.", hint="Name another, or none to take a free one.")


def start(state: State, port: int) -> LocalStack:
    """Start LocalStack in a session of its own and wait until it answers.

    Raises:
        LabError: it did not come up; nothing is left behind.
    """
    state.filesystem.mkdir(exist_ok=True)
    with state.log.open("wb") as output:
        process = subprocess.Popen(
            # -P: the directory `localstack` of this clone must not pass for the package.
            [str(ENVIRONMENT / "bin" / "python"), "-P", "-m", "localstack.runtime.main"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=state.path,
            env=variables(os.environ, port=port, filesystem=state.filesystem),
            start_new_session=True,
        )
    known = recorded(process.pid, "localstack")
    if known is None:
        raise LabError("LocalStack ended at once.", hint=f"See {state.log}.")
    localstack = LocalStack(known, f"http://{LOOPBACK}:{port}")
    state.remember(localstack)
    try:
        _await(localstack, port, state)
    except BaseException:  # also Ctrl-C while waiting: leave nothing behind
        end(localstack)
        process.wait()
        state.forget()
        raise
    return localstack


def _await(localstack: LocalStack, port: int, state: State) -> None:
    deadline = time.monotonic() + START_SECONDS
    while is_running(localstack.process) and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            if (missing := missing_services(_health(port))) is not None:
                if missing:
                    raise LabError(f"LocalStack runs without {', '.join(missing)}.", hint=f"See {state.log}.")
                return
        time.sleep(0.1)
    raise LabError("LocalStack did not come up.", hint=f"See {state.log}.")


def missing_services(health: Mapping[str, Any]) -> list[str]:
    """Which of the services wanted a LocalStack that says this of its health has not got."""
    states: Mapping[str, str] = health["services"]
    return [name for name in SERVICES if states.get(name) not in {"available", "running"}]


def _health(port: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/_localstack/health")
        answer: dict[str, Any] = json.load(connection.getresponse())
        return answer
    finally:
        connection.close()


def end(localstack: LocalStack) -> list[Stopped]:
    """Stop it and whatever it has started; what was stopped."""
    helpers = list(_descendants(localstack.process))
    return stop([localstack.process], grace=GRACE_SECONDS) + stop(helpers, grace=GRACE_SECONDS)


def _descendants(process: Recorded) -> Iterator[Recorded]:
    if not is_running(process):
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            if (known := recorded(child.pid, "a process of localstack")) is not None:
                yield known


def up(state: State, wanted_port: int | None) -> LocalStack:
    """Start it unless it is up."""
    with state.locked():
        if (running := state.running()) is not None:
            say(f"LocalStack is up already at {running.endpoint_url}; stop it with: make localstack-down")
            return running
        begun = time.monotonic()
        if prepare():
            say(f"its environment was made in {time.monotonic() - begun:.0f} s")
        begun = time.monotonic()
        started = start(state, free_port(wanted_port))
        say(f"LocalStack is up at {started.endpoint_url} after {time.monotonic() - begun:.1f} s")
        return started


def down(state: State) -> None:
    """Stop what `up` has started. Harmless when nothing runs."""
    with state.locked():
        running = state.running()
        stopped = [] if running is None else end(running)
        state.forget()
    for one in stopped:
        say(f"stopped {one.process.what} (pid {one.process.pid}){', which had to be killed' if one.killed else ''}")
    if not stopped:
        say("LocalStack is not running; nothing to stop")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="localstack/host.py", description="LocalStack without Docker.")
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--port", type=int, help=f"default: {USUAL_PORT}, or a free one if that is taken")
    parser.add_argument("--directory", type=Path, help="where its state is kept; one LocalStack each")
    options = parser.parse_args(arguments)
    state = State((options.directory or default_directory(os.environ)).absolute())
    try:
        if options.command == "down":
            down(state)
        else:
            for name, value in up(state, options.port).exports.items():
                print(f"export {name}={shlex.quote(value)}")
    except BluegreenError as error:
        say(f"bluegreen: {error.message} {error.hint}".rstrip())
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted; nothing that was started is left")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
