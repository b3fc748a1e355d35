from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.benchmarks.fleet import Run, fewest, limit
from tests.support.answers import answering
from tests.support.throttle import ARNS_A_CALL, ELBV2, Bucket, throttling


def test_the_fewest_calls_read_twenty_routes_at_once_before_and_after_the_writes() -> None:
    assert fewest(1, 1) == {"DescribeRules": 2, "DescribeTargetHealth": 1, "ModifyRule": 1}
    assert fewest(500, 500) == {"DescribeRules": 50, "DescribeTargetHealth": 500, "ModifyRule": 500}
    assert fewest(10, 21)["DescribeRules"] == 4


def test_the_limit_is_that_of_the_bucket_that_takes_longest() -> None:
    assert limit(fewest(500, 500)) == pytest.approx((500 - 20) / 3)
    assert limit({"DescribeTargetHealth": 340, "DescribeRules": 100, "ModifyRule": 21}) == pytest.approx(40)
    assert limit(fewest(5, 5)) == 0


def test_a_run_is_reported_against_its_limit() -> None:
    run = Run(500, 500, 176.0, {"ModifyRule": 500, "DescribeRules": 60}, 3, {"s1": "gone"})
    assert (run.report["ratio"], run.report["failed"], run.report["calls_a_route"]) == (1.1, 1, 1.12)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = [0.0]
    bucket = Bucket(2, 0.5, clock=lambda: now[0])
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] = 2
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] = 1000
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def post(url: str, operation: str, **more: str) -> tuple[int, str]:
    form = urllib.parse.urlencode({"Action": operation, "Version": ELBV2, **more}).encode()
    try:
        with urllib.request.urlopen(url, data=form, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_an_empty_bucket_answers_as_aws_does_and_nothing_gets_through() -> None:
    buckets = {"Describe": Bucket(2, 1e-6), "Modify": Bucket(1, 1e-6)}
    with answering() as aws, throttling(aws.url, buckets) as throttle:
        assert [post(throttle.url, "DescribeRules")[0] for _ in range(2)] == [200, 200]
        status, body = post(throttle.url, "DescribeTargetHealth")
        assert (status, "<Code>Throttling</Code><Message>Rate exceeded</Message>" in body) == (400, True)
        assert post(throttle.url, "ModifyRule")[0] == 200
        assert throttle.throttled == {"DescribeRules": 0, "DescribeTargetHealth": 1, "ModifyRule": 0}
        assert aws.calls == ["DescribeRules", "DescribeRules", "ModifyRule"]


def test_more_arns_than_aws_takes_are_refused() -> None:
    with answering() as aws, throttling(aws.url, {}) as throttle:
        arns = {f"RuleArns.member.{index}": "arn" for index in range(1, ARNS_A_CALL + 1)}
        assert post(throttle.url, "DescribeRules", **arns)[0] == 200
        assert post(throttle.url, "DescribeRules", **arns, **{"RuleArns.member.21": "arn"})[0] == 400
        assert aws.calls == ["DescribeRules"]


def test_what_is_not_elbv2_passes_uncounted() -> None:
    with answering() as aws, throttling(aws.url, {"Describe": Bucket(0, 1e-6)}) as throttle:
        assert post(throttle.url, "DescribeVpcs", Version="2016-11-15")[0] == 200
        assert not throttle.calls
