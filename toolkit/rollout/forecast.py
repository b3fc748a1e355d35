"""What a plan will do if all goes well: when, with which splits, by how many calls; and what is at risk meanwhile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from toolkit.rollout.plan import Plan
from toolkit.rollout.steps import (
    Analyze,
    Approve,
    Bake,
    Batch,
    Deploy,
    Divert,
    Hook,
    Probe,
    Retire,
    Roll,
    Scale,
    Shift,
    Step,
    describe,
    percent,
)
from toolkit.rollout.steps import duration as _in_words
from toolkit.traffic import Split

ROUTES_A_CALL = 20
"""So many rules, or listeners, are described by one call."""
WRITES_AT_ONCE, WRITES_A_SECOND = 20, 3
"""What writes are held to, for each service of a release. AWS publishes no figures; these are assumed."""
POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of the ELBv2 API; what hooks, probes, scaling, updating and the journal call is not counted.

    routes: DescribeRules, DescribeListeners. health: DescribeTargetHealth. writes: ModifyRule, ModifyListener.
    """

    routes: int = 0
    health: int = 0
    writes: int = 0

    def __add__(self, other: Calls) -> Calls:
        return Calls(self.routes + other.routes, self.health + other.health, self.writes + other.writes)

    def __str__(self) -> str:
        return f"{self.writes} Modify, {self.routes + self.health} Describe ({self.health} of them target health)"


@dataclass(frozen=True, slots=True)
class StepForecast:
    """One step. starts_at: seconds after the beginning, if everything before took as long as is certain.

    seconds: how long it takes for certain. at_most: how much longer it may take: until a person approves, a hook or a
    probe has had its last try. share: the new color's, once it is done. splits: what a shift puts on each route, by
    name. calls: during it; of an approval, for each `at_most` of it.
    """

    step: Step
    starts_at: float
    seconds: float
    at_most: float
    share: Fraction
    splits: dict[str, Split] = field(default_factory=dict)
    calls: Calls = Calls()

    @property
    def words(self) -> str:
        return describe(self.step)


@dataclass(frozen=True, slots=True)
class Exposure:
    """The worst case: the new color is bad from its first request, and the first decision is what finds it.

    Target health and gates look earlier, so this is what they may miss. times: share and seconds of each shift until
    then. decision: the step that decides; None where nothing does before all traffic is on the new color for good.
    diverts: requests are picked out before, of which nobody knows how many there are.
    """

    times: tuple[tuple[Fraction, float], ...]
    decision: Step | None
    diverts: bool = False

    @property
    def share_seconds(self) -> float:
        """As many seconds of all the traffic as the new color had."""
        return float(sum(share * Fraction(seconds) for share, seconds in self.times))

    def __str__(self) -> str:
        if not self.diverts:
            return self._in_words()
        picked = "the requests that match, however many, until somebody decides"
        return f"{picked}; then {self._in_words()}" if self.times else picked

    def _in_words(self) -> str:
        parts = [f"{percent(share)} of requests for {_in_words(seconds)}" for share, seconds in self.times if seconds]
        if self.decision is None:
            return f"{', then '.join([*parts, 'all of them'])}, and no step decides"
        first = max((share for share, _ in self.times), default=Fraction(0))
        spent = ", then ".join(parts) or f"{percent(first)} of requests at once"
        much = f", as much as all of them for {_in_words(round(self.share_seconds, 3))}" if parts and first < 1 else ""
        return f"{spent}{much}, until the first decision ({describe(self.decision)})"


@dataclass(frozen=True, slots=True)
class Forecast:
    """The steps, and their sums. before: the calls of the checks before the first step."""

    steps: tuple[StepForecast, ...]
    before: Calls
    exposure: Exposure

    @property
    def seconds(self) -> float:
        """What all of it takes for certain."""
        return sum(step.seconds for step in self.steps)

    @property
    def approval_seconds(self) -> float:
        """How long people may take at most."""
        return sum(step.at_most for step in self.steps if isinstance(step.step, Approve))

    @property
    def asking_seconds(self) -> float:
        """How long hooks and probes may take at most."""
        return sum(step.at_most for step in self.steps if isinstance(step.step, Hook | Probe))

    @property
    def calls(self) -> Calls:
        """All of them, without those of the approvals, which go on as long as nobody has approved."""
        return sum((step.calls for step in self.steps if not isinstance(step.step, Approve)), self.before)

    @property
    def shares(self) -> tuple[tuple[float, Fraction], ...]:
        """The new color's share from each second on at which it changes."""
        return tuple(
            (each.starts_at + each.seconds, each.share)
            for each in self.steps
            if isinstance(each.step, Shift | Batch | Roll)
        )

    def share_at(self, seconds: float) -> Fraction:
        """The new color's share so many seconds after the beginning, if nobody has to be waited for."""
        return next((share for at, share in reversed(self.shares) if at <= seconds), Fraction(0))

    @property
    def eta(self) -> str:
        """How long it takes, in words."""
        more = [
            f"up to {_in_words(seconds)} for {what}"
            for seconds, what in ((self.approval_seconds, "approvals"), (self.asking_seconds, "hooks and probes"))
            if seconds
        ]
        scales = any(isinstance(step.step, Deploy | Scale | Retire) for step in self.steps)
        more += ["what scaling takes"] if scales else []
        more += ["what updating takes"] if any(isinstance(step.step, Batch | Roll) for step in self.steps) else []
        return _in_words(round(self.seconds, 3)) + "".join(f", plus {each}" for each in more)


