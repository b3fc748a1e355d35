"""Metrics on CloudWatch: minutes of both colors by GetMetricData, and alarms by DescribeAlarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from toolkit.aws.metric_data import MINUTE, Answer, ask
from toolkit.aws.metric_queries import Asked, asked_for, made_of
from toolkit.aws.session import aws_errors, code_of
from toolkit.contract import Contract
from toolkit.errors import AwsError, AwsUnreachable
from toolkit.rollout.metrics import AlarmState, AlarmValue, Latency, MetricsWanted, Minutes

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_MOST_ALARMS = 100  # of one call. Source: CloudWatch API reference, DescribeAlarms
_PLAINER = (Latency.COUNT, Latency.PERCENTILES, Latency.NONE)
_ENOUGH_FAILURES = 2


class CloudwatchMetrics:
    """One a service. It remembers which statistics of latency its endpoint does not have.

    single: one attempt of 5 s a call, for whoever asks again soon and holds a lease meanwhile: with the SDK's own
    attempts a CloudWatch that does not answer takes longer than a lease lasts.
    """

    def __init__(self, session: Session, *, single: bool = False) -> None:
        self._session, self._single = session, single
        self._failures: Counter[Latency] = Counter()

    @property
    def _client(self) -> Any:
        return self._session.client("cloudwatch", single=self._single)

    def minutes(self, contract: Contract, wanted: MetricsWanted, *, since: datetime, until: datetime) -> Minutes:
        """As `Metrics.minutes`. Where latency must be asked for in a plainer way, that is a second call.

        Raises:
            AwsError and its children.
        """
        first, end = int(since.timestamp()) // MINUTE, int(until.timestamp()) // MINUTE
        if first >= end:
            return Minutes()
        asked, answer = self._ask(contract, wanted, first, end)
        return made_of(contract, asked, answer)

    def _ask(self, contract: Contract, wanted: MetricsWanted, first: int, end: int) -> tuple[Asked, Answer]:
        what = f"reading the metrics of {contract.load_balancer.arn_suffix}"
        refused: Counter[Latency] = Counter()
        for latency in self._ways(contract, wanted):
            asked = asked_for(contract, wanted, latency)
            try:
                with aws_errors(what):
                    answer = ask(self._client, asked.queries, first, end)
            except AwsError as error:
                if latency is Latency.NONE or not _may_be_for_the_statistic(error):
                    raise
                refused[latency] = _ENOUGH_FAILURES if type(error) is AwsError else 1
                continue
            if asked.is_refused_silently(answer):
                refused[latency] = _ENOUGH_FAILURES
                continue
            # Only what fails where a plainer call succeeds says something of the statistic.
            self._failures += refused
            self._failures[latency] = 0
            return asked, answer
        raise AssertionError("the plainest way asks for nothing that could be refused")

    def _ways(self, contract: Contract, wanted: MetricsWanted) -> Iterator[Latency]:
        """How to ask for latency, the best way first."""
        if wanted.slow_over is not None and not contract.is_network:
            yield from (latency for latency in _PLAINER[:-1] if self._failures[latency] < _ENOUGH_FAILURES)
        yield Latency.NONE

    def alarms(self, names: Sequence[str]) -> Mapping[str, AlarmState]:
        """As `Metrics.alarms`. AWS tells of composite alarms only whoever may describe all alarms."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, AlarmState] = {}
        for start in range(0, len(wanted), _MOST_ALARMS):
            found |= self._described(wanted[start : start + _MOST_ALARMS])
        return {name: found.get(name) or self._missing(name) for name in wanted}

    def _described(self, names: Sequence[str]) -> dict[str, AlarmState]:
        asked: dict[str, Any] = {
            "AlarmNames": list(names),
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],  # left out, AWS leaves out the composite ones
            "MaxRecords": _MOST_ALARMS,
        }
        found: dict[str, AlarmState] = {}
        with aws_errors("reading the state of the alarms"):
            while True:
                page = self._client.describe_alarms(**asked)
                for kind in ("MetricAlarms", "CompositeAlarms"):
                    for alarm in page.get(kind, ()):
                        found[alarm["AlarmName"]] = _state_of(alarm, is_composite=kind == "CompositeAlarms")
                if not page.get("NextToken"):
                    return found
                asked["NextToken"] = page["NextToken"]

    def _missing(self, name: str) -> AlarmState:
        where = self._session.region or "this region"
        return AlarmState(name, AlarmValue.MISSING, f"there is no metric or composite alarm of this name in {where}")


def _may_be_for_the_statistic(error: AwsError) -> bool:
    """Whether the endpoint may have failed over what it does not know: it answered, with a refusal or a fault."""
    return type(error) is AwsError or (isinstance(error, AwsUnreachable) and bool(code_of(error.__cause__ or error)))


def _state_of(alarm: Mapping[str, Any], *, is_composite: bool) -> AlarmState:
    at = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    return AlarmState(
        name=alarm["AlarmName"],
        state=AlarmValue(alarm["StateValue"]),
        reason=alarm.get("StateReason", ""),
        since=at.astimezone(UTC) if at else None,
        is_composite=is_composite,
    )
