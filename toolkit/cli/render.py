"""Printing, apart from deciding. Text for people goes through here, so NO_COLOR and pipes are respected."""

import json
import os
import sys
from typing import Any, TextIO


def is_styled(stream: TextIO) -> bool:
    """Whether colors belong on `stream`: a terminal, and no NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(text: str, *codes: int, stream: TextIO | None = None) -> str:
    """`text` in ANSI SGR `codes` where `stream` (default stdout) shows them, else as it is."""
    if not codes or not is_styled(stream or sys.stdout):
        return text
    return f"\x1b[{';'.join(map(str, codes))}m{text}\x1b[0m"


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """A line beside the result: progress, warnings. On stderr, so stdout stays the result."""
    print(text, file=sys.stderr, flush=True)
