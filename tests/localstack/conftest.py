"""One LocalStack of this run's own, with a data plane attached: `make test-localstack`.

It has a free port and directories of its own, so that one that its user has running is not disturbed.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localstack import host
from tests.e2e.command import BLUEGREEN, Commands
from tests.e2e.release import free_port
from tests.emulators.endpoint import ENDPOINT_VARIABLE
from tests.localstack.family import Family
from tests.support.provision import Provisioned, client
from tests.support.world import World, free_addresses
from toolkit.lab.app.processes import start_app
from toolkit.lab.app.site import Site
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import Lab, running_lab
from toolkit.lab.processes import stop

HERE = Path(__file__).parent
TARGET_PORT = 8080
TIME_SCALE = 0.05  # of health checks and of draining
DATA_PLANE = "localstack-test"
ORDER = {"test_the_start.py": -1, "test_the_demo.py": 1, "test_the_end.py": 2}


FIGURES = pytest.StashKey[list[str]]()
"""What tests want to be said at the end."""


@dataclass
class Running:
    """The LocalStack of this run, where it keeps its state, and what was started beside it."""

    localstack: host.LocalStack
    state: host.State
    scratch: Path
    guests: ExitStack = field(default_factory=ExitStack)

    @property
    def endpoint_url(self) -> str:
        return self.localstack.endpoint_url

    @property
    def environ(self) -> dict[str, str]:
        """The environment of commands that are to reach it and nothing else, with homes of their own."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {
            **inherited,
            **self.localstack.exports,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "BLUEGREEN_LAB_DIR": str(self.scratch / "labs"),
            "XDG_CACHE_HOME": str(self.scratch / "cache"),
            "XDG_STATE_HOME": str(self.scratch / "state"),
            "COLUMNS": "120",
        }

    @property
    def bluegreen(self) -> Commands:
        return Commands(self.environ, self.scratch)

    @property
    def data_plane(self) -> Lab:
        """The one that is attached to it."""
        return running_lab(DATA_PLANE, root=self.scratch / "labs")

    def attach(self) -> None:
        """Attach a data plane, by the command that a user types."""
        attached = self.bluegreen(
            *("lab", "attach", "--endpoint-url", self.endpoint_url),
            *("--name", DATA_PLANE, "--time-scale", str(TIME_SCALE)),
        )
        assert attached.code == 0, attached.err

    def stop(self) -> None:
        """Stop the guests, the data plane and LocalStack. Harmless when nothing runs."""
        self.guests.close()
        self.bluegreen("lab", "down", "--name", DATA_PLANE)
        host.down(self.state)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Lines that are printed at the end."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def family() -> Iterator[Family]:
    with Family() as watched:
        yield watched
        stop(watched.running(), grace=10)  # what an interrupted run has left; after any other nothing is there


@pytest.fixture(scope="session")
def localstack(family: Family, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """LocalStack by the program behind `make localstack-up`, with a data plane."""
    scratch = tmp_path_factory.mktemp("localstack")
    state = host.State(scratch / "localstack")
    with ExitStack() as stack:
        stack.callback(host.down, state)
        running = Running(host.up(state, free_port()), state, scratch)
        stack.callback(running.stop)
        client(running.endpoint_url, "elbv2").describe_load_balancers()  # it loads a service when first called: seconds
        running.attach()
        yield running


@dataclass
class Demo:
    """`bluegreen lab demo` under way, and the files that take what it says."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def end(self) -> None:
        """Interrupt it, if it still runs; it stops in order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=120)


@pytest.fixture(scope="session")
def demo(localstack: Running) -> Demo:
    """The demo, which takes minutes, beside everything else from the start.

    It has a LocalStack to itself: its data plane would take the place of the one that the other tests have attached.
    """
    directory = localstack.scratch / "demo"
    directory.mkdir()
    state = host.State(directory / "localstack")
    localstack.guests.callback(host.down, state)
    own = host.up(state, free_port())
    out, err = directory / "out", directory / "err"
    with out.open("wb") as said, err.open("wb") as narrated:
        process = subprocess.Popen(
            [BLUEGREEN, "lab", "demo", "--endpoint-url", own.endpoint_url, "-o", "json"],
            env={**localstack.environ, **own.exports},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=narrated,
            start_new_session=True,
        )
    started = Demo(process, out, err)
    localstack.guests.callback(started.end)
    return started


@pytest.fixture(scope="session")
def world(localstack: Running) -> Iterator[World]:
    """What the contract suites need, there: targets that answer, and no pair as yet."""
    addresses = free_addresses(2)
    apps = {
        color: localstack.guests.enter_context(
            start_app([Site(to_loopback(each), TARGET_PORT, color, f"{color}-1") for each in addresses[color]])
        )
        for color in addresses
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(ENDPOINT_VARIABLE, localstack.endpoint_url)
        yield World(localstack.data_plane, Provisioned(localstack.endpoint_url, {}, ""), apps, addresses)


@pytest.fixture
def pair(pair: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    """The pair of the contract suites, in the account that LocalStack, and so the data plane, takes `test` for."""

    def make(**words: Any) -> Provisioned:
        made = pair(**words)
        made.contract["account_id"] = made.listener_arn.split(":")[4]
        return made

    return make


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the contract suites only the cases that need an AWS; the start of it all first and its end last."""
    fakes = [item for item in items if _is_of_contract(item) and item.get_closest_marker("lab") is None]
    if fakes:
        config.hook.pytest_deselected(items=fakes)
    items[:] = [item for item in items if item not in fakes]
    items.sort(key=lambda item: ORDER.get(item.path.name, 0) if item.path.parent == HERE else 0)


def _is_of_contract(item: pytest.Item) -> bool:
    return item.path.parent == HERE and item.path.stem.startswith("test_contract_")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The time of each part, set-up and tear-down included, and the figures; of `pytest -m localstack` alone."""
    if config.getoption("markexpr") != "localstack":
        return
    reports = [each for told in terminalreporter.stats.values() for each in told if isinstance(each, pytest.TestReport)]
    seconds: dict[str, float] = {}
    for each in sorted(reports, key=lambda each: each.start):
        part = Path(each.nodeid.partition("::")[0]).stem.removeprefix("test_").replace("_", " ")
        seconds[part] = seconds.get(part, 0.0) + each.duration
    terminalreporter.section("LocalStack")
    for part, spent in seconds.items():
        terminalreporter.write_line(f"{spent:7.1f} s  {part}")
    terminalreporter.write_line(f"{sum(seconds.values()):7.1f} s  in all")
    for line in config.stash[FIGURES]:
        terminalreporter.write_line(line)
