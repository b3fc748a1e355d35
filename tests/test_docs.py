"""The documents say what the code does: commands, exit codes, permissions, layers, settings, links.

`python tests/test_docs.py` writes the command reference into the README anew.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from toolkit import errors
from toolkit.cli.app import app
from toolkit.config import json_schema, load
from toolkit.settings import FreezeSettings, RetireSettings, RollingSettings, ServiceSettings

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
BEGIN, END = "<!-- commands -->\n", "<!-- end of commands -->\n"
SHARED = ("contract", "config", "region", "profile", "endpoint_url")
SHARED_LINE = "- and the [connection options](#connection-options)"
OFFLINE = ("bluegreen --help", "bluegreen --version", "bluegreen config schema")


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    found = (*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "terraform").rglob("*.md"))
    return sorted(path for path in found if ".terraform" not in path.parts)


page = pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))


# The command reference


def commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, by its words."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def reference() -> str:
    """The command reference as the README has to hold it."""
    root = typer.main.get_command(app)
    connected = next(command for words, command in commands() if words == ("status",))
    shared = [option for option in connected.params if option.name in SHARED]
    assert len(shared) == len(SHARED)
    lines = [
        "### `bluegreen`",
        "",
        *(_line(option) for option in root.params),
        "- `-h`, `--help`: on every command.",
        "",
    ]
    for words, command in commands():
        arguments = [_metavar(parameter) for parameter in command.params if parameter.param_type_name == "argument"]
        lines += [f"### `{' '.join(('bluegreen', *words, *arguments))}`", "", *_help(command.help), ""]
        own = [_line(parameter) for parameter in command.params if parameter.name not in SHARED]
        told = {_line(parameter) for parameter in command.params if parameter.name in SHARED}
        if told == set(map(_line, shared)):
            own.append(SHARED_LINE)
        else:
            own += sorted(told)
        lines += [*own, ""] if own else []
    lines += ["### Connection options", "", "They say where AWS and the contract are.", "", *map(_line, shared)]
    return "\n".join(lines) + "\n"


def _line(parameter: Any) -> str:
    help_text = " ".join((parameter.help or "").split())
    if parameter.param_type_name == "argument":
        return f"- `{_metavar(parameter)}`: {help_text}"
    names = ", ".join(f"`{name}`" for name in sorted(parameter.opts, key=len)[:-1])
    longest = max(parameter.opts, key=len)
    value = "" if parameter.is_flag or parameter.count else f" {_metavar(parameter)}"
    default = f" Default: `{parameter.default}`." if _says_default(parameter) else ""
    return f"- {names + ', ' if names else ''}`{longest}{value}`: {help_text}{default}"


def _says_default(parameter: Any) -> bool:
    return bool(parameter.show_default) and not parameter.is_flag and parameter.default not in (None, "", [])


def _metavar(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    choices = getattr(parameter.type, "choices", None)
    if choices:
        return "|".join(choices)
    is_number = re.match("int|float", str(parameter.type.name))
    return "NUMBER" if is_number else str(parameter.name).rpartition("_")[2].upper()


def _help(text: str) -> list[str]:
    """The help, its paragraphs on one line each, the example as code."""
    lines = []
    for paragraph in text.strip().split("\n\n"):
        line = " ".join(paragraph.split())
        lines.append(f"Example: `{line.removeprefix('Example: ')}`" if line.startswith("Example: ") else line)
    return "\n\n".join(lines).split("\n")


def test_the_readme_holds_every_command_and_option_in_the_words_of_help() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    held, wanted = text.partition(BEGIN)[2].partition(END)[0].strip(), reference().strip()
    difference = "\n".join(
        difflib.unified_diff(held.splitlines(), wanted.splitlines(), "README.md", "--help", lineterm="")
    )
    assert held == wanted, f"run `.venv/bin/python tests/test_docs.py`\n{difference}"


# Commands that the pages tell people to type


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, content) of every fenced block."""
    return re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)


def typed(path: Path) -> list[str]:
    """Every `bluegreen …` that a page shows, in blocks and in code spans; continued lines joined."""
    text = path.read_text(encoding="utf-8")
    lines = [
        line.strip().removeprefix("$ ")
        for language, content in blocks(text)
        if language in ("console", "sh", "bash")
        for line in content.replace("\\\n", " ").splitlines()
    ]
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    lines += re.findall(r"`([^`]+)`", prose)
    pieces = [piece for line in lines for piece in re.split(r"&&|\||;|\$\(|\)\"| #", line)]
    return [piece.strip() for piece in pieces if piece.strip().startswith("bluegreen ")]


