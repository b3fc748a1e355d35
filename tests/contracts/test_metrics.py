"""What every Metrics does: the fake, CloudWatch with the load balancers of the lab, and CloudWatch in a running lab.

The second is fed as the lab feeds it, from traffic, and so has latencies. The third is asked over the network, and fed
by PutMetricData, which nobody may do on AWS. Neither evaluates alarms nor knows composite ones; see tests/aws.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import boto3
import pytest
from moto import mock_aws
from moto.elbv2.models import elbv2_backends

from tests.support.fakes import ACCOUNT, REGION, a_contract
from tests.support.metrics import FakeMetrics, Traffic
from tests.support.provision import CREDENTIALS, Provisioned
from toolkit.analysis.series import Sample
from toolkit.aws.metrics import CloudwatchMetrics
from toolkit.aws.session import Session
from toolkit.contract import Contract, from_document
from toolkit.lab.dataplane import MinuteTraffic
from toolkit.lab.metrics import HostCounts, Lateness, MetricsSource, published
from toolkit.rollout.counting import Answered
from toolkit.rollout.metrics import (
    AlarmValue,
    BalancerMinute,
    Latency,
    Metrics,
    MetricsWanted,
    Minutes,
    OwnMetric,
    Reading,
)
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

BLUE, GREEN = Color.BLUE, Color.GREEN
FIRST = int(time.time()) // 60 - 60
"""An hour ago: whatever comes late is there."""
ORDERS = OwnMetric("orders", "Shop", "Orders", {"Side": "{color}", "Group": "{target_group}"})
NAMES = {
    "requests": "RequestCount",
    "code_2xx": "HTTPCode_Target_2XX_Count",
    "code_3xx": "HTTPCode_Target_3XX_Count",
    "code_4xx": "HTTPCode_Target_4XX_Count",
    "code_5xx": "HTTPCode_Target_5XX_Count",
    "connection_errors": "TargetConnectionErrorCount",
}


class Case(Protocol):
    """Metrics, and what they are metrics of. Minutes count from FIRST."""

    contract: Contract

    @property
    def metrics(self) -> Metrics: ...
    def feed(self, minute: int, color: Color, answered: Answered, *, balancer_5xx: int = 0) -> None: ...
    def own(self, minute: int, color: Color, value: float) -> None: ...
    def alarm(self, name: str, state: str, reason: str) -> None: ...


class Fake:
    def __init__(self) -> None:
        self.metrics = FakeMetrics()
        self.contract = a_contract()

    def feed(self, minute: int, color: Color, answered: Answered, *, balancer_5xx: int = 0) -> None:
        self.metrics.traffic[FIRST + minute, color] = Traffic(answered, times_of(answered))
        self.metrics.balancer[FIRST + minute] = self.metrics.balancer.get(FIRST + minute, 0) + balancer_5xx

    def own(self, minute: int, color: Color, value: float) -> None:
        self.metrics.own.setdefault("orders", []).append(Reading(FIRST + minute, color, value))

    def alarm(self, name: str, state: str, reason: str) -> None:
        self.metrics.alarm(name, AlarmValue(state), reason)


class OnCloudwatch:
    """What PutMetricData and alarms are the same for."""

    def __init__(self, contract: Contract, client: Any, settings: AwsSettings) -> None:
        self.contract, self.client = contract, client
        self.metrics = CloudwatchMetrics(Session(settings))

    def put(self, minute: int, namespace: str, dimensions: dict[str, str], **values: float) -> None:
        at = datetime.fromtimestamp((FIRST + minute) * 60 + 7, UTC)
        pairs = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        data = [
            {"MetricName": name, "Dimensions": pairs, "Timestamp": at, "Value": value}
            for name, value in values.items()
            if value
        ]
        if data:
            self.client.put_metric_data(Namespace=namespace, MetricData=data)

    def own(self, minute: int, color: Color, value: float) -> None:
        group = self.contract.target_groups[color].arn_suffix
        self.put(minute, "Shop", {"Side": color.value, "Group": group}, Orders=value)

    def alarm(self, name: str, state: str, reason: str) -> None:
        self.client.put_metric_alarm(
            AlarmName=name, Namespace="Shop", MetricName="Orders", ComparisonOperator="LessThanThreshold",
            EvaluationPeriods=1, Threshold=1, Period=60, Statistic="Sum",
        )  # fmt: skip
        self.client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)


class InProcess(OnCloudwatch):
    """Fed with rows of traffic, as the data plane counts them."""

    rows: list[MinuteTraffic]

    def feed(self, minute: int, color: Color, answered: Answered, *, balancer_5xx: int = 0) -> None:
        self.rows.append(
            MinuteTraffic(
                self.contract.load_balancer.arn_suffix,
                self.contract.target_groups[color].arn_suffix,
                (FIRST + minute) * 60,
                request_count=answered.requests,
                target_2xx=answered.code_2xx,
                target_3xx=answered.code_3xx,
                target_4xx=answered.code_4xx,
                target_5xx=answered.code_5xx,
                elb_5xx=balancer_5xx,
                connection_errors=answered.connection_errors,
                response_times=times_of(answered),
            )
        )


class InTheLab(OnCloudwatch):
    def feed(self, minute: int, color: Color, answered: Answered, *, balancer_5xx: int = 0) -> None:
        balancer = {"LoadBalancer": self.contract.load_balancer.arn_suffix}
        group = {**balancer, "TargetGroup": self.contract.target_groups[color].arn_suffix}
        values = {metric: getattr(answered, name) for name, metric in NAMES.items()}
        self.put(minute, "AWS/ApplicationELB", group, **values)
        self.put(minute, "AWS/ApplicationELB", balancer, RequestCount=answered.requests)
        self.put(minute, "AWS/ApplicationELB", balancer, HTTPCode_ELB_5XX_Count=balancer_5xx)


def times_of(answered: Answered) -> dict[float, int]:
    """Every answer 4xx took 0.5 s, every answer 5xx 2 s, the others 0.01 s."""
    quick = answered.code_2xx + answered.code_3xx
    times = {0.01: quick, 0.5: answered.code_4xx, 2.0: answered.code_5xx}
    return {seconds: count for seconds, count in times.items() if count}


@contextmanager
def fake(_request: pytest.FixtureRequest) -> Iterator[Case]:
    yield Fake()


@contextmanager
def in_process(request: pytest.FixtureRequest) -> Iterator[Case]:
    credentials(request)
    contract, rows = a_contract(), list[MinuteTraffic]()
    source = MetricsSource(lambda _: rows, HostCounts(), lambda: Lateness(60, 60), time.time)
    with mock_aws(), published(source):
        elbv2_backends[ACCOUNT][REGION].load_balancers[contract.load_balancer.arn] = object()  # type: ignore[assignment]
        made = InProcess(contract, boto3.client("cloudwatch", region_name=REGION), AwsSettings(region=REGION))
        made.rows = rows
        yield made


@contextmanager
def in_the_lab(request: pytest.FixtureRequest) -> Iterator[Case]:
    make: Callable[..., Provisioned] = request.getfixturevalue("pair")
    pair = make()
    credentials(request)
    contract = from_document(pair.contract, source="the lab")
    yield InTheLab(contract, pair.client("cloudwatch"), AwsSettings(region=REGION, endpoint_url=pair.endpoint_url))


def credentials(request: pytest.FixtureRequest) -> None:
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)


LAB = pytest.param(in_the_lab, marks=pytest.mark.lab, id="lab")
WITH_LATENCIES = [pytest.param(fake, id="fake"), pytest.param(in_process, id="cloudwatch")]


@pytest.fixture(params=[*WITH_LATENCIES, LAB])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with request.param(request) as made:
        yield made


def read(case: Case, wanted: MetricsWanted | None = None, *, first: float = 0, end: float = 10) -> Minutes:
    """The minutes from `first` to `end`, fractions of a minute being seconds."""
    start = datetime.fromtimestamp(FIRST * 60, UTC)
    return case.metrics.minutes(
        case.contract,
        wanted or MetricsWanted(),
        since=start + timedelta(minutes=first),
        until=start + timedelta(minutes=end),
    )


def told(minutes: Minutes) -> list[tuple[int, Color, int, int]]:
    """Minute, color, requests and errors of each sample."""
    return [(sample.minute - FIRST, sample.color, sample.requests, sample.errors) for sample in minutes.samples]


def test_what_no_target_answered_well_is_an_error_of_its_color(case: Case) -> None:
    case.feed(0, BLUE, Answered(1000, code_2xx=900, code_3xx=60, code_4xx=30, code_5xx=10))
    case.feed(0, GREEN, Answered(100, code_2xx=80, code_5xx=5), balancer_5xx=15)
    case.feed(1, GREEN, Answered(50), balancer_5xx=50)
    assert told(read(case)) == [(0, BLUE, 1000, 10), (0, GREEN, 100, 20), (1, GREEN, 50, 50)]


def test_a_minute_of_which_nothing_is_known_is_left_out_and_one_without_errors_is_not(case: Case) -> None:
    case.feed(0, BLUE, Answered(7, code_2xx=7))
    case.feed(2, BLUE, Answered(8, code_2xx=8))
    assert told(read(case)) == [(0, BLUE, 7, 0), (2, BLUE, 8, 0)]


def test_where_there_is_no_traffic_at_all_there_is_no_sample(case: Case) -> None:
    minutes = read(case)
    assert minutes.samples == ()
    assert minutes.balancer == ()


def test_the_minute_of_the_beginning_is_told_and_one_that_is_not_over_is_not(case: Case) -> None:
    for minute in range(5):
        case.feed(minute, BLUE, Answered(minute + 1, code_2xx=minute + 1))
    assert [requests for _, _, requests, _ in told(read(case, first=1.5, end=3.99))] == [2, 3]
    assert [requests for _, _, requests, _ in told(read(case, first=1, end=4))] == [2, 3, 4]


@pytest.mark.parametrize("end", [3.0, 3.9, 2.0])
def test_a_span_without_a_whole_minute_tells_nothing(case: Case, end: float) -> None:
    case.feed(3, BLUE, Answered(1, code_2xx=1))
    assert read(case, first=3, end=end) == Minutes()


@pytest.mark.parametrize(
    ("wanted", "errors"),
    [
        (MetricsWanted(), 11),
        (MetricsWanted(count_4xx=True), 18),
        (MetricsWanted(count_connection_errors=True), 12),
        (MetricsWanted(websockets=True), 15),
        (MetricsWanted(websockets=True, count_4xx=True), 22),
    ],
    ids=["as-it-is", "4xx", "connections", "websockets", "websockets-and-4xx"],
)
def test_what_counts_as_an_error_can_be_said(case: Case, wanted: MetricsWanted, errors: int) -> None:
    case.feed(0, GREEN, Answered(100, code_2xx=82, code_4xx=7, code_5xx=3, connection_errors=12), balancer_5xx=8)
    assert told(read(case, wanted)) == [(0, GREEN, 100, errors)]


def test_there_are_never_more_errors_than_requests(case: Case) -> None:
    case.feed(0, GREEN, Answered(5, code_2xx=1, connection_errors=40))
    for wanted in (MetricsWanted(count_connection_errors=True), MetricsWanted(websockets=True)):
        assert told(read(case, wanted)) == [(0, GREEN, 5, 5)]


def test_more_answers_than_requests_are_no_errors(case: Case) -> None:
    """Two metrics of one minute, of which one was revised before the other."""
    case.feed(0, GREEN, Answered(100, code_2xx=104))
    assert told(read(case)) == [(0, GREEN, 100, 0)]


def test_what_the_load_balancer_answered_itself_is_told_for_both_colors_together(case: Case) -> None:
    case.feed(0, BLUE, Answered(90, code_2xx=88), balancer_5xx=2)
    case.feed(0, GREEN, Answered(10, code_2xx=7), balancer_5xx=3)
    case.feed(1, BLUE, Answered(20, code_2xx=20))
    assert read(case).balancer == (BalancerMinute(FIRST, 100, 5), BalancerMinute(FIRST + 1, 20, 0))


def test_latency_that_is_not_asked_for_is_not_told(case: Case) -> None:
    case.feed(0, BLUE, Answered(10, code_2xx=10))
    minutes = read(case)
    assert minutes.latency is Latency.NONE
    assert [sample.slow for sample in minutes.samples] == [None]


@pytest.mark.parametrize("case", WITH_LATENCIES, indirect=True)
@pytest.mark.parametrize(("objective", "slow"), [(0.3, 9), (0.5, 3), (0.001, 99), (1.25, 3), (3, 0)])
def test_requests_that_took_longer_than_the_objective_are_counted(case: Case, objective: float, slow: int) -> None:
    case.feed(0, BLUE, Answered(100, code_2xx=90, code_4xx=6, code_5xx=3))
    minutes = read(case, MetricsWanted(slow_over=objective))
    assert minutes.latency is Latency.COUNT
    assert minutes.samples == (Sample(FIRST, BLUE, 100, 4, slow),)


@pytest.mark.parametrize("case", WITH_LATENCIES, indirect=True)
def test_where_no_target_answered_none_was_slow(case: Case) -> None:
    case.feed(0, GREEN, Answered(30), balancer_5xx=30)
    case.feed(1, GREEN, Answered(30, code_2xx=30))
    assert [sample.slow for sample in read(case, MetricsWanted(slow_over=1)).samples] == [0, 0]


def test_a_metric_of_ones_own_is_read_for_each_color(case: Case) -> None:
    case.own(0, BLUE, 12.5)
    case.own(0, GREEN, 3)
    case.own(2, GREEN, 4)
    readings = (Reading(FIRST, BLUE, 12.5), Reading(FIRST, GREEN, 3), Reading(FIRST + 2, GREEN, 4))
    assert read(case, MetricsWanted(own=(ORDERS,))).own == {"orders": readings}


def test_one_that_has_no_values_is_told_as_such(case: Case) -> None:
    assert read(case, MetricsWanted(own=(ORDERS,))).own == {"orders": ()}


def test_a_network_load_balancer_has_no_samples_but_metrics_of_ones_own(case: Case) -> None:
    case.contract = a_contract(network=True)
    case.own(0, GREEN, 3)
    case.feed(0, GREEN, Answered(10, code_2xx=10))
    minutes = read(case, MetricsWanted(slow_over=1, own=(ORDERS,)))
    assert minutes.samples == ()
    assert minutes.latency is Latency.NONE
    assert minutes.own == {"orders": (Reading(FIRST, GREEN, 3),)}


def test_the_state_of_each_alarm_is_told_with_its_reason_in_the_order_asked_for(case: Case) -> None:
    case.alarm("quiet", "OK", "nothing new")
    case.alarm("loud", "ALARM", "3 of 3 datapoints")
    case.alarm("new", "INSUFFICIENT_DATA", "too few")
    states = case.metrics.alarms(["loud", "new", "quiet", "loud"])
    assert [(name, state.name, state.state, state.reason) for name, state in states.items()] == [
        ("loud", "loud", AlarmValue.ALARM, "3 of 3 datapoints"),
        ("new", "new", AlarmValue.INSUFFICIENT_DATA, "too few"),
        ("quiet", "quiet", AlarmValue.OK, "nothing new"),
    ]
    for state in states.values():
        assert state.since is not None
        assert state.since.utcoffset() == timedelta(0)
        assert not state.is_composite


def test_an_alarm_that_is_not_there_is_missing_and_not_left_out(case: Case) -> None:
    case.alarm("quiet", "OK", "nothing new")
    states = case.metrics.alarms(["quiet", "gone"])
    assert states["quiet"].state is AlarmValue.OK
    assert states["gone"].state is AlarmValue.MISSING
    assert "there is no " in states["gone"].reason
    assert states["gone"].since is None


def test_no_alarms_asked_for_are_none(case: Case) -> None:
    assert dict(case.metrics.alarms([])) == {}
