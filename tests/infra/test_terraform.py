"""Terraform's commands: the real program on configurations that need no provider and no network."""

import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from tests.infra.conftest import FakeTerraform
from toolkit.errors import (
    Interrupted,
    ProviderUnavailable,
    ReplaceRefused,
    TerraformFailed,
    TerraformMissing,
    UsageError,
)
from toolkit.infra.differences import UNKNOWN, Difference
from toolkit.infra.events import Diagnostic, Event, Log, Progress, Stage, Summary
from toolkit.infra.plan import Action
from toolkit.infra.terraform import SavedPlan, Terraform, Wish

real = pytest.mark.terraform

SECRET = "hunter2-correct-horse"
SIMPLE = f"""
variable "name" {{
  type    = string
  default = "web"
}}
variable "secret" {{
  type      = string
  default   = "{SECRET}"
  sensitive = true
}}
resource "terraform_data" "kept" {{
  input = var.secret
}}
resource "terraform_data" "named" {{
  triggers_replace = var.name
}}
output "deployment" {{
  value = {{ name = var.name }}
}}
output "hidden" {{
  value     = var.secret
  sensitive = true
}}
"""
VERSION = """[ "$1" = version ] && { echo '{"terraform_version": "1.11.4"}'; exit; }"""


class Heard(list[Event]):
    def done(self) -> list[str]:
        return [event.address for event in self if isinstance(event, Progress) and event.stage is Stage.DONE]

    def text(self) -> str:
        return "\n".join(map(str, self))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def terraform(configuration: Path, heard: Heard) -> Terraform:
    (configuration / "main.tf").write_text(SIMPLE)
    return Terraform(configuration, environ=os.environ, listener=heard.append)


def applied(terraform: Terraform, wish: Wish = Wish()) -> tuple[SavedPlan, Summary]:  # noqa: B008 - frozen
    with terraform.planned(wish) as saved:
        return saved, terraform.apply(saved)


@real
def test_a_configuration_lives_from_init_to_destroy(terraform: Terraform, heard: Heard) -> None:
    terraform.init()
    saved, counts = applied(terraform)
    assert [(change.address, change.action) for change in saved.changes.changes] == [
        ("terraform_data.kept", Action.CREATE),
        ("terraform_data.named", Action.CREATE),
    ]
    assert counts == Summary("apply", 2, 0, 0)
    assert sorted(heard.done()) == ["terraform_data.kept", "terraform_data.named"]

    with terraform.planned(Wish()) as again:
        assert not again.has_changes
        assert again.changes.is_empty

    doomed, counts = applied(terraform, Wish(destroy=True))
    assert doomed.destroy
    assert len(doomed.changes.of(Action.DELETE)) == 2
    assert counts.removed == 2
    assert terraform.outputs() == {}


@real
def test_what_is_applied_is_the_plan_that_was_checked(terraform: Terraform, configuration: Path) -> None:
    with terraform.planned(Wish(variables=("name=checked",))) as saved:
        (configuration / "main.tf").write_text('output "deployment" { value = "slipped in" }')
        terraform.apply(saved)
    assert terraform.outputs()["deployment"].value == {"name": "checked"}


@real
def test_a_plan_that_the_state_has_left_behind_is_not_applied(terraform: Terraform) -> None:
    with terraform.planned(Wish()) as stale:
        applied(terraform)
        with pytest.raises(TerraformFailed, match="stale") as refused:
            terraform.apply(stale)
    assert "run the command again" in refused.value.hint


