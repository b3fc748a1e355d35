"""An endpoint on this machine where nothing listens is refused at once, and one there shuts the way to AWS."""

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from toolkit.errors import AwsUnreachable, NotLocal, TerraformFailed, UsageError
from toolkit.infra.endpoint import AwsEnvironment, AwsPlace, aws_environment, require_listener
from toolkit.infra.mirror import child_environment
from toolkit.infra.program import chosen
from toolkit.infra.terraform import Terraform, Wish
from toolkit.settings import AwsSettings

LOCAL, ELSEWHERE = "http://127.0.0.1:4566", "https://vpce-1.example"
ELBV2 = "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"
REAL = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "the-real-secret",
    "AWS_SESSION_TOKEN": "the-real-token",
    "AWS_PROFILE": "prod",
}
DUMMY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
SHUT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_refuses_is_named_with_the_way_out(host: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://{host}:{taken.getsockname()[1]}"
        with pytest.raises(AwsUnreachable, match=url) as refused:
            require_listener({"AWS_ENDPOINT_URL": url})
    assert "--endpoint-url" in refused.value.hint


def test_a_port_that_answers_will_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_listener({"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.getsockname()[1]}"})


@pytest.mark.parametrize("environ", [{}, {"AWS_ENDPOINT_URL": ""}, {"AWS_ENDPOINT_URL": "https://aws.example"}])
def test_no_endpoint_and_one_elsewhere_are_left_to_the_provider(environ: dict[str, str]) -> None:
    require_listener(environ)


def test_an_endpoint_that_the_provider_ignores_needs_no_listener() -> None:
    require_listener({"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "http://", "http://127.0.0.1:port", "http://[::1"])
def test_an_endpoint_that_is_no_address_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        require_listener({"AWS_ENDPOINT_URL": url})


# What a child inherits.


def aws_of(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if "AWS" in name}


@pytest.mark.parametrize("url", [LOCAL, "http://localhost:4566", "https://localhost.localstack.cloud:4566"])
@pytest.mark.parametrize("by_option", [True, False])
def test_with_a_local_endpoint_a_child_gets_nothing_that_leads_to_aws(url: str, by_option: bool) -> None:
    leading = {
        "AWS_DEFAULT_PROFILE": "prod",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/admin",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/keys",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_S3_ENDPOINT": ELSEWHERE,
        "TF_AWS_DYNAMODB_ENDPOINT": ELSEWHERE,
        "AWS_CONFIG_FILE": "/home/me/.aws/config",
    }
    harmless = {"AWS_REGION": "eu-central-1", "AWS_CA_BUNDLE": "/ca.pem"}
    environ = {**REAL, **leading, **harmless, "PATH": "/bin", "TF_VAR_name": "web"}
    if by_option:
        environ |= {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", ELBV2: ELSEWHERE}
        child = child_environment(environ, endpoint_url=url)
    else:
        child = child_environment({**environ, "AWS_ENDPOINT_URL": url})
    assert aws_of(child) == {"AWS_ENDPOINT_URL": url, **harmless, **DUMMY, **SHUT}
    assert (child["PATH"], child["TF_VAR_name"]) == ("/bin", "web")


def test_keys_that_can_be_no_real_ones_go_to_the_emulator() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "000000000042", "AWS_SECRET_ACCESS_KEY": "x"}
    assert aws_of(child_environment({**keys, "AWS_ENDPOINT_URL": LOCAL})) == {"AWS_ENDPOINT_URL": LOCAL, **keys, **SHUT}


def test_local_endpoints_of_single_services_stay_beside_the_one_for_all() -> None:
    child = child_environment({"AWS_ENDPOINT_URL": LOCAL, ELBV2: "http://127.0.0.1:2"})
    assert (child["AWS_ENDPOINT_URL"], child[ELBV2]) == (LOCAL, "http://127.0.0.1:2")


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({ELBV2: LOCAL}, f"no local endpoint for every service.*{ELBV2} is {LOCAL}"),
        ({ELBV2: LOCAL, "AWS_ENDPOINT_URL": ELSEWHERE}, f"AWS_ENDPOINT_URL is {ELSEWHERE}, which is not local"),
        ({ELBV2: ELSEWHERE, "AWS_ENDPOINT_URL": LOCAL}, f"{ELBV2} is {ELSEWHERE}, which is not local"),
    ],
)
def test_a_service_without_a_local_endpoint_is_an_error_before_terraform_starts(
    tmp_path: Path, environ: dict[str, str], words: str
) -> None:
    with pytest.raises(NotLocal, match=words) as refused:
        Terraform(tmp_path, environ={**os.environ, **environ})
    assert "Nothing was changed." in refused.value.message


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", ELBV2])
def test_an_endpoint_elsewhere_leaves_the_child_its_credentials(name: str) -> None:
    assert child_environment({**REAL, name: ELSEWHERE}) == child_environment(REAL) | {name: ELSEWHERE}
    chosen = child_environment({**REAL, ELBV2: "https://other.example"}, endpoint_url=ELSEWHERE)
    assert aws_of(chosen) == {
        **REAL,
        "AWS_ENDPOINT_URL": ELSEWHERE,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    }


def test_ignored_endpoints_change_nothing() -> None:
    environ = {**REAL, "AWS_ENDPOINT_URL": LOCAL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert aws_of(child_environment(environ)) == environ


def test_a_settled_environment_is_not_judged_again() -> None:
    tunnel = AwsPlace(settings=AwsSettings(endpoint_url=LOCAL, isolated=False), configured={})
    settled = aws_environment({**REAL, "HOME": "/h"}, tunnel)
    assert isinstance(settled, AwsEnvironment)
    child = child_environment(settled)
    assert child["AWS_SECRET_ACCESS_KEY"] == REAL["AWS_SECRET_ACCESS_KEY"]
    assert child["AWS_ENDPOINT_URL"] == LOCAL


def test_an_isolated_place_on_another_host_shuts_the_way_too() -> None:
    emulator, other = "http://localstack:4566", "http://localstack:8000"
    place = AwsPlace(
        settings=AwsSettings(endpoint_url=emulator, services={"dynamodb": other}, isolated=True),
        configured={ELBV2: ELSEWHERE},
        region="eu-west-1",
    )
    assert aws_of(aws_environment({**REAL, ELBV2: ELSEWHERE}, place)) == {
        "AWS_ENDPOINT_URL": emulator,
        "AWS_ENDPOINT_URL_DYNAMODB": other,
        "AWS_REGION": "eu-west-1",
        **DUMMY,
        **SHUT,
    }


# The real terraform, and the real provider.


@dataclass
class Listening:
    """A server that answers 400 to everything and remembers what was asked."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def listening() -> Iterator[Callable[[], Listening]]:
    servers: list[ThreadingHTTPServer] = []

    def start() -> Listening:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                told.asked.append(f"{self.command} {self.path} {self.headers.get('Authorization', '')}")
                self.send_response(400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        for method in ("GET", "POST", "PUT", "HEAD", "CONNECT"):
            setattr(Handler, f"do_{method}", Handler.answer)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        told = Listening(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return told

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


ROLE = """
[profile prod]
role_arn = arn:aws:iam::123456789012:role/admin
source_profile = base
[profile base]
aws_access_key_id = AKIAI44QH8DHBEXAMPLE
aws_secret_access_key = the-real-secret
"""


@pytest.fixture
def operator(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody whose profile takes a role of the real AWS."""
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(ROLE)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**mine, "HOME": str(home), "AWS_PROFILE": "prod", "AWS_REGION": "eu-central-1", "AWS_MAX_ATTEMPTS": "1"}


def proxied(by: Listening) -> dict[str, str]:
    return {**dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), by.url), "NO_PROXY": ""}


