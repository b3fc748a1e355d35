import json
from pathlib import Path

import jsonschema
import pytest

from toolkit.config import json_schema, load
from toolkit.errors import ConfigError
from toolkit.settings import AwsSettings, Endpoint, ServiceSettings, Settings

WHOLE = """
[aws]
region = "eu-central-1"
profile = "prod"
endpoint_url = "http://127.0.0.1:4566"

[service.web]
contract = "file:deployment.json"
minimum_healthy = 2
headroom = 1.5
terraform = "deploy/web"
bake_seconds = 120
settle_seconds = 300
poll_seconds = 5
verify_seconds = 20
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bluegreen.toml"
    path.write_text(text)
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    settings = load(written(tmp_path, WHOLE))  # its relative paths start where it is
    assert settings.aws == AwsSettings(region="eu-central-1", profile="prod", endpoint_url="http://127.0.0.1:4566")
    assert settings.of("web") == ServiceSettings(
        contract=f"file:{tmp_path}/deployment.json",
        minimum_healthy=2,
        headroom=1.5,
        terraform=f"{tmp_path}/deploy/web",
        bake_seconds=120,
        settle_seconds=300,
        poll_seconds=5,
        verify_seconds=20,
    )


def test_what_the_file_leaves_out_are_the_defaults_of_the_settings(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Settings()
    assert load(written(tmp_path, "[service.web]")).of("web") == Settings().of("anything")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[aws", "is not TOML"),
        ("[sevice.web]", "sevice is not a setting"),
        ("[service.web]\nheadrom = 1", "service.web.headrom is not a setting"),
        ("[service.web]\nheadroom = 0.5", "service.web.headroom: input should be greater than or equal to 1"),
        ("[service.web]\nheadroom = 'much'", "service.web.headroom"),
        ("[service.web]\nminimum_healthy = 0", "service.web.minimum_healthy"),
        ("[service.web]\nminimum_healthy = true", "service.web.minimum_healthy"),
        ("[service.web]\nsettle_seconds = -1", "service.web.settle_seconds"),
        ("[service.web]\nterraform = ''", "service.web.terraform"),
        ("[service.web]\ncontract = 'web.json'", "service.web.contract"),
        ("[aws]\nendpoint_url = 'localhost'", "aws.endpoint_url"),
        ("service = 3", "service"),
        ("[endpoint.x]", "endpoint.x: it has neither url nor services"),
        ("[endpoint.x]\nurl = 'localhost:4566'", "endpoint.x.url"),
        ("[endpoint.x]\nurl = 'http://x'\nsecret_key = 'x'", "endpoint.x.secret_key is not a setting"),
        ("[endpoint.x]\nservices = { elbv2-x = 'http://x' }", "endpoint.x.services.elbv2-x"),
        ("[endpoint.x]\nservices = { ssm = 'x' }", "endpoint.x.services.ssm"),
        ("[endpoint.x]\nurl = 'http://x'\nisolated = 'no'", "endpoint.x.isolated"),
        (
            "[endpoint.x]\nurl = 'https://ssm.eu-west-1.amazonaws.com'\nisolated = true",
            "endpoint.x: it is isolated from AWS, and https://ssm.eu-west-1.amazonaws.com is AWS's",
        ),
        ("[aws]\nendpoint = 'x'", "aws.endpoint: there is no [endpoint.x]"),
        (
            "[aws]\nendpoint = 'x'\nendpoint_url = 'http://x'\n[endpoint.x]\nurl = 'http://x'",
            "aws: endpoint and endpoint_url say the same thing",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    assert words in caught.value.message
    assert "bluegreen.toml" in caught.value.message


PLACES = """
[aws]
profile = "prod"
region = "eu-central-1"
endpoint = "localstack"

[endpoint.localstack]
url = "http://127.0.0.1:4566"
region = "us-east-1"

[endpoint.compose]
url = "http://localstack:4566"
isolated = true
services = { dynamodb = "http://dynamodb:8000" }

[endpoint.vpc.services]
elastic_load_balancing_v2 = "https://vpce-1.example"
"""


def test_an_endpoint_has_a_name_and_the_chosen_one_says_where_aws_is(tmp_path: Path) -> None:
    settings = load(written(tmp_path, PLACES))
    assert settings.endpoint == {
        "localstack": Endpoint(url="http://127.0.0.1:4566", region="us-east-1"),
        "compose": Endpoint(url="http://localstack:4566", services={"dynamodb": "http://dynamodb:8000"}, isolated=True),
        "vpc": Endpoint(services={"elastic_load_balancing_v2": "https://vpce-1.example"}),
    }
    assert settings.aws == AwsSettings(profile="prod", region="us-east-1", endpoint_url="http://127.0.0.1:4566")


def test_whole_paths_and_parameters_stay_as_they_are(tmp_path: Path) -> None:
    text = '[service.a]\ncontract = "file:/x/a.json"\nterraform = "/y"\n[service.b]\ncontract = "ssm:/b"'
    settings = load(written(tmp_path, text))
    assert (settings.of("a").contract, settings.of("a").terraform) == ("file:/x/a.json", "/y")
    assert settings.of("b").contract == "ssm:/b"


def test_every_complaint_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, "[aws]\nx = 1\n[service.web]\ny = 2"))
    assert "aws.x" in caught.value.message
    assert "service.web.y" in caught.value.message


def test_a_file_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "latin").write_bytes(b'x = "\xff"')
    with pytest.raises(ConfigError):
        load(tmp_path / "latin")


def test_the_schema_takes_what_the_loader_takes() -> None:
    import tomllib

    schema = json.loads(json.dumps(json_schema()))
    jsonschema.validate(tomllib.loads(WHOLE), schema)
    jsonschema.validate(tomllib.loads(PLACES), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"service": {"web": {"headrom": 1}}}, schema)
