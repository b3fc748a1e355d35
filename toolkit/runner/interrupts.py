"""Ctrl-C between a write and its read-back would leave nobody knowing what AWS holds; so it waits that long."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Deferred:
    """Whether somebody asked to stop while it was not the moment."""

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def deferred_interrupts(word: str) -> Iterator[Deferred]:
    """Hold SIGINT and SIGTERM back for the body, which must be short and bounded by timeouts.

    `word` is said at once on stderr to whoever pressed Ctrl-C, who may otherwise think that nobody heard.

    Signals reach the main thread only, so elsewhere there is nothing to hold back.
    """
    deferred = Deferred()
    if threading.current_thread() is not threading.main_thread():
        yield deferred
        return

    def remember(_signal: int, _frame: FrameType | None) -> None:
        if not deferred.asked:
            os.write(2, f"{word}\n".encode())  # print is not safe here: it may have been interrupted in the middle
        deferred.asked = True

    before: dict[signal.Signals, Any] = {number: signal.signal(number, remember) for number in _SIGNALS}
    try:
        yield deferred
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Signals:
    """What SIGINT and SIGTERM asked for while a rollout runs; nothing is interrupted by them."""

    def __init__(self) -> None:
        self.interrupts = 0
        self.terminated = False


@contextmanager
def heeded_signals() -> Iterator[Signals]:
    """Remember SIGINT and SIGTERM for the body instead of ending it. Elsewhere than in the main thread: nothing."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        signals.interrupts += 1

    def terminated(_signal: int, _frame: FrameType | None) -> None:
        signals.terminated = True

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupted),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminated),
    }
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
