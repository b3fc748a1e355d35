"""What every Identities does, on the fake and on STS in the lab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fakes import ACCOUNT, FakeIdentities
from tests.support.provision import CREDENTIALS, REGION
from tests.support.world import World
from toolkit.aws.session import Session
from toolkit.aws.sts import Caller
from toolkit.errors import AwsError
from toolkit.rollout.ports import Identities
from toolkit.settings import AwsSettings

NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


def caller(request: pytest.FixtureRequest, endpoint_url: str) -> Caller:
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    path: Path = request.getfixturevalue("tmp_path")
    return Caller(Session(AwsSettings(region=REGION, endpoint_url=endpoint_url)), path / "cache" / "identity.json")


def fake(_request: pytest.FixtureRequest) -> Callable[[bool], Identities]:
    return lambda answers: FakeIdentities() if answers else FakeIdentities(None)


def sts(request: pytest.FixtureRequest) -> Callable[[bool], Identities]:
    world: World = request.getfixturevalue("world")
    return lambda answers: caller(request, world.lab.endpoint_url if answers else NOWHERE)


@pytest.fixture(params=[fake, pytest.param(sts, marks=pytest.mark.lab)], ids=["fake", "sts"])
def make(request: pytest.FixtureRequest) -> Callable[[bool], Identities]:
    made: Callable[[bool], Identities] = request.param(request)
    return made


def test_the_caller_is_told_with_account_and_known_from_then_on(make: Callable[[bool], Identities]) -> None:
    identities = make(True)
    identity = identities.resolve()
    assert identity.account_id == ACCOUNT
    assert identity.arn.startswith(f"arn:aws:sts::{ACCOUNT}:")
    assert identities.now() == identity
    assert identities.resolve() == identity


def test_no_answer_is_an_error_of_ours_and_nobody_is_known(make: Callable[[bool], Identities]) -> None:
    identities = make(False)
    assert identities.now() is None
    with pytest.raises(AwsError):
        identities.resolve()
    assert identities.now() is None


@pytest.mark.lab
def test_asking_in_the_background_ends_in_the_same(request: pytest.FixtureRequest, world: World) -> None:
    background = caller(request, world.lab.endpoint_url)
    background.start()
    assert background.resolve().account_id == ACCOUNT


def test_a_background_error_is_raised_to_whoever_needs_the_answer(request: pytest.FixtureRequest) -> None:
    background = caller(request, NOWHERE)
    background.start()
    with pytest.raises(AwsError):
        background.resolve()


@pytest.mark.lab
def test_a_cache_that_cannot_be_written_costs_nothing_but_a_call(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    world: World = request.getfixturevalue("world")
    (tmp_path / "cache").write_text("a file where a directory should be")
    assert caller(request, world.lab.endpoint_url).resolve().account_id == ACCOUNT
