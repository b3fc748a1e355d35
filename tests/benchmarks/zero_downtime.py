"""Shift after shift under full load: does a request fail, does a split hold, does an old answer come late?

    python -m tests.benchmarks.zero_downtime [--shifts 200] [--requests 1000000]

A lab with two targets a color; clients on kept connections, half of what they send POST, nothing retried. The toolkit
shifts (preflight, journal, write, read-back) among 100/0, 90/10, 50/50 and 0/100, and stays on each split for its part
of the requests. Every tenth shift goes all to one color, and then the idle one's targets are replaced: new ones
registered and healthy, old ones drained, their process ended. The load goes on until both numbers are reached.

Prints one JSON object:
    requests, failed        all that ended; those that failed in any way.
    shifts                  writes that were read back.
    stale_after_verify      answers of a color, complete more than 100 ms after a read-back that gave it weight 0.
    split_p_value           one pooled chi-squared test of all plateaus of 2,000 requests or more on a split that
                            gives both colors some; null without any.
    propagation_ms_p99      from sending the write until the last request began that a color of weight 0 answered.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.provision import REGION
from tests.support.world import World, running_world, wait_for
from toolkit.lab.app import AppProcess, Site, start_app
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.load import LoadPlan, LoadProcess, LoadResult
from toolkit.rollout.ports import LiveRoute
from toolkit.runner.service import Service
from toolkit.runner.shift import shift
from toolkit.traffic import Color, Split
from toolkit.wiring import Options, wire

SPLITS = (Split(100, 0), Split(90, 10), Split(50, 50), Split(0, 100))
GRACE_SECONDS = 0.1
LEAST_PLATEAU = 2_000
REPLACE_EVERY = 10
CONNECTIONS = 16
_PORT = 8080
_BUCKET_SECONDS = 0.005
_POLL_SECONDS = 0.02
_LONGEST_PLATEAU_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Plateau:
    """One split and its times on the monotonic clock: write sent, read back, and left (the next write begun)."""

    split: Split
    sent: float
    verified: float
    left: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shifts", type=int, default=200)
    parser.add_argument("--requests", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.shifts, arguments.requests)))


def measure(shifts: int, requests: int) -> dict[str, Any]:
    """Run it; the document to print."""
    with tempfile.TemporaryDirectory(prefix="bluegreen-bench-") as scratch, ExitStack() as stack:
        world = stack.enter_context(running_world(Path(scratch)))
        stack.enter_context(_environment({**world.lab.exports, "XDG_CACHE_HOME": scratch, "XDG_STATE_HOME": scratch}))
        options = Options(region=REGION, endpoint_url=world.lab.endpoint_url)
        service = wire(world.provisioned.contract["name"], options, lambda _line: None)
        expected = {color: f"{color}-1" for color in world.addresses}
        plan = LoadPlan(
            world.url,
            connections=CONNECTIONS,
            post_share=0.5,
            expected=expected,
            bucket_seconds=_BUCKET_SECONDS,
        )
        pair = Replacing(world, stack)
        load = stack.enter_context(LoadProcess(plan))
        plateaus = drive(service, load, pair, splits=splits(shifts, random.Random(1)), requests=requests)
        return report(load.stop(), plateaus)


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


def splits(shifts: int, chance: random.Random) -> Iterator[Split]:
    """`shifts` splits, each another than the one before (100/0 at first); every tenth all to one color."""
    now = SPLITS[0]
    for number in range(1, shifts + 1):
        pure = number % REPLACE_EVERY == 0
        now = chance.choice([each for each in SPLITS if each != now and (not pure or 0 in (each.blue, each.green))])
        yield now


def drive(
    service: Service, load: LoadProcess, pair: Replacing, *, splits: Iterable[Split], requests: int
) -> list[Plateau]:
    """Shift through `splits`, and stay on each for an even part of the `requests`."""
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
            pair.replace(Color.BLUE if split.blue == 0 else Color.GREEN)
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

    def write(self, live: LiveRoute, split: Mapping[str, int], stickiness: Any) -> None:
        self.sent = time.monotonic()
        self._router.write(live, split, stickiness)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)


class Replacing:
    """The targets of both colors, and new ones for an idle color."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self._world = world
        self._stack = stack
        self._elbv2 = world.provisioned.client("elbv2")
        self._apps: dict[str, AppProcess] = dict(world.apps)
        self._addresses = {color: list(listed) for color, listed in world.addresses.items()}
        self._generation = 0

    def replace(self, color: Color) -> None:
        """Register new targets, drain the old ones, and end their process."""
        self._generation += 1
        before, after = self._addresses[color], [self._following(address) for address in self._addresses[color]]
        app = start_app([Site(to_loopback(address), _PORT, color, f"{color}-1") for address in after])
        self._stack.callback(app.stop)
        group = self._world.provisioned.group(color)
        self._elbv2.register_targets(TargetGroupArn=group, Targets=_targets(after))
        wait_for(self._world.provisioned, color, "healthy")
        self._elbv2.deregister_targets(TargetGroupArn=group, Targets=_targets(before))
        wait_for(self._world.provisioned, color, "healthy")  # the old ones are gone once they no longer drain
        self._apps[color].stop()
        self._apps[color], self._addresses[color] = app, after

    def _following(self, address: str) -> str:
        """The same place in a block of this generation's own: 10.a.b.c -> 10.a.b.(20·generation mod 220 + c mod 20)."""
        head, _, last = address.rpartition(".")
        return f"{head}.{20 + 20 * (self._generation % 11) + int(last) % 20}"


