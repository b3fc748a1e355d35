"""The analysis of a service as it stands, outside a rollout: both colors side by side over the last minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.errors import NoBase, PreflightRefused
from toolkit.rollout.events import Entry, ShiftIntended, ShiftVerified
from toolkit.rollout.routes import live_color, split_of_service
from toolkit.runner.analyst import Analyst, wanted_of
from toolkit.runner.service import Service
from toolkit.settings import AnalysisSettings
from toolkit.traffic import Color, Split

_ENTRIES = 400
"""Journal entries looked through for the splits of the time that is analyzed."""


@dataclass(frozen=True, slots=True)
class Analyzed:
    """The verdict on `new` beside `live`, and the split that stands now."""

    service: str
    live: Color
    new: Color
    split: Split | None
    since: datetime
    verdict: Verdict


def analyze(service: Service, *, minutes: int = 60, live: Color | None = None) -> Analyzed:
    """Judge the color that is not live by the last `minutes`, whole splits only, past their warm-up.

    Raises:
        NoBase: both carry traffic and nobody knows which is live; say it.
        RouteUnusable: a route is gone or is not of this pair.
        AwsError, JournalError: routes or journal could not be read. Metrics that cannot be are no error but no data.
    """
    now = service.clock.now()
    since = now - timedelta(minutes=minutes)
    record = service.record()
    split = split_of_service(service.read(), service.contract)
    base = live or record.goes_back_to or live_color(split, record)
    if base is None:
        raise NoBase(
            f"{service.name}: both colors carry traffic and no base is on record, so neither is the live one.",
            hint=f"Say it: bluegreen analyze {service.name} --live blue (or green).",
        )
    shifts = _shifts(service.store.tail(service.name, _ENTRIES), since)
    if not shifts and split is not None:
        shifts = [(since, split)]
    wanted = service if service.settings.analysis else _with_analysis(service)
    verdict = Analyst(wanted).look(base, shifts, both=True)
    if verdict is None:
        verdict = Verdict(
            Outcome.INCONCLUSIVE, "flows are balanced, of which no requests are counted, and no alarm is named"
        )
    return Analyzed(service.name, base, base.other, split, since, verdict)


@dataclass(frozen=True, slots=True)
class Traffic:
    """rate: requests a second, both colors together. baseline: the part of them (0 to 1) that is bad."""

    rate: float
    baseline: float


def traffic(service: Service, *, minutes: int = 60) -> Traffic:
    """What the service had in the last `minutes`.

    Raises:
        PreflightRefused: no request in that time.
        AwsError: CloudWatch could not be read.
    """
    settings = service.settings.analysis or AnalysisSettings()
    until = service.clock.now() - timedelta(seconds=settings.settle_seconds)
    since = until - timedelta(minutes=minutes)
    found = service.metrics.minutes(service.contract, wanted_of(settings), since=since, until=until).samples
    requests = sum(sample.requests for sample in found)
    if not requests:
        raise PreflightRefused(
            f"{service.name} had no request in the last {minutes} minutes.",
            hint="Say --rate and --baseline, or look further back with --minutes.",
        )
    covered = len({sample.minute for sample in found})
    return Traffic(requests / (60 * covered), sum(sample.errors for sample in found) / requests)


def _with_analysis(service: Service) -> Service:
    return replace(service, settings=replace(service.settings, analysis=AnalysisSettings()))


def _shifts(entries: Iterable[Entry], since: datetime) -> list[tuple[datetime, Split]]:
    """When which split was verified; the one in force at `since` begins there."""
    found: list[tuple[datetime, Split]] = []
    meant: Split | None = None
    for entry in entries:
        if isinstance(entry.event, ShiftIntended):
            meant = entry.event.to
        elif isinstance(entry.event, ShiftVerified) and meant is not None:
            found.append((entry.at, meant))
    earlier = [split for at, split in found if at <= since]
    return [*[(since, split) for split in earlier[-1:]], *[each for each in found if each[0] > since]]
