"""Where the journals of services ended when this machine last wrote them: a log beside the journals themselves.

One JSON line an end: time, place, service, sequence, hash. The chain in a journal cannot show that its end was cut off
or that it was written anew from some entry on; a head that was kept elsewhere can.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from toolkit.journal.private import make_folder
from toolkit.rollout.events import Head

LIMIT = 1024 * 1024
"""Bytes above which old lines are dropped: of each day the last one of each service is kept."""
_TRIES = 20
_PAUSE_SECONDS = 0.01

Line = dict[str, Any]


def _silent(_line: str) -> None:
    """Nobody listens."""


class Heads:
    """The log at `path`. place (account and region) keeps services of the same name apart.

    say: takes one line for the operator. The log is evidence and no part of a release, so what goes wrong with it is
    said and never raised. Several processes may use it; one that is stopped in the middle holds nobody up.
    """

    def __init__(self, path: Path, *, place: str = "", say: Callable[[str], None] = _silent) -> None:
        self._path = path
        self._place = place
        self._say = say

    def note(self, service: str, head: Head, *, at: datetime) -> None:
        """Remember where the journal of `service` ends."""
        if not head.sequence:
            return
        line = {
            "time": at.isoformat(),
            "place": self._place,
            "service": service,
            "sequence": head.sequence,
            "hash": head.hash,
        }
        try:
            make_folder(self._path.parent)
            with self._locked(fcntl.LOCK_SH) as log:
                os.write(log, _spelled([line]))
                is_long = os.fstat(log).st_size > LIMIT
            if is_long:
                self._shorten()
        except OSError as error:
            self._say(
                f"warning: the end of the record of {service} (entry {head.sequence}, {head.hash}) could not be logged "
                f"in {self._path}: {error}"
            )

    def known(self, service: str) -> Sequence[Head]:
        """Every end of the journal of `service` that is logged, by number; unreadable lines are passed over."""
        ours = [line for line in self._lines() if (line["place"], line["service"]) == (self._place, service)]
        heads = {Head(line["sequence"], line["hash"]) for line in ours}
        return sorted(heads, key=lambda head: (head.sequence, head.hash))

    def last(self, service: str) -> Head | None:
        """The highest end that is logged."""
        return next(reversed(self.known(service)), None)

    def _lines(self) -> list[Line]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            self._say(f"warning: the log of ends {self._path} cannot be read: {error}")
            return []
        return list(_read(text))

    def _shorten(self) -> None:
        """Write the log anew beside it and put that in its place, unless another process is at it."""
        with suppress(BlockingIOError), self._locked(fcntl.LOCK_EX, tries=1):
            kept = _last_of_each(self._lines(), lambda line: (line["place"], line["service"], line["time"][:10]))
            text = _spelled(kept)
            if len(text) > LIMIT // 2:
                text = _spelled(_last_of_each(kept, lambda line: (line["place"], line["service"])))
            beside = self._path.with_suffix(f".{os.getpid()}")
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, text)
                os.fsync(handle)
            finally:
                os.close(handle)
            beside.replace(self._path)

    @contextmanager
    def _locked(self, how: int, *, tries: int = _TRIES) -> Iterator[int]:
        """The log, opened for appending and locked; never the one that `_shorten` has just put aside."""
        for attempt in range(tries):
            if attempt:
                time.sleep(_PAUSE_SECONDS)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if self._is_ours(handle, how):
                    yield handle
                    return
            finally:
                os.close(handle)
        raise BlockingIOError("another process holds it")

    def _is_ours(self, handle: int, how: int) -> bool:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except (BlockingIOError, FileNotFoundError):
            return False


def _spelled(lines: Iterable[Line]) -> bytes:
    return "".join(f"{json.dumps(line, sort_keys=True, separators=(',', ':'))}\n" for line in lines).encode()


def _read(text: str) -> Iterator[Line]:
    for each in text.splitlines():
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            line = json.loads(each)
            texts = all(isinstance(line[key], str) for key in ("time", "place", "service", "hash"))
            if texts and type(line["sequence"]) is int:
                yield line


def _last_of_each(lines: Iterable[Line], group: Callable[[Line], Any]) -> list[Line]:
    """Of each group the line with the highest number, in the order they stood in."""
    highest: dict[Any, Line] = {}
    for line in lines:
        key = group(line)
        if key not in highest or line["sequence"] >= highest[key]["sequence"]:
            highest.pop(key, None)
            highest[key] = line
    return list(highest.values())
