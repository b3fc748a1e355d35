"""The arithmetic of weights: two colors, and how a route divides its requests between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from toolkit.errors import InvalidSplit

MAX_WEIGHT = 999
"""ELBv2 takes 0 to 999 per target group. Source: ELBv2 API reference, TargetGroupTuple."""


class Color(StrEnum):
    """One of the two sides of a pair. Neither is "the new one": the live side alternates."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Color:
        return Color.GREEN if self is Color.BLUE else Color.BLUE


@dataclass(frozen=True, slots=True)
class Split:
    """The weights of one route, as ELBv2 holds them: integers 0-999, not both zero.

    Raises:
        InvalidSplit: a weight outside 0-999, or both zero, which would serve nobody.
    """

    blue: int
    green: int

    def __post_init__(self) -> None:
        for color, weight in self:
            if isinstance(weight, bool) or not isinstance(weight, int):
                raise InvalidSplit(f"{color} has weight {weight!r}; a weight is an integer")
            if not 0 <= weight <= MAX_WEIGHT:
                raise InvalidSplit(f"{color} has weight {weight}; ELBv2 takes 0 to {MAX_WEIGHT}")
        if self.total == 0:
            raise InvalidSplit("both weights are 0, so no request would find a target; give one color some")

    def __iter__(self) -> Iterator[tuple[Color, int]]:
        yield Color.BLUE, self.blue
        yield Color.GREEN, self.green

    def __getitem__(self, color: Color) -> int:
        return self.blue if color is Color.BLUE else self.green

    def __str__(self) -> str:
        return f"blue {self.blue} / green {self.green}"

    @property
    def total(self) -> int:
        return self.blue + self.green

    def share(self, color: Color) -> Fraction:
        """The part of new requests that `color` gets, 0 to 1. Sticky clients are beyond it."""
        return Fraction(self[color], self.total)

    @property
    def leader(self) -> Color | None:
        """The color with the larger share; None when they are even."""
        if self.blue == self.green:
            return None
        return Color.BLUE if self.blue > self.green else Color.GREEN

    @classmethod
    def of(cls, weights: Mapping[Color, int]) -> Split:
        return cls(blue=weights[Color.BLUE], green=weights[Color.GREEN])

    @classmethod
    def all_to(cls, color: Color) -> Split:
        """100 to `color`, 0 to the other."""
        return cls.giving(color, Fraction(1))

    @classmethod
    def giving(cls, color: Color, share: Fraction) -> Split:
        """The closest split that gives `color` the `share` (0 to 1) of new requests.

        Whole percents become weights that add up to 100, because people read them. Anything else takes the
        closest fraction that ELBv2 can hold; a share above 0 never becomes 0, nor one below 1 becomes 1.

        Raises:
            InvalidSplit: a share outside 0 to 1.
        """
        if not 0 <= share <= 1:
            raise InvalidSplit(f"a share is between 0 % and 100 %, not {float(share) * 100:g} %")
        percent = share * 100
        if percent.denominator == 1:
            mine, rest = int(percent), 100 - int(percent)
        else:
            mine, rest = _closest_weights(share)
        return cls(blue=mine, green=rest) if color is Color.BLUE else cls(blue=rest, green=mine)


def _closest_weights(share: Fraction) -> tuple[int, int]:
    """Weights a, b in 1..999 whose a / (a + b) is closest to `share` (strictly between 0 and 1).

    The larger weight dominates the resolution, so each candidate of the smaller one is tried once.
    """
    flipped = share > Fraction(1, 2)
    small = 1 - share if flipped else share
    ratio = (1 - small) / small
    candidates = (
        (minor, major)
        for minor in range(1, MAX_WEIGHT + 1)
        for major in {
            min(MAX_WEIGHT, max(1, int(minor * ratio))),
            min(MAX_WEIGHT, max(1, int(minor * ratio) + 1)),
        }
    )
    minor, major = min(candidates, key=lambda pair: (abs(Fraction(pair[0], sum(pair)) - small), sum(pair)))
    return (major, minor) if flipped else (minor, major)


def parse_split(text: str) -> Split:
    """A split as an operator writes it.

    `green=20` or `green=20%` gives green that share in percent (0.1 works) and blue the rest;
    `blue=950,green=50` names both weights.

    Raises:
        InvalidSplit: anything else, saying what to write.
    """
    parts = [part.strip() for part in text.split(",")]
    pairs = [_parse_pair(part, text) for part in parts]
    if len(pairs) == 1:
        color, value = pairs[0]
        return Split.giving(color, value / 100)
    if len(pairs) == 2 and pairs[0][0] is not pairs[1][0]:  # noqa: PLR2004 - the two colors
        weights = dict(pairs)
        if any(weight.denominator != 1 or not 0 <= weight <= MAX_WEIGHT for weight in weights.values()):
            raise InvalidSplit(f"'{text}': weights are integers from 0 to {MAX_WEIGHT}", hint=_HOW)
        return Split.of({color: int(weight) for color, weight in weights.items()})
    raise InvalidSplit(f"'{text}' is not a split", hint=_HOW)


_HOW = "Write green=20 for 20 %, or both weights: blue=95,green=5."


def _parse_pair(part: str, whole: str) -> tuple[Color, Fraction]:
    name, _, value = part.partition("=")
    try:
        return Color(name.strip().lower()), Fraction(_plain_number(value.strip().removesuffix("%").strip()))
    except ValueError:
        raise InvalidSplit(f"'{whole}' is not a split", hint=_HOW) from None


def _plain_number(text: str) -> str:
    """Digits with at most one point: Fraction alone would take 1/3, 1e9999 and 1_0 as well."""
    whole, _, decimals = text.partition(".")
    if len(text) > 12 or not (whole + decimals).isascii() or not (whole + decimals).isdigit():  # noqa: PLR2004
        raise ValueError(text)
    return text