@real
def test_the_plan_file_is_private_and_gone_after_the_block(
    terraform: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with terraform.planned(Wish()) as saved:
        assert saved.path.is_relative_to(tmp_path)
        assert stat.S_IMODE(saved.path.parent.stat().st_mode) == 0o700
    assert not saved.path.parent.exists()


@real
def test_variables_come_from_options_and_files_the_option_last(terraform: Terraform, tmp_path: Path) -> None:
    file = tmp_path / "some.tfvars"
    file.write_text('name = "from a file"')
    applied(terraform, Wish(variable_files=(file,)))
    assert terraform.outputs()["deployment"].value == {"name": "from a file"}
    applied(terraform, Wish(variables=("name=an option",)))
    assert terraform.outputs()["deployment"].value == {"name": "an option"}


@real
def test_a_replacement_can_be_asked_for(terraform: Terraform) -> None:
    applied(terraform)
    with terraform.planned(Wish(replace=("terraform_data.kept",))) as saved:
        (change,) = saved.changes.of(Action.REPLACE)
        assert str(change) == "terraform_data.kept (asked for by --replace)"


@real
def test_a_plan_tells_what_differs_and_keeps_the_secret(terraform: Terraform, configuration: Path) -> None:
    applied(terraform)
    (configuration / "main.tf").write_text(SIMPLE.replace(SECRET, "another-secret-horse"))
    with terraform.planned(Wish(variables=("name=api",))) as saved:
        kept, named = saved.changes.changes
    assert (kept.address, kept.action) == ("terraform_data.kept", Action.UPDATE)
    assert kept.id
    assert kept.arn == ""
    assert kept.differences == (
        Difference("input", "(sensitive)", "(sensitive)"),
        Difference("output", "(sensitive)", UNKNOWN),
    )
    assert (named.address, named.action) == ("terraform_data.named", Action.REPLACE)
    assert Difference("triggers_replace", "web", "api") in named.differences
    assert saved.changes.drift == ()


@real
def test_an_output_alone_is_a_change(terraform: Terraform, configuration: Path) -> None:
    applied(terraform)
    with (configuration / "main.tf").open("a") as file:
        file.write('output "more" { value = 1 }')
    with terraform.planned(Wish()) as saved:
        assert saved.has_changes
        assert saved.changes.outputs == ("more",)


@real
def test_a_forgotten_or_moved_resource_is_no_deletion(terraform: Terraform, configuration: Path) -> None:
    applied(terraform)
    (configuration / "main.tf").write_text("""
      removed {
        from = terraform_data.kept
        lifecycle { destroy = false }
      }
      moved {
        from = terraform_data.named
        to   = terraform_data.renamed
      }
      resource "terraform_data" "renamed" { triggers_replace = "web" }
    """)
    with terraform.planned(Wish()) as saved:
        assert [(change.address, change.action) for change in saved.changes.changes] == [
            ("terraform_data.kept", Action.FORGET)
        ]
        assert saved.changes.moves == ("terraform_data.renamed",)
        assert saved.has_changes


@real
def test_a_sensitive_output_is_never_held(terraform: Terraform, heard: Heard) -> None:
    applied(terraform)
    outputs = terraform.outputs()
    assert outputs["hidden"].sensitive
    assert outputs["hidden"].value is None
    assert SECRET not in heard.text() + repr(outputs)


@real
def test_what_terraform_marks_sensitive_stays_out_of_errors(terraform: Terraform, configuration: Path) -> None:
    # nonsensitive() lifts the mark from the command, as a provider does that repeats its input.
    with (configuration / "main.tf").open("a") as file:
        file.write("""
          resource "terraform_data" "leaks" {
            input = var.secret
            provisioner "local-exec" { command = "echo ${nonsensitive(var.secret)}; exit 3" }
          }
        """)
    with pytest.raises(TerraformFailed, match=r"terraform_data\.leaks: local-exec provisioner error") as failed:
        applied(terraform)
    assert SECRET not in failed.value.message + "".join(failed.value.__notes__)
    assert "(sensitive)" in failed.value.message


@real
def test_a_credential_of_the_environment_stays_out_of_the_events(configuration: Path, heard: Heard) -> None:
    (configuration / "main.tf").write_text("""
      resource "terraform_data" "leaks" {
        provisioner "local-exec" { command = "echo $AWS_SECRET_ACCESS_KEY" }
      }
    """)
    key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    terraform = Terraform(configuration, environ={**os.environ, "AWS_SECRET_ACCESS_KEY": key}, listener=heard.append)
    applied(terraform)
    assert key not in heard.text()
    assert "(sensitive)" in heard.text()


@real
def test_a_failed_apply_says_how_far_it_came(terraform: Terraform, configuration: Path) -> None:
    with (configuration / "main.tf").open("a") as file:
        file.write("""
          resource "terraform_data" "fails" {
            depends_on = [terraform_data.kept, terraform_data.named]
            provisioner "local-exec" { command = "exit 3" }
          }
        """)
    with pytest.raises(TerraformFailed) as failed:
        applied(terraform)
    assert failed.value.message.startswith("terraform apply: terraform_data.fails: local-exec provisioner error")
    assert "Steps done and in the state: 2 of 3." in failed.value.message


@real
def test_a_data_source_read_on_the_way_is_no_step(terraform: Terraform, configuration: Path, heard: Heard) -> None:
    (configuration / "main.tf").write_text("""
      resource "terraform_data" "first" {}
      data "terraform_remote_state" "late" {
        backend    = "local"
        config     = { path = "other.tfstate" }
        depends_on = [terraform_data.first]
      }
      resource "terraform_data" "last" {
        input = data.terraform_remote_state.late.outputs
        provisioner "local-exec" { command = "exit 3" }
      }
    """)
    state = {"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "a", "outputs": {}, "resources": []}
    (configuration / "other.tfstate").write_text(json.dumps(state))
    with pytest.raises(TerraformFailed, match="Steps done and in the state: 1 of 2"):
        applied(terraform)
    assert "data.terraform_remote_state.late" in heard.done()


@real
@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ('resource "x" {', "main.tf:1: Unclosed configuration block", ""),
        ('variable "needed" {}', "No value for required variable", "--var"),
        ('terraform {\n backend "local" { path = "x" }\n}', "Backend initialization required", "bluegreen infra init"),
        (
            'terraform {\n required_providers {\n none = { source = "example/none" }\n }\n}\nresource "none_x" "x" {}',
            "Inconsistent dependency lock file",
            "bluegreen infra init",
        ),
    ],
)
def test_a_configuration_that_cannot_be_planned_is_one_line_with_a_way_out(
    configuration: Path, text: str, words: str, hint: str
) -> None:
    (configuration / "main.tf").write_text(text)
    terraform = Terraform(configuration, environ=os.environ)
    with pytest.raises(TerraformFailed) as failed, terraform.planned(Wish()):
        pass
    assert words in failed.value.message
    assert "Nothing was changed" in failed.value.message
    assert hint in failed.value.hint


