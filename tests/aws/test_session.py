from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from toolkit.aws.session import Session, aws_errors
from toolkit.errors import (
    AccessDenied,
    AwsError,
    AwsUnreachable,
    BluegreenError,
    ConfigError,
    CredentialsError,
    NotLocal,
    Throttled,
)
from toolkit.settings import AwsSettings, is_aws, is_dummy_key, is_loopback

REGION = "eu-central-1"
NOBODY = "http://127.0.0.1:1"
REAL_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "s" * 40}
ELBV2 = "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"


def answer(code: str, status: int = 400) -> boto.ClientError:
    told = {"Error": {"Code": code, "Message": "because"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(told, "DescribeRules")


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (answer("Throttling"), Throttled),
        (answer("ThrottlingException"), Throttled),
        (answer("ExpiredToken"), CredentialsError),
        (answer("InvalidClientTokenId"), CredentialsError),
        (answer("AccessDenied"), AccessDenied),
        (answer("AccessDeniedException"), AccessDenied),
        (answer("InvalidConfigurationRequest"), AwsError),
        (answer("Throttling", 503), Throttled),
        (answer("Whatever", 429), Throttled),
        (answer("InternalFailure", 500), AwsUnreachable),
        (answer("ServiceUnavailable", 503), AwsUnreachable),
        (answer("NotImplemented", 501), AwsError),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), AwsUnreachable),
        (ResponseParserError("no XML"), AwsUnreachable),
        (boto.NoCredentialsError(), CredentialsError),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), CredentialsError),
        (boto.TokenRetrievalError(provider="sso", error_msg="x"), CredentialsError),
        (boto.ProfileNotFound(profile="nobody"), CredentialsError),
        (boto.NoRegionError(), AwsError),
        (boto.ReadTimeoutError(endpoint_url="http://x"), AwsUnreachable),
        (boto.ConnectTimeoutError(endpoint_url="http://x"), AwsUnreachable),
        (boto.EndpointConnectionError(endpoint_url="http://x"), AwsUnreachable),
        (boto.ParamValidationError(report="x"), AwsError),
        (ValueError("Invalid endpoint: x"), AwsError),
    ],
)
def test_every_fault_of_aws_becomes_one_of_ours_that_says_what_was_done(
    raised: Exception, kind: type[BluegreenError]
) -> None:
    with pytest.raises(BluegreenError) as caught, aws_errors("reading the rules"):
        raise raised
    assert type(caught.value) is kind
    assert caught.value.message.startswith("reading the rules: ")
    assert caught.value.__cause__ is raised


def test_errors_of_our_own_pass_through() -> None:
    with pytest.raises(Throttled), aws_errors("x"):
        raise Throttled("already ours")


def test_an_unknown_profile_is_one_clear_error() -> None:
    with pytest.raises(CredentialsError, match="nobody"):
        Session(AwsSettings(profile="nobody")).client("elbv2")


def test_a_client_for_single_attempts_is_another_one_and_the_same_to_all() -> None:
    session = Session(AwsSettings(region=REGION))
    once = session.single_attempts.client("elbv2")
    assert once is session.single_attempts.client("elbv2")
    assert once is not session.client("elbv2")
    assert once.meta.config.retries["total_max_attempts"] == 1
    assert session.client("elbv2").meta.config.retries["total_max_attempts"] > 1


def test_a_client_for_single_attempts_keeps_local_calls_local_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", NOBODY)
    with pytest.raises(NotLocal):
        Session(AwsSettings(region=REGION)).single_attempts.client("elbv2")


def test_the_region_is_the_one_that_was_said_else_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert Session(AwsSettings()).region == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert Session(AwsSettings()).region == "eu-central-1"
    assert Session(AwsSettings(region="eu-west-1")).region == "eu-west-1"


# Where an endpoint is local, nothing leaves for the real AWS.


class Left(OSError):
    """A connection that would have left this machine."""


@pytest.fixture
def departures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts off this machine that were looked up or connected to; each attempt is stopped."""
    seen: list[str] = []
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def checked(host: Any) -> None:
        if not is_loopback(f"http://[{host}]" if ":" in str(host) else f"http://{host}"):
            seen.append(str(host))
            raise Left(f"{host} is not this machine")

    def guarded_look_up(host: Any, *words: Any, **more: Any) -> Any:
        checked(host)
        return look_up(host, *words, **more)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple):
            checked(address[0])
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    return seen


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with real-looking keys and no settings but those that a test makes."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr("toolkit.aws.session.ATTEMPTS", 1)
    for name, value in REAL_KEYS.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def key_of(client: Any) -> str:
    return str(client._request_signer._credentials.access_key)


def test_the_guard_of_these_tests_sees_what_leaves(place: pytest.MonkeyPatch, departures: list[str]) -> None:
    with pytest.raises(AwsUnreachable), aws_errors("x"):
        Session(AwsSettings()).client("ssm").get_parameter(Name="/x")
    assert departures == [f"ssm.{REGION}.amazonaws.com"]


SERVICES_SECTION = f"""
[default]
services = local
[services local]
elastic_load_balancing_v2 =
  endpoint_url = {NOBODY}