def _targets(addresses: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Id": address, "Port": _PORT} for address in addresses]


def report(result: LoadResult, plateaus: Sequence[Plateau]) -> dict[str, Any]:
    """What `measure` prints, of what the load met."""
    seen = [(plateau.split, _counts(result, plateau)) for plateau in plateaus]
    tested = [(split, counts) for split, counts in seen if is_tested(split, counts)]
    propagation = sorted(each for plateau in plateaus for each in _propagation_ms(result, plateau))
    return {
        "requests": result.requests,
        "failed": result.failed,
        "shifts": len(plateaus),
        "stale_after_verify": sum(_stale(result, plateau) for plateau in plateaus),
        "split_p_value": pooled_p_value(tested) if tested else None,
        "propagation_ms_p99": round(propagation[math.ceil(0.99 * len(propagation)) - 1], 1) if propagation else None,
        "plateaus_tested": len(tested),
        "seconds": round(result.seconds, 1),
        "rate": result.rate,
        "latency_ms": dict(result.latency_ms),
        "kinds": {kind: count for kind, count in result.kinds.items() if count},
        "failures": [f"{each.kind}: {each.detail}" for each in result.failures[:3]],
    }


def is_tested(split: Split, counts: Sequence[int]) -> bool:
    return 0 not in (split.blue, split.green) and sum(counts) >= LEAST_PLATEAU


def pooled_p_value(seen: Iterable[tuple[Split, Sequence[int]]]) -> float:
    """The probability of counts as far from their splits as these or farther; one degree of freedom each."""
    statistic, freedom = 0.0, 0
    for split, counts in seen:
        for color, count in zip(Color, counts, strict=True):
            expected = float(sum(counts) * split.share(color))
            statistic += (count - expected) ** 2 / expected
        freedom += 1
    return chi_squared_survival(statistic, freedom)


def chi_squared_survival(statistic: float, freedom: int) -> float:
    """P(X >= statistic), X chi-squared with `freedom` >= 1 degrees: from 1 or 2 upwards, two at a time.

    Source: Abramowitz and Stegun, 26.4.4 and 26.4.5.
    """
    half = statistic / 2
    if half == 0:
        return 1.0
    survival = math.erfc(math.sqrt(half)) if freedom % 2 else math.exp(-half)
    for degrees in range(1 if freedom % 2 else 2, freedom, 2):
        survival += math.exp(degrees / 2 * math.log(half) - half - math.lgamma(degrees / 2 + 1))
    return survival


def _counts(result: LoadResult, plateau: Plateau) -> tuple[int, int]:
    settled = plateau.verified + GRACE_SECONDS
    blue, green = (result.started(color, after=settled, before=plateau.left) for color in Color)
    return blue, green


def _stale(result: LoadResult, plateau: Plateau) -> int:
    settled = plateau.verified + GRACE_SECONDS
    return sum(
        result.answered(color, after=settled, before=plateau.left) for color, weight in plateau.split if weight == 0
    )


def _propagation_ms(result: LoadResult, plateau: Plateau) -> Iterator[float]:
    for color, weight in plateau.split:
        if weight == 0:
            last = result.last_start(color, after=plateau.sent, before=plateau.left)
            yield 0.0 if last is None else (last - plateau.sent) * 1000


if __name__ == "__main__":
    main()
