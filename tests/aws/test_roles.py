"""A role taken on for every call, on moto, which gives each account a world of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from toolkit.aws.session import Session
from toolkit.aws.sts import Caller
from toolkit.settings import AwsSettings

ROLE = "arn:aws:iam::222222222222:role/release"
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_calls_are_made_as_the_role_in_its_account(endpoint: str) -> None:
    plain = Session(AwsSettings(region=REGION, endpoint_url=endpoint))
    role = Session(AwsSettings(region=REGION, endpoint_url=endpoint, role_arn=ROLE))
    plain.client("ssm").put_parameter(Name="/x", Value="ours", Type="String")
    assert role.client("ssm").describe_parameters()["Parameters"] == []
    identity = role.client("sts").get_caller_identity()
    assert identity["Account"] == "222222222222"
    assert ":assumed-role/release/bluegreen-" in identity["Arn"]
    assert role.access_key != plain.access_key


def test_the_caller_of_a_record_is_the_role(endpoint: str, tmp_path: Path) -> None:
    caller = Caller(Session(AwsSettings(region=REGION, endpoint_url=endpoint, role_arn=ROLE)), tmp_path / "c")
    caller.start()
    assert caller.resolve().account_id == "222222222222"
