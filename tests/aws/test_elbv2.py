import pytest

from tests.support.provision import forward
from toolkit.aws.elbv2 import actions_with
from toolkit.contract import Stickiness

OFF = Stickiness(enabled=False)


def test_an_oidc_secret_that_aws_never_tells_is_kept_where_it_is() -> None:
    oidc = {
        "Type": "authenticate-oidc",
        "Order": 1,
        "AuthenticateOidcConfig": {"Issuer": "https://id", "ClientId": "x"},
    }
    first, _ = actions_with([oidc, forward("b", 1, "g", 0, {})], {"b": 0, "g": 1}, OFF)
    assert first["AuthenticateOidcConfig"]["UseExistingClientSecret"] is True
    assert first["AuthenticateOidcConfig"]["ClientId"] == "x"


def test_unknown_actions_and_keys_pass_through() -> None:
    jwt = {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": {"JwksEndpoint": "https://id"}}
    forwarding = forward("b", 1, "g", 0, {}) | {"Later": 1}
    first, second = actions_with([jwt, forwarding], {"b": 5, "g": 6}, OFF)
    assert first == jwt
    assert second["Later"] == 1


def test_the_short_form_beside_forward_config_is_dropped() -> None:
    action = forward("b", 1, "g", 0, {}) | {"TargetGroupArn": "b"}
    (written,) = actions_with([action], {"b": 1, "g": 1}, OFF)
    assert "TargetGroupArn" not in written


@pytest.mark.parametrize(
    ("stickiness", "written"),
    [
        (OFF, {"Enabled": False}),
        (Stickiness(enabled=True, duration_seconds=60), {"Enabled": True, "DurationSeconds": 60}),
    ],
)
def test_stickiness_is_written_as_aws_wants_it(stickiness: Stickiness, written: dict[str, object]) -> None:
    (action,) = actions_with([forward("b", 1, "g", 0, {"Enabled": True, "DurationSeconds": 9})], {"b": 1}, stickiness)
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == written


def test_the_input_is_not_changed() -> None:
    action = forward("b", 1, "g", 0, {})
    actions_with([action], {"b": 9, "g": 9}, OFF)
    assert action == forward("b", 1, "g", 0, {})
