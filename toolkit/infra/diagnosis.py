"""Terraform's complaints as one line of ours with the way out. Pure."""

import re
from collections.abc import Callable, Sequence

from toolkit.errors import BluegreenError, CredentialsError, ProviderUnavailable, TerraformFailed, TerraformMissing
from toolkit.infra.events import Diagnostic
from toolkit.infra.program import PROGRAM_VARIABLE, TERRAFORM, Program, numbers

_MAX_PART = 400  # characters: a provider's message can hold a whole HTTP answer
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_PROVIDER = re.compile(
    r"Failed to (query available provider packages|install provider|resolve provider packages)"
    r"|Invalid provider registry host|Registry service unreachable"
)
_CREDENTIALS = re.compile(
    r"No valid credential sources|ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch"
    r"|failed to refresh cached credentials|security token included in the request is (expired|invalid)",
    re.IGNORECASE,
)
_FRAME = " │╷╵\t"
_LOCKED = "Error acquiring the state lock"
# Older Terraform refused any newer state; later ones, and both programs' remote backends, say it in these ways.
_OLD_FOR_STATE = re.compile(
    r"uses format version \d+, which is not supported by|state snapshot was created by .* which is newer than current"
)
_OLD_OR_NEW_FOR_CONFIGURATION = re.compile(r"Unsupported \w+ Core version|Incompatible module")
_OF_OPENTOFU = re.compile(r"requires provider registry\.opentofu\.org/")
_HINTS: Sequence[tuple[re.Pattern[str], str]] = (
    (
        re.compile(r'does not have a "version" attribute|state file is encrypted'),
        f"If OpenTofu encrypted this state: set {PROGRAM_VARIABLE}=tofu, and give it the state's encryption settings.",
    ),
    (
        re.compile(r"managed by newer provider version"),
        "A newer provider wrote the state: run `bluegreen infra init --upgrade`.",
    ),
    (
        re.compile(
            r"run:? \"?(?:terraform|tofu) init|Inconsistent dependency lock file|Required plugins are not installed"
            r"|Module not installed|Missing required provider|missing or corrupted provider plugins",
            re.IGNORECASE,
        ),
        "Run `bluegreen infra init` first.",
    ),
    (
        re.compile(r"No value for required variable"),
        "Give it with --var NAME=VALUE or --var-file FILE.",
    ),
    (re.compile(r"Saved plan is stale"), "The state changed since it was planned: run the command again."),
    (
        re.compile(r"Failed to (save|persist) state|errored\.tfstate"),
        "The state is in errored.tfstate: put it back with `{program} state push errored.tfstate`.",
    ),
    (
        re.compile(r"connection refused|no such host|network is unreachable", re.IGNORECASE),
        "Check the network, AWS_ENDPOINT_URL and --endpoint-url.",
    ),
)


def failure(
    command: str,
    diagnostics: Sequence[Diagnostic],
    stderr: str,
    *,
    code: int,
    state: str,
    scrub: Callable[[str], str],
    program: Program = TERRAFORM,
) -> BluegreenError:
    """The error to raise for a command that ended with `code`.

    The message holds Terraform's first error; all of them, and stderr, are notes on the exception, which
    only a traceback shows. `state` is a sentence on how things stand.
    """
    errors = [told for told in diagnostics if told.is_error]
    if errors:
        what = _line(errors[0])
        more = f" (and {len(errors) - 1} more; --debug shows them)" if len(errors) > 1 else ""
    else:
        what, more = _last_words(stderr) or f"it ended with code {code} and said nothing", ""
    said = "\n".join([*(f"{told.summary}\n{told.detail}" for told in errors), stderr])
    kind, hint = _kind_and_hint(said, errors, program)
    error = kind(scrub(f"{program.name} {command}: {what}{more}. {state}"), hint=scrub(hint))
    for told in errors:
        where = ", ".join(part for part in (told.address, told.place) if part)
        error.add_note(scrub(f"\n{told.summary}{f' ({where})' if where else ''}\n{told.detail}"))
    if stderr.strip():
        error.add_note(scrub(_ANSI.sub("", stderr)))
    return error


def lacks_provider(diagnostics: Sequence[Diagnostic]) -> str:
    """Why a provider could not be had, in a line; empty where that is not what went wrong."""
    return next((_first(t.detail) or t.summary for t in diagnostics if t.is_error and _PROVIDER.search(t.summary)), "")


