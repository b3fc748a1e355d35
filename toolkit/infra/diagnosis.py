"""Terraform's complaints as one line of ours with the way out. Pure."""

import re
from collections.abc import Callable, Sequence

from toolkit.errors import BluegreenError, CredentialsError, ProviderUnavailable, TerraformFailed
from toolkit.infra.events import Diagnostic

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
_LOCKED = "Error acquiring the state lock"
_HINTS: Sequence[tuple[re.Pattern[str], str]] = (
    (
        re.compile(
            r"run\s+\"?terraform\s+init|Inconsistent dependency lock file|Required plugins are not installed"
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
        "The state is in errored.tfstate: put it back with `terraform state push errored.tfstate`.",
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
    kind, hint = _kind_and_hint(said)
    error = kind(scrub(f"terraform {command}: {what}{more}. {state}"), hint=scrub(hint))
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


def _kind_and_hint(said: str) -> tuple[type[BluegreenError], str]:
    if _CREDENTIALS.search(said):
        return (
            CredentialsError,
            "Renew the AWS credentials (AWS_PROFILE, `aws sso login`), then run it again.",
        )
    if _LOCKED in said:
        return TerraformFailed, _lock_hint(said)
    return TerraformFailed, next((hint for pattern, hint in _HINTS if pattern.search(said)), "")


def _lock_hint(said: str) -> str:
    who, since, lock = (
        found.group(1).strip() if (found := re.search(rf"^\s*{key}:\s*(\S.*)$", said, re.MULTILINE)) else ""
        for key in ("Who", "Created", "ID")
    )
    held = f"{who or 'Somebody'} holds it{f' since {since}' if since else ''}: wait for them to end."
    return f"{held} If nobody is at work: terraform force-unlock {lock or 'LOCK_ID'}"


def _line(told: Diagnostic) -> str:
    detail = "" if _LOCKED in told.summary else _first(told.detail)  # the hint says it better
    where = told.address or told.place
    parts = [part for part in (where, _first(told.summary).rstrip(" .:"), detail.rstrip(" .")) if part]
    return ": ".join(parts)


def _first(text: str) -> str:
    """The first paragraph, on one line and of bearable length."""
    line = " ".join(text.strip().partition("\n\n")[0].split())
    return line if len(line) <= _MAX_PART else f"{line[:_MAX_PART]}…"


def _last_words(stderr: str) -> str:
    """What stands on stderr where no diagnostic does: its first `Error:` line, else the last one."""
    lines = [line.strip(" │╷╵\t") for line in _ANSI.sub("", stderr).splitlines()]
    spoken = [line for line in lines if line]
    return next((line for line in spoken if line.startswith("Error:")), spoken[-1] if spoken else "")
