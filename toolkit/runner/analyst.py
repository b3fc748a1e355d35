"""The analysis of a rollout's traffic: CloudWatch's minutes of both colors, and its alarms, asked once a minute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from toolkit.analysis.judge import Analysis
from toolkit.analysis.policy import Metric, Policy
from toolkit.analysis.series import MINUTE, Sample, first_warm, last_settled
from toolkit.analysis.verdict import Outcome, Verdict
from toolkit.errors import AwsError
from toolkit.rollout.machine import RolloutState
from toolkit.rollout.metrics import AlarmValue, BalancerMinute, MetricsWanted
from toolkit.runner.service import Service
from toolkit.settings import AnalysisSettings
from toolkit.traffic import Split

PAST_SECONDS = 3 * 3600.0
"""How far before the rollout the live side is looked at, to know whether its errors come in bursts."""
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
        self._asked: datetime | None = None
        self.verdict: Verdict | None = None

    def look(self, state: RolloutState, *, both: bool) -> Verdict | None:
        """The verdict as of now; None where nothing is analyzed. CloudWatch is asked once a minute at most.

        both: the two colors have traffic; else there is nothing to compare, and the alarms alone are asked.
        """
        now = self._service.clock.now()
        if self._asked is not None and now - self._asked < timedelta(seconds=MINUTE):
            return self.verdict
        self._asked = now
        try:
            self.verdict = self._alarmed(state) or (self._compared(state, now) if both else None)
        except AwsError as error:
            self.verdict = Verdict(Outcome.INCONCLUSIVE, error.message)
        return self.verdict

    def forget(self) -> None:
        """A split begins that the last verdict says nothing of: ask anew."""
        self.verdict, self._asked = None, None

    def _alarmed(self, state: RolloutState) -> Verdict | None:
        """Fail where an alarm that guards the new color is in ALARM."""
        names = self._service.contract.alarms.get(state.plan.to, ())
        if not names:
            return None
        states = self._service.metrics.alarms(names)
        ringing = [alarm for alarm in states.values() if alarm.state is AlarmValue.ALARM]
        if ringing:
            told = "; ".join(f"alarm {alarm.name}: {alarm.reason}".rstrip(": ") for alarm in ringing)
            return Verdict(Outcome.FAIL, told)
        missing = [alarm.name for alarm in states.values() if alarm.state is AlarmValue.MISSING]
        if missing:
            return Verdict(Outcome.INCONCLUSIVE, f"there is no alarm {', '.join(missing)}, which the contract names")
        return None

    def _compared(self, state: RolloutState, now: datetime) -> Verdict | None:
        settings = self._settings
        if settings is None or not state.shifts:
            return None
        until = last_settled(now.timestamp(), settings.settle_seconds)
        analysis = self._analysis or self._begun(state, settings)
        newest = analysis.newest
        if newest is None or until > newest:
            first = state.shifts[0][0]
            since = first if newest is None else max(first, _time_of(newest + 1))
            minutes = self._service.metrics.minutes(
                self._service.contract, wanted_of(settings), since=since, until=_time_of(until + 1)
            )
            self._balancer |= {each.minute: each for each in minutes.balancer}
            self._samples = labelled(minutes.samples, state.shifts, settings)
        verdict = analysis.look(self._samples, until)
        return verdict if verdict.outcome is Outcome.FAIL else self._by_the_balancer(until, settings) or verdict

    def _begun(self, state: RolloutState, settings: AnalysisSettings) -> Analysis:
        first = state.shifts[0][0]
        past = self._service.metrics.minutes(
            self._service.contract,
            wanted_of(settings),
            since=first - timedelta(seconds=PAST_SECONDS),
            until=first,
        )
        self._analysis = Analysis(policy_of(settings), state.plan.base, past.samples)
        return self._analysis

    def _by_the_balancer(self, until: int, settings: AnalysisSettings) -> Verdict | None:
        """Fail where the load balancer itself, which hides some failures of targets, answers too many requests 5xx."""
        newest = [self._balancer.get(until - back) for back in range(_BALANCER_MINUTES)]
        bad = [each for each in newest if each and each.errors > settings.policy.sick * (each.requests + each.errors)]
        if len(bad) < _BALANCER_MINUTES:
            return None
        errors, requests = sum(each.errors for each in bad), sum(each.requests + each.errors for each in bad)
        reason = f"the load balancer itself answered 5xx to {errors:,} of {requests:,} requests in {len(bad)} minutes"
        return Verdict(Outcome.FAIL, reason)


def policy_of(settings: AnalysisSettings) -> Policy:
    """The policy, with latency among its metrics where a bound on it is set."""
    if settings.slow_over is None or Metric.SLOW in settings.policy.metrics:
        return settings.policy
    return replace(settings.policy, metrics=(*settings.policy.metrics, Metric.SLOW))


def wanted_of(settings: AnalysisSettings) -> MetricsWanted:
    """What is asked of CloudWatch."""
    return MetricsWanted(
        slow_over=settings.slow_over,
        websockets=settings.websockets,
        count_4xx=settings.count_4xx,
        count_connection_errors=settings.count_connection_errors,
    )


def labelled(
    samples: Iterable[Sample], shifts: Sequence[tuple[datetime, Split]], settings: AnalysisSettings
) -> list[Sample]:
    """The samples that lie whole within one split, past its warm-up, each with that split."""
    kept = []
    for sample in samples:
        split = _split_in(sample.minute, shifts, settings.warmup_minutes)
        if split is not None:
            kept.append(replace(sample, split=str(split)))
    return kept


def _split_in(minute: int, shifts: Sequence[tuple[datetime, Split]], warmup_minutes: int) -> Split | None:
    for number, (at, split) in enumerate(shifts):
        end = shifts[number + 1][0].timestamp() if number + 1 < len(shifts) else float("inf")
        if first_warm(at.timestamp(), warmup_minutes) <= minute and (minute + 1) * MINUTE <= end:
            return split
    return None


def _time_of(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * MINUTE, UTC)
