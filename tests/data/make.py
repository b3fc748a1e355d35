"""Writes the series beside it anew: `python -m tests.data.make`. The same seed gives the same files.

Blue is live. Each says of one minute and color how many requests there were, how many were bad, how many slow.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HOUR = 60


@dataclass(frozen=True)
class Minute:
    """What is to be expected of a minute: requests of each color, and which parts of them are bad and slow."""

    blue: float
    green: float
    blue_bad: float = 0.001
    green_bad: float = 0.001
    blue_slow: float = 0.01
    green_slow: float = 0.01


BASE = 3000  # requests a minute, 50 a second


def at(share: float, **rates: float) -> Minute:
    return Minute(blue=BASE * (1 - share), green=BASE * share, **rates)


def good(_: random.Random) -> Iterator[Minute]:
    yield from [at(0)] * 30
    yield from [at(0.25)] * 120


def errors(_: random.Random) -> Iterator[Minute]:
    yield from [at(0.05, green_bad=0.1)] * 20


def slow(_: random.Random) -> Iterator[Minute]:
    yield from [at(0.05, green_slow=0.05)] * 30


def harmless(_: random.Random) -> Iterator[Minute]:
    yield from [at(0.25, blue_bad=0.01, green_bad=0.012)] * HOUR


def later(_: random.Random) -> Iterator[Minute]:
    yield from [at(0.25)] * 40
    yield from [at(0.25, green_bad=0.03)] * 20


def bursts(chance: random.Random) -> Iterator[Minute]:
    """Each color has bursts of its own; the live side's are known from before."""
    for minute in range(240 + HOUR):
        blue, green = (0.02 if chance.random() < 0.05 else 0.001 for _ in range(2))
        share = 0.25 if minute >= 240 else 0
        yield at(share, blue_bad=blue, green_bad=green)


def shared(chance: random.Random) -> Iterator[Minute]:
    """Bursts of something that both colors use."""
    for _ in range(HOUR):
        bad = 0.02 if chance.random() < 0.1 else 0.001
        yield at(0.25, blue_bad=bad, green_bad=bad)


def simpson(_: random.Random) -> Iterator[Minute]:
    """Both colors fail alike at every time, but green gets its traffic while everything fails more."""
    yield from [at(0.01, blue_bad=0.001, green_bad=0.001)] * 30
    yield from [at(0.5, blue_bad=0.02, green_bad=0.02)] * 30


def sick(_: random.Random) -> Iterator[Minute]:
    yield from [at(0.25, blue_bad=0.2, green_bad=0.2)] * 30


def silent(_: random.Random) -> Iterator[Minute]:
    """No traffic on green, as where a rule never matches."""
    yield from [at(0)] * 15


def ending(_: random.Random) -> Iterator[Minute]:
    """Good, and then green gets no more requests."""
    yield from [at(0.25)] * 60
    yield from [at(0)] * 10


SERIES: dict[str, Callable[[random.Random], Iterator[Minute]]] = {
    each.__name__: each for each in (good, errors, slow, harmless, later, bursts, shared, simpson, sick, silent, ending)
}


def poisson(chance: random.Random, mean: float) -> int:
    """Knuth's algorithm below 50; above, the normal approximation is close enough for a sample."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def lines(name: str) -> Iterator[str]:
    chance = random.Random(name)
    yield "minute,color,requests,errors,slow"
    for minute, each in enumerate(SERIES[name](chance)):
        for color, mean, bad, late in (
            ("blue", each.blue, each.blue_bad, each.blue_slow),
            ("green", each.green, each.green_bad, each.green_slow),
        ):
            if mean:
                requests = poisson(chance, mean)
                counts = (min(requests, poisson(chance, mean * part)) for part in (bad, late))
                yield ",".join(map(str, (minute, color, requests, *counts)))


def main() -> None:
    for name in SERIES:
        (HERE / f"{name}.csv").write_text("\n".join(lines(name)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
