"""The analysis of a rollout's traffic: CloudWatch's minutes of both colors, and its alarms, asked once a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from toolkit.analysis.judge import Analysis
from toolkit.analysis.policy import Metric, Policy, Threshold
from toolkit.analysis.series import MINUTE, Sample, first_warm, last_settled
from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.errors import AwsError
from toolkit.rollout.metrics import AlarmValue, BalancerMinute, Latency, MetricsWanted, Minutes, OwnMetric
from toolkit.runner.bypassing import BypassWatch
from toolkit.runner.own_metrics import own_verdict
from toolkit.runner.service import Service
from toolkit.settings import AnalysisSettings, OwnLimit
from toolkit.traffic import Color, Split

PAST_SECONDS = 4 * 3600.0
"""How far before the rollout the live side is looked at, to know whether its errors come in bursts."""
_SICK_MINUTES = 2
"""Minutes in a row in which a color that nothing is compared with is sick, before that fails a rollout."""
Shifts = Sequence[tuple[datetime, Split]]
_BALANCER_MINUTES = 2
"""Minutes in a row in which the load balancer itself answers 5xx too often, before that fails a rollout."""


class Analyst:
    """What CloudWatch says of one rollout. Made anew by whoever resumes it: the same minutes give the same verdict."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings.analysis
        self._analysis: Analysis | None = None
        self._samples: list[Sample] = []
        self._balancer: dict[int, BalancerMinute] = {}
        self._own: dict[str, dict[tuple[int, Color], float]] = {}
        self._usual = 0.0
        self._told = False
        self._bypasses = BypassWatch(service)
        self._asked: int | None = None
        self._began = service.clock.now()
        self.verdict: Verdict | None = None

    def look(self, base: Color, shifts: Shifts, *, both: bool) -> Verdict | None:
        """The verdict as of now; None where nothing is analyzed. CloudWatch is asked when another minute has settled.

        base: the color that the other one is compared with. shifts: when which split came into force, oldest first.
        both: the two colors have traffic; else there is nothing to compare, and the alarms alone are asked.
        """
        now, settings = self._service.clock.now(), self._settings
        settle = (settings or AnalysisSettings()).settle_seconds
        settled = last_settled(now.timestamp(), settle)
        if settled == self._asked:
            return self.verdict
        self._asked = settled
        bypassed = compared = None
        if both and settings is not None and shifts:
            bypassed = _seen(lambda: self._bypasses.look(now))
            compared = _seen(lambda: self._compared(settings, base, shifts, now))
        self.verdict = _worst(bypassed, compared, _seen(lambda: self._alarmed(base.other)))
        return self.verdict

    def look_alone(self, color: Color) -> Verdict | None:
        """The same for a color that is updated in place, which nobody is there to be compared with.

        What counts are plain limits on its rates, the load balancer's own errors, limits on metrics of the user's own,
        and its alarms; in minutes since this was made. None where nothing is analyzed.
        """
        now, settings = self._service.clock.now(), _alone(self._settings)
        settled = last_settled(now.timestamp(), (settings or AnalysisSettings()).settle_seconds)
        if settled == self._asked:
            return self.verdict
        self._asked = settled
        counted = None
        if settings is not None:
            since = [(self._began, Split.all_to(color))]
            counted = _seen(lambda: self._compared(settings, color.other, since, now))
        self.verdict = _worst(counted, _seen(lambda: self._alarmed(color)))
        return self.verdict

    def forget(self) -> None:
        """A split begins that the last verdict says nothing of: ask anew."""
        self.verdict, self._asked = None, None

    def _alarmed(self, color: Color) -> Verdict | None:
        """What the alarms that guard a color say; None where the contract names none, or all are well."""
        names = self._service.contract.alarms.get(color, ())
        if not names:
            return None
        states = self._service.metrics.alarms(names).values()
        ringing = [alarm for alarm in states if alarm.state is AlarmValue.ALARM]
        if ringing:
            return Verdict(
                Outcome.FAIL, "; ".join(f"alarm {each.name}: {each.reason}".rstrip(": ") for each in ringing)
            )
        silent = [f"{alarm.name} is {alarm.state.lower()}" for alarm in states if alarm.state is not AlarmValue.OK]
        return Verdict(Outcome.INCONCLUSIVE, f"alarm {', '.join(silent)}") if silent else None

    def _compared(self, settings: AnalysisSettings, base: Color, shifts: Shifts, now: datetime) -> Verdict | None:
        """Both colors' traffic. Of flows only what speaks against them counts; None where nothing does.

        Minutes with requests past the split are not compared; those before them are, so a failure is one all the same.
        """
        until = last_settled(now.timestamp(), settings.settle_seconds)
        analysis = self._analysis or self._begun(base, shifts[0][0], settings)
        newest, first = analysis.newest, shifts[0][0]
        if newest is None or until > newest:
            since = first if newest is None else max(first, _time_of(newest + 1))
            self._take(self._minutes(settings, since, _time_of(until + 1)), base, shifts, settings)
        verdict = analysis.look(self._samples, until)
        warm = first_warm(shifts[-1][0].timestamp(), settings.warmup_minutes)
        own = (self._own_verdict(each, base.other, warm, until) for each in settings.own)
        counted = None if self._service.contract.is_network else self._with_bypasses(verdict, until)
        return _worst(counted, self._by_the_balancer(until, settings), *own)

    def _take(self, minutes: Minutes, live: Color, shifts: Shifts, settings: AnalysisSettings) -> None:
        self._balancer |= {each.minute: each for each in minutes.balancer}
        self._samples = [
            # Without the live side a minute is not compared; limits on the new one's rate alone hold in it all the same
            each
            for each in labelled(minutes.samples, shifts, settings)
            if each.color is not live or not self._bypasses.touches(each.minute)
        ]
        for name, readings in minutes.own.items():
            self._own.setdefault(name, {}).update({(each.minute, each.color): each.value for each in readings})
        self._tell(minutes.remarks)

    def _with_bypasses(self, verdict: Verdict, until: int) -> Verdict | None:
        """What the comparison says for itself, which knows nothing of why minutes lack."""
        if verdict.outcome is Outcome.FAIL:
            return verdict
        if self._bypasses.stands:
            return None  # the bypass's own verdict says it
        if verdict.outcome is Outcome.INCONCLUSIVE and self._bypasses.touches(until):
            return replace(verdict, reason=f"{verdict.reason}; minutes with requests past the split are not compared")
        return verdict

    def _own_verdict(self, limit: OwnLimit, new: Color, first: int, until: int) -> Verdict | None:
        """As `own_verdict`; the colors are not held against each other while requests come past the split."""
        if any(self._bypasses.touches(until - back) for back in range(limit.minutes)):
            limit = replace(limit, times_live=None)
        return own_verdict(limit, self._own.get(limit.name, {}), new, first, until)

    def _tell(self, remarks: Sequence[str]) -> None:
        """What a reader of the verdicts should know, once."""
        if not self._told:
            for remark in remarks:
                self._service.note(f"{self._service.name}: {remark}")
            self._told = bool(remarks)

    def _begun(self, base: Color, first: datetime, settings: AnalysisSettings) -> Analysis:
        past = self._minutes(settings, first - timedelta(seconds=PAST_SECONDS), first)
        errors, all_of_them = _sums(past.balancer)
        self._usual = errors / all_of_them if all_of_them else 0.0
        policy = policy_of(settings, is_counted=past.latency is Latency.COUNT)
        self._analysis = Analysis(policy, base, past.samples)
        return self._analysis

    def _minutes(self, settings: AnalysisSettings, since: datetime, until: datetime) -> Minutes:
        """Raises AwsError where CloudWatch gave a part only: what is missing would be taken for nothing."""
        minutes = self._service.metrics.minutes(self._service.contract, wanted_of(settings), since=since, until=until)
        if not minutes.is_complete:
            raise AwsError("; ".join(minutes.remarks) or "CloudWatch gave a part of the metrics only")
        return minutes

    def _by_the_balancer(self, until: int, settings: AnalysisSettings) -> Verdict | None:
        """Fail where the load balancer itself, which hides some failures of targets, answers 5xx more than before."""
        newest = [self._balancer.get(until - back) for back in range(_BALANCER_MINUTES)]
        limit = self._usual + settings.policy.sick
        bad = [each for each in newest if each and each.errors > limit * (each.requests + each.errors)]
        if len(bad) < _BALANCER_MINUTES:
            return None
        errors, requests = _sums(bad)
        told = f"the load balancer itself answered 5xx to {errors:,} of {requests:,} requests"
        if self._service.contract.is_network:
            told = f"targets reset {errors:,} of {requests:,} flows"
        return Verdict(Outcome.FAIL, f"{told} in {len(bad)} minutes")


