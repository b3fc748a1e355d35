"""From the words of a command line to a service, against the shared lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.provision import Provisioned
from toolkit.errors import AwsError, ConfigError, ContractError, UnknownService, WrongAccount
from toolkit.rollout.events import Kind
from toolkit.runner.service import Service
from toolkit.runner.shift import shift
from toolkit.settings import AwsSettings
from toolkit.traffic import Color, Split
from toolkit.wiring import Options, service_names, settings_for, terraform_environ, wire, wire_all

pytestmark = pytest.mark.lab
CANARY = Split(blue=80, green=20)


@pytest.fixture(autouse=True)
def _surroundings(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def wired(name: str | None = "web", **options: str | Path) -> Service:
    return wire(name, Options(**options), lambda _line: None)  # type: ignore[arg-type]


def test_a_service_is_found_by_its_name_in_ssm(pair: Callable[..., Provisioned]) -> None:
    pair()
    service = wired()
    assert service.contract.name == "web"
    assert service.read()[service.contract.routes[0].name].weights


def test_without_a_name_every_service_is_meant(pair: Callable[..., Provisioned]) -> None:
    pair()
    pair(name="api", port=20_081)
    assert service_names(Options()) == ["api", "web"]
    assert [service.name for service in wire_all(Options(), lambda _line: None)] == ["api", "web"]


def test_no_service_at_all(pair: Callable[..., Provisioned]) -> None:
    with pytest.raises(UnknownService, match="no service in this account"):
        wire_all(Options(), lambda _line: None)
    with pytest.raises(UnknownService, match="/bluegreen/web/deployment"):
        wired()


def test_a_contract_in_a_file_counts_over_ssm(pair: Callable[..., Provisioned], tmp_path: Path) -> None:
    contract = pair().contract
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(contract | {"name": "shop"}))
    assert wired("shop", contract=f"file:{path}").name == "shop"
    assert [service.name for service in wire_all(Options(contract=str(path)), lambda _line: None)] == ["shop"]
    with pytest.raises(UnknownService, match="'shop', not 'web'"):
        wired("web", contract=str(path))
    with pytest.raises(ContractError, match="cannot be read"):
        wired(contract="file:absent.json")


def test_a_contract_in_another_parameter(pair: Callable[..., Provisioned]) -> None:
    made = pair()
    value = json.dumps(made.contract)
    made.client("ssm").put_parameter(Name="/elsewhere", Value=value, Type="String")
    assert wired(contract="ssm:/elsewhere").name == "web"
    made.client("ssm").put_parameter(Name="/broken", Value="{", Type="String")
    with pytest.raises(ContractError, match="ssm:/broken is not JSON"):
        wired(contract="ssm:/broken")


def test_the_settings_file_of_the_directory_is_used_and_flags_lie_over_it(
    pair: Callable[..., Provisioned], tmp_path: Path
) -> None:
    pair()
    Path("bluegreen.toml").write_text('[aws]\nregion = "us-east-1"\n[service.web]\nbake_seconds = 7\n')
    assert settings_for(Options()).aws.region == "us-east-1"
    assert settings_for(Options(region="eu-west-1")).aws.region == "eu-west-1"
    assert wired(region="eu-central-1").settings.bake_seconds == 7
    other = tmp_path / "other.toml"
    other.write_text("")
    assert settings_for(Options(config=other)).aws.region is None
    with pytest.raises(ConfigError, match=r"no settings file absent\.toml"):
        settings_for(Options(config=Path("absent.toml")))


PLACES = """
[aws]
region = "eu-west-1"
endpoint = "emulator"
[endpoint.emulator]
url = "http://emulator:4566"
isolated = true
services = { ssm = "http://emulator:4567" }
[endpoint.tunnel]
url = "http://127.0.0.1:9443"
isolated = false
region = "eu-west-2"
"""


def test_an_endpoint_is_chosen_by_name_or_url_and_none_is_left_of_the_file_s_own() -> None:
    Path("bluegreen.toml").write_text(PLACES)
    emulator = AwsSettings(
        region="eu-west-1",
        endpoint_url="http://emulator:4566",
        services={"ssm": "http://emulator:4567"},
        isolated=True,
    )
    assert settings_for(Options()).aws == emulator
    assert settings_for(Options(endpoint_url="emulator")).aws == emulator
    assert settings_for(Options(endpoint_url="http://x:1")).aws == AwsSettings(
        region="eu-west-1", endpoint_url="http://x:1"
    )
    tunnel = settings_for(Options(endpoint_url="tunnel", profile="prod")).aws
    assert tunnel == AwsSettings(
        region="eu-west-2", endpoint_url="http://127.0.0.1:9443", isolated=False, profile="prod"
    )
    with pytest.raises(ConfigError, match="no endpoint 'localstack'") as unknown:
        settings_for(Options(endpoint_url="localstack"))
    assert "emulator, tunnel" in unknown.value.hint
    with pytest.raises(ConfigError, match=r"'127\.0\.0\.1:4566'"):
        settings_for(Options(endpoint_url="127.0.0.1:4566"))


def test_a_service_is_found_at_an_endpoint_by_its_name(
    pair: Callable[..., Provisioned], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pair()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    Path("bluegreen.toml").write_text(f'[endpoint.lab]\nurl = "{made.endpoint_url}"\nregion = "eu-central-1"\n')
    assert wired(endpoint_url="lab").read()


def test_with_one_local_endpoint_a_service_that_needs_another_is_one_clear_error(
    pair: Callable[..., Provisioned], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pair()
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", made.endpoint_url)
    with pytest.raises(AwsError, match=r"ssm has no local endpoint.*ssm\.eu-central-1\.amazonaws\.com was not called"):
        wired()


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Somebody with real keys in the environment, a profile with endpoints, and one that takes a role."""
    (tmp_path / "aws").write_text(
        "[profile prod]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = base\nregion = eu-north-1\n"
        "[profile base]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = x\n"
        "[profile emulator]\nendpoint_url = http://127.0.0.1:4566\nregion = us-east-2\n"
        "aws_access_key_id = 000000000042\naws_secret_access_key = y\n"
    )
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-real-secret")
    return monkeypatch


