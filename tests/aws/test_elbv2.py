"""What is special about writing: an OIDC client's secret goes to that client alone, and a write is one request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from tests.support.answers import HANG_UP, SILENCE, Answers, answering
from tests.support.fakes import OFF, a_contract
from tests.support.provision import CREDENTIALS, REGION, forward
from toolkit.aws.actions import live_route
from toolkit.aws.elbv2 import Elbv2
from toolkit.aws.pace import Budget, Pace
from toolkit.aws.session import SINGLE_CONNECT_SECONDS, SINGLE_READ_SECONDS, Session
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, LeaseLost, RouteUnusable, Throttled
from toolkit.rollout.ports import Action
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS
from toolkit.settings import AwsSettings

FORWARD = {**forward("b", 1, "g", 0, {"Enabled": False}), "Order": 2}


def client(name: str) -> dict[str, Any]:
    """As the contract has it."""
    return {"type": "authenticate-oidc", "order": 1, "settings": {"issuer": "https://id", "client_id": name}}


def held(name: str) -> dict[str, Any]:
    """As AWS tells it."""
    endpoints = dict.fromkeys(("AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint"), "https://id/x")
    config = {"Issuer": "https://id", "ClientId": name, **endpoints}
    return {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": config}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION))


ROUTE = replace(a_contract().routes[0], preceding_actions=(client("new"),))


def test_the_secret_goes_to_the_client_that_the_contract_names(session: Session) -> None:
    with Stubber(session.single_attempts.client("elbv2")) as stub:
        stub.add_response("modify_rule", {"Rules": []}, {"RuleArn": ROUTE.arn, "Actions": ANY})
        sent: list[Any] = []
        session.single_attempts.client("elbv2").meta.events.register(
            "provide-client-params.elbv2.ModifyRule", lambda params, **_: sent.append(params["Actions"])
        )
        wanted = Action({"b": 1, "g": 0}, OFF, (client("new"),))
        Elbv2(session, client_secret="s3cret").write(live_route(ROUTE, [held("old"), FORWARD]), wanted)
    assert sent[0][0]["AuthenticateOidcConfig"]["ClientSecret"] == "s3cret"


@pytest.mark.parametrize("secret", [None, "s3cret"])
def test_a_client_that_is_put_back_is_not_given_the_secret_of_another(session: Session, secret: str | None) -> None:
    before = Action({"b": 1, "g": 0}, OFF, (client("old"),))
    with Stubber(session.single_attempts.client("elbv2")), pytest.raises(RouteUnusable, match="no client secret"):
        Elbv2(session, client_secret=secret).write(live_route(ROUTE, [held("new"), FORWARD]), before)


def test_a_client_whose_secret_aws_holds_needs_none(session: Session) -> None:
    with Stubber(session.single_attempts.client("elbv2")) as stub:
        stub.add_response("modify_rule", {"Rules": []}, {"RuleArn": ROUTE.arn, "Actions": ANY})
        wanted = Action({"b": 0, "g": 1}, OFF, (client("new"),))
        Elbv2(session).write(live_route(ROUTE, [held("new"), FORWARD]), wanted)


# Rates and repeats


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    with answering() as answers:
        yield answers


def at_once(_seconds: float) -> None:
    """No time passes."""


def unpaced() -> Pace:
    return Pace(burst=1000, per_second=1e9)


def router(aws: Answers) -> Elbv2:
    session = Session(AwsSettings(region=REGION, endpoint_url=aws.url))
    session.budget = Budget(reads=unpaced(), writes=unpaced())
    return Elbv2(session, sleep=at_once)


def write(aws: Answers) -> None:
    live = live_route(a_contract().routes[0], [FORWARD])
    router(aws).write(live, Action({"b": 0, "g": 1}, OFF))


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(400, "Throttling", Throttled), (503, "ServiceUnavailable", AwsUnreachable), (500, "Internal", AwsUnreachable)],
)
def test_a_write_is_one_request_whatever_aws_answers(
    aws: Answers, status: int, code: str, error: type[AwsError]
) -> None:
    aws.then = [(status, code)] * 5
    with pytest.raises(error) as caught:
        write(aws)
    assert type(caught.value) is error
    assert aws.calls == ["ModifyRule"]


def test_a_write_whose_connection_is_closed_is_not_sent_again(aws: Answers) -> None:
    aws.then = [HANG_UP] * 5
    with pytest.raises(AwsUnreachable):
        write(aws)
    assert aws.calls == ["ModifyRule"]


def test_the_guard_is_asked_when_the_request_is_signed_and_not_yet_sent(aws: Answers) -> None:
    order: list[str] = []
    elbv2 = router(aws)
    client = elbv2._session.single_attempts.client("elbv2")
    client.meta.events.register("before-sign", lambda **_: order.append("signed"))
    live = live_route(a_contract().routes[0], [FORWARD])
    to_green = Action({"b": 0, "g": 1}, OFF)
    elbv2.write(live, to_green, guard=lambda: order.append(f"asked, {len(aws.calls)} sent"))
    assert order == ["signed", "asked, 0 sent"]
    assert aws.calls == ["ModifyRule"]

    def refuse() -> None:
        raise LeaseLost("bob took it over")

    with pytest.raises(LeaseLost, match="bob"):
        elbv2.write(live, to_green, guard=refuse)
    elbv2.read(a_contract().routes)
    assert aws.calls == ["ModifyRule", "DescribeRules"], "no guard is left for what comes next"


def test_a_write_ends_within_its_timeout(aws: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SINGLE_CONNECT_SECONDS + SINGLE_READ_SECONDS == WRITE_TIMEOUT_SECONDS
    config = Session(AwsSettings(region=REGION, endpoint_url=aws.url)).single_attempts.client("elbv2").meta.config
    assert (config.connect_timeout, config.read_timeout) == (SINGLE_CONNECT_SECONDS, SINGLE_READ_SECONDS)
    monkeypatch.setattr("toolkit.aws.session.SINGLE_READ_SECONDS", 0.1)
    aws.then = [SILENCE]
    with pytest.raises(AwsUnreachable, match="did not answer"):
        write(aws)
    assert aws.calls == ["ModifyRule"]


@pytest.mark.parametrize("fault", [(400, "Throttling"), (503, "ServiceUnavailable"), HANG_UP])
def test_a_read_is_repeated_by_us_so_that_every_request_counts(aws: Answers, fault: tuple[int, str]) -> None:
    aws.then = [fault] * 3
    assert router(aws).read(a_contract().routes) == {}
    assert aws.calls == ["DescribeRules"] * 4


@pytest.mark.parametrize(("is_urgent", "attempts"), [(False, 4), (True, 10)])
def test_a_rollbacks_reads_are_repeated_for_longer(aws: Answers, is_urgent: bool, attempts: int) -> None:
    aws.then = [(400, "Throttling")] * 20
    reader = router(aws).urgent if is_urgent else router(aws)
    with pytest.raises(Throttled):
        reader.read(a_contract().routes)
    assert aws.calls == ["DescribeRules"] * attempts


def test_what_cannot_be_repaired_by_repeating_is_not_repeated(aws: Answers) -> None:
    aws.then = [(403, "AccessDenied")]
    with pytest.raises(AccessDenied):
        router(aws).read(a_contract().routes)
    assert aws.calls == ["DescribeRules"]


def test_everything_of_one_session_keeps_to_one_rate(session: Session) -> None:
    assert Elbv2(session)._reads is Elbv2(session).urgent._reads
    assert Elbv2(session)._writes is Elbv2(session, client_secret="x")._writes
    assert Elbv2(session)._writes is not Elbv2(Session(AwsSettings(region=REGION)))._writes


def test_a_throttled_write_slows_down_those_to_come(aws: Answers) -> None:
    session = Session(AwsSettings(region=REGION, endpoint_url=aws.url))
    waits: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    session.budget = Budget(writes=Pace(burst=20, per_second=2, clock=lambda: now[0], sleep=sleep))
    aws.then = [(400, "Throttling")]
    live = live_route(a_contract().routes[0], [FORWARD])
    with pytest.raises(Throttled):
        Elbv2(session).write(live, Action({"b": 0, "g": 1}, OFF))
    Elbv2(session).write(live, Action({"b": 0, "g": 1}, OFF))
    assert waits == pytest.approx([1.0])
