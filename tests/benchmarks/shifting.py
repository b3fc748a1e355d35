"""A service on a lab of its own that is shifted again and again under load, while targets of the idle color change."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.plateaus import GRACE_SECONDS, LEAST_PLATEAU, Plateau
from tests.support.provision import REGION
from tests.support.world import World, running_world, wait_for
from toolkit.lab.app import AppProcess, Site, start_app
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.load import LoadProcess
from toolkit.rollout.ports import Action, LiveRoute, unguarded
from toolkit.runner.service import Service
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split
from toolkit.wiring import Options, wire

SPLITS = (Split(100, 0), Split(90, 10), Split(50, 50), Split(0, 100))
REPLACE_EVERY = 10
_PORT = 8080
_POLL_SECONDS = 0.02
_LONGEST_PLATEAU_SECONDS = 300.0


@contextmanager
def at_work(scratch: Path, **provisioning: Any) -> Iterator[tuple[World, Service]]:
    """A world, and the toolkit's own service on it. `scratch` takes all state."""
    with running_world(scratch, **provisioning) as world:
        environment = {**world.lab.exports, "XDG_CACHE_HOME": str(scratch), "XDG_STATE_HOME": str(scratch)}
        with _environment(environment):
            options = Options(region=REGION, endpoint_url=world.lab.endpoint_url)
            yield world, wire(world.provisioned.contract["name"], options, lambda _line: None)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's environment, with `variables` in it for a while: the toolkit finds AWS there."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def splits(shifts: int, chance: random.Random, *, start: Split = SPLITS[0]) -> Iterator[Split]:
    """`shifts` splits, each another than the one before (`start` at first); every tenth all to one color."""
    now = start
    for number in range(1, shifts + 1):
        pure = number % REPLACE_EVERY == 0
        now = chance.choice([each for each in SPLITS if each != now and (not pure or 0 in (each.blue, each.green))])
        yield now


def drive(
    service: Service, load: LoadProcess, replace: Callable[[Color], None], *, splits: Iterable[Split], requests: int
) -> list[Plateau]:
    """Shift through `splits`, and stay on each for an even part of the `requests` (or new flows).

    `replace` is given the idle color at every tenth shift.
    """
    wanted = list(splits)
    router = TimedWrites(service)
    timed: list[tuple[Split, float, float]] = []
    _stay(load, load.count()["requests"] + min(LEAST_PLATEAU, requests))  # until it is warm
    for number, split in enumerate(wanted, start=1):
        done = load.count()["requests"]
        shift(service, split)
        verified = time.monotonic()
        timed.append((split, router.sent, verified))
        if number % REPLACE_EVERY == 0:
            replace(Color.BLUE if split.blue == 0 else Color.GREEN)
        time.sleep(max(verified + GRACE_SECONDS - time.monotonic(), 0))
        share = max(requests - done, 0) // (len(wanted) - number + 1)
        _stay(load, max(done + share, load.count()["requests"] + min(LEAST_PLATEAU, share)))
    ends = [sent for _, sent, _ in timed[1:]] + [time.monotonic()]
    return [Plateau(split, sent, verified, end) for (split, sent, verified), end in zip(timed, ends, strict=True)]


def _stay(load: LoadProcess, until: int) -> None:
    """Wait until `until` requests have ended in all."""
    deadline = time.monotonic() + _LONGEST_PLATEAU_SECONDS
    while load.count()["requests"] < until:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the load stands still: {load.count()}")
        time.sleep(_POLL_SECONDS)


class TimedWrites:
    """Stands before the service's router and notes when the last write was sent."""

    def __init__(self, service: Service) -> None:
        self._router = service.router
        self.sent = 0.0
        service.router = self  # what it lacks it takes from the router it hides

    def write(self, live: LiveRoute, action: Action, *, guard: Callable[[], None] = unguarded) -> None:
        self.sent = time.monotonic()
        self._router.write(live, action, guard=guard)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)


@dataclass(frozen=True, slots=True)
class _Targets:
    """Some targets of one color, and their process."""

    addresses: Sequence[str]
    app: AppProcess


class Replacing:
    """New targets for an idle color, one generation after the other.

    `keeps_first` leaves the first generation where it is, for standing flows are on it: the first call of `replace`
    adds a second one, later calls replace that.
    """

    def __init__(self, world: World, stack: ExitStack, *, keeps_first: bool = False) -> None:
        self._world = world
        self._stack = stack
        self._elbv2 = world.provisioned.client("elbv2")
        self._leaving: dict[str, _Targets] = {}
        if not keeps_first:
            self._leaving = {color: _Targets(world.addresses[color], world.apps[color]) for color in world.apps}
        self._generation = 0

    def replace(self, color: Color) -> None:
        """Register new targets, drain the old ones, and end their process."""
        self._generation += 1
        after = [self._following(address) for address in self._world.addresses[color]]
        app = start_app([Site(to_loopback(address), _PORT, color, f"{color}-1") for address in after])
        self._stack.callback(app.stop)
        group = self._world.provisioned.group(color)
        self._elbv2.register_targets(TargetGroupArn=group, Targets=_targets(after))
        wait_for(self._world.provisioned, color, "healthy")
        before, self._leaving[color] = self._leaving.get(color), _Targets(after, app)
        if before is not None:
            self._elbv2.deregister_targets(TargetGroupArn=group, Targets=_targets(before.addresses))
            wait_for(self._world.provisioned, color, "healthy")  # the old ones are gone once they no longer drain
            before.app.stop()

    def _following(self, address: str) -> str:
        """The same place in a block of this generation's own: 10.a.b.c -> 10.a.b.(20·generation mod 220 + c mod 20)."""
        head, _, last = address.rpartition(".")
        return f"{head}.{20 + 20 * (self._generation % 11) + int(last) % 20}"


def _targets(addresses: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Id": address, "Port": _PORT} for address in addresses]
