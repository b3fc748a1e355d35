"""Notifications as lines of JSON on stdout, for whatever collects a process's output."""

from __future__ import annotations

import sys
from typing import TextIO

from toolkit.rollout.notification import Notification, Unsent, json_text


class StdoutSink:
    """One line each, written at once. stream: default is the process's stdout."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, notification: Notification) -> None:
        stream = self._stream or sys.stdout
        try:
            stream.write(f"{json_text(notification)}\n")
            stream.flush()
        except (OSError, ValueError) as error:  # ValueError: it is closed
            raise Unsent(f"stdout takes nothing: {error}", again=False) from error
