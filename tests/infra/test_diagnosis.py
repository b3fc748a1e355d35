"""Terraform's complaints become one line with a way out."""

import pytest

from toolkit.errors import CredentialsError, TerraformFailed
from toolkit.infra.diagnosis import failure, lacks_provider
from toolkit.infra.events import Diagnostic

STATE = "Nothing was changed."


def fail(*told: Diagnostic, stderr: str = "", code: int = 1) -> Exception:
    return failure("plan", told, stderr, code=code, state=STATE, scrub=lambda text: text.replace("s3cret", "***"))


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
    assert "force-unlock LOCK_ID" in fail(an_error("Error acquiring the state lock")).hint  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "detail", ["No valid credential sources found", "api error ExpiredToken: x", "InvalidClientTokenId: The security"]
)
def test_bad_credentials_are_an_error_of_their_own(detail: str) -> None:
    assert isinstance(fail(an_error("reading EC2", detail)), CredentialsError)


def test_a_provider_that_cannot_be_had_is_told_from_other_failures() -> None:
    lacking = an_error("Failed to query available provider packages", "no available releases.\n\nTo see which")
    assert lacks_provider([an_error("other"), lacking]) == "no available releases."
    assert not lacks_provider([an_error("other"), Diagnostic("warning", "Failed to install provider")])