def _alone(settings: AnalysisSettings | None) -> AnalysisSettings | None:
    """What of the settings holds without another color; without a plain limit, the rate at which a side is sick."""
    if settings is None:
        return None
    policy, own = settings.policy, settings.own
    limits = policy.thresholds or (Threshold(Metric.ERRORS, policy.sick, times=_SICK_MINUTES),)
    return replace(
        settings,
        policy=replace(policy, compare=False, thresholds=limits),
        own=tuple(replace(each, times_live=None) for each in own if not (each.above is None and each.below is None)),
    )


def _seen(look: Callable[[], Verdict | None]) -> Verdict | None:
    """An error is no data, and no data is no health."""
    try:
        return look()
    except AwsError as error:
        return Verdict(Outcome.INCONCLUSIVE, error.message)


def _worst(*verdicts: Verdict | None) -> Verdict | None:
    """A failure before what is not known, and that before a pass."""
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS):
        found = [verdict.reason for verdict in verdicts if verdict is not None and verdict.outcome is outcome]
        if found:
            return Verdict(outcome, "; ".join(found))
    return None


def _sums(minutes: Iterable[BalancerMinute]) -> tuple[int, int]:
    """Errors of the load balancer itself, and all requests."""
    minutes = list(minutes)
    errors = sum(each.errors for each in minutes)
    return errors, errors + sum(each.requests for each in minutes)


