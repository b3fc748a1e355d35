"""What both colors did since a rollout diverts requests, of the minutes that CloudWatch has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from toolkit.analysis.variants import Difference, Rate
from toolkit.errors import NoRollout, PreflightRefused
from toolkit.rollout.events import Diverted
from toolkit.rollout.metrics import Minutes
from toolkit.runner.analyst import wanted_of
from toolkit.runner.service import Service
from toolkit.runner.states import state_of
from toolkit.settings import AnalysisSettings
from toolkit.traffic import Color


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that was counted. difference None: it is no count of requests, so only the sums are told."""

    name: str
    live: float
    new: float
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Variants:
    """since, until: the whole minutes counted (UTC). requests: by color. remarks: what a reader should know."""

    rollout: str
    live: Color
    new: Color
    since: datetime
    until: datetime
    requests: dict[Color, int]
    compared: tuple[Compared, ...]
    remarks: tuple[str, ...] = ()


def variants(service: Service) -> Variants:
    """The report of the rollout under way.

    Raises:
        NoRollout: none is under way, or it diverts nothing yet.
        PreflightRefused: no whole minute has settled since.
        AwsError, JournalError
    """
    state = state_of(service, service.record().rollout)
    if not state.diverts:
        raise NoRollout(
            f"{service.name}: rollout {state.id} diverts no requests now, so there are no variants to compare",
            hint=f"See `bluegreen status {service.name}`.",
        )
    settings = service.settings.analysis or AnalysisSettings()
    entries = service.store.since(service.name, int(state.id.rpartition("-")[2]))
    since = next((entry.at for entry in entries if isinstance(entry.event, Diverted)), state.began)
    first = int(since.timestamp()) // 60 + 1
    last = int(service.clock.now().timestamp() - settings.settle_seconds) // 60
    if last <= first:
        raise PreflightRefused(
            f"{service.name}: no whole minute since {since:%H:%M:%S} UTC is settled in CloudWatch yet",
            hint=f"Ask again in {60 + settings.settle_seconds:.0f} s.",
        )
    begin, end = (datetime.fromtimestamp(minute * 60, tz=since.tzinfo) for minute in (first, last))
    minutes = service.metrics.minutes(service.contract, wanted_of(settings), since=begin, until=end)
    return _of(minutes, state.id, state.plan.base, begin, end)


def _of(minutes: Minutes, rollout: str, live: Color, since: datetime, until: datetime) -> Variants:
    first, last = (int(at.timestamp()) // 60 for at in (since, until))
    samples = [sample for sample in minutes.samples if first <= sample.minute < last]
    requests = {color: sum(each.requests for each in samples if each.color is color) for color in Color}
    bad = {color: sum(each.errors for each in samples if each.color is color) for color in Color}
    compared = [_compared("bad", bad, requests, live)]
    if samples and all(each.slow is not None for each in samples):
        slow = {color: sum(each.slow or 0 for each in samples if each.color is color) for color in Color}
        compared.append(_compared("slow", slow, requests, live))
    for name, readings in minutes.own.items():
        counted = [each for each in readings if first <= each.minute < last]
        sums = {color: sum(each.value for each in counted if each.color is color) for color in Color}
        compared.append(_compared(name, sums, requests, live))
    incomplete = () if minutes.is_complete else ("CloudWatch gave a part of the metrics only",)
    remarks = (*minutes.remarks, *incomplete, *_not_counts(compared))
    return Variants(rollout, live, live.other, since, until, requests, tuple(compared), remarks)


def _compared(
    name: str, counts: dict[Color, int] | dict[Color, float], requests: dict[Color, int], live: Color
) -> Compared:
    """A value that is no whole number from 0 to the requests is no count of them, and has no rate."""
    is_count = all(float(counts[color]).is_integer() and 0 <= counts[color] <= requests[color] for color in Color)
    difference = None
    if is_count:
        new, old = (Rate(int(counts[color]), requests[color]) for color in (live.other, live))
        difference = Difference(new, old)
    return Compared(name, float(counts[live]), float(counts[live.other]), difference)


def _not_counts(compared: Sequence[Compared]) -> list[str]:
    return [f"{each.name} is no count of requests, so it has no rate" for each in compared if each.difference is None]