@real
def test_a_state_that_is_locked_says_who_holds_it(terraform: Terraform, configuration: Path) -> None:
    with (configuration / "main.tf").open("a") as file:
        file.write("""
          resource "terraform_data" "waits" {
            provisioner "local-exec" { command = "echo waiting; until [ -e go ]; do sleep 0.05; done" }
          }
        """)
    second = Terraform(configuration, environ=os.environ)
    refused: list[TerraformFailed] = []

    def listen(event: Event) -> None:
        if isinstance(event, Log) and "waiting" in event.text and "echo" not in event.text:
            with pytest.raises(TerraformFailed) as failed, second.planned(Wish()):
                pass
            refused.append(failed.value)
            (configuration / "go").touch()

    applied(Terraform(configuration, environ=os.environ, listener=listen))
    assert "state lock" in refused[0].message
    assert "holds it since" in refused[0].hint
    assert "force-unlock" in refused[0].hint


@real
def test_a_warning_is_heard(configuration: Path, heard: Heard) -> None:
    (configuration / "main.tf").write_text("""
      variable "size" { default = 1 }
      check "size" {
        assert {
          condition     = var.size > 1
          error_message = "as it must be"
        }
      }
    """)
    with Terraform(configuration, environ=os.environ, listener=heard.append).planned(Wish()):
        pass
    assert [event.summary for event in heard if isinstance(event, Diagnostic)] == ["Check block assertion failed"]


def test_without_terraform_the_error_says_where_to_get_it(configuration: Path) -> None:
    terraform = Terraform(configuration, environ={"PATH": "/nowhere"})
    with pytest.raises(TerraformMissing, match="not on the PATH") as missing:
        terraform.init()
    assert "1.9" in missing.value.hint


