"""What a document's parameters are: those that were said, with the environment in front of a script's lines."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping

from toolkit.settings import Update

_TIMEOUT = "executionTimeout"
_LONGEST = 172_800
"""Seconds. Source: AWS-RunShellScript's own allowedPattern: 1 to 172800."""
_SUBSTITUTION = re.compile(r"\{(?=\{)")
"""SSM puts a parameter of its own in place of `{{ssm:NAME}}`, wherever it stands."""
_SHELL = re.compile(r"#!\s*\S*/(?:env\s+(?:-\S+\s+)?)?(?:ba|da|a|k|z)?sh\b")
_QUOTES = re.compile(r"(['\u2018\u2019\u201a\u201b])")
"""What PowerShell takes for a single quote. Source: about_Quoting_Rules."""


def parameters(update: Update, environment: Mapping[str, str], *, back: bool) -> dict[str, list[str]]:
    """The parameters of a document.

    AWS-RunShellScript and AWS-RunPowerShellScript get `environment` by lines in front of `commands`, and a try's
    timeout as theirs; other documents get what was said and nothing else.
    """
    said = (update.take_back_parameters or update.parameters) if back else update.parameters
    given = {name: list(values) for name, values in said.items()}
    setting = _SETTINGS.get(update.document)
    if setting is None or not given.get("commands"):  # AWS refuses a script without lines
        return given
    given["commands"] = _preceded(given["commands"], [setting(*each) for each in environment.items()])
    given.setdefault(_TIMEOUT, [str(min(math.ceil(update.timeout_seconds), _LONGEST))])
    return given


def _preceded(commands: list[str], lines: list[str]) -> list[str]:
    """`lines` in front, behind the line that names a shell; a script in another language stays as it is."""
    first, newline, rest = commands[0].partition("\n")
    if not first.startswith("#!"):
        return [*lines, *commands]
    if not _SHELL.match(first):
        return commands
    return [first, *lines, *([rest] if newline else []), *commands[1:]]


def _shell(name: str, value: str) -> str:
    return f"export {name}={_SUBSTITUTION.sub(_BETWEEN_QUOTES, shlex.quote(value))}"


def _powershell(name: str, value: str) -> str:
    quoted = _QUOTES.sub(r"\1\1", value)
    return f"$env:{name} = '{_SUBSTITUTION.sub(_ADDED, quoted)}'"


_BETWEEN_QUOTES, _ADDED = "{''", "{' + '"
_SETTINGS: Mapping[str, Callable[[str, str], str]] = {
    "AWS-RunShellScript": _shell,
    "AWS-RunPowerShellScript": _powershell,
}
SCRIPTS = frozenset(_SETTINGS)
"""Documents of one step, which take a script."""