def no_provider(reason: str, *, registry: str, hint: str) -> ProviderUnavailable:
    return ProviderUnavailable(f"{registry}: {reason}. Nothing was installed.", hint=hint)


def _kind_and_hint(said: str, errors: Sequence[Diagnostic], program: Program) -> tuple[type[BluegreenError], str]:
    misfit = next((told for told in errors if _OLD_OR_NEW_FOR_CONFIGURATION.search(told.summary)), None)
    if misfit is not None:
        hint = f"Put a {program.name} that it takes on the PATH, or name one with {PROGRAM_VARIABLE}."
        return (TerraformMissing if _is_too_old(misfit) else TerraformFailed), hint
    flat = _flat(said)
    if _OLD_FOR_STATE.search(flat):
        return TerraformMissing, f"Put a newer {program.name} on the PATH, or name one with {PROGRAM_VARIABLE}."
    if _OF_OPENTOFU.search(flat) and not program.is_opentofu:
        return TerraformFailed, (
            f"OpenTofu wrote this state: set {PROGRAM_VARIABLE}=tofu, or move it to Terraform with `terraform state "
            "replace-provider registry.opentofu.org/hashicorp/aws registry.terraform.io/hashicorp/aws`."
        )
    if _CREDENTIALS.search(flat):
        return (
            CredentialsError,
            "Renew the AWS credentials (AWS_PROFILE, `aws sso login`), then run it again.",
        )
    hint = next((hint for pattern, hint in _HINTS if pattern.search(flat)), "")
    if _LOCKED in flat and ("Lock Info" in flat or not hint):
        return TerraformFailed, _lock_hint(said, program)
    return TerraformFailed, hint.replace("{program}", program.name)


def _is_too_old(misfit: Diagnostic) -> bool:
    """Whether the constraint of the complaint, `>= 2.0` say, asks for more than the version that it refuses."""
    refused = re.search(r"version v?(\d[^\s,]*)|(?:Terraform|OpenTofu) v(\d[^\s,]*)", misfit.detail)
    runs = numbers(refused[1] or refused[2]) if refused else None
    wanted = re.findall(r"(!=|>=|<=|~>|[=<>]|\")\s*v?(\d+(?:\.\d+)?)", misfit.code)
    asked = [numbers(f"{text}.0") for sign, text in wanted if sign in {">", ">=", "~>", "=", '"'}]
    return runs is not None and any(number > runs for number in asked if number is not None)


def _lock_hint(said: str, program: Program) -> str:
    who, since, lock = (
        found.group(1).strip() if (found := re.search(rf"^\s*{key}:\s*(\S.*)$", said, re.MULTILINE)) else ""
        for key in ("Who", "Created", "ID")
    )
    held = f"{who or 'Somebody'} holds it{f' since {since}' if since else ''}: wait for them to end."
    return f"{held} If nobody is at work: {program.name} force-unlock {lock or 'LOCK_ID'}"


def _line(told: Diagnostic) -> str:
    is_held = _LOCKED in told.summary and "Lock Info" in told.detail  # the hint says it better
    detail = "" if is_held else _first(told.detail)
    if told.code and _OLD_OR_NEW_FOR_CONFIGURATION.search(told.summary):
        detail = f"{told.code}: {detail.partition('. ')[0]}"
    where = told.address or told.place
    parts = [part for part in (where, _first(told.summary).rstrip(" .:"), detail.rstrip(" .")) if part]
    return ": ".join(parts)


def _first(text: str) -> str:
    """The first paragraph, on one line and of bearable length."""
    line = " ".join(text.strip().partition("\n\n")[0].split())
    return line if len(line) <= _MAX_PART else f"{line[:_MAX_PART]}…"


def _last_words(stderr: str) -> str:
    """What stands on stderr where no diagnostic does: its first `Error:` with its paragraph, else the last line."""
    lines = [line.strip(_FRAME) for line in _ANSI.sub("", stderr).splitlines()]
    spoken = [number for number, line in enumerate(lines) if line]
    if not spoken:
        return ""
    begin = next((number for number in spoken if lines[number].startswith("Error:")), None)
    if begin is None:
        return lines[spoken[-1]]
    paragraph = _first("\n".join(lines[begin + 1 :]))
    return f"{lines[begin]}: {paragraph.rstrip(' .')}" if paragraph else lines[begin]


def _flat(text: str) -> str:
    """Terraform's text without color, frame and line breaks."""
    return " ".join(word for word in _ANSI.sub("", text).split() if word.strip(_FRAME))