@pytest.mark.parametrize("version", ["1.8.5", "0.12.31", "soon"])
def test_a_terraform_that_will_not_do_is_refused(
    configuration: Path, fake_terraform: FakeTerraform, version: str
) -> None:
    environ = fake_terraform(f"""echo '{{"terraform_version": "{version}"}}'""")
    with pytest.raises(TerraformMissing, match=version), Terraform(configuration, environ=environ).planned(Wish()):
        pass


def test_a_terraform_that_cannot_be_run_is_missing(configuration: Path, fake_terraform: FakeTerraform) -> None:
    environ = fake_terraform("")
    (configuration.parent / "bin" / "terraform").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(TerraformMissing, match="cannot be run"):
        Terraform(configuration, environ=environ).version()


@pytest.mark.parametrize("version", ["1.9.0", "1.10.0-beta1", "2.0.0"])
def test_a_terraform_that_is_new_enough_is_taken(
    configuration: Path, fake_terraform: FakeTerraform, version: str
) -> None:
    environ = fake_terraform(f"""echo '{{"terraform_version": "{version}"}}'""")
    assert Terraform(configuration, environ=environ).version() == version


@real
def test_the_whole_life_goes_by_with_tofu_alone_on_the_path(
    configuration: Path, stand_in_tofu: dict[str, str], heard: Heard
) -> None:
    (configuration / "main.tf").write_text(SIMPLE)
    terraform = Terraform(configuration, environ=stand_in_tofu, listener=heard.append)
    assert terraform.program.name == "tofu"
    terraform.init()
    _, counts = applied(terraform)
    assert counts == Summary("apply", 2, 0, 0)
    assert terraform.outputs()["deployment"].value == {"name": "web"}
    _, counts = applied(terraform, Wish(destroy=True))
    assert counts.removed == 2
    (configuration / "main.tf").write_text('resource "x" {')
    with pytest.raises(TerraformFailed, match=r"^tofu plan: main\.tf:1"), terraform.planned(Wish()):
        pytest.fail("it was planned")


@real
def test_the_variable_beats_the_path(
    configuration: Path, stand_in_tofu: dict[str, str], fake_terraform: FakeTerraform
) -> None:
    fake_terraform("exit 1")
    assert Terraform(configuration, environ=stand_in_tofu).program.name == "terraform"
    chosen = Terraform(configuration, environ={**stand_in_tofu, "BLUEGREEN_TERRAFORM": "tofu"})
    assert chosen.program.name == "tofu"
    chosen.version()


def test_opentofus_own_files_are_a_configuration(tmp_path: Path, fake_terraform: FakeTerraform) -> None:
    (tmp_path / "main.tofu").write_text("")
    assert Terraform(tmp_path, environ=fake_terraform(VERSION + "\necho '{}'", name="tofu")).outputs() == {}
    with pytest.raises(UsageError, match="no Terraform configuration"):
        Terraform(tmp_path, environ=fake_terraform(VERSION)).outputs()


def test_opentofu_has_a_numbering_and_a_page_of_its_own(configuration: Path, fake_terraform: FakeTerraform) -> None:
    environ = fake_terraform("""echo '{"terraform_version": "1.8.9"}'""", name="tofu")
    with pytest.raises(TerraformMissing, match=r"tofu 1\.8\.9 is too old") as refused:
        Terraform(configuration, environ=environ).version()
    assert "opentofu.org" in refused.value.hint


@pytest.mark.parametrize(("answer", "words"), [("hello", "no JSON"), ("[]", "unknown form")])
def test_a_program_that_is_no_terraform_is_refused(
    configuration: Path, fake_terraform: FakeTerraform, answer: str, words: str
) -> None:
    with pytest.raises(TerraformFailed, match=words):
        Terraform(configuration, environ=fake_terraform(f"echo '{answer}'")).version()


def test_a_directory_without_a_configuration_is_a_usage_error(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "gone"):
        with pytest.raises(UsageError, match=str(directory)) as refused:
            Terraform(directory, environ=os.environ).outputs()
        assert "--dir" in refused.value.hint


