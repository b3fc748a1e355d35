"""Terraform's complaints become one line with a way out."""

import pytest

from toolkit.errors import BluegreenError, CredentialsError, TerraformFailed, TerraformMissing
from toolkit.infra.diagnosis import failure, lacks_provider
from toolkit.infra.events import Diagnostic
from toolkit.infra.program import OPENTOFU, TERRAFORM, Program

STATE = "Nothing was changed."


def fail(*told: Diagnostic, stderr: str = "", code: int = 1, program: Program = TERRAFORM) -> BluegreenError:
    def scrub(text: str) -> str:
        return text.replace("s3cret", "***")

    return failure("plan", told, stderr, code=code, state=STATE, scrub=scrub, program=program)


def an_error(summary: str, detail: str = "", address: str = "") -> Diagnostic:
    return Diagnostic("error", summary, detail, address, "main.tf:3")


def test_the_line_holds_terraforms_summary_its_resource_and_how_things_stand() -> None:
    error = fail(
        Diagnostic("warning", "Deprecated"),
        an_error("creating Rule", "PriorityInUse: 10.\n\nMore about it.", "aws_lb_listener_rule.web"),
    )
    assert isinstance(error, TerraformFailed)
    assert error.message == (
        "terraform plan: aws_lb_listener_rule.web: creating Rule: PriorityInUse: 10. Nothing was changed."
    )
    assert "More about it" in "".join(error.__notes__)


def test_an_error_that_concerns_no_resource_names_its_place() -> None:
    assert "terraform plan: main.tf:3: Unclosed block" in str(fail(an_error("Unclosed block")))


def test_further_errors_are_counted_and_kept_for_debug() -> None:
    error = fail(an_error("first"), an_error("second", "of two"))
    assert "(and 1 more; --debug shows them)" in str(error)
    assert "second" in "".join(error.__notes__)


def test_secrets_are_masked_in_the_line_the_notes_and_the_hint() -> None:
    error = fail(an_error("bad s3cret", "s3cret"), stderr="s3cret")
    assert "s3cret" not in "".join([str(error), *error.__notes__])


def test_a_very_long_message_is_cut_in_the_line_only() -> None:
    error = fail(an_error("y" * 5000, "x" * 5000))
    assert len(str(error)) < 1000
    assert "x" * 5000 in "".join(error.__notes__)
    assert "y" * 5000 in "".join(error.__notes__)


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("\x1b[31m╷\x1b[0m\n│ Error: Failed to read the given file\n│ \n│ more\n╵\n", "Error: Failed to read"),
        ("one\npanic: runtime error\n", "panic: runtime error"),
        ("", "it ended with code 7 and said nothing"),
    ],
)
def test_without_a_diagnostic_stderr_speaks(stderr: str, words: str) -> None:
    assert words in str(fail(stderr=stderr, code=7))


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (an_error('Backend initialization required, please run "terraform init"'), "bluegreen infra init"),
        (an_error("Inconsistent dependency lock file", "run:\n  terraform init -upgrade"), "bluegreen infra init"),
        (an_error("Module not installed"), "bluegreen infra init"),
        (an_error("No value for required variable"), "--var"),
        (an_error("Saved plan is stale"), "run the command again"),
        (an_error("Failed to save state", "written to errored.tfstate"), "state push errored.tfstate"),
        (an_error("reading", "dial tcp 127.0.0.1:1: connect: connection refused"), "AWS_ENDPOINT_URL"),
        (an_error("anything else"), ""),
    ],
)
def test_the_hint_says_what_to_do(told: Diagnostic, hint: str) -> None:
    error = fail(told)
    assert isinstance(error, TerraformFailed)
    assert hint in error.hint
    assert bool(hint) is bool(error.hint)


