"""A named strategy: its steps, before any service is known; and how an operator writes its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from toolkit.contract import Contract
from toolkit.errors import UsageError
from toolkit.rollout.hooking import hooked, hooks_at
from toolkit.rollout.plan import GATE_SECONDS, Plan
from toolkit.rollout.preview import Condition
from toolkit.rollout.steps import Approve, Bake, Divert, Gate, Retire, Shift, Step, percent
from toolkit.settings import HookPoint, HookSettings, Inconclusive, Settings
from toolkit.traffic import MAX_WEIGHT, Color, Split

SMALLEST_SHARE = Fraction(1, MAX_WEIGHT + 1)
"""0.1 %: weights of 999 and 1. What is less cannot be said in ELBv2's weights."""
_LONGEST = 30 * 86_400.0
_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?",
    re.ASCII,
)
_SECONDS = (Fraction(86_400), Fraction(3600), Fraction(60), Fraction(1), Fraction(1, 1000))
_PERCENT = re.compile(r"\d{1,3}(?:\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Strategy:
    """How the new color comes to carry everything.

    gates: asked every `gate_seconds` while it carries traffic.
    inconclusive: what follows where the analysis cannot say; None: as the service's settings have it.

    The shares of its shifts grow and end at 1, and what is retired is retired at the end.

    Raises:
        UsageError: they do not; the message says what to write.
    """

    name: str
    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    gate_seconds: float = GATE_SECONDS
    inconclusive: Inconclusive | None = None

    def __post_init__(self) -> None:
        shares = [step.share for step in self.steps if isinstance(step, Shift)]
        if shares or not any(isinstance(step, Divert) for step in self.steps):
            _check_shares(self.name, shares)
        _check_end(self.name, self.steps)
        if not 1 <= self.gate_seconds <= _LONGEST:
            raise UsageError(
                f"strategy {self.name}: its gates are asked every second at most, not every {self.gate_seconds:g} s"
            )


def _check_shares(name: str, shares: Sequence[Fraction]) -> None:
    if not shares or shares[-1] != 1:
        raise UsageError(
            f"strategy {name} does not end with all traffic on the new color: "
            f"{f'its last shift gives it {percent(shares[-1])}' if shares else 'it shifts nothing'}",
            hint="Let its last shift be 100.",
        )
    for share in shares:
        if share < SMALLEST_SHARE or 1 - SMALLEST_SHARE < share < 1:
            raise UsageError(
                f"strategy {name}: ELBv2's weights cannot say {percent(share)}: they go up to {MAX_WEIGHT}",
                hint="Write 0.1 to 99.9, or 100.",
            )
    for before, after in pairwise(shares):
        if after <= before:
            raise UsageError(
                f"strategy {name}: its shares must grow, and {percent(after)} comes after {percent(before)}",
                hint="Going back is what `bluegreen rollback` does.",
            )
        # Two shares that are a thousandth apart never are; finding their weights takes a moment, a thousand times over.
        if after - before < SMALLEST_SHARE and Split.giving(Color.BLUE, after) == Split.giving(Color.BLUE, before):
            raise UsageError(
                f"strategy {name}: in ELBv2's weights {percent(after)} is the same as {percent(before)}",
                hint="Leave one of them out.",
            )


def _check_end(name: str, steps: Sequence[Step]) -> None:
    """What is retired carries no traffic any more, and nothing that could fail comes after it."""
    first = next((index for index, step in enumerate(steps) if isinstance(step, Retire)), None)
    if first is None:
        return
    if any(not isinstance(step, Retire | Bake) for step in steps[first:]) or not isinstance(steps[-1], Retire):
        raise UsageError(
            f"strategy {name}: after a retire there is nothing to go back to in a hurry",
            hint="Let retire be its last step; only a bake and a further retire may follow one.",
        )


def canary(shares: Sequence[Fraction], bake_seconds: float, name: str = "canary") -> Strategy:
    """Each of `shares` in turn, the last being 1, with a bake after each.

    Raises:
        UsageError: the shares do not grow, or do not end at 1.
    """
    return Strategy(name, _baked(shares, bake_seconds))


def linear(step: Fraction, every_seconds: float, name: str = "linear") -> Strategy:
    """Equal steps of `step`, with a bake after each; one that does not divide 1 ends with the rest (33.33, 66.66, 100).

    Raises:
        UsageError: a step outside 0 to 1, or finer than ELBv2's weights.
    """
    if not SMALLEST_SHARE <= step <= 1:
        raise UsageError(f"a linear strategy goes in steps of 0.1 % to 100 %, not {percent(step)}")
    partial = [step * count for count in range(1, int(1 / step) + 1) if step * count <= 1 - SMALLEST_SHARE]
    return Strategy(name, _baked([*partial, Fraction(1)], every_seconds))


def all_at_once(bake_seconds: float, name: str = "all-at-once") -> Strategy:
    """Everything in one shift, then a bake."""
    return Strategy(name, _baked([Fraction(1)], bake_seconds))


def ab(conditions: Sequence[Condition], for_seconds: float, bake_seconds: float, name: str = "ab") -> Strategy:
    """Matching requests to the new color until somebody says yes, within `for_seconds`; then all of them."""
    return Strategy(
        name, (Divert(tuple(conditions)), Approve(for_seconds, "A/B test"), Shift(Fraction(1)), Bake(bake_seconds))
    )


def previewed(conditions: Sequence[Condition], for_seconds: float, name: str = "preview") -> Strategy:
    """Matching requests to the new color for so long, and nothing else: it ends where it began."""
    return Strategy(name, (Divert(tuple(conditions)), Approve(for_seconds, "preview: it cannot be approved")))


def _baked(shares: Sequence[Fraction], seconds: float) -> tuple[Step, ...]:
    return tuple(step for share in shares for step in (Shift(share), Bake(seconds)))


def plan_of(
    strategy: Strategy,
    contract: Contract,
    *,
    base: Color,
    settle_seconds: float,
    release: Sequence[str] = (),
    force: bool = False,
    hooks: Sequence[HookSettings] = (),
) -> Plan:
    """The strategy made concrete for the service of `contract`, with the hooks of the service in it.

    After each shift it bakes for `settle_seconds` at least, since before that nothing can be concluded from it.
    """
    return Plan(
        service=contract.name,
        strategy=strategy.name,
        base=base,
        steps=settled(hooked(strategy.steps, hooks), settle_seconds),
        routes=tuple(route.name for route in contract.routes),
        gates=strategy.gates,
        settle_seconds=settle_seconds,
        release=tuple(release),
        force=force,
        gate_seconds=strategy.gate_seconds,
        inconclusive=strategy.inconclusive,
        on_rollback=hooks_at(HookPoint.ON_ROLLBACK, hooks),
        on_end=hooks_at(HookPoint.ON_END, hooks),
    )


def settled(steps: Sequence[Step], settle_seconds: float) -> tuple[Step, ...]:
    """`steps` with a bake of `settle_seconds` at least directly after each shift."""
    done: list[Step] = []
    for step in steps:
        if done and isinstance(done[-1], Shift) and settle_seconds:
            if isinstance(step, Bake):
                done.append(replace(step, seconds=max(step.seconds, settle_seconds)))
                continue
            done.append(Bake(settle_seconds))
        done.append(step)
    if isinstance(done[-1], Shift) and settle_seconds:
        done.append(Bake(settle_seconds))
    return tuple(done)


def strategy_named(name: str, settings: Settings) -> Strategy:
    """The strategy of that name: of bluegreen.toml, else the preset.

    Raises:
        UsageError: there is none; the message suggests the nearest.
    """
    from toolkit.rollout.presets import preset

    own = settings.strategy.get(name)
    return own if isinstance(own, Strategy) else preset(name, besides=tuple(settings.strategy))


def parse_share(text: str) -> Fraction:
    """A share as an operator writes it, in percent: `5`, `5%`, `0.1`.

    Raises:
        UsageError: anything else, saying what to write.
    """
    number = text.strip().removesuffix("%").rstrip()
    if not _PERCENT.fullmatch(number) or not 0 < Fraction(number) <= 100:  # noqa: PLR2004 - percent
        raise UsageError(
            f"'{_short(text)}' is not a share of the traffic", hint="Write percent: 5, 12.5 or 0.1, at most 100."
        )
    return Fraction(number) / 100


def parse_shares(text: str) -> tuple[Fraction, ...]:
    """Shares as an operator writes them, in percent, divided by commas: `1,5,25,50,100`.

    Raises:
        UsageError: anything else, saying what to write.
    """
    return tuple(parse_share(part) for part in text.split(","))


def parse_duration(text: str) -> float:
    """Seconds, of a duration as an operator writes it: `5m`, `90s`, `1h30m`, `7d`, `250ms`, `0`. At most 30 days.

    Raises:
        UsageError: anything else, saying what to write.
    """
    written = text.strip()
    if written == "0":
        return 0.0
    found = _DURATION.fullmatch(written) if len(written) <= 40 else None  # noqa: PLR2004 - nobody writes longer ones
    if not written or found is None:
        raise UsageError(
            f"'{_short(text)}' is not a duration", hint="Write it with its units: 90s, 5m, 1h30m or 250ms."
        )
    seconds = float(sum(Fraction(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part))
    if seconds > _LONGEST:
        raise UsageError(f"'{_short(text)}' is longer than 30 days", hint="Write a shorter duration, such as 1h30m.")
    return seconds


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - what fits in a line of a message