REPLACES_A_ROUTE = {
    "format_version": "1.2",
    "resource_changes": [
        {
            "address": "module.route.aws_lb_listener_rule.this",
            "mode": "managed",
            "type": "aws_lb_listener_rule",
            "change": {"actions": ["delete", "create"]},
            "action_reason": "replace_by_request",
        }
    ],
}


def planning(document: object, marker: Path) -> str:
    """A terraform whose plans are `document`, and which leaves `marker` when it applies one."""
    return f"""{VERSION}
    [ "$1" = plan ] && exit 2
    [ "$1" = show ] && echo '{json.dumps(document)}'
    [ "$1" = apply ] && touch {marker}
    exit 0"""


def test_a_plan_that_replaces_a_route_never_reaches_terraforms_apply(
    configuration: Path, fake_terraform: FakeTerraform
) -> None:
    marker = configuration / "applied"
    terraform = Terraform(configuration, environ=fake_terraform(planning(REPLACES_A_ROUTE, marker)))
    with terraform.planned(Wish()) as saved:
        with pytest.raises(ReplaceRefused, match=r"module\.route\.aws_lb_listener_rule\.this"):
            terraform.apply(saved)
        assert not marker.exists()
        terraform.apply(saved, allow_replace=True)
        assert marker.exists()


def test_a_plan_to_destroy_is_not_refused(configuration: Path, fake_terraform: FakeTerraform) -> None:
    marker = configuration / "applied"
    terraform = Terraform(configuration, environ=fake_terraform(planning(REPLACES_A_ROUTE, marker)))
    with terraform.planned(Wish(destroy=True)) as saved:
        terraform.apply(saved)
    assert marker.exists()


def test_a_plan_that_cannot_be_read_is_not_handed_out(configuration: Path, fake_terraform: FakeTerraform) -> None:
    terraform = Terraform(configuration, environ=fake_terraform(planning({"format_version": "9"}, configuration / "x")))
    with pytest.raises(TerraformFailed, match="format_version"), terraform.planned(Wish()):
        pytest.fail("it was handed out")


INTERRUPTED = f"""{VERSION}
[ "$1" = plan ] && exit 0
[ "$1" = show ] && echo '{{"format_version": "1.2"}}'
[ "$1" = apply ] && {{ trap 'exit 1' INT; kill -INT $PPID; while :; do sleep 0.02; done; }}
exit 0"""


def test_an_interrupted_apply_says_that_terraform_ended_properly(
    configuration: Path, fake_terraform: FakeTerraform
) -> None:
    terraform = Terraform(configuration, environ=fake_terraform(INTERRUPTED))
    with pytest.raises(Interrupted, match="ended properly") as told, terraform.planned(Wish()) as saved:
        terraform.apply(saved)
    assert "Steps done and in the state: 0 of 0." in told.value.message


TWICE = INTERRUPTED.replace(
    "trap 'exit 1' INT",
    "trap 'seen=x$seen; [ $seen = xx ] && exit 1; kill -INT $PPID' INT",
)


def test_a_second_interrupt_says_that_the_state_may_lack_something(
    configuration: Path, fake_terraform: FakeTerraform
) -> None:
    terraform = Terraform(configuration, environ=fake_terraform(TWICE))
    with pytest.raises(Interrupted, match="interrupted twice") as told, terraform.planned(Wish()) as saved:
        terraform.apply(saved)
    assert "infra plan" in told.value.hint


LACKS = json.dumps(
    {
        "type": "diagnostic",
        "diagnostic": {
            "severity": "error",
            "summary": "Failed to query available provider packages",
            "detail": "no available releases match",
        },
    }
)


def installing(serves: str) -> str:
    """A terraform whose init succeeds only where its arguments match the pattern `serves`."""
    return f"""{VERSION}
    echo "$*" >> asked
    case "$*" in {serves}) exit 0;; *) echo '{LACKS}'; exit 1;; esac"""


@pytest.fixture
def mirror(configuration: Path) -> Path:
    """A mirror in the first place that Terraform itself would look at."""
    directory = configuration / "terraform.d" / "plugins"
    (directory / "registry.terraform.io" / "hashicorp" / "aws").mkdir(parents=True)
    return directory