def test_a_held_lock_says_by_whom_and_how_to_break_it() -> None:
    detail = (
        "Error message: resource temporarily unavailable\nLock Info:\n  ID:        7204bdf9\n"
        "  Path:      terraform.tfstate\n  Who:       ops@host\n  Created:   2026-11-22 10:20:22 UTC\n  Info:      \n"
    )
    error = fail(an_error("Error acquiring the state lock", detail))
    assert isinstance(error, TerraformFailed)
    assert "ops@host holds it since 2026-11-22 10:20:22 UTC" in error.hint
    assert "force-unlock 7204bdf9" in error.hint
    assert "Lock Info" not in error.message


def test_a_lock_that_says_nothing_of_its_holder_still_has_a_way_out() -> None:
    assert "terraform force-unlock LOCK_ID" in fail(an_error("Error acquiring the state lock")).hint


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (an_error("Error acquiring the state lock", "Lock Info:\n  ID: 7"), "tofu force-unlock 7"),
        (an_error("Failed to persist state"), "tofu state push errored.tfstate"),
        (an_error("Required plugins", "To download them, run:\n  tofu init"), "bluegreen infra init"),
        (
            an_error("Missing required provider", "This state requires provider registry.opentofu.org/hashicorp/aws"),
            "bluegreen infra init",
        ),
    ],
)
def test_the_words_are_those_of_the_program_that_runs(told: Diagnostic, hint: str) -> None:
    error = fail(told, program=OPENTOFU)
    assert error.message.startswith("tofu plan: ")
    assert hint in error.hint
    assert "terraform" not in error.hint


UNMET = (
    "Unsupported OpenTofu Core version",
    "This configuration does not support OpenTofu version 1.10.0. To proceed, choose another.",
)
INCOMPATIBLE = ("Incompatible module", "This module is not compatible with OpenTofu v1.12.0.\n\nTo proceed, choose.")


@pytest.mark.parametrize("said", [UNMET, INCOMPATIBLE], ids=lambda said: said[0])
@pytest.mark.parametrize(
    ("constraint", "is_too_old"),
    [(">= 1.13", True), ("~> 2", True), (">= 1.9, < 1.10", False), ("!= 1.10.0, != 1.12.0", False), ("1.9.4", False)],
)
def test_a_program_that_is_too_old_for_the_configuration_is_told_from_one_that_is_too_new(
    said: tuple[str, str], constraint: str, is_too_old: bool
) -> None:
    code = f'required_version = "{constraint}"'
    error = fail(Diagnostic("error", *said, place="main.tf:2", code=code), program=OPENTOFU)
    assert type(error) is (TerraformMissing if is_too_old else TerraformFailed)
    assert f"main.tf:2: {said[0]}: {code}: This" in error.message
    assert "Put a tofu that it takes on the PATH" in error.hint


def test_the_old_refusal_of_a_newer_state_asks_for_a_newer_program() -> None:
    said = "state snapshot was created by Terraform v1.12.0, which is newer than current v1.9.0; upgrade"
    error = fail(an_error("Error refreshing state", said))
    assert isinstance(error, TerraformMissing)
    assert "newer terraform" in error.hint


def test_an_error_on_stderr_comes_with_its_first_paragraph() -> None:
    stderr = "╷\n│ \x1b[31mError: \x1b[0mUnsupported state\n│ \n│ It uses format\n│ version 5.\n│ \n│ More.\n╵\n"
    assert "Error: Unsupported state: It uses format version 5. Nothing" in fail(stderr=stderr).message


@pytest.mark.parametrize(
    "detail", ["No valid credential sources found", "api error ExpiredToken: x", "InvalidClientTokenId: The security"]
)
def test_bad_credentials_are_an_error_of_their_own(detail: str) -> None:
    assert isinstance(fail(an_error("reading EC2", detail)), CredentialsError)


def test_a_provider_that_cannot_be_had_is_told_from_other_failures() -> None:
    lacking = an_error("Failed to query available provider packages", "no available releases.\n\nTo see which")
    assert lacks_provider([an_error("other"), lacking]) == "no available releases."
    assert not lacks_provider([an_error("other"), Diagnostic("warning", "Failed to install provider")])
