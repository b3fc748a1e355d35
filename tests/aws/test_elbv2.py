"""What is special about writing: an OIDC client's secret goes to that client alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from tests.support.fakes import OFF, a_contract
from tests.support.provision import CREDENTIALS, REGION, forward
from toolkit.aws.actions import live_route
from toolkit.aws.elbv2 import Elbv2
from toolkit.aws.session import Session
from toolkit.errors import RouteUnusable
from toolkit.rollout.ports import Action
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
