"""What a hook said, in a size and form that a journal entry can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from toolkit.rollout.steps import OUTPUT_LIMIT

_HEAD = 4 * 1024
_MASK = "(hidden)"
_CUT = "\n[… cut here …]\n"
_HEADS_PART = 4
_SHORTEST_SECRET = 8
"""Shorter values are ordinary words."""
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSW|PRIVATE_KEY|API_?KEY|CREDENTIAL", re.IGNORECASE)
_NAMES_A_PLACE = re.compile(r"_(FILE|PATH|DIR|UR[IL]|ARN|NAME|ID)$", re.IGNORECASE)
_TERMINAL = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Kept:
    """The beginning and the end of a stream, in memory that does not grow: OUTPUT_LIMIT bytes with the mark between.

    What is said last matters most, so the end gets the larger part.
    """

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self._limit = limit
        self._head = b""
        self._tail = b""
        self._seen = 0

    def add(self, chunk: bytes) -> None:
        self._seen += len(chunk)
        room = _HEAD - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        # One byte more than is shown at most, so that a cut is noticed.
        self._tail = (self._tail + chunk)[-self._limit :]

    def text(self, secrets: Iterable[str] = ()) -> str:
        """What was kept as text, `secrets` hidden: at most the limit, in bytes of UTF-8."""
        whole = readable(self._head + self._tail, secrets)
        if self._seen == len(self._head) + len(self._tail) and _size(whole) <= self._limit:
            return whole
        head = _first(readable(self._head, secrets), _HEAD)
        mark = f"\n[… {self._seen} bytes in all, cut here …]\n"
        tail = _last(readable(self._tail, secrets), self._limit - _size(head) - _size(mark))
        return head + mark + tail


def readable(raw: bytes, secrets: Iterable[str] = ()) -> str:
    """As text that is safe to print on a terminal, `secrets` hidden."""
    text = raw.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", _TERMINAL.sub("", text))
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """Values that must not get into a record, told by the names of their variables."""
    return [
        value
        for name, value in environ.items()
        if len(value) >= _SHORTEST_SECRET and _SECRET_NAME.search(name) and not _NAMES_A_PLACE.search(name)
    ]


def labelled(said: Sequence[tuple[str, str]], limit: int = OUTPUT_LIMIT) -> str:
    """What several have said, each below its label: at most `limit` bytes of UTF-8 in all.

    Whoever says little leaves the room to the others. Whoever has said nothing is left out.
    """
    pieces = [f"{label}:\n{text.rstrip()}\n" for label, text in said if text.strip()]
    rooms, left = dict[int, int](), limit
    for taken, index in enumerate(sorted(range(len(pieces)), key=lambda each: _size(pieces[each]))):
        rooms[index] = min(_size(pieces[index]), left // (len(pieces) - taken))
        left -= rooms[index]
    return "".join(_shortened(piece, rooms[index]) for index, piece in enumerate(pieces))


def _shortened(text: str, size: int) -> str:
    """Its beginning and its end, the end being the larger part; the beginning alone where there is no room for both."""
    if _size(text) <= size:
        return text
    if size < _HEADS_PART * _size(_CUT):
        return _first(text, size)
    head = _first(text, size // _HEADS_PART)
    return head + _CUT + _last(text, size - _size(head) - _size(_CUT))


def _size(text: str) -> int:
    return len(text.encode())


def _first(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _last(text: str, size: int) -> str:
    return text.encode()[-size:].decode(errors="ignore")
