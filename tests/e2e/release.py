"""A service that `bluegreen infra apply` has provisioned on a lab of its own, with sample apps behind it."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.command import Commands, Ended
from tests.support.attached import attached
from tests.support.provision import Provisioned
from tests.support.world import free_addresses, wait_for
from toolkit.lab.app.processes import AppProcess, start_app
from toolkit.lab.app.site import Site
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import Lab, start_lab
from toolkit.lab.load import LoadPlan, LoadProcess
from toolkit.lab.options import LabOptions

VERSIONS = {"blue": "v1", "green": "v2"}
TERRAFORM = Path(__file__).parents[2] / "terraform"
COOKIE = "AWSALBTG"
_TARGET_PORT = 8080
_LAB = "e2e"


@dataclass
class Release:
    """The world of the e2e tests. `pair` is what Terraform made, by its contract; `applied` how its apply ended.

    That apply starts the provider itself; the commands after it find one running.
    """

    bluegreen: Commands
    lab: Lab
    apps: Mapping[str, AppProcess]
    directory: Path
    variables: dict[str, Any]
    pair: Provisioned
    applied: Ended

    @property
    def url(self) -> str:
        """Where the load balancer answers."""
        return f"{self.lab.listeners()[self.pair.listener_arn]}/"

    def infra(self, command: str, *words: str, **changed: Any) -> Ended:
        """`bluegreen infra COMMAND` with the world's variables, some of them `changed`."""
        return infra(self.bluegreen, self.directory, command, {**self.variables, **changed}, *words)

    def drift(self) -> Ended:
        """`bluegreen drift web -o json`, looking at a plan with the world's variables too."""
        words = ("--dir", str(self.directory), *given(self.variables))
        return self.bluegreen("drift", "web", *words, "-o", "json", timeout=180.0)

    def status(self) -> Any:
        return self.bluegreen("status", "web", "-o", "json").json()

    def plan_exit_code(self) -> int:
        """0: an apply would change nothing."""
        planned = self.infra("plan", "--detailed-exitcode")
        assert planned.code in {0, 2, 42}, planned.err
        return planned.code

    def set_health(self, color: str, *, unhealthy: bool) -> None:
        """Let every target of `color` pass or refuse its health checks; returns when the load balancer has seen it."""
        for site in self.apps[color].sites:
            self.apps[color].set_faults(site, unhealthy=unhealthy)
        wait_for(self.pair, color, "unhealthy" if unhealthy else "healthy")

    @contextmanager
    def load(self, *, rate: float = 400.0) -> Iterator[LoadProcess]:
        """Traffic on kept connections, half of it POST, that has begun; a wrong version is a failure, no retries."""
        plan = LoadPlan(url=self.url, rate=rate, post_share=0.5, connections=16, expected=VERSIONS)
        with LoadProcess(plan) as load:
            self.lab.record(load.pid, "load generator")
            requests_until(load, 200)
            yield load


@contextmanager
def provisioned(scratch: Path) -> Iterator[Release]:
    """Apps and lab started, Terraform applied, every target healthy; all of it stopped at the end."""
    addresses = free_addresses(2)
    variables: dict[str, Any] = {
        "name": "web",
        "targets": addresses,
        "target_port": _TARGET_PORT,
        "listener_port": free_port(),
    }
    directory = copied(TERRAFORM, scratch) / "examples" / "lab"
    with ExitStack() as stack:
        lab = stack.enter_context(start_lab(LabOptions(name=_LAB, time_scale=0.05), root=scratch / "labs"))
        apps = {}
        for color, version in VERSIONS.items():
            sites = [Site(to_loopback(address), _TARGET_PORT, color, version) for address in addresses[color]]
            apps[color] = stack.enter_context(start_app(sites))
            lab.record(apps[color].pid, f"{color} app")
        bluegreen = Commands(_environ(lab, scratch), scratch)
        applied = _applied(bluegreen, directory, variables)
        bluegreen = stack.enter_context(with_provider(bluegreen, directory))
        contract = applied.json()["deployment"]
        pair = Provisioned(lab.endpoint_url, contract, contract["routes"][0]["listener_arn"])
        for color in VERSIONS:
            wait_for(pair, color, "healthy")
        yield Release(bluegreen, lab, apps, directory, variables, pair, applied)


@contextmanager
def with_provider(bluegreen: Commands, directory: Path) -> Iterator[Commands]:
    """The same commands, for which the provider of `directory` already runs."""
    with attached(directory, bluegreen.environ) as leading:
        yield Commands({**bluegreen.environ, **leading}, bluegreen.directory)


def infra(bluegreen: Commands, directory: Path, command: str, variables: Mapping[str, Any], *words: str) -> Ended:
    """`bluegreen infra COMMAND`, each variable as the JSON that Terraform reads."""
    return bluegreen("infra", command, "--dir", str(directory), *given(variables), *words, timeout=180.0)


def _applied(bluegreen: Commands, directory: Path, variables: Mapping[str, Any]) -> Ended:
    begun = bluegreen("infra", "init", "--dir", str(directory))
    assert begun.code == 0, begun.err
    applied = infra(bluegreen, directory, "apply", variables, "--yes", "-o", "json")
    assert applied.code == 0, applied.err
    return applied


def _environ(lab: Lab, scratch: Path) -> dict[str, str]:
    return {
        **lab.environ,
        "BLUEGREEN_LAB_DIR": str(lab.state.path.parent),
        "XDG_CACHE_HOME": str(scratch / "cache"),
        "XDG_STATE_HOME": str(scratch / "state"),
    }


def given(variables: Mapping[str, Any]) -> list[str]:
    """Variables as `bluegreen infra` takes them, each as the JSON that Terraform reads."""
    return [word for name, value in variables.items() for word in ("--var", f"{name}={_spelled(value)}")]


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def copied(tree: Path, scratch: Path) -> Path:
    """A copy of the whole Terraform tree, so that the checkout stays clean."""
    unwanted = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    return Path(shutil.copytree(tree, scratch / tree.name, ignore=unwanted))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def requests_until(load: LoadProcess, count: int) -> float:
    """Wait for `count` more requests; when (monotonic) they were seen."""
    first = load.count()["requests"]
    until(lambda: load.count()["requests"] >= first + count)
    return time.monotonic()


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen in {seconds:g} s"
        time.sleep(0.02)


def ask(url: str, cookie: str = "") -> tuple[str, str]:
    """The color that answers one request sent with this target group cookie, and the cookie it hands out."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Cookie": f"{COOKIE}={cookie}"} if cookie else {})
        response = connection.getresponse()
        response.read()
        given = [value for name, value in response.getheaders() if name.lower() == "set-cookie"]
        mine = [value.partition(";")[0].partition("=")[2] for value in given if value.startswith(f"{COOKIE}=")]
        assert response.status == 200
        return response.headers["X-Color"], mine[0] if mine else ""
    finally:
        connection.close()
