#!/usr/bin/env python3
"""Fill the tables in the README of every module and example from its variables.tf, outputs.tf and versions.tf.

The tables stand between two marks, in the shape that terraform-docs has made common. `make format` writes them,
and `make lint` runs this with `--check`, which writes nothing and exits 1 where a README says something else.
"""

import argparse
import html
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hcl2
from lark import Token, Tree

ROOT = Path(__file__).resolve().parent
BEGIN = "<!-- BEGIN inputs and outputs -->"
END = "<!-- END inputs and outputs -->"


class ReadmeError(Exception):
    """A directory whose README cannot be filled; the message names the file and what it lacks."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of an HCL file, with the text of its attributes as it is written there."""

    kind: str
    name: str
    attributes: Mapping[str, str]

    @property
    def description(self) -> str:
        """Its description on one line; empty without one."""
        return " ".join(_unquoted(self.attributes.get("description", '""')).split())


def main() -> int:
    parser = argparse.ArgumentParser(description="Fill the tables in the READMEs of modules and examples.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a README is out of date")
    parser.add_argument("directories", nargs="*", type=Path, help="which ones (default: every one beside this file)")
    given = parser.parse_args()
    stale = []
    try:
        for directory in given.directories or directories_below(ROOT):
            path = directory / "README.md"
            before = path.read_text(encoding="utf-8") if path.is_file() else ""
            after = filled(directory, before)
            if before != after:
                stale.append(path)
                if not given.check:
                    path.write_text(after, encoding="utf-8")
    except ReadmeError as error:
        print(f"terraform/readme.py: {error}", file=sys.stderr)
        return 1
    for path in stale:
        print(f"{path}: its tables differ from the .tf files: make format" if given.check else f"{path}: written")
    return 1 if stale and given.check else 0


def directories_below(root: Path) -> Iterable[Path]:
    """Every module and every example, in order."""
    for room in ("modules", "examples"):
        yield from sorted(path for path in (root / room).iterdir() if any(path.glob("*.tf")))


def filled(directory: Path, readme: str) -> str:
    """`readme` with the tables of the configuration in `directory` between the marks.

    Raises:
        ReadmeError: a mark is missing, a file cannot be read as HCL, or a variable or output has no description.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise ReadmeError(f"{directory / 'README.md'} must have one line {BEGIN} and after it one line {END}")
    head, _, rest = readme.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n{tables(directory)}\n{END}{tail}"


def tables(directory: Path) -> str:
    """The tables of requirements, inputs and outputs, as Markdown.

    Raises:
        ReadmeError: a file cannot be read as HCL, or a variable or output has no description.
    """
    inputs = blocks_of(directory / "variables.tf", "variable")
    outputs = blocks_of(directory / "outputs.tf", "output")
    for block in (*inputs, *outputs):
        if not block.description:
            raise ReadmeError(f"{directory}: {block.kind} {block.name} has no description")
    return "\n\n".join(
        (
            "## Requirements",
            _table(("name", "version"), requirements(directory / "versions.tf")),
            "## Inputs",
            _table(("name", "description", "type", "default", "required"), [_input(block) for block in inputs]),
            "## Outputs",
            _table(("name", "description"), [(f"`{block.name}`", _cell(block.description)) for block in outputs]),
        )
    )


def requirements(path: Path) -> list[tuple[str, str]]:
    """Terraform's own version and each provider's, from the `terraform` block of a file."""
    try:
        document = hcl2.loads(
            _source(path),
            serialization_options=hcl2.SerializationOptions(strip_string_quotes=True, with_comments=False),
        )
    except Exception as error:
        raise _unreadable(path, error) from error
    rows = []
    for settings in document.get("terraform", []):
        if "required_version" in settings:
            rows.append(("terraform", _code(settings["required_version"])))
        for providers in settings.get("required_providers", []):
            rows += [
                (provider["source"], _code(provider["version"]))
                for provider in providers.values()
                if isinstance(provider, dict)
            ]
    return rows


def blocks_of(path: Path, kind: str) -> list[Block]:
    """The blocks of one kind in a file, in its order; none where there is no such file.

    Raises:
        ReadmeError: the file cannot be read as HCL.
    """
    source = _source(path)
    try:
        tree = hcl2.parses_to_tree(source)
    except Exception as error:  # the parser's own, of several kinds; the file is the message's subject
        raise _unreadable(path, error) from error
    found = [Block(*_labels(block, source), _attributes(block, source)) for block in _below(tree, "body", "block")]
    return [block for block in found if block.kind == kind]


def _input(block: Block) -> tuple[str, ...]:
    default = block.attributes.get("default")
    return (
        f"`{block.name}`",
        _cell(block.description),
        _code(block.attributes.get("type", "any")),
        "n/a" if default is None else _code(default),
        "yes" if default is None else "no",
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "None."
    lines = (f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows))
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    """Source text in a table's cell: it may hold no line break, and `|` would end it."""
    lines = [line.removeprefix("  ") for line in text.splitlines()]  # the indentation of the block around it
    if len(lines) == 1:
        return f"`{_cell(lines[0])}`"
    escaped = (html.escape(line, quote=False).replace("|", "&#124;").replace("*", "&#42;") for line in lines)
    return f"<pre>{'<br>'.join(escaped)}</pre>"


def _labels(block: Tree[Token], source: str) -> tuple[str, str]:
    words = [child for child in block.children if isinstance(child, Tree) and child.data in {"identifier", "string"}]
    return _text(words[0], source), _unquoted(_text(words[1], source)) if len(words) > 1 else ""


def _attributes(block: Tree[Token], source: str) -> Mapping[str, str]:
    """The attributes of a block's own, not those of the blocks in it."""
    attributes = (attribute.children for attribute in _below(block, "body", "attribute"))
    return {_text(children[0], source): _text(children[-1], source) for children in attributes}


def _below(tree: Tree[Token], *path: str) -> list[Tree[Token]]:
    """The descendants that `path` leads to, one name a generation."""
    found = [child for child in tree.children if isinstance(child, Tree) and child.data == path[0]]
    return found if len(path) == 1 else [deeper for child in found for deeper in _below(child, *path[1:])]


def _text(tree: Tree[Token] | Token, source: str) -> str:
    meta = tree.meta if isinstance(tree, Tree) else tree
    return source[meta.start_pos : meta.end_pos].strip()


def _unquoted(text: str) -> str:
    """What a string literal says, quoted or as a heredoc."""
    if text.startswith("<<"):
        return textwrap.dedent("\n".join(text.splitlines()[1:-1]))
    options = hcl2.SerializationOptions(strip_string_quotes=True)
    return str(hcl2.loads(f"text = {text}\n", serialization_options=options)["text"]).replace("$${", "${")


def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _unreadable(path: Path, error: Exception) -> ReadmeError:
    return ReadmeError(f"{path} is no HCL that can be read: {' '.join(str(error).split())[:200]}")


if __name__ == "__main__":
    sys.exit(main())