def unknown_words(line: str) -> list[str]:
    """What of a `bluegreen …` line the command line does not know; reference headings and `…` are let pass."""
    command = typer.main.get_command(app)
    words = shlex.split(line.partition(">")[0].partition(" -- ")[0])[1:]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return [words[0]] if words[0] not in ("…", "...") else []
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help", "--debug"}
    return [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]


@page
def test_every_command_a_page_shows_exists(path: Path) -> None:
    assert {line: unknown for line in typed(path) if (unknown := unknown_words(line))} == {}


def test_what_is_no_command_is_noticed() -> None:
    assert unknown_words("bluegreen shift web green=20 --dry-run -o json > plan.json") == []
    assert unknown_words("bluegreen shift web green=20 --dry") == ["--dry"]
    assert unknown_words("bluegreen publish web") == ["publish"]
    assert unknown_words("bluegreen rolling web --bach 1 -- ./update.sh --now") == ["--bach"]


@pytest.mark.parametrize("line", OFFLINE)
def test_a_command_of_the_readme_that_needs_nobody_runs(line: str) -> None:
    assert line in typed(README)
    ran = subprocess.run(
        [sys.executable, "-m", "toolkit", *shlex.split(line)[1:]], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip()


@page
def test_every_make_target_a_page_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = [content for _, content in blocks(text)] + re.findall(r"`([^`\n]+)`", text)
    call = r"^(?:\$ )?make (?:-s )?([a-z-]+)"
    named = {target for piece in code for target in re.findall(call, piece, flags=re.MULTILINE)}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert named - set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE)) == set()


# Tables that follow the code


