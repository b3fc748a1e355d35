"""The strategies that AWS has published under names of its own.

Sources: CodeDeploy user guide, "Working with deployment configurations" (predefined ones for Lambda and for ECS);
Amazon ECS API reference, CanaryConfiguration and LinearConfiguration (the defaults of ECS's own deployments).

AWS watches its alarms while it waits; here target health and gates are watched, and after the last shift too, for as
long as between two of them. The old side is not ended: a strategy with a `retire` step does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction

from toolkit.errors import UsageError
from toolkit.rollout.strategy import Strategy, all_at_once, canary, linear

ALL_AT_ONCE_BAKE_SECONDS = 60.0
"""AWS names no time for it; this is what `cutover` bakes for."""
_MINUTE = 60.0
_TENTH = Fraction(1, 10)
_IN_PLACE = ("OneAtATime", "HalfAtATime")
"""They replace instances in place, a few at a time, and shift no traffic."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A strategy and what AWS calls it: `aws` are the whole names, `also` further short ones."""

    strategy: Strategy
    aws: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.strategy.name


def _code_deploy(*names: str) -> tuple[str, ...]:
    return tuple(f"CodeDeployDefault.{name}" for name in names)


def _canary(percent: int, minutes: int, *aws: str, also: tuple[str, ...] = ()) -> Preset:
    name = f"Canary{percent}Percent{minutes}Minutes"
    return Preset(canary([Fraction(percent, 100), Fraction(1)], minutes * _MINUTE, name), aws, also)


def _linear(minutes: int, *aws: str, also: tuple[str, ...] = ()) -> Preset:
    name = f"Linear10PercentEvery{minutes}Minute{'' if minutes == 1 else 's'}"
    return Preset(linear(_TENTH, minutes * _MINUTE, name), aws, also)


PRESETS: tuple[Preset, ...] = (
    Preset(
        all_at_once(ALL_AT_ONCE_BAKE_SECONDS, "AllAtOnce"),
        (*_code_deploy("AllAtOnce", "LambdaAllAtOnce", "ECSAllAtOnce"), "ECS BLUE_GREEN"),
        also=("BLUE_GREEN",),
    ),
    _canary(5, 10, "ECS CANARY, its defaults", also=("CANARY",)),
    _canary(10, 5, *_code_deploy("LambdaCanary10Percent5Minutes", "ECSCanary10Percent5Minutes")),
    _canary(10, 10, *_code_deploy("LambdaCanary10Percent10Minutes")),
    _canary(10, 15, *_code_deploy("LambdaCanary10Percent15Minutes", "ECSCanary10Percent15Minutes")),
    _canary(10, 30, *_code_deploy("LambdaCanary10Percent30Minutes")),
    _linear(1, *_code_deploy("LambdaLinear10PercentEvery1Minute", "ECSLinear10PercentEvery1Minutes")),
    _linear(2, *_code_deploy("LambdaLinear10PercentEvery2Minutes")),
    _linear(3, *_code_deploy("LambdaLinear10PercentEvery3Minutes", "ECSLinear10PercentEvery3Minutes")),
    _linear(6, "ECS LINEAR, its defaults", also=("LINEAR",)),
    _linear(10, *_code_deploy("LambdaLinear10PercentEvery10Minutes")),
)


def preset(name: str, *, besides: tuple[str, ...] = ()) -> Strategy:
    """The preset of that name, however AWS's prefixes, capitals and plurals are written.

    besides: further names that are known, for the suggestion.

    Raises:
        UsageError: there is none; the message suggests the nearest.
    """
    found = _BY_KEY.get(_key(name))
    if found is not None:
        return found
    if _key(name) in {_key(each) for each in _IN_PLACE}:
        raise UsageError(
            f"'{name}' replaces instances in place and shifts no traffic, so it is no strategy here",
            hint="`bluegreen rolling SERVICE --batch 1` (or 50%) does that; `bluegreen plan` lists what shifts.",
        )
    raise UsageError(f"there is no strategy '{_shown(name)}'", hint=_suggestion(name, besides))


def _key(name: str) -> str:
    key = name.strip().lower().removeprefix("codedeploydefault.")
    key = key.removeprefix("ecs").removeprefix("lambda")
    return key.replace("-", "").replace("_", "").removesuffix("s")  # AWS writes both Every1Minute and Every1Minutes


_BY_KEY = {_key(name): each.strategy for each in PRESETS for name in (each.name, *each.also)}


def _suggestion(name: str, besides: tuple[str, ...]) -> str:
    known = {_key(each): each for each in (*(each.name for each in PRESETS), *besides)}
    near = get_close_matches(_key(name)[:100], known, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {known[near[0]]}? `bluegreen plan` lists all of them."
    return "Write [strategy.NAME] in bluegreen.toml, or take a preset: `bluegreen plan` lists them."


def _shown(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:57]}..."  # noqa: PLR2004 - what fits in a line of a message