def test_a_found_mirror_serves_first(configuration: Path, fake_terraform: FakeTerraform, mirror: Path) -> None:
    terraform = Terraform(configuration, environ=fake_terraform(installing("*-plugin-dir*")))
    assert terraform.init() == mirror
    assert len((configuration / "asked").read_text().splitlines()) == 1


def test_a_found_mirror_that_lacks_a_provider_gives_way_to_the_registry(
    configuration: Path, fake_terraform: FakeTerraform, mirror: Path, heard: Heard
) -> None:
    environ = fake_terraform(installing("'init -json -input=false'"))
    assert Terraform(configuration, environ=environ, listener=heard.append).init() is None
    assert f"The mirror {mirror} does not serve" in heard.text()


def test_a_provider_that_neither_has_is_unavailable(
    configuration: Path, fake_terraform: FakeTerraform, mirror: Path
) -> None:
    with pytest.raises(ProviderUnavailable, match=str(mirror)) as missing:
        Terraform(configuration, environ=fake_terraform(installing("never"))).init()
    assert "BLUEGREEN_TF_MIRROR" in missing.value.hint


def test_a_named_mirror_is_all_there_is(configuration: Path, fake_terraform: FakeTerraform, mirror: Path) -> None:
    environ = {**fake_terraform(installing("'init -json -input=false'")), "BLUEGREEN_TF_MIRROR": str(mirror)}
    with pytest.raises(ProviderUnavailable, match="lacks what this configuration needs") as missing:
        Terraform(configuration, environ=environ).init()
    assert "providers mirror" in missing.value.hint
    assert len((configuration / "asked").read_text().splitlines()) == 1


def test_a_mirror_for_terraform_is_not_handed_to_tofu(
    configuration: Path, fake_terraform: FakeTerraform, mirror: Path
) -> None:
    environ = fake_terraform(installing("never"), name="tofu")
    with pytest.raises(ProviderUnavailable, match="cannot be had from its registry") as missing:
        Terraform(configuration, environ=environ).init()
    assert "plugin-dir" not in (configuration / "asked").read_text()
    assert "tofu providers mirror DIR" in missing.value.hint
    assert f"{mirror} is one for Terraform alone" in missing.value.hint
    (mirror / "registry.opentofu.org" / "hashicorp" / "aws").mkdir(parents=True)
    with pytest.raises(ProviderUnavailable, match="nor from the mirror"):
        Terraform(configuration, environ=environ).init()
    assert f"-plugin-dir={mirror}" in (configuration / "asked").read_text()


def test_a_users_own_installation_method_beats_a_found_mirror(
    configuration: Path, fake_terraform: FakeTerraform, mirror: Path
) -> None:
    environ = fake_terraform(installing("'init -json -input=false'"))
    Path(environ["HOME"]).mkdir()
    Path(environ["HOME"], ".terraformrc").write_text("provider_installation {\n  direct {}\n}\n")
    assert Terraform(configuration, environ=environ).init() is None
    assert len((configuration / "asked").read_text().splitlines()) == 1


def test_an_init_that_fails_otherwise_is_not_tried_again(
    configuration: Path, fake_terraform: FakeTerraform, mirror: Path
) -> None:
    told = LACKS.replace("Failed to query available provider packages", "Unclosed block")
    environ = fake_terraform(installing("never").replace(LACKS, told))
    with pytest.raises(TerraformFailed, match="terraform init: Unclosed block"):
        Terraform(configuration, environ=environ).init()
    assert len((configuration / "asked").read_text().splitlines()) == 1


@pytest.mark.parametrize(("upgrade", "flag"), [(True, True), (False, False)])
def test_an_upgrade_is_asked_for_only_when_wished(
    configuration: Path, fake_terraform: FakeTerraform, upgrade: bool, flag: bool
) -> None:
    Terraform(configuration, environ=fake_terraform(installing("init*"))).init(upgrade=upgrade)
    assert ("-upgrade" in (configuration / "asked").read_text()) is flag
