"""`pytest --bluegreen-lab`: a lab, and a service on it, for tests of releases. docs/testing.md tells how.

pytest imports this at every start wherever bluegreen is installed, so it imports nothing but pytest; what a fixture
needs is imported when a test asks for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from toolkit.lab.handle import Lab
    from toolkit.lab.rehearsal.service import LabService
    from toolkit.lab.rehearsal.terraform import Applied
    from toolkit.lab.rehearsal.wanted import Wanted

OPTION = "--bluegreen-lab"
TIME_SCALE = 0.05
_MARK = "bluegreen(name, kind, targets, health_path, terraform, variables, apps, config): what bluegreen_service is"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("bluegreen").addoption(
        OPTION,
        action="store_true",
        help="Start bluegreen's lab, an AWS on loopback, for tests that ask for bluegreen_lab or bluegreen_service.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Raises UsageError, in one line, where the lab is asked for and its extra is not installed."""
    config.addinivalue_line("markers", _MARK)
    if config.getoption(OPTION):
        from toolkit.errors import LabNotInstalled
        from toolkit.lab.installed import require_extra

        try:
            require_extra()
        except LabNotInstalled as error:
            raise pytest.UsageError(f"{OPTION}: {error.message} {error.hint}") from None


@pytest.fixture(scope="session")
def bluegreen_lab_options() -> Mapping[str, Any]:
    """What the lab is started with (`toolkit.lab.options.LabOptions`); to be overridden in a conftest.py."""
    return {}


@pytest.fixture(scope="session")
def bluegreen_lab(
    request: pytest.FixtureRequest,
    bluegreen_lab_options: Mapping[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lab]:
    """A running lab, stopped at the end of the session. Skips unless pytest was given --bluegreen-lab."""
    if not request.config.getoption(OPTION):
        pytest.skip(f"it needs bluegreen's lab; run: pytest {OPTION}")
    from toolkit.lab.handle import start_lab
    from toolkit.lab.options import LabOptions

    with _in_one_line():
        options = LabOptions(**{"name": f"pytest-{os.getpid()}", "time_scale": TIME_SCALE, **bluegreen_lab_options})
        lab = start_lab(options, root=tmp_path_factory.mktemp("bluegreen-lab"))
    with lab:
        yield lab


@pytest.fixture
def bluegreen_environ(bluegreen_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """For the length of the test the SDKs in this process, and the processes it starts, are led to the lab."""
    led = bluegreen_lab.environ
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in led.items():
        monkeypatch.setenv(name, value)
    return led


@pytest.fixture
def bluegreen_service(
    request: pytest.FixtureRequest,
    bluegreen_lab: Lab,
    bluegreen_environ: dict[str, str],  # noqa: ARG001 - for what it does to the environment
    monkeypatch: pytest.MonkeyPatch,
    _bluegreen_applied: Callable[[Wanted], Applied],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LabService]:
    """A blue/green pair on the lab, all on blue, its targets healthy. `@pytest.mark.bluegreen(…)` says which."""
    from toolkit.lab.rehearsal.service import built_in_pair, rehearsed

    scratch, root = tmp_path_factory.mktemp("bluegreen-service"), request.config.rootpath
    with _in_one_line(), ExitStack() as stack:
        wanted = _wanted(request.node)
        if wanted.terraform is None:
            pair = stack.enter_context(built_in_pair(bluegreen_lab, wanted))
        else:
            applied = _bluegreen_applied(wanted)
            applied.make_fresh()
            pair = applied.pair
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, pair.contract["region"])
        yield stack.enter_context(rehearsed(bluegreen_lab, pair, wanted, root, scratch))


@pytest.fixture(scope="session")
def _bluegreen_applied(
    request: pytest.FixtureRequest, bluegreen_lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Wanted], Applied]:
    """Each configuration is applied once a session for each set of variables: a load balancer takes it a minute."""
    made: dict[tuple[str, str], Applied] = {}

    def applied(wanted: Wanted) -> Applied:
        from toolkit.lab.rehearsal.commands import Commands
        from toolkit.lab.rehearsal.service import environ_of
        from toolkit.lab.rehearsal.terraform import applied as apply

        root = request.config.rootpath.resolve()
        directory = (root / str(wanted.terraform)).resolve()
        key = (str(directory), json.dumps(wanted.variables, sort_keys=True))
        if key not in made:
            scratch = tmp_path_factory.mktemp("bluegreen-terraform").resolve()
            commands = Commands(environ_of(bluegreen_lab, scratch), scratch)
            made[key] = apply(commands, directory, root, wanted.variables, scratch)
        return made[key]

    return applied


def _wanted(item: pytest.Item) -> Wanted:
    """What the markers say, that of the function over that of its class and module."""
    from toolkit.errors import LabError
    from toolkit.lab.rehearsal.wanted import Wanted

    words: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers("bluegreen"))):
        if mark.args:
            raise LabError("mark.bluegreen takes its arguments by name.", hint="For example kind='nlb-listener'.")
        words |= mark.kwargs
    return Wanted.of(words)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """An error of ours says what to do; where it was raised helps nobody."""
    from toolkit.errors import BluegreenError

    try:
        yield
    except BluegreenError as error:
        pytest.fail(f"bluegreen: {error.message} {error.hint}".rstrip(), pytrace=False)
