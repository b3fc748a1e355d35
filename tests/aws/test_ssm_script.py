"""A document's parameters: what was said, and the environment in front of a script's lines."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from toolkit.aws.ssm_script import parameters
from toolkit.settings import Update

NASTY = [
    "plain", "", "it's", '"$HOME" `id` $(id)', "a\nb", "{{ssm:secret}}", "{{{{x}}}}", "{'{", "'{{'", "ä€", "\\n\\",
    "-n", "!x",
]  # fmt: skip


def script(*commands: str, **more: Any) -> Update:
    return Update(document="AWS-RunShellScript", parameters={"commands": commands}, **more)


@pytest.mark.parametrize("value", NASTY)
def test_a_shell_reads_back_every_value_as_it_was(value: str) -> None:
    lines = parameters(script('printf "%s|" "$WORD" "$OTHER"'), {"WORD": value, "OTHER": "x"}, back=False)["commands"]
    assert "{{" not in "\n".join(lines), "SSM would put something in its place"
    done = subprocess.run(["sh", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{value}|x|"


@pytest.mark.parametrize("value", NASTY)
def test_powershell_is_given_every_value_in_single_quotes(value: str) -> None:
    update = Update(document="AWS-RunPowerShellScript", parameters={"commands": ("./update.ps1",)})
    line, last = parameters(update, {"WORD": value}, back=False)["commands"]
    assert last == "./update.ps1"
    assert "{{" not in line
    name, _, expression = line.partition(" = ")
    assert name == "$env:WORD"
    # A verbatim string of PowerShell ends at a quote that is not doubled; strings are joined by a plus.
    strings = re.findall(r"'((?:[^']|'')*)'(?: \+ |$)", expression)
    assert "".join(strings).replace("''", "'") == value
    assert " + ".join(f"'{each}'" for each in strings) == expression


def test_what_powershell_takes_for_a_quote_is_doubled_too() -> None:
    update = Update(document="AWS-RunPowerShellScript", parameters={"commands": ("x",)})
    assert parameters(update, {"WORD": "it\u2019s"}, back=False)["commands"][0] == "$env:WORD = 'it\u2019\u2019s'"


@pytest.mark.parametrize(
    "first", ["#!/bin/bash", "#!/bin/sh -e", "#! /usr/bin/env bash", "#!/usr/bin/env -S bash -eu", "#!/usr/bin/zsh"]
)
def test_the_line_that_names_a_shell_stays_the_first(first: str) -> None:
    assert parameters(script(first, "x"), {"A": "b"}, back=False)["commands"] == [first, "export A=b", "x"]
    whole = parameters(script(f"{first}\nx\ny"), {"A": "b"}, back=False)["commands"]
    assert whole == [first, "export A=b", "x\ny"]


@pytest.mark.parametrize(
    "first", ["#!/usr/bin/python3", "#!/usr/bin/env pwsh", "#!/bin/tcsh", "#!/usr/bin/env -S perl -w"]
)
def test_a_script_in_another_language_stays_as_it_is(first: str) -> None:
    assert parameters(script(first, "x"), {"A": "b"}, back=False)["commands"] == [first, "x"]


def test_a_script_ends_with_its_try_unless_it_says_otherwise() -> None:
    assert parameters(script("x", timeout_seconds=90.5), {}, back=False)["executionTimeout"] == ["91"]
    assert parameters(script("x", timeout_seconds=9e5), {}, back=False)["executionTimeout"] == ["172800"]
    own = Update(document="AWS-RunShellScript", parameters={"commands": ("x",), "executionTimeout": ("7",)})
    assert parameters(own, {}, back=False)["executionTimeout"] == ["7"]


def test_another_document_gets_what_was_said_and_nothing_else() -> None:
    update = Update(document="Update-web", parameters={"commands": ("x",)}, take_back_parameters={"to": ("1", "2")})
    assert parameters(update, {"A": "b"}, back=False) == {"commands": ["x"]}
    assert parameters(update, {"A": "b"}, back=True) == {"to": ["1", "2"]}
    forward = Update(document="Update-web", parameters={"a": ("x",)})
    assert parameters(forward, {"A": "b"}, back=True) == {"a": ["x"]}


def test_a_script_without_lines_gets_none_so_that_aws_refuses_it() -> None:
    assert parameters(Update(document="AWS-RunShellScript"), {"A": "b"}, back=False) == {}