READING = """
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  skip_credentials_validation = true
  skip_requesting_account_id  = true
}
data "aws_ssm_parameter" "x" { name = "/x" }
"""


@pytest.mark.terraform
def test_the_provider_asks_the_local_endpoint_alone_and_shows_it_no_real_key(
    configuration: Path, operator: dict[str, str], listening: Callable[[], Listening]
) -> None:
    emulator, proxy = listening(), listening()
    (configuration / "main.tf").write_text(READING)
    Terraform(configuration, environ=operator).init()  # the provider may have to come from afar
    terraform = Terraform(configuration, environ=operator | proxied(proxy), endpoint_url=emulator.url)
    with pytest.raises(TerraformFailed, match="SSM"), terraform.planned(Wish()):
        pass
    assert proxy.asked == []
    assert emulator.asked
    assert all("Credential=test/" in request for request in emulator.asked)


BACKEND = """
terraform {
  backend "s3" {
    bucket         = "states"
    key            = "web"
    region         = "eu-central-1"
    use_path_style = true
    PROFILE
  }
}
"""


@pytest.mark.terraform
@pytest.mark.parametrize("profile", ["", 'profile = "prod"'])
@pytest.mark.parametrize("shut", [True, False])
def test_a_state_in_s3_stays_local_too(
    configuration: Path, operator: dict[str, str], listening: Callable[[], Listening], profile: str, shut: bool
) -> None:
    """With the way open (the control) it goes for AWS, through the proxy."""
    emulator, proxy = listening(), listening()
    (configuration / "main.tf").write_text(BACKEND.replace("PROFILE", profile))
    ended = subprocess.run(
        [chosen(operator).command, "init", "-no-color"],
        cwd=configuration,
        env=child_environment(operator | proxied(proxy), endpoint_url=emulator.url if shut else None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0  # 400 is the answer to everything
    if not shut:
        assert "CONNECT sts.eu-central-1.amazonaws.com:443" in proxy.asked[0]
        return
    assert proxy.asked == []
    if profile:
        assert "failed to get shared config profile" in ended.stderr
    else:
        assert all("Credential=test/" in request for request in emulator.asked)
        assert emulator.asked
