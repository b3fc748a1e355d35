"""The calls of this process to AWS, counted from inside, and its death at one of them.

A boundary is one HTTP request: botocore says `before-send` when it is about to go out, and `response-received` when
its answer is in, so AWS has committed by then. A retry is a boundary of its own.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class When(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Stroke:
    """A signal that this process gives itself before or after its call number `at` (from 1).

    operation: of these calls alone, such as `ModifyRule`; empty for all.
    """

    at: int
    when: When
    signal: int = signal.SIGKILL
    operation: str = ""

    def __str__(self) -> str:
        return f"{self.when} {self.operation or 'call'} {self.at}"

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Stroke | None:
        return None if document is None else cls(**{**document, "when": When(document["when"])})

    def to_json(self) -> Mapping[str, Any]:
        return asdict(self) | {"when": self.when.value, "signal": int(self.signal)}


@dataclass
class Boundaries:
    """Counts, and strikes where it is told to. names: the operation of each call, in order."""

    stroke: Stroke | None = None
    names: list[str] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def install(self) -> None:
        """Count the calls of every client that is made from now on in this process."""
        import botocore.session

        make = botocore.session.Session.create_client

        def counted(session: Any, *words: Any, **named: Any) -> Any:
            client = make(session, *words, **named)
            client.meta.events.register_last("before-send", self._going_out)
            client.meta.events.register_first("response-received", self._came_in)
            return client

        botocore.session.Session.create_client = counted

    @property
    def count(self) -> int:
        return len(self.names)

    def _going_out(self, event_name: str = "", **_: Any) -> None:
        name = event_name.rpartition(".")[2]
        with self._lock:
            self.names.append(name)
            number = len(self.names)
            if self.stroke is not None and self.stroke.operation:
                number = self.names.count(name) if name == self.stroke.operation else 0
            self._numbers[threading.get_ident()] = number
        self._strike(number, When.BEFORE)

    def _came_in(self, **_: Any) -> None:
        self._strike(self._numbers[threading.get_ident()], When.AFTER)

    def _strike(self, number: int, when: When) -> None:
        if self.stroke is not None and (self.stroke.at, self.stroke.when) == (number, when):
            os.kill(os.getpid(), self.stroke.signal)
