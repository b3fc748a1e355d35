"""Several services wired at once: what they share, and that one which cannot be had is no hindrance to the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.provision import Provisioned
from toolkit.errors import BluegreenError, ContractError, UnknownService, WrongAccount
from toolkit.wiring import Options, wire, wire_many

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def _surroundings(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def silent(_line: str) -> None:
    """Nobody listens."""


def two(pair: Callable[..., Provisioned]) -> None:
    pair()
    pair(name="api", port=20_081)


def test_services_of_one_place_share_their_router_and_with_it_the_rate_of_calls(
    pair: Callable[..., Provisioned],
) -> None:
    two(pair)
    web, api = wire_many(["web", "api"], Options(), silent)
    assert (web.name, api.name) == ("web", "api")
    assert web.router is api.router
    assert web.targets is api.targets
    assert web.identities is api.identities
    assert wire("web", Options(), silent).router is not web.router


def test_services_of_other_profiles_share_nothing(
    pair: Callable[..., Provisioned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(pair)
    (tmp_path / "config").write_text("[profile other]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "bluegreen.toml").write_text('[service.api]\nprofile = "other"\n')
    web, api = wire_many(["web", "api"], Options(), silent)
    assert web.router is not api.router
    assert api.read()


def test_one_that_cannot_be_had_is_told_and_the_others_are_wired(pair: Callable[..., Provisioned]) -> None:
    web = pair()
    web.client("ssm").put_parameter(Name="/bluegreen/broken/deployment", Value="{", Type="String")
    far = json.dumps(web.contract | {"name": "far"}).replace("eu-central-1", "us-east-1")
    web.client("ssm").put_parameter(Name="/bluegreen/far/deployment", Value=far, Type="String")
    told: dict[str, BluegreenError] = {}
    names = ["nosuch", "web", "broken", "far"]
    services = wire_many(names, Options(region="eu-central-1"), silent, failed=told.__setitem__)
    assert [service.name for service in services] == ["web"]
    kinds = {name: type(error) for name, error in told.items()}
    assert kinds == {"nosuch": UnknownService, "broken": ContractError, "far": WrongAccount}


def test_without_anybody_to_be_told_the_first_is_raised(pair: Callable[..., Provisioned]) -> None:
    pair()
    with pytest.raises(UnknownService, match="nosuch"):
        wire_many(["web", "nosuch"], Options(), silent)
