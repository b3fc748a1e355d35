"""Actions between AWS's words and ours: nothing is lost on the way, and no secret is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.fakes import OFF, a_contract
from tests.support.provision import forward
from toolkit.aws.actions import actions_with, lacks_client_secret, live_route
from toolkit.contract import Stickiness, same_actions
from toolkit.rollout.ports import Action

OIDC = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {
        "Issuer": "https://id",
        "ClientId": "x",
        "SessionTimeout": 604800,
        "AuthenticationRequestExtraParams": {"prompt": "login"},
    },
}
FORWARD = {**forward("b", 1, "g", 0, {"Enabled": False}), "Order": 2}
ROUTE = a_contract().routes[0]


def to(blue: int, green: int, stickiness: Stickiness = OFF, preceding: Any = None) -> Action:
    return Action({"b": blue, "g": green}, stickiness, preceding)


def oidc(**settings: str | None) -> dict[str, Any]:
    """As a contract has it."""
    return {"type": "authenticate-oidc", "order": 1, "settings": settings}


def test_an_oidc_secret_that_aws_never_tells_is_kept_where_it_is() -> None:
    first, _ = actions_with([OIDC, FORWARD], to(0, 1))
    assert first["AuthenticateOidcConfig"]["UseExistingClientSecret"] is True
    assert first["AuthenticateOidcConfig"]["ClientId"] == "x"


def test_unknown_actions_and_keys_pass_through() -> None:
    jwt = {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": {"JwksEndpoint": "https://id"}}
    first, second = actions_with([jwt, FORWARD | {"Later": 1}], to(5, 6))
    assert first == jwt
    assert second["Later"] == 1


def test_the_short_form_beside_forward_config_is_dropped() -> None:
    (written,) = actions_with([FORWARD | {"TargetGroupArn": "b"}], to(1, 1))
    assert "TargetGroupArn" not in written


@pytest.mark.parametrize(
    ("stickiness", "written"),
    [
        (OFF, {"Enabled": False}),
        (Stickiness(enabled=True, duration_seconds=60), {"Enabled": True, "DurationSeconds": 60}),
    ],
)
def test_stickiness_is_written_as_aws_wants_it(stickiness: Stickiness, written: dict[str, object]) -> None:
    (action,) = actions_with([forward("b", 1, "g", 0, {"Enabled": True, "DurationSeconds": 9})], to(1, 0, stickiness))
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == written


def test_a_forward_that_never_had_stickiness_is_given_none() -> None:
    plain = forward("b", 1, "g", 0, {})
    del plain["ForwardConfig"]["TargetGroupStickinessConfig"]
    (action,) = actions_with([plain], to(1, 0))
    assert "TargetGroupStickinessConfig" not in action["ForwardConfig"]


def test_the_input_is_not_changed() -> None:
    action = forward("b", 1, "g", 0, {})
    actions_with([action], to(9, 9))
    assert action == forward("b", 1, "g", 0, {})


def test_a_single_target_group_is_read_with_the_weight_that_aws_gives_it() -> None:
    live = live_route(ROUTE, [{"Type": "forward", "TargetGroupArn": "b"}])
    assert live.weights == {"b": 1}


def test_what_precedes_is_read_in_our_words_every_value_a_text_and_no_secret() -> None:
    secret = {**OIDC, "AuthenticateOidcConfig": {**OIDC["AuthenticateOidcConfig"], "ClientSecret": "s3cret"}}  # type: ignore[dict-item]
    (action,) = live_route(ROUTE, [FORWARD, secret]).preceding
    assert action == {
        "type": "authenticate-oidc",
        "order": 1,
        "settings": {
            "issuer": "https://id",
            "client_id": "x",
            "session_timeout_seconds": "604800",
            "authentication_request_extra_params": '{"prompt": "login"}',
        },
    }


def test_what_is_wanted_before_the_forward_is_laid_over_what_stands_there() -> None:
    wanted = (oidc(issuer="https://id", client_id="x", session_timeout_seconds="60", scope=None),)
    first, second = actions_with([OIDC, FORWARD], to(1, 0, preceding=wanted))
    assert first == {
        "Type": "authenticate-oidc",
        "Order": 1,
        "AuthenticateOidcConfig": {
            "Issuer": "https://id",
            "ClientId": "x",
            "SessionTimeout": 60,
            "AuthenticationRequestExtraParams": {"prompt": "login"},
            "UseExistingClientSecret": True,
        },
    }
    assert (second["Type"], second["Order"]) == ("forward", 2)


def test_what_was_read_and_written_again_is_the_same() -> None:
    live = live_route(ROUTE, [OIDC, FORWARD])
    again = live_route(ROUTE, actions_with([OIDC, FORWARD], to(1, 0, preceding=live.preceding)))
    assert same_actions(live.preceding, again.preceding)
    assert same_actions(again.preceding, live.preceding)


@pytest.mark.parametrize(
    ("held", "wanted", "lacks"),
    [
        ([OIDC, FORWARD], oidc(issuer="https://id", client_id="x", scope="email"), False),
        ([OIDC, FORWARD], oidc(issuer="https://id", client_id="another"), True),
        ([OIDC, FORWARD], oidc(issuer="https://elsewhere", client_id="x"), True),
        ([FORWARD], oidc(issuer="https://id", client_id="x"), True),
        ([FORWARD], {"type": "authenticate-cognito", "order": 1, "settings": {"user_pool_arn": "a"}}, False),
    ],
)
def test_a_client_secret_is_needed_where_aws_holds_none_of_that_client(held: Any, wanted: Any, *, lacks: bool) -> None:
    action = to(1, 0, preceding=(wanted,))
    assert lacks_client_secret(held, action) is lacks
    written = actions_with(held, action, client_secret="s3cret")[0]
    assert ("s3cret" in str(written)) is lacks


def test_nothing_wanted_before_the_forward_takes_away_what_stands_there() -> None:
    (only,) = actions_with([OIDC, FORWARD], to(1, 0, preceding=()))
    assert (only["Type"], only["Order"]) == ("forward", 1)
