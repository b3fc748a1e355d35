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
from toolkit.traffic import Color, Split
from toolkit.wiring import Options, service_names, settings_for, wire, wire_all

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
