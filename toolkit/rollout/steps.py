"""What a rollout is made of. Each step is plain data: what is to be done, never how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from toolkit.errors import UsageError
from toolkit.rollout.preview import Condition, in_words
from toolkit.rollout.rolling import Member
from toolkit.rollout.workload import Change
from toolkit.settings import HookPoint

OUTPUT_LIMIT = 16 * 1024
"""Bytes of a hook's output that an entry of the journal keeps."""


class Via(StrEnum):
    """Where a probe goes: through the route, as users do, or through the new color's test route."""

    ROUTE = "route"
    TEST_ROUTE = "test-route"


@dataclass(frozen=True, slots=True)
class Shift:
    """Give the new color `share` (above 0, at most 1) of new requests, on every route, and read it back."""

    share: Fraction

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(
                f"a step gives the new color above 0 % and at most 100 %, not {float(self.share) * 100:g} %"
            )


@dataclass(frozen=True, slots=True)
class Bake:
    """Let it run for `seconds`, every gate watching.

    until_safe: it ends as soon as the analysis has shown that the new color is no worse; `seconds` is the most.
    """

    seconds: float
    until_safe: bool = False


@dataclass(frozen=True, slots=True)
class Analyze:
    """Judge now: the new color has the healthy targets that its share asks for."""


@dataclass(frozen=True, slots=True)
class Approve:
    """Wait for a person's yes, every gate watching; without one after `seconds` the rollout is taken back."""

    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hook:
    """A command as an argument vector, or an HTTPS webhook. Success lets the rollout go on.

    Exactly one of `command` and `url` is said. retries: further tries after the first. at: the point that the settings
    give it; None for a step of the strategy itself.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    timeout_seconds: float = 60.0
    retries: int = 0
    at: HookPoint | None = None

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.url):
            raise UsageError(f"hook {self.name!r} has either a command or a url")


@dataclass(frozen=True, slots=True)
class Probe:
    """HTTP requests that must be answered as said. None leaves a property unchecked.

    status: the code. within_seconds: the longest answer. header: name and value of the answer. body: a text in it.
    count: requests in a row, all of which must pass. retries: further tries of the whole, after the first.
    """

    path: str = "/"
    via: Via = Via.ROUTE
    status: int | None = 200
    within_seconds: float | None = None
    header: tuple[str, str] | None = None
    body: str | None = None
    count: int = 1
    timeout_seconds: float = 5.0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Deploy:
    """Make the release that is asked for, and let the new color run it."""

    change: Change


@dataclass(frozen=True, slots=True)
class Batch:
    """Update `members`, number `number` (from 1) of `of` batches: take them out, update them, put them in."""

    number: int
    of: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Roll:
    """Make the release that is asked for, and let ECS replace the live color's tasks by its own rolling update."""

    change: Change


@dataclass(frozen=True, slots=True)
class Divert:
    """Send the requests that match all of `conditions` to the new color, by a rule before each route."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Bring the new color up to `targets`, to `of_live` times what the live color runs, or to what a share takes.

    of_live: rounded up. for_share: the share of the traffic that it is about to get (`preflight.needed_targets`); it is
    never scaled down for one.
    """

    targets: int | None = None
    of_live: Fraction | None = None
    for_share: Fraction | None = None

    def __post_init__(self) -> None:
        if [self.targets, self.of_live, self.for_share].count(None) != 2:  # noqa: PLR2004 - the two that are not said
            raise UsageError("a scale step has a number of targets, a part of the live side, or a share of the traffic")


@dataclass(frozen=True, slots=True)
class Retire:
    """Bring the old color down to `targets`, after the promotion."""

    targets: int = 0


Step = Deploy | Batch | Roll | Divert | Shift | Bake | Analyze | Approve | Hook | Probe | Scale | Retire
Gate = Probe | Hook
"""What is asked again and again while the new color carries traffic; its target health always is."""


def describe(step: Step) -> str:  # noqa: PLR0911, PLR0912, C901 - one case a step
    """The step in words, as plans and histories print it."""
    match step:
        case Deploy(change):
            return f"deploy {change}"
        case Batch(number, of, members):
            return f"update batch {number} of {of}: {', '.join(map(str, members))}"
        case Roll(change):
            return f"roll out {change}"
        case Divert(conditions):
            return f"divert what has {' and '.join(map(in_words, conditions))}"
        case Shift(share):
            return f"shift {percent(share)}"
        case Bake(seconds, until_safe):
            return f"bake until safe, at most {duration(seconds)}" if until_safe else f"bake {duration(seconds)}"
        case Analyze():
            return "analyze target health"
        case Approve(seconds, note):
            return f"approve within {duration(seconds)}" + (f" ({note})" if note else "")
        case Hook():
            return f"hook {step.name}" + (f" ({step.at})" if step.at else "")
        case Probe():
            return f"probe {step.path} via {step.via}"
        case Scale(targets, of_live, for_share):
            if for_share is not None:
                return f"scale for {percent(for_share)}"
            return f"scale to {targets}" if of_live is None else f"scale to {percent(of_live)} of live"
        case Retire(targets):
            return f"retire to {targets}"


def percent(share: Fraction) -> str:
    """A share as people write it: `5 %`, `0.1 %`."""
    return f"{float(share) * 100:g} %"


def duration(seconds: float) -> str:
    """Seconds as people write them: `90s`, `5m`, `1h30m`."""
    if seconds != int(seconds) or seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return "".join(f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if value)