"""


@pytest.mark.parametrize("source", ["variable", "settings", "profile"])
def test_one_local_endpoint_shuts_the_way_to_all_of_aws(
    place: pytest.MonkeyPatch, departures: list[str], tmp_path: Path, source: str
) -> None:
    settings = AwsSettings()
    match source:
        case "variable":
            place.setenv(ELBV2, NOBODY)
        case "settings":
            settings = AwsSettings(services={"elastic_load_balancing_v2": NOBODY})
        case "profile":
            (tmp_path / "config").write_text(SERVICES_SECTION)
    session = Session(settings)
    for service in ("ssm", "sts", "dynamodb", "cloudwatch", "ecs", "autoscaling", "codedeploy"):
        with pytest.raises(NotLocal) as refused:
            session.client(service)
        assert refused.value.message.startswith(f"{service} has no local endpoint, and calls must stay local")
        assert f"{ELBV2} is {NOBODY}" in refused.value.message
        assert "AWS_ENDPOINT_URL" in refused.value.hint
        assert "\n" not in refused.value.message
    with pytest.raises(AwsUnreachable), aws_errors("x"):
        session.client("elbv2").describe_rules()
    assert departures == []


@pytest.mark.parametrize("source", ["variable", "settings", "profile"])
def test_a_local_endpoint_for_everything_serves_every_service(
    place: pytest.MonkeyPatch, departures: list[str], tmp_path: Path, source: str
) -> None:
    if source == "variable":
        place.setenv("AWS_ENDPOINT_URL", NOBODY)
    if source == "profile":
        (tmp_path / "config").write_text(f"[profile emulator]\nregion = eu-west-1\nendpoint_url = {NOBODY}\n")
        place.delenv("AWS_REGION")
    profile = "emulator" if source == "profile" else None
    session = Session(AwsSettings(endpoint_url=NOBODY if source == "settings" else None, profile=profile))
    for service in ("elbv2", "ssm", "sts", "dynamodb", "s3"):
        assert session.client(service).meta.endpoint_url == NOBODY
        assert key_of(session.client(service)) == session.access_key == "test"
    assert departures == []


def test_what_the_variable_for_everything_covers_the_profile_no_longer_says(
    place: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(SERVICES_SECTION)
    place.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example")
    session = Session(AwsSettings())
    assert session.isolation is None
    assert session.client("elbv2").meta.endpoint_url == "https://elsewhere.example"


@pytest.mark.parametrize(
    "url", ["https://vpce-1.elasticloadbalancing.eu-central-1.vpce.amazonaws.com", "http://10.0.0.9"]
)
def test_an_endpoint_elsewhere_stays_normal_use(place: pytest.MonkeyPatch, url: str) -> None:
    place.setenv(ELBV2, url)
    session = Session(AwsSettings())
    assert session.client("elbv2").meta.endpoint_url == url
    assert session.client("ssm").meta.endpoint_url == f"https://ssm.{REGION}.amazonaws.com"
    assert key_of(session.client("ssm")) == session.access_key == REAL_KEYS["AWS_ACCESS_KEY_ID"]
    chosen = Session(AwsSettings(services={"elastic_load_balancing_v2": f"{url}/", "sts": "https://sts.example"}))
    assert chosen.client("elbv2").meta.endpoint_url == f"{url}/"
    assert chosen.client("sts").meta.endpoint_url == "https://sts.example"
    assert chosen.client("ssm").meta.endpoint_url == f"https://ssm.{REGION}.amazonaws.com"


def test_an_isolated_place_on_another_host_is_shut_too(place: pytest.MonkeyPatch, departures: list[str]) -> None:
    emulator = "http://localstack:4566"
    session = Session(AwsSettings(endpoint_url=emulator, isolated=True))
    assert session.client("ssm").meta.endpoint_url == emulator
    assert key_of(session.client("ssm")) == "test"
    partly = Session(AwsSettings(services={"ssm": emulator}, isolated=True))
    assert partly.client("ssm").meta.endpoint_url == emulator
    with pytest.raises(NotLocal, match=r"sts has no local endpoint.*isolated = true"):
        partly.client("sts")
    assert departures == []


def test_a_tunnel_on_loopback_that_says_so_is_the_real_aws(place: pytest.MonkeyPatch) -> None:
    tunnel = AwsSettings(services={"elastic_load_balancing_v2": NOBODY}, isolated=False)
    assert Session(tunnel).client("ssm").meta.endpoint_url == f"https://ssm.{REGION}.amazonaws.com"
    assert key_of(Session(tunnel).client("elbv2")) == REAL_KEYS["AWS_ACCESS_KEY_ID"]
    place.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2")  # no address of the tunnel's
    with pytest.raises(NotLocal, match="AWS_ENDPOINT_URL_SQS"):
        Session(tunnel).client("ssm")


def test_endpoints_that_the_sdks_are_told_to_ignore_do_not_count(place: pytest.MonkeyPatch) -> None:
    place.setenv("AWS_ENDPOINT_URL", NOBODY)
    place.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert Session(AwsSettings()).client("ssm").meta.endpoint_url == f"https://ssm.{REGION}.amazonaws.com"
    assert Session(AwsSettings(endpoint_url=NOBODY)).isolation


def test_a_request_that_is_led_away_is_not_sent(place: pytest.MonkeyPatch, departures: list[str]) -> None:
    client = Session(AwsSettings(endpoint_url=NOBODY)).client("ssm")

    def led_away(request: Any, **_: Any) -> None:
        request.url = "https://ssm.eu-central-1.amazonaws.com/"

    client.meta.events.register("request-created", led_away)
    with pytest.raises(NotLocal, match="calls must stay local"), aws_errors("x"):
        client.get_parameter(Name="/x")
    assert departures == []


def test_a_proxy_does_not_get_what_is_meant_for_this_machine(place: pytest.MonkeyPatch, departures: list[str]) -> None:
    place.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    with pytest.raises(AwsUnreachable), aws_errors("x"):
        Session(AwsSettings(endpoint_url="http://localhost.:1")).client("ssm").get_parameter(Name="/x")
    assert departures == []


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        ("role_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base", "test"),
        ("credential_process = {touch}", "test"),
        ("sso_start_url = https://x.example\nsso_region = eu-central-1\nsso_account_id = 1\nsso_role_name = x", "test"),
        ("role_arn = arn:aws:iam::123456789012:role/admin\ncredential_source = Ec2InstanceMetadata", "test"),
        ("aws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = x", "test"),
        ("aws_access_key_id = 000000000042\naws_secret_access_key = x", "000000000042"),
        ("output = json", "test"),
    ],
)
def test_an_emulator_is_shown_dummy_keys_and_nobody_is_asked_for_others(
    place: pytest.MonkeyPatch, departures: list[str], tmp_path: Path, profile: str, key: str
) -> None:
    witness = tmp_path / "asked"
    base = "[profile base]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = x\n"
    (tmp_path / "config").write_text(f"[profile prod]\n{profile.format(touch=f'touch {witness}')}\n{base}")
    session = Session(AwsSettings(endpoint_url=NOBODY, profile="prod"))
    assert session.access_key == key_of(session.client("ssm")) == key
    with pytest.raises(AwsUnreachable), aws_errors("x"):
        session.client("sts").get_caller_identity()
    assert departures == []
    assert not witness.exists()


def test_dummy_keys_of_the_environment_are_kept_with_their_token(place: pytest.MonkeyPatch) -> None:
    place.setenv("AWS_ENDPOINT_URL", NOBODY)
    place.setenv("AWS_ACCESS_KEY_ID", "LSIAQAAAAAAVNCBMPNSG")
    place.setenv("AWS_SESSION_TOKEN", "token")
    keys = Session(AwsSettings()).emulator_keys
    assert (keys.access_key, keys.token) == ("LSIAQAAAAAAVNCBMPNSG", "token")
    place.setenv("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE")
    assert Session(AwsSettings()).emulator_keys == ("test", "test", None)


@pytest.mark.parametrize(("name", "hint"), [("elbv2", "elastic_load_balancing_v2"), ("dynamo", "dynamodb")])
def test_a_service_that_aws_does_not_have_is_refused_with_the_right_spelling(
    place: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=rf"services\.{name}") as refused:
        Session(AwsSettings(services={name: NOBODY})).client("ssm")
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:4566", True),
        ("http://[::ffff:127.0.0.1]:4566", True),
        ("http://0.0.0.0:4566", True),
        ("http://LOCALHOST:4566", True),
        ("http://localhost.:4566", True),
        ("http://aws.localhost", True),
        ("https://localhost.localstack.cloud:4566", True),
        ("http://s3.localhost.localstack.cloud:4566", True),
        ("http://localhost.example", False),
        ("http://notlocalhost", False),
        ("http://127.0.0.1.example", False),
        ("http://10.0.0.1", False),
        ("https://sts.amazonaws.com", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_what_counts_as_this_machine(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_what_counts_as_aws_and_as_a_dummy_key() -> None:
    assert is_aws("https://ssm.eu-central-1.amazonaws.com")
    assert is_aws("https://ssm.cn-north-1.amazonaws.com.cn")
    assert not is_aws("https://amazonaws.com.example")
    assert [is_dummy_key(key) for key in ("test", "123456789012", "LKIAIOSFODNN7EXAMPLE")] == [True] * 3
    assert [is_dummy_key(key) for key in (*REAL_KEYS.values(), "0PN5J17HBGZHT7JJ3X82")] == [False] * 3
