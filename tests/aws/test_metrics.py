"""CloudWatch's own shapes, on botocore's stub: pages, what is incomplete, what it refuses; and composite alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.support.fakes import a_contract
from tests.support.provision import CREDENTIALS, REGION
from toolkit.analysis.series import Sample
from toolkit.aws.metric_data import MOST_QUERIES, Query
from toolkit.aws.metric_queries import NO_REQUESTS, Asked, asked_for
from toolkit.aws.metrics import CloudwatchMetrics
from toolkit.aws.session import Session
from toolkit.contract import Contract
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, Throttled
from toolkit.rollout.metrics import (
    MOST_METRICS,
    AlarmValue,
    BalancerMinute,
    Latency,
    MetricsWanted,
    Minutes,
    OwnMetric,
    Reading,
)
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

CONTRACT = a_contract()
BLUE, GREEN = Color.BLUE, Color.GREEN
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE = int(NOON.timestamp()) // 60
SLOW = MetricsWanted(slow_over=0.5)
Points = Mapping[int, float]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION))


@pytest.fixture
def stub(session: Session) -> Iterator[Stubber]:
    with Stubber(session.client("cloudwatch")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def read(metrics: CloudwatchMetrics, wanted: MetricsWanted | None = None, *, contract: Contract = CONTRACT) -> Minutes:
    """Five minutes from noon, begun and ended within a minute."""
    since, until = NOON + timedelta(seconds=20), NOON + timedelta(minutes=5, seconds=59)
    return metrics.minutes(contract, wanted or MetricsWanted(), since=since, until=until)


class Call:
    """One call as it must be made, and pages of its answer."""

    def __init__(
        self, wanted: MetricsWanted | None = None, latency: Latency = Latency.NONE, contract: Contract = CONTRACT
    ) -> None:
        self.asked: Asked = asked_for(contract, wanted or MetricsWanted(), latency)
        self.points: dict[Query, Points] = {}
        self.status: dict[Query, str] = {}

    def group(self, color: Color, metric: str, points: Points, *, status: str = "Complete") -> Call:
        """Values by minutes after noon."""
        group = self.asked.groups[color]
        everything = {query.metric: query for query in (group.requests, *group.counted.values())} | dict(group.slow)
        return self._say(everything[metric], points, status)

    def balancer(self, requests: Points, errors: Points, *, status: str = "Complete") -> Call:
        for query, points in zip(self.asked.balancer, (requests, errors), strict=True):
            self._say(query, points, status)
        return self

    def _say(self, query: Query, points: Points, status: str) -> Call:
        self.points[query], self.status[query] = points, status
        return self

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "MetricDataQueries": [query.of(f"q{index}") for index, query in enumerate(self.asked.queries)],
            "StartTime": NOON,
            "EndTime": NOON + timedelta(minutes=5),
        }

    def page(self, **more: Any) -> dict[str, Any]:
        """What was said so far, and everything else complete and empty."""
        results = []
        for index, query in enumerate(self.asked.queries):
            points = self.points.get(query, {})
            results.append(
                {
                    "Id": f"q{index}",
                    "Timestamps": [NOON + timedelta(minutes=minute) for minute in sorted(points, reverse=True)],
                    "Values": [points[minute] for minute in sorted(points, reverse=True)],
                    "StatusCode": self.status.get(query, "Complete"),
                }
            )
        return {"MetricDataResults": results, **more}

    def on(self, stub: Stubber) -> Call:
        stub.add_response("get_metric_data", self.page(), self.parameters)
        return self


def test_one_call_for_everything_asks_for_whole_minutes_with_all_dimensions_of_each_metric(
    session: Session, stub: Stubber
) -> None:
    own = OwnMetric("orders", "Shop", "Orders", {"Side": "{color}", "Balancer": "{load_balancer}"}, "p90")
    wanted = MetricsWanted(slow_over=0.25, own=(own,))
    call = Call(wanted, Latency.COUNT)
    call.on(stub)
    read(CloudwatchMetrics(session), wanted)
    seen = {
        (
            query["MetricStat"]["Metric"]["Namespace"],
            query["MetricStat"]["Metric"]["MetricName"],
            query["MetricStat"]["Stat"],
            tuple((each["Name"], each["Value"]) for each in query["MetricStat"]["Metric"]["Dimensions"]),
        )
        for query in call.parameters["MetricDataQueries"]
    }
    balancer = ("LoadBalancer", "app/web/1")
    green = (balancer, ("TargetGroup", "targetgroup/web-green/1"))
    for metric in ("RequestCount", "HTTPCode_Target_2XX_Count", "HTTPCode_Target_3XX_Count"):
        assert ("AWS/ApplicationELB", metric, "Sum", green) in seen
    assert ("AWS/ApplicationELB", "TargetResponseTime", "TC(0.25:)", green) in seen
    assert ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", (balancer,)) in seen
    assert ("Shop", "Orders", "p90", (("Side", "green"), ("Balancer", "app/web/1"))) in seen
    assert len(seen) == 2 + 2 * (6 + 3) + 2
    assert {query["MetricStat"]["Period"] for query in call.parameters["MetricDataQueries"]} == {60}


@pytest.mark.parametrize("latency", list(Latency))
def test_with_as_many_metrics_of_ones_own_as_there_may_be_it_is_still_one_call(latency: Latency) -> None:
    own = tuple(OwnMetric(f"m{index}", "N", f"M{index}", {"Side": "{color}"}) for index in range(MOST_METRICS))
    assert len(asked_for(CONTRACT, MetricsWanted(slow_over=1, own=own), latency).queries) <= MOST_QUERIES


def test_pages_are_put_together(session: Session, stub: Stubber) -> None:
    first, second = Call(), Call()
    first.group(BLUE, "RequestCount", {2: 30, 1: 20}, status="PartialData")
    second.group(BLUE, "RequestCount", {0: 10})
    for call in (first, second):
        call.group(BLUE, "HTTPCode_Target_2XX_Count", {0: 10, 1: 19, 2: 30})
    stub.add_response("get_metric_data", first.page(NextToken="more"), first.parameters)
    stub.add_response("get_metric_data", second.page(), {**second.parameters, "NextToken": "more"})
    minutes = read(CloudwatchMetrics(session))
    assert minutes.is_complete
    assert minutes.samples == (
        Sample(MINUTE, BLUE, 10, 0),
        Sample(MINUTE + 1, BLUE, 20, 1),
        Sample(MINUTE + 2, BLUE, 30, 0),
    )


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_answers_that_lack_something_are_not_taken_for_errors(session: Session, stub: Stubber, status: str) -> None:
    """Without its 2xx every request would look bad."""
    call = Call()
    call.group(GREEN, "RequestCount", {0: 100, 1: 100})
    call.group(GREEN, "HTTPCode_Target_2XX_Count", {0: 100}, status=status)
    call.group(BLUE, "RequestCount", {0: 50}).group(BLUE, "HTTPCode_Target_2XX_Count", {0: 50})
    call.on(stub)
    minutes = read(CloudwatchMetrics(session))
    assert minutes.samples == (Sample(MINUTE, BLUE, 50, 0),)
    assert not minutes.is_complete
    (remark,) = minutes.remarks
    assert remark.startswith(f"CloudWatch did not give all of HTTPCode_Target_2XX_Count Sum of green ({status})")


def test_a_series_that_is_not_in_the_answer_is_not_complete(session: Session, stub: Stubber) -> None:
    call = Call().group(BLUE, "RequestCount", {0: 10})
    page = call.page()
    page["MetricDataResults"] = [result for result in page["MetricDataResults"] if result["Values"]]
    stub.add_response("get_metric_data", page, call.parameters)
    minutes = read(CloudwatchMetrics(session))
    assert minutes.samples == ()
    assert any("RequestCount Sum of green (Absent)" in remark for remark in minutes.remarks)


def test_what_the_load_balancer_answered_is_left_out_where_it_is_not_known(session: Session, stub: Stubber) -> None:
    Call().balancer({0: 10}, {0: 1}, status="InternalError").on(stub)
    minutes = read(CloudwatchMetrics(session))
    assert minutes.balancer == ()
    assert "of the load balancer (InternalError)" in minutes.remarks[0]


def test_an_own_metric_that_is_incomplete_for_one_color_is_told_for_the_other(session: Session, stub: Stubber) -> None:
    own = OwnMetric("orders", "Shop", "Orders", {"Side": "{color}"})
    call = Call(MetricsWanted(own=(own,)))
    for color, status in ((BLUE, "Complete"), (GREEN, "PartialData")):
        call._say(call.asked.own["orders"][color], {0: 5}, status)
    call.on(stub)
    minutes = read(CloudwatchMetrics(session), MetricsWanted(own=(own,)))
    assert minutes.own == {"orders": (Reading(MINUTE, BLUE, 5),)}
    assert "Orders Sum of green (orders) (PartialData)" in minutes.remarks[0]


def test_what_cloudwatch_says_besides_is_passed_on_once(session: Session, stub: Stubber) -> None:
    call = Call()
    page = call.page(Messages=[{"Code": "MaxMetricsExceeded", "Value": "too many"}])
    page["MetricDataResults"][0]["Messages"] = [{"Code": "MaxMetricsExceeded", "Value": "too many"}]
    stub.add_response("get_metric_data", page, call.parameters)
    assert read(CloudwatchMetrics(session)).remarks == ("CloudWatch says MaxMetricsExceeded: too many",)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("Throttling", 400, Throttled),
        ("AccessDenied", 403, AccessDenied),
        ("InternalServiceError", 500, AwsUnreachable),
        ("InvalidParameterValue", 400, AwsError),
    ],
)
def test_a_call_that_fails_is_an_error_of_ours_and_no_data(
    session: Session, stub: Stubber, code: str, status: int, error: type[AwsError]
) -> None:
    stub.add_client_error("get_metric_data", code, http_status_code=status)
    with pytest.raises(error, match="reading the metrics of app/web/1") as caught:
        read(CloudwatchMetrics(session))
    assert type(caught.value) is error


def test_whoever_asks_again_soon_may_have_one_attempt_a_call(session: Session) -> None:
    with Stubber(session.client("cloudwatch", single=True)) as stubber:
        stubber.add_client_error("describe_alarms", "Throttling")
        with pytest.raises(Throttled):
            CloudwatchMetrics(session, single=True).alarms(["a"])
        stubber.add_client_error("get_metric_data", "Throttling")
        with pytest.raises(Throttled):
            read(CloudwatchMetrics(session, single=True))


# Latency, as well as the endpoint can.


def counted(call: Call, color: Color, *, requests: int, slow: float | None, timed: int) -> Call:
    call.group(color, "RequestCount", {0: requests}).group(color, "HTTPCode_Target_2XX_Count", {0: requests})
    call.group(color, "SampleCount", {0: timed})
    call.group(color, "TC(:0.5)", {0: timed - (slow or 0)})
    return call if slow is None else call.group(color, "TC(0.5:)", {0: slow})


def test_slow_requests_are_counted_by_cloudwatch_and_that_is_said(session: Session, stub: Stubber) -> None:
    call = counted(Call(SLOW, Latency.COUNT), BLUE, requests=100, slow=7, timed=100)
    counted(call, GREEN, requests=10, slow=None, timed=10).on(stub)  # a count of none that is left out
    minutes = read(CloudwatchMetrics(session), SLOW)
    assert minutes.latency is Latency.COUNT
    assert [sample.slow for sample in minutes.samples] == [7, 0]
    assert minutes.remarks == ("Slow requests are counted: TC(0.5:) of TargetResponseTime.",)


def test_there_are_never_more_slow_requests_than_requests(session: Session, stub: Stubber) -> None:
    counted(Call(SLOW, Latency.COUNT), BLUE, requests=10, slow=12, timed=14).on(stub)
    assert [sample.slow for sample in read(CloudwatchMetrics(session), SLOW).samples] == [10]


def test_answers_without_response_times_are_no_data_and_not_quick(session: Session, stub: Stubber) -> None:
    call = Call(SLOW, Latency.COUNT).group(BLUE, "RequestCount", {0: 10})
    call.group(BLUE, "HTTPCode_Target_2XX_Count", {0: 10}).on(stub)
    assert read(CloudwatchMetrics(session), SLOW).samples == (Sample(MINUTE, BLUE, 10, 0, None),)


def test_latencies_that_are_incomplete_leave_the_errors_as_they_are(session: Session, stub: Stubber) -> None:
    call = counted(Call(SLOW, Latency.COUNT), BLUE, requests=10, slow=2, timed=10)
    call.group(BLUE, "TC(0.5:)", {0: 2}, status="PartialData").on(stub)
    minutes = read(CloudwatchMetrics(session), SLOW)
    assert minutes.samples == (Sample(MINUTE, BLUE, 10, 0, None),)
    assert not minutes.is_complete


def percentiles(stub: Stubber) -> Call:
    """100 answers, of which 5 to 10 % took longer than the objective of 0.5 s."""
    call = Call(SLOW, Latency.PERCENTILES).group(BLUE, "RequestCount", {0: 100})
    call.group(BLUE, "HTTPCode_Target_2XX_Count", {0: 100}).group(BLUE, "SampleCount", {0: 100})
    for statistic, seconds in {"p50": 0.1, "p75": 0.2, "p90": 0.45, "p95": 0.6, "p99": 1, "p99.9": 2}.items():
        call.group(BLUE, statistic, {0: seconds})
    return call.on(stub)


def test_where_the_count_is_refused_percentiles_are_asked_for_at_once_and_from_then_on(
    session: Session, stub: Stubber
) -> None:
    stub.add_client_error("get_metric_data", "ValidationError", "the statistic TC(0.5:) is not known")
    percentiles(stub)
    percentiles(stub)
    metrics = CloudwatchMetrics(session)
    for _ in range(2):
        minutes = read(metrics, SLOW)
        assert minutes.latency is Latency.PERCENTILES
        assert [sample.slow for sample in minutes.samples] == [8]  # between 5 and 10 %
        assert "estimated from percentiles" in minutes.remarks[0]


def test_where_the_count_is_silently_not_given_percentiles_are_asked_for(session: Session, stub: Stubber) -> None:
    call = Call(SLOW, Latency.COUNT).group(BLUE, "RequestCount", {0: 100})
    call.group(BLUE, "SampleCount", {0: 100}).on(stub)
    percentiles(stub)
    assert read(CloudwatchMetrics(session), SLOW).latency is Latency.PERCENTILES


def test_where_another_statistic_is_given_for_the_count_percentiles_are_asked_for(
    session: Session, stub: Stubber
) -> None:
    """As MiniStack does, which answers with the average: taken for a count, every release would be quick."""
    call = counted(Call(SLOW, Latency.COUNT), BLUE, requests=100, slow=None, timed=100)
    call.group(BLUE, "TC(0.5:)", {0: 0.7}).group(BLUE, "TC(:0.5)", {0: 0.7}).on(stub)
    percentiles(stub)
    assert read(CloudwatchMetrics(session), SLOW).latency is Latency.PERCENTILES


def test_counts_that_overlap_by_a_few_are_counts(session: Session, stub: Stubber) -> None:
    """Answers that took just as long as the objective may be on both sides of it."""
    call = counted(Call(SLOW, Latency.COUNT), BLUE, requests=100, slow=7, timed=100)
    call.group(BLUE, "TC(:0.5)", {0: 96}).on(stub)
    assert [sample.slow for sample in read(CloudwatchMetrics(session), SLOW).samples] == [7]


def test_one_fault_of_the_endpoint_does_not_do_away_with_the_count(session: Session, stub: Stubber) -> None:
    stub.add_client_error("get_metric_data", "500", http_status_code=500)
    percentiles(stub)
    counted(Call(SLOW, Latency.COUNT), BLUE, requests=100, slow=7, timed=100).on(stub)
    metrics = CloudwatchMetrics(session)
    assert [read(metrics, SLOW).latency for _ in range(2)] == [Latency.PERCENTILES, Latency.COUNT]


def test_two_faults_in_a_row_do(session: Session, stub: Stubber) -> None:
    for _ in range(2):
        stub.add_client_error("get_metric_data", "500", http_status_code=500)
        percentiles(stub)
    percentiles(stub)
    metrics = CloudwatchMetrics(session)
    assert {read(metrics, SLOW).latency for _ in range(3)} == {Latency.PERCENTILES}


def test_where_there_is_neither_errors_are_told_and_latency_is_not(session: Session, stub: Stubber) -> None:
    for _ in range(2):
        stub.add_client_error("get_metric_data", "500", http_status_code=500)
    Call().group(BLUE, "RequestCount", {0: 5}).on(stub)
    minutes = read(CloudwatchMetrics(session), SLOW)
    assert minutes.latency is Latency.NONE
    assert minutes.samples == (Sample(MINUTE, BLUE, 5, 5, None),)
    assert minutes.remarks[0].startswith("Latency is not measured")


@pytest.mark.parametrize(("code", "error"), [("Throttling", Throttled), ("AccessDenied", AccessDenied)])
def test_throttling_and_denial_are_not_blamed_on_the_statistic(
    session: Session, stub: Stubber, code: str, error: type[AwsError]
) -> None:
    stub.add_client_error("get_metric_data", code)
    with pytest.raises(error):
        read(CloudwatchMetrics(session), SLOW)
    counted(Call(SLOW, Latency.COUNT), BLUE, requests=1, slow=0, timed=1).on(stub)
    assert read(CloudwatchMetrics(session), SLOW).latency is Latency.COUNT


# What nobody answered, and flows.


def test_bad_requests_that_nobody_answered_5xx_are_remarked_on(session: Session, stub: Stubber) -> None:
    call = Call().group(GREEN, "RequestCount", {0: 100}).group(GREEN, "HTTPCode_Target_2XX_Count", {0: 60})
    call.group(GREEN, "HTTPCode_Target_5XX_Count", {0: 4}).balancer({0: 100}, {0: 6}).on(stub)
    minutes = read(CloudwatchMetrics(session))
    assert minutes.samples == (Sample(MINUTE, GREEN, 100, 40),)
    assert minutes.remarks[0].startswith("30 of 40 bad requests were answered 5xx neither by a target nor by the load")
    assert "websockets = true" in minutes.remarks[0]


def test_bad_requests_that_the_load_balancer_answered_are_not(session: Session, stub: Stubber) -> None:
    call = Call().group(GREEN, "RequestCount", {0: 100}).group(GREEN, "HTTPCode_Target_2XX_Count", {0: 60})
    call.balancer({0: 100}, {0: 40}).on(stub)
    minutes = read(CloudwatchMetrics(session))
    assert minutes.remarks == ()
    assert minutes.balancer == (BalancerMinute(MINUTE, 100, 40),)


def test_of_a_network_load_balancer_new_flows_and_resets_are_told_and_why_there_is_no_more(
    session: Session, stub: Stubber
) -> None:
    network = a_contract(network=True)
    call = Call(SLOW, contract=network).balancer({0: 500, 1: 400}, {0: 0, 1: 3}).on(stub)
    minutes = read(CloudwatchMetrics(session), SLOW, contract=network)
    assert minutes.samples == ()
    assert minutes.balancer == (BalancerMinute(MINUTE, 500, 0), BalancerMinute(MINUTE + 1, 400, 3))
    assert minutes.remarks == (NO_REQUESTS,)
    assert [(query.namespace, query.metric, query.dimensions) for query in call.asked.queries] == [
        ("AWS/NetworkELB", "NewFlowCount", (("LoadBalancer", "net/web/1"),)),
        ("AWS/NetworkELB", "TCP_Target_Reset_Count", (("LoadBalancer", "net/web/1"),)),
    ]


# Alarms.


def asking(names: list[str], **more: Any) -> dict[str, Any]:
    return {"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100, **more}


def alarm(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": state, "StateReason": f"{name} is {state}", **more}


def test_composite_alarms_are_asked_for_and_told_as_such(session: Session, stub: Stubber) -> None:
    at = datetime(2026, 1, 2, 13, tzinfo=UTC)
    answer = {
        "MetricAlarms": [alarm("rate", "OK", StateUpdatedTimestamp=NOON)],
        "CompositeAlarms": [
            alarm("green", "ALARM", StateUpdatedTimestamp=at, StateTransitionedTimestamp=NOON, AlarmRule="ALARM(rate)")
        ],
    }
    stub.add_response("describe_alarms", answer, asking(["rate", "green"]))
    states = CloudwatchMetrics(session).alarms(["rate", "green"])
    assert [(name, each.state, each.is_composite) for name, each in states.items()] == [
        ("rate", AlarmValue.OK, False),
        ("green", AlarmValue.ALARM, True),
    ]
    assert states["green"].reason == "green is ALARM"
    assert states["green"].since == NOON  # not when its reason was last refreshed
    assert states["rate"].since == NOON


def test_more_alarms_than_a_call_takes_are_asked_for_in_several(session: Session, stub: Stubber) -> None:
    names = [f"a{index}" for index in range(130)]
    for part in (names[:100], names[100:]):
        stub.add_response("describe_alarms", {"MetricAlarms": [alarm(name, "OK") for name in part]}, asking(part))
    states = CloudwatchMetrics(session).alarms(names)
    assert list(states) == names
    assert {state.state for state in states.values()} == {AlarmValue.OK}


def test_the_pages_of_alarms_are_put_together(session: Session, stub: Stubber) -> None:
    stub.add_response("describe_alarms", {"MetricAlarms": [alarm("a", "OK")], "NextToken": "more"}, asking(["a", "b"]))
    stub.add_response(
        "describe_alarms", {"CompositeAlarms": [alarm("b", "ALARM")]}, asking(["a", "b"], NextToken="more")
    )
    states = CloudwatchMetrics(session).alarms(["a", "b"])
    assert [state.state for state in states.values()] == [AlarmValue.OK, AlarmValue.ALARM]


def test_a_missing_alarm_is_told_with_the_region_that_was_looked_in(session: Session, stub: Stubber) -> None:
    stub.add_response("describe_alarms", {"MetricAlarms": []}, asking(["gone"]))
    state = CloudwatchMetrics(session).alarms(["gone"])["gone"]
    assert state.state is AlarmValue.MISSING
    assert state.reason == f"there is no metric or composite alarm of this name in {REGION}"


def test_alarms_that_cannot_be_read_are_an_error(session: Session, stub: Stubber) -> None:
    stub.add_client_error("describe_alarms", "AccessDenied")
    with pytest.raises(AccessDenied, match="reading the state of the alarms"):
        CloudwatchMetrics(session).alarms(["a"])