def forecast(plan: Plan, *, poll_seconds: float = POLL_SECONDS, reads: int | None = None) -> Forecast:
    """What `plan` will do.

    poll_seconds: how often it is looked while something is watched. reads: calls that describe all routes once; None:
    as few as there can be, which is true where the routes are all rules or all listeners.
    """
    routes = len(plan.routes)
    once = reads_of(rules=routes) if reads is None else reads
    steps: list[StepForecast] = []
    at, share = 0.0, Fraction(0)
    for step in plan.steps:
        share = _share_of(step, share)
        seconds, at_most = _times(step, routes)
        steps.append(
            StepForecast(
                step,
                starts_at=at,
                seconds=seconds,
                at_most=at_most,
                share=share,
                splits=dict.fromkeys(plan.routes, plan.split(step)) if isinstance(step, Shift) else {},
                calls=_calls(step, once, routes, poll_seconds, judged=bool(share) and not plan.force),
            )
        )
        at += seconds
    return Forecast(tuple(steps), Calls(routes=once, health=2), exposure_of(steps))


def _share_of(step: Step, before: Fraction) -> Fraction:
    """What of the traffic the new version has once the step is done."""
    match step:
        case Shift(share):
            return share
        case Batch(number, of, _):
            return Fraction(number, of)
        case Roll():
            return Fraction(1)
        case _:
            return before


def reads_of(*, rules: int = 0, listeners: int = 0) -> int:
    """The calls that describe so many routes once: rules and listeners are asked for apart."""
    return math.ceil(rules / ROUTES_A_CALL) + math.ceil(listeners / ROUTES_A_CALL)


def _times(step: Step, routes: int) -> tuple[float, float]:
    """For how long for certain, and how much longer at most."""
    match step:
        case Shift():
            return max(0, routes - WRITES_AT_ONCE) / WRITES_A_SECOND, 0.0
        case Bake(seconds):
            return seconds, 0.0
        case Approve(seconds):
            return 0.0, seconds
        case Hook():
            return 0.0, step.timeout_seconds * (step.retries + 1)
        case Probe():
            return 0.0, step.timeout_seconds * step.count * (step.retries + 1)
        case Analyze() | Deploy() | Batch() | Roll() | Divert() | Scale() | Retire():
            return 0.0, 0.0


def _calls(step: Step, once: int, routes: int, poll_seconds: float, *, judged: bool) -> Calls:
    match step:
        case Shift():  # the world is looked at before the write, and the routes are read back after it
            return Calls(routes=2 * once, health=2, writes=routes)
        case Bake(seconds) | Approve(seconds):
            looks = math.ceil(seconds / poll_seconds) + 1
        case Analyze():
            looks = 1
        case Hook() | Probe() | Deploy() | Batch() | Roll() | Divert() | Scale() | Retire():
            looks = 0
    return Calls(routes=looks * once, health=looks * judged)


def exposure_of(steps: Sequence[StepForecast]) -> Exposure:
    """What the new color has of the traffic before anything decides about it."""
    times: list[tuple[Fraction, float]] = []
    diverts = any(isinstance(each.step, Divert) for each in steps)
    for each in steps:
        if not each.share:
            continue
        if isinstance(each.step, Shift | Batch | Roll):
            times.append((each.share, 0.0))
            continue
        if isinstance(each.step, Retire):
            break
        share, seconds = times[-1]
        times[-1] = share, seconds + each.seconds + each.at_most
        if isinstance(each.step, Bake | Analyze | Approve | Hook | Probe):
            return Exposure(tuple(times), each.step, diverts)
    return Exposure(tuple(times), None, diverts)


MOMENTS = (0.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)


def compare(*forecasts: Forecast) -> list[tuple[str, ...]]:
    """Rows of a table: what is compared, and how each has it."""
    rows = [
        ("steps", *(str(len(each.steps)) for each in forecasts)),
        ("shifts", *(str(len(each.shares)) for each in forecasts)),
        ("first share", *(percent(each.shares[0][1]) for each in forecasts)),
        ("takes", *(each.eta for each in forecasts)),
        ("at risk", *(str(each.exposure) for each in forecasts)),
        ("calls", *(str(each.calls) for each in forecasts)),
    ]
    longest = max(each.seconds for each in forecasts)
    rows += [
        (f"share at {_in_words(moment)}", *(percent(each.share_at(moment)) for each in forecasts))
        for moment in MOMENTS
        if moment <= longest
    ]
    return rows