def policy_of(settings: AnalysisSettings, *, is_counted: bool) -> Policy:
    """The policy, with latency among its metrics where a bound on it is set.

    is_counted: CloudWatch counts slow requests. What is estimated from percentiles is too rough for a test on counts,
    and left to the thresholds.
    """
    if settings.slow_over is None or not is_counted or Metric.SLOW in settings.policy.metrics:
        return settings.policy
    return replace(settings.policy, metrics=(*settings.policy.metrics, Metric.SLOW))


def wanted_of(settings: AnalysisSettings) -> MetricsWanted:
    """What is asked of CloudWatch."""
    return MetricsWanted(
        slow_over=settings.slow_over,
        websockets=settings.websockets,
        count_4xx=settings.count_4xx,
        count_connection_errors=settings.count_connection_errors,
        own=tuple(
            OwnMetric(each.name, each.namespace, each.metric, each.dimensions, each.statistic) for each in settings.own
        ),
    )


def labelled(samples: Iterable[Sample], shifts: Shifts, settings: AnalysisSettings) -> list[Sample]:
    """The samples that lie whole within one split, past its warm-up, each with that split."""
    kept = []
    for sample in samples:
        split = _split_in(sample.minute, shifts, settings.warmup_minutes)
        if split is not None:
            kept.append(replace(sample, split=str(split)))
    return kept


def _split_in(minute: int, shifts: Shifts, warmup_minutes: int) -> Split | None:
    for number, (at, split) in enumerate(shifts):
        end = shifts[number + 1][0].timestamp() if number + 1 < len(shifts) else float("inf")
        if first_warm(at.timestamp(), warmup_minutes) <= minute and (minute + 1) * MINUTE <= end:
            return split
    return None


def _time_of(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * MINUTE, UTC)