def test_every_error_stands_in_the_exit_codes_with_its_number() -> None:
    rows = re.findall(
        r"^\| (\d+) \| `(\w+)` \|", (DOCS / "exit-codes.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    held = [(name, int(code)) for code, name in rows]
    assert sorted(held) == sorted((kind.__name__, kind.exit_code) for kind in _kinds(errors.BluegreenError))


def test_the_tree_in_errors_is_the_tree_of_its_classes() -> None:
    told = re.findall(r"(\w+) +(\d+)  ", str(errors.__doc__))
    assert {name: int(code) for name, code in told} == {
        kind.__name__: kind.exit_code for kind in _kinds(errors.BluegreenError)
    }


def _kinds(kind: type[errors.BluegreenError]) -> Iterator[type[errors.BluegreenError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _kinds(child)


def test_the_permissions_are_those_of_the_calls_that_are_made() -> None:
    text = (DOCS / "permissions.md").read_text(encoding="utf-8")
    policies = [json.loads(content) for language, content in blocks(text) if language == "json"]
    granted = {
        action
        for policy in policies
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    # GetCallerIdentity needs no permission, and a transaction those of its parts. Sources: STS API reference; DynamoDB
    # developer guide, IAM and transactions.
    made = set(called()) | {"dynamodb:ConditionCheckItem", "dynamodb:PutItem"}
    # Registering a task definition passes its roles and gives its tags. Source: ECS developer guide, IAM roles for
    # Amazon ECS, and grant permission to tag resources on creation.
    made |= {"iam:PassRole", "ecs:TagResource"}
    # So does naming a launch template's version in a group. Source: EC2 Auto Scaling user guide, API permissions.
    made |= {"ec2:RunInstances", "ec2:CreateTags"}
    # A rule that is made with tags is tagged. Source: Service Authorization Reference, Elastic Load Balancing V2.
    made |= {"elasticloadbalancing:AddTags"}
    assert granted | {"sts:GetCallerIdentity", "dynamodb:TransactWriteItems"} == made


def called() -> Iterator[str]:
    """The IAM actions of the calls in toolkit/aws, which alone calls AWS."""
    prefixes = {"elbv2": "elasticloadbalancing"}
    for path in sorted((ROOT / "toolkit" / "aws").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        services = set(re.findall(r'\.client\("([\w-]+)"[,)]', text))
        calls = re.findall(r'_client\.(?:get_paginator\("(\w+)"\)|(\w+)\()|\.client\("\w+"\)\.(\w+)\(', text)
        for name in ("".join(found) for found in calls):
            assert len(services) == 1, f"{path.name} talks to {services}: which one is {name} of?"
            service = next(iter(services))
            if name != "get_paginator":
                yield f"{prefixes.get(service, service)}:{''.join(word.title() for word in name.split('_'))}"


def test_the_layers_in_the_architecture_are_those_that_are_enforced() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    enforced = next(each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")["layers"]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert enforced in [content.splitlines() for _, content in blocks(text)]


def test_every_room_stands_in_the_architecture() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    told = next(content for _, content in blocks(text) if content.startswith("toolkit/"))
    rooms = {path.name for path in (ROOT / "toolkit").glob("[!_]*.py")}
    rooms |= {f"{path.parent.name}/" for path in (ROOT / "toolkit").glob("*/__init__.py")}
    assert rooms == set(re.findall(r"^  (\S+)", told.partition("terraform/")[0], flags=re.MULTILINE))


def test_every_setting_stands_in_the_readme_and_the_example_is_valid(tmp_path: Path) -> None:
    example = next(content for language, content in blocks(README.read_text(encoding="utf-8")) if language == "toml")
    (tmp_path / "bluegreen.toml").write_text(example, encoding="utf-8")
    load(tmp_path / "bluegreen.toml")
    shown = tomllib.loads(example)
    tables = json_schema()["$defs"]
    assert {*shown["aws"], "endpoint_url"} == set(tables["_Aws"]["properties"]), "endpoint stands for either"
    assert set(shown["endpoint"]["localstack"]) == set(tables["_Endpoint"]["properties"])
    keys = ("contract", "terraform", "settle_seconds", "strategy", "region", "profile", "role_arn")
    without_default = dict.fromkeys((*keys, "probe_via", "probe_host"))
    without_default |= {"freeze": dataclasses.asdict(FreezeSettings()), "analysis": None}
    for listed, table in (("hook", "HookTable"), ("notify", "NotifyTable")):
        (only,) = shown["service"]["web"].pop(listed)
        assert set(only) <= set(tables[table]["properties"])
    without_default |= {"hooks": (), "notify": ()}
    without_default |= {"retire": dataclasses.asdict(RetireSettings()), "price": None}
    assert set(shown["service"]["web"]["retire"]) == set(tables["RetireTable"]["properties"])
    assert set(shown["service"]["web"]["price"]) == set(tables["PriceTable"]["properties"])
    without_default |= {"rolling": dataclasses.asdict(RollingSettings())}
    assert set(shown["service"]["web"]["rolling"]) == set(tables["RollingTable"]["properties"])
    assert {**shown["service"]["web"], **without_default} == dataclasses.asdict(ServiceSettings())


def test_every_lab_setting_stands_in_its_page() -> None:
    from toolkit.lab.options import CHANGEABLE, LabOptions

    text = (DOCS / "lab.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (yes|no) \|$", text, flags=re.MULTILINE))
    wanted = {field.name: "yes" if field.name in CHANGEABLE else "no" for field in dataclasses.fields(LabOptions)}
    assert rows == wanted


def test_every_benchmark_stands_in_its_page() -> None:
    programs = {path.stem for path in (ROOT / "tests" / "benchmarks").glob("*.py") if "__main__" in path.read_text()}
    text = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## `(\w+)`$", text, flags=re.MULTILINE)) == programs


# Links and places


def slugs(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    prose = re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@page
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists() or (anchor and anchor not in slugs(target)):
            broken.append(link)
    assert broken == []


def test_nothing_names_a_place_of_one_machine() -> None:
    sources = [path for room in ("toolkit", "terraform") for path in (ROOT / room).rglob("*.*") if path.is_file()]
    texts = [path for path in sources if path.suffix in (".py", ".tf", ".hcl") and ".terraform" not in path.parts]
    place = re.compile(r"(?:^|[\s`'\"(=])/(?:work|root|home|Users|tmp)/\S*", re.MULTILINE)
    found = {str(path.relative_to(ROOT)): place.findall(path.read_text("utf-8")) for path in (*pages(), *texts)}
    assert {path: places for path, places in found.items() if places} == {}


@page
def test_no_page_is_left_half_written(path: Path) -> None:
    assert re.findall(r"\b(?:TODO|TBD|FIXME|XXX|lorem)\b", path.read_text(encoding="utf-8"), flags=re.IGNORECASE) == []


def main() -> None:
    """Write the command reference into the README."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{reference()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
