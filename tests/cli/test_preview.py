"""`bluegreen preview`: which lines are printed, for which color, and what is said where there are none."""

from __future__ import annotations

import gc
import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.fakes import PREFIX, FakeWorld, a_world
from toolkit.cli import preview
from toolkit.cli import service as cli_service
from toolkit.cli.app import main
from toolkit.contract import TestRoute as ATestRoute
from toolkit.errors import JournalError
from toolkit.rollout.preview import Condition, LiveTestRoute
from toolkit.traffic import Color, Split

LISTENER = f"{PREFIX}:listener/app/web/1/2"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[[FakeWorld, str], Ended]


@pytest.fixture
def live() -> dict[str, LiveTestRoute]:
    """The test routes as AWS holds them, for a test to change."""
    return {}


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], live: dict[str, LiveTestRoute]
) -> Iterator[Run]:
    """Run a command line on a fake world. What `main` changes of its process is put back at the end."""

    def run(world: FakeWorld, line: str) -> Ended:
        monkeypatch.setattr(cli_service, "wire", lambda *_: world.service)
        monkeypatch.setattr(preview, "read_test_routes", lambda *_: live)
        monkeypatch.setattr(sys, "argv", ["bluegreen", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    handler, threshold = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    yield run
    signal.signal(signal.SIGTERM, handler)
    gc.set_threshold(*threshold)
    gc.unfreeze()


def with_test_routes(world: FakeWorld, live: dict[str, LiveTestRoute]) -> FakeWorld:
    """The world with a test route of each color; each asks for its color in a header."""
    contract = world.service.contract
    routes = tuple(
        ATestRoute(f"web-{color}-test", color, f"{PREFIX}:listener-rule/app/web/1/2/{color}", LISTENER, "x-color")
        for color in Color
    )
    for route in routes:
        header = Condition("http-header", (f"s3cret {route.color}",), header="x-color")
        live[route.name] = LiveTestRoute(route, "HTTP", 80, (header,), {contract.target_groups[route.color].arn: 1})
    world.service.contract = replace(contract, test_routes=routes)
    return world


def line(color: str) -> str:
    return f"curl -i -H 'x-color: s3cret {color}' http://web.example/"


def test_the_idle_color_is_the_default(run: Run, live: dict[str, LiveTestRoute]) -> None:
    ended = run(with_test_routes(a_world(), live), "preview web")
    assert (ended.code, ended.out) == (0, f"{line('green')}\n")
    assert ended.err == "green, by web-green-test:\n"
    turned = with_test_routes(a_world(split=Split(blue=0, green=100)), live)
    assert run(turned, "preview web").out == f"{line('blue')}\n"


def test_a_named_color_asks_neither_weights_nor_record(run: Run, live: dict[str, LiveTestRoute]) -> None:
    world = with_test_routes(a_world(), live)
    assert run(world, "preview web --color blue").out == f"{line('blue')}\n"
    assert world.router.reads == 0


def test_where_nobody_knows_the_idle_color_both_are_shown(run: Run, live: dict[str, LiveTestRoute]) -> None:
    ended = run(with_test_routes(a_world(split=Split(blue=50, green=50)), live), "preview web")
    assert (ended.code, ended.out) == (0, f"{line('blue')}\n{line('green')}\n")
    assert "no base is on record" in ended.err
    assert "Nothing was changed" not in ended.err
    assert ended.err.startswith("warning: ")
    assert "; so both are shown\n" in ended.err


def test_a_record_that_cannot_be_read_is_no_hindrance_where_the_weights_tell(
    run: Run, live: dict[str, LiveTestRoute], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_service: str, _limit: int) -> None:
        raise JournalError("the table is gone")

    world = with_test_routes(a_world(), live)
    monkeypatch.setattr(world.store, "tail", fail)
    ended = run(world, "preview web")
    assert (ended.code, ended.out) == (0, f"{line('green')}\n")
    assert "the table is gone" in ended.err


def test_via_leads_the_connection_elsewhere(run: Run, live: dict[str, LiveTestRoute]) -> None:
    out = run(with_test_routes(a_world(), live), "preview web --via 127.0.0.1:8080").out
    words = shlex.split(out)
    assert words[words.index("--connect-to") + 1] == "web.example:80:127.0.0.1:8080"


@pytest.mark.parametrize("via", ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", ":80", "host:http", "::1:80", "h:²"])
def test_a_via_that_is_no_place_is_refused(run: Run, live: dict[str, LiveTestRoute], via: str) -> None:
    ended = run(with_test_routes(a_world(), live), f"preview web --via {via}")
    assert (ended.code, ended.out) == (2, "")
    assert "HOST:PORT is expected" in ended.err


def test_preview_as_json(run: Run, live: dict[str, LiveTestRoute]) -> None:
    told = run(with_test_routes(a_world(), live), "preview web -o json --via 127.0.0.1:8080").json()
    assert told["color"] == "green"
    (request,) = told["requests"]
    assert request == {
        "route": "web-green-test",
        "color": "green",
        "url": "http://web.example/",
        "method": "GET",
        "headers": {"x-color": "s3cret green"},
        "connect_to": "web.example:80:127.0.0.1:8080",
        "command": "curl -i -H 'x-color: s3cret green' --connect-to web.example:80:127.0.0.1:8080 http://web.example/",
        "remarks": [],
    }


def test_without_test_routes_the_error_says_which_input_makes_them(run: Run, live: dict[str, LiveTestRoute]) -> None:
    ended = run(a_world(), "preview web")
    assert (ended.code, ended.out) == (11, "")
    assert "has no test routes" in ended.err
    assert "`test_routes`" in ended.err
    network = run(a_world(network=True), "preview web")
    assert network.code == 11
    assert "a Network Load Balancer has no rules" in network.err
    world = with_test_routes(a_world(), live)
    contract = world.service.contract
    world.service.contract = replace(contract, test_routes=contract.test_routes[:1])
    assert "no test route of green" in run(world, "preview web --color green").err
    assert "no test route of green" in run(world, "preview web").err, "green is the idle one"


def test_a_test_route_that_would_not_reach_its_color_is_not_printed(run: Run, live: dict[str, LiveTestRoute]) -> None:
    world = with_test_routes(a_world(split=Split(blue=50, green=50)), live)
    groups = world.service.contract.target_groups
    live["web-green-test"] = replace(live["web-green-test"], weights={groups[Color.BLUE].arn: 1})
    ended = run(world, "preview web")
    assert (ended.code, ended.out) == (16, f"{line('blue')}\n")
    assert "test route web-green-test cannot be used: it forwards to blue at 1, not to green alone" in ended.err
    del live["web-green-test"]
    assert "it is gone" in run(world, "preview web --color green").err


def test_what_a_line_cannot_do_by_itself_is_said(run: Run, live: dict[str, LiveTestRoute]) -> None:
    world = with_test_routes(a_world(), live)
    held = live["web-green-test"]
    live["web-green-test"] = replace(held, conditions=(*held.conditions, Condition("source-ip", ("10.0.0.0/8",))))
    ended = run(world, "preview web")
    assert ended.out == f"{line('green')}\n"
    assert "warning: only from 10.0.0.0/8" in ended.err
