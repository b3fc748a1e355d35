"""A state is not handed to a program that would misread it, or write it back in an older form."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import BluegreenError, TerraformFailed, TerraformMissing
from toolkit.infra.program import OPENTOFU, TERRAFORM, Program
from toolkit.infra.state import Written, local_path, of_file, require_fit
from toolkit.infra.terraform import Terraform, Wish

real = pytest.mark.terraform

BUILT_IN = frozenset({"terraform.io"})
OURS = frozenset({"registry.terraform.io", "terraform.io"})
THEIRS = frozenset({"registry.opentofu.org"})


@pytest.mark.parametrize(
    ("written", "program", "version"),
    [
        (Written("1.11.4", OURS), TERRAFORM, "1.11.4"),
        (Written("1.11.9", OURS), TERRAFORM, "1.11.4"),  # a patch release keeps the form
        (Written("1.9.0", OURS), TERRAFORM, "1.11.4"),
        (Written("1.9.0", BUILT_IN), TERRAFORM, "1.11.4"),
        (Written("1.12.0", THEIRS), OPENTOFU, "1.12.1"),
        (Written("1.14.0", OURS), OPENTOFU, "1.10.0"),  # OpenTofu takes over; the numbers do not compare
        (Written("", OURS), TERRAFORM, "1.11.4"),
    ],
)
def test_a_state_that_the_program_understands_may_be_planned(written: Written, program: Program, version: str) -> None:
    require_fit(written, program, version)


@pytest.mark.parametrize(
    ("written", "program", "by"),
    [
        (Written("1.12.0", OURS), TERRAFORM, "Terraform 1.12.0 wrote"),
        (Written("2.0.0", BUILT_IN), TERRAFORM, "Terraform 2.0.0, or OpenTofu of that version, wrote"),
        (Written("1.12.0", THEIRS), OPENTOFU, "OpenTofu 1.12.0 wrote"),
    ],
)
def test_a_state_of_a_newer_version_is_refused(written: Written, program: Program, by: str) -> None:
    with pytest.raises(TerraformMissing, match=by) as refused:
        require_fit(written, program, "1.11.4")
    assert f"{program.name} 1.11.4 is older" in refused.value.message
    assert "Nothing was changed" in refused.value.message
    assert "BLUEGREEN_TERRAFORM" in refused.value.hint


def test_a_state_of_opentofu_is_not_read_by_terraform() -> None:
    with pytest.raises(TerraformFailed, match=r"OpenTofu 1\.9\.0 wrote this state") as refused:
        require_fit(Written("1.9.0", THEIRS), TERRAFORM, "1.11.4")
    assert "BLUEGREEN_TERRAFORM=tofu" in refused.value.hint
    assert "terraform state replace-provider registry.opentofu.org/hashicorp/aws" in refused.value.hint


def a_state(**changes: Any) -> dict[str, Any]:
    return {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "a", "resources": [], **changes}


def test_a_local_state_tells_its_version_and_the_registries_of_its_providers(tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfstate"
    providers = (
        'provider["registry.terraform.io/hashicorp/aws"]',
        'module.x.provider["registry.terraform.io/hashicorp/aws"].west',
        'provider["terraform.io/builtin/terraform"]',
    )
    file.write_text(json.dumps(a_state(resources=[{"provider": provider} for provider in providers])))
    assert of_file(file) == Written("1.11.4", OURS)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 5}', '{"version": 4}', '{"version": 4, "a": "\\ud800"'])
def test_a_local_state_that_cannot_be_read_is_left_to_terraform(tmp_path: Path, text: str) -> None:
    file = tmp_path / "terraform.tfstate"
    assert of_file(file) is None
    file.write_text(text)
    assert of_file(file) is None


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The directory in which `init` records a backend and `workspace select` the workspace."""
    directory = tmp_path / "data"
    directory.mkdir()
    return directory


def a_path(directory: Path, **environ: str) -> str | None:
    path = local_path(directory, {"TF_DATA_DIR": "data", **environ})
    return None if path is None else str(path.relative_to(directory))


def test_the_local_state_is_the_workspaces(tmp_path: Path, data: Path) -> None:
    assert a_path(tmp_path) == "terraform.tfstate"
    assert a_path(tmp_path, TF_WORKSPACE="blue") == "terraform.tfstate.d/blue/terraform.tfstate"
    (data / "environment").write_text("green\n")
    assert a_path(tmp_path) == "terraform.tfstate.d/green/terraform.tfstate"


def test_a_local_backend_may_keep_it_elsewhere_and_another_keeps_no_file(tmp_path: Path, data: Path) -> None:
    def configured(kind: str, **settings: str | None) -> None:
        (data / "terraform.tfstate").write_text(json.dumps({"backend": {"type": kind, "config": settings}}))

    configured("local", path="states/web", workspace_dir=None)
    assert a_path(tmp_path) == "states/web"
    configured("local", path=None, workspace_dir="spaces")
    assert a_path(tmp_path, TF_WORKSPACE="blue") == "spaces/blue/terraform.tfstate"
    configured("s3")
    assert a_path(tmp_path) is None


CONFIGURATION = 'resource "terraform_data" "kept" {}\noutput "deployment" {\n  value = 1\n}\n'


