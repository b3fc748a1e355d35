"""The proxy injects what it says, and its ledger knows what AWS committed, whoever was told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.benchmarks.accelerated import EPOCH
from tests.support.provision import CREDENTIALS, REGION, forward
from tests.support.proxy import Fault, Harm, Ledger, proxied
from toolkit.rollout.codec import encode, seal
from toolkit.rollout.events import Head, ShiftVerified

_BLUE, _GREEN = "arn:blue", "arn:green"
_RULE = "arn:rule"
_SECONDS = 0.2


class Aws(ThreadingHTTPServer):
    """Says yes to everything, and remembers what it was asked."""

    daemon_threads = True
    asked: list[str]


class _Yes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Aws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        self.server.asked.append(target.rpartition(".")[2] if target else parse_qs(body)["Action"][0])
        operation = self.server.asked[-1]
        query = f"<{operation}Response><{operation}Result/></{operation}Response>"
        content = b"{}" if target else query.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def aws() -> Iterator[Aws]:
    server = Aws(("127.0.0.1", 0), _Yes)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def between(aws: Aws) -> Iterator[tuple[Ledger, Any, Any]]:
    """The ledger, and clients of ELBv2 and DynamoDB that come in by its door; they try once, and not for long."""
    import boto3
    from botocore.config import Config

    config = Config(read_timeout=_SECONDS, retries={"mode": "standard", "total_max_attempts": 1})
    with proxied(f"http://127.0.0.1:{aws.server_port}", ("alice",)) as (ledger, doors):
        ledger.begin({_RULE: ({_BLUE: 100, _GREEN: 0}, "off")})
        words: dict[str, Any] = {"endpoint_url": doors["alice"].url, "region_name": REGION, "config": config}
        yield ledger, boto3.client("elbv2", **words, **CREDENTIALS), boto3.client("dynamodb", **words, **CREDENTIALS)


def shift(elbv2: Any, blue: int, green: int) -> None:
    elbv2.modify_rule(RuleArn=_RULE, Actions=[forward(_BLUE, blue, _GREEN, green, {"Enabled": False})])


def test_a_call_that_is_left_alone_is_noted_with_its_door_service_operation_and_answer(
    between: tuple[Ledger, Any, Any], aws: Aws
) -> None:
    ledger, elbv2, dynamodb = between
    elbv2.describe_rules(RuleArns=[_RULE])
    dynamodb.query(TableName="state")
    noted = [(call.number, call.door, call.service, call.operation, call.is_committed) for call in ledger.calls]
    assert noted == [
        (1, "alice", "elasticloadbalancing", "DescribeRules", True),
        (2, "alice", "dynamodb", "Query", True),
    ]
    assert aws.asked == ["DescribeRules", "Query"]


def test_a_write_of_what_aws_holds_is_a_double_write_and_any_other_is_not(between: tuple[Ledger, Any, Any]) -> None:
    ledger, elbv2, _ = between
    for blue, green in ((90, 10), (90, 10), (100, 0), (90, 10)):
        shift(elbv2, blue, green)
    assert [write.held for write in ledger.writes] == [False, True, False, False]
    assert [write.call.number for write in ledger.double_writes] == [2]


def test_the_entries_that_a_call_adds_to_a_journal_are_read_from_it(between: tuple[Ledger, Any, Any]) -> None:
    ledger, _, dynamodb = between
    entry = seal("web", Head(), ShiftVerified(), at=EPOCH, actor="alice", rollout=None)
    put = {"TableName": "state", "Item": {"pk": {"S": "service#web"}, "entry": {"S": encode(entry)}}}
    dynamodb.transact_write_items(TransactItems=[{"Put": put}])
    assert [found for _, found in ledger.entries] == [entry]


@pytest.mark.parametrize(
    ("harm", "error", "reaches_aws"),
    [
        (Harm.THROTTLED, ClientError, False),
        (Harm.UNAVAILABLE, ClientError, False),
        (Harm.RESET, ConnectionClosedError, False),
        (Harm.LOST, ConnectionClosedError, True),
        (Harm.SLOW, ReadTimeoutError, True),
        (Harm.LATE, ReadTimeoutError, True),
    ],
)
def test_each_harm_is_what_it_says_to_the_caller_and_to_aws(
    between: tuple[Ledger, Any, Any], aws: Aws, harm: Harm, error: type[Exception], *, reaches_aws: bool
) -> None:
    ledger, elbv2, _ = between
    ledger.judge = lambda _call: Fault(harm, 2 * _SECONDS)
    with pytest.raises(error):
        shift(elbv2, 90, 10)
    assert ledger.settle()
    assert aws.asked == (["ModifyRule"] if reaches_aws else [])
    assert [dict(write.weights) for write in ledger.writes] == ([{_BLUE: 90, _GREEN: 10}] if reaches_aws else [])


def test_a_late_call_is_committed_after_the_caller_has_given_up_and_a_slow_one_before(
    between: tuple[Ledger, Any, Any],
) -> None:
    ledger, elbv2, _ = between
    gave_up = {}
    for harm in (Harm.SLOW, Harm.LATE):
        ledger.judge = lambda _call, harm=harm: Fault(harm, 2 * _SECONDS)  # type: ignore[misc]
        with pytest.raises(ReadTimeoutError):
            shift(elbv2, 90, 10)
        gave_up[harm] = time.monotonic()
        assert ledger.settle()
    slow, late = (call.done or 0.0 for call in ledger.calls)
    assert slow < gave_up[Harm.SLOW]
    assert late > gave_up[Harm.LATE]


def test_a_throttled_call_reads_as_aws_throttling_in_both_protocols(between: tuple[Ledger, Any, Any]) -> None:
    ledger, elbv2, dynamodb = between
    ledger.judge = lambda _call: Fault(Harm.THROTTLED)
    codes = []
    for ask, words in ((elbv2.describe_rules, {"RuleArns": [_RULE]}), (dynamodb.query, {"TableName": "state"})):
        with pytest.raises(ClientError) as refused:
            ask(**words)
        codes.append(refused.value.response["Error"]["Code"])
    assert codes == ["Throttling", "ThrottlingException"]


def test_each_door_has_its_label_and_nothing_listens_once_they_are_shut(aws: Aws) -> None:
    import boto3

    with proxied(f"http://127.0.0.1:{aws.server_port}", ("alice", "bob")) as (ledger, doors):
        for label in ("bob", "alice"):
            words: dict[str, Any] = {"endpoint_url": doors[label].url, "region_name": REGION}
            boto3.client("sts", **words, **CREDENTIALS).get_caller_identity()
        assert [call.door for call in ledger.calls] == ["bob", "alice"]
    for door in doors.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(door.url.rpartition(":")[2])), timeout=1)
