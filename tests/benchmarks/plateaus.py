"""What clients met on each split: counts, answers of an idle color, propagation, and one test of all splits. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from toolkit.lab.load import LoadResult
from toolkit.traffic import Color, Split

GRACE_SECONDS = 0.1
LEAST_PLATEAU = 2_000


@dataclass(frozen=True, slots=True)
class Plateau:
    """One split and its times on the monotonic clock: write sent, read back, and left (the next write begun)."""

    split: Split
    sent: float
    verified: float
    left: float


@dataclass(frozen=True, slots=True)
class Splits:
    """How well the splits of many plateaus were kept: one pooled test of `tested` of them, None without any."""

    p_value: float | None
    tested: int


def splits_kept(result: LoadResult, plateaus: Iterable[Plateau]) -> Splits:
    """By whoever answered what began on each plateau."""
    seen = [(plateau.split, _counts(result, plateau)) for plateau in plateaus]
    tested = [(split, counts) for split, counts in seen if is_tested(split, counts)]
    return Splits(pooled_p_value(tested) if tested else None, len(tested))


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
    blue, green = (result.started(color, after=_settled(plateau), before=plateau.left) for color in Color)
    return blue, green


def idle_answers(result: LoadResult, plateau: Plateau) -> int:
    """Answers of a color of weight 0 that were complete after the grace."""
    return sum(result.answered(color, after=_settled(plateau), before=plateau.left) for color in _idle(plateau))


def idle_starts(result: LoadResult, plateau: Plateau) -> int:
    """Requests or flows that began after the grace and were answered by a color of weight 0."""
    return sum(result.started(color, after=_settled(plateau), before=plateau.left) for color in _idle(plateau))


def propagation_ms_p99(result: LoadResult, plateaus: Iterable[Plateau]) -> float | None:
    """From sending a write until the last request or flow began that a color of weight 0 answered."""
    seen = sorted(each for plateau in plateaus for each in _propagation_ms(result, plateau))
    return round(seen[math.ceil(0.99 * len(seen)) - 1], 1) if seen else None


def _propagation_ms(result: LoadResult, plateau: Plateau) -> Iterator[float]:
    for color in _idle(plateau):
        last = result.last_start(color, after=plateau.sent, before=plateau.left)
        yield 0.0 if last is None else (last - plateau.sent) * 1000


def _settled(plateau: Plateau) -> float:
    return plateau.verified + GRACE_SECONDS


def _idle(plateau: Plateau) -> list[Color]:
    return [color for color, weight in plateau.split if weight == 0]