@pytest.fixture
def applied(configuration: Path) -> Terraform:
    """A configuration with a state that the real terraform wrote."""
    (configuration / "main.tf").write_text(CONFIGURATION)
    terraform = Terraform(configuration, environ=os.environ)
    with terraform.planned(Wish()) as saved:
        terraform.apply(saved)
    return terraform


def rewrite(terraform: Terraform, **changes: Any) -> None:
    file = terraform.directory / "terraform.tfstate"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({name: value for name, value in {**document, **changes}.items() if value is not None}))


def refusal(terraform: Terraform) -> BluegreenError:
    before = {path.name: path.read_bytes() for path in terraform.directory.glob("*.tfstate")}
    with pytest.raises(BluegreenError) as refused, terraform.planned(Wish()):
        pytest.fail("it was planned")
    assert before == {path.name: path.read_bytes() for path in terraform.directory.glob("*.tfstate")}
    assert "\n" not in refused.value.message
    assert "Nothing was changed" in refused.value.message
    assert refused.value.hint
    return refused.value


@real
def test_a_newer_state_is_refused_though_terraform_itself_would_take_it_back(applied: Terraform) -> None:
    rewrite(applied, terraform_version="99.0.0")
    told = refusal(applied)
    assert told.exit_code == 40
    assert "99.0.0" in told.message
    assert "terraform 99.0 or newer" in told.hint


@real
@pytest.mark.parametrize("version", ["99.0.0", None])
def test_a_state_of_a_later_format_asks_for_a_newer_program(applied: Terraform, version: str | None) -> None:
    rewrite(applied, version=5, terraform_version=version)
    told = refusal(applied)
    assert told.exit_code == 40
    assert "format version 5" in told.message
    assert "newer terraform" in told.hint
    assert "force-unlock" not in told.hint
    for command in (applied.outputs, applied.init):
        with pytest.raises(TerraformMissing, match="format version 5"):
            command()


@real
def test_a_state_that_opentofu_encrypted_is_not_taken_for_a_lock(applied: Terraform) -> None:
    encrypted = {"serial": 1, "lineage": "a", "meta": {}, "encrypted_data": "AAAA", "encryption_version": "v0"}
    (applied.directory / "terraform.tfstate").write_text(json.dumps(encrypted))
    told = refusal(applied)
    assert told.exit_code == 41
    assert "BLUEGREEN_TERRAFORM=tofu" in told.hint


@real
def test_a_state_that_opentofu_wrote_says_the_way_over(applied: Terraform) -> None:
    state = json.loads((applied.directory / "terraform.tfstate").read_text())
    resource = {**state["resources"][0], "provider": 'provider["registry.opentofu.org/hashicorp/aws"]'}
    rewrite(applied, resources=[resource])
    told = refusal(applied)
    assert told.exit_code == 41
    assert "OpenTofu" in told.message
    assert "replace-provider" in told.hint


@real
def test_a_state_of_a_newer_provider_asks_for_an_upgrade(applied: Terraform) -> None:
    resource = json.loads((applied.directory / "terraform.tfstate").read_text())["resources"][0]
    resource["instances"][0]["schema_version"] = 9
    rewrite(applied, resources=[resource])
    told = refusal(applied)
    assert told.exit_code == 41
    assert "bluegreen infra init --upgrade" in told.hint


@real
@pytest.mark.parametrize(("constraint", "code"), [(">= 99.0", 40), ("~> 99", 40), ("99.1.0", 40), ("< 1.5", 41)])
def test_a_configuration_that_wants_another_version_says_which(applied: Terraform, constraint: str, code: int) -> None:
    main = applied.directory / "main.tf"
    main.write_text(f'terraform {{\n  required_version = "{constraint}"\n}}\n{CONFIGURATION}')
    told = refusal(applied)
    assert told.exit_code == code
    assert f'required_version = "{constraint}"' in told.message
    assert "main.tf:2" in told.message
    assert "BLUEGREEN_TERRAFORM" in told.hint


@pytest.fixture
def backend() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A server for Terraform's `http` backend, and the state that it keeps."""
    kept: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if "state" in kept else 404)
            self.end_headers()
            self.wfile.write(kept.get("state", b""))

        def do_POST(self) -> None:
            kept["state"] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", kept
    server.shutdown()
    thread.join()
    server.server_close()


@real
def test_of_a_state_in_a_backend_terraform_says_itself_that_it_cannot_take_it(
    configuration: Path, backend: tuple[str, dict[str, bytes]]
) -> None:
    address, kept = backend
    (configuration / "main.tf").write_text(
        f'terraform {{\n  backend "http" {{\n    address = "{address}"\n  }}\n}}\n{CONFIGURATION}'
    )
    environ = {name: value for name, value in os.environ.items() if name.upper() not in {"HTTP_PROXY", "HTTPS_PROXY"}}
    terraform = Terraform(configuration, environ=environ)
    terraform.init()
    with terraform.planned(Wish()) as saved:
        terraform.apply(saved)
    with terraform.planned(Wish()) as saved:
        assert not saved.has_changes
    kept["state"] = kept["state"].replace(b"terraform.io/builtin/terraform", b"registry.opentofu.org/hashicorp/aws")
    told = refusal(terraform)
    assert told.exit_code == 41
    assert "replace-provider" in told.hint
    kept["state"] = json.dumps({**json.loads(kept["state"]), "version": 5}).encode()
    assert refusal(terraform).exit_code == 40