def seen_by_terraform(**options: str) -> dict[str, str]:
    environ = terraform_environ(Options(**options))  # type: ignore[arg-type]
    hidden = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN")
    return {name: value for name, value in environ.items() if name.startswith("AWS_") and name not in hidden}


def test_terraform_works_at_the_endpoint_of_the_settings(operator: pytest.MonkeyPatch) -> None:
    Path("bluegreen.toml").write_text(PLACES)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    assert seen_by_terraform() == {
        **keys,
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://emulator:4566",
        "AWS_ENDPOINT_URL_SSM": "http://emulator:4567",
    }
    assert seen_by_terraform(endpoint_url="http://localhost:1", profile="prod") == {
        **keys,
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://localhost:1",
    }


def test_terraform_gets_the_endpoint_region_and_dummy_keys_of_a_local_profile(operator: pytest.MonkeyPatch) -> None:
    assert seen_by_terraform(profile="emulator") == {
        "AWS_ACCESS_KEY_ID": "000000000042",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-2",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    }


def test_terraform_on_aws_gets_the_profile_that_was_named_and_not_the_keys_beside_it(
    operator: pytest.MonkeyPatch,
) -> None:
    Path("bluegreen.toml").write_text(PLACES)
    assert seen_by_terraform(endpoint_url="tunnel", profile="prod") == {
        "AWS_PROFILE": "prod",
        "AWS_REGION": "eu-west-2",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9443",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    }
    Path("bluegreen.toml").unlink()
    assert seen_by_terraform() == {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "the-real-secret",
    }


def test_another_region_than_the_contracts_is_refused(pair: Callable[..., Provisioned], tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(pair().contract))
    with pytest.raises(WrongAccount, match="us-east-1, the contract is of eu-central-1"):
        wired(contract=str(path), region="us-east-1")


def test_without_a_region_the_contracts_is_taken(
    pair: Callable[..., Provisioned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(json.dumps(pair().contract))
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert wired(contract=str(path)).read()
    with pytest.raises(AwsError, match="no AWS region"):
        wired()


@pytest.mark.parametrize("table", [True, False])
def test_what_was_done_is_recorded_in_the_table_or_in_a_local_file(
    pair: Callable[..., Provisioned], tmp_path: Path, table: bool
) -> None:
    from tests.support.world import wait_for

    made = pair(table=table)
    for color in ("blue", "green"):
        wait_for(made, color, "healthy")
    shift(wired(), CANARY)
    record = wired().record()
    assert (record.kind, record.base, record.splits) == (Kind.SHIFT, Color.BLUE, {"web": CANARY})
    assert record.actor == "arn:aws:sts::123456789012:user/moto"
    assert (tmp_path / "state" / "bluegreen" / "journal.sqlite3").exists() is not table


def test_the_caller_is_asked_for_once_and_remembered(pair: Callable[..., Provisioned], tmp_path: Path) -> None:
    pair()
    assert wired().identities.resolve().account_id == "123456789012"
    cache = tmp_path / "cache" / "bluegreen" / "identity.json"
    assert "test" not in cache.read_text().replace("latest", ""), "no access key in the cache"
    assert wired().identities.now() is not None
    cache.write_text("[damaged")
    assert wired().identities.resolve().account_id == "123456789012"
