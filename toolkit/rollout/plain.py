"""Text from elsewhere, before it is shown: a journal or a hook may hold what a terminal would obey."""

from __future__ import annotations

import re
from unicodedata import category

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colors, cursor, erasing
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC: titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]"  # the others
    r"|\x9b[0-?]*[ -/]*[@-~]",  # CSI in one character
    re.DOTALL,
)
_SHOWN_AS_SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
_UNSEEN = {"Cc", "Cf", "Cs"}
"""Unicode categories: controls, formats (among them those that turn the writing direction), half surrogates."""


def plain(text: str) -> str:
    """`text` on one line, without escape sequences, controls and invisible characters."""
    spaced = "".join(" " if char in _SHOWN_AS_SPACE else char for char in _ESCAPES.sub("", text))
    return "".join(char for char in spaced if category(char) not in _UNSEEN)


def plain_lines(text: str) -> list[str]:
    """The lines of `text`, each as `plain` has it."""
    return [plain(line) for line in re.split(r"\r\n|\r|\n", _ESCAPES.sub("", text))]
