"""Lines of JSON for whatever collects a process's output."""

from __future__ import annotations

import io
import json
import os

import pytest

from tests.rollout.test_notification import a_notification
from toolkit.notify.stdout import StdoutSink
from toolkit.rollout.notification import Unsent, document


def test_each_is_one_line_of_json() -> None:
    stream = io.StringIO()
    for line in ("one", "two\u2028lines"):
        StdoutSink(stream).send(a_notification(line))
    assert stream.getvalue().endswith("\n")
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        document(a_notification("one")),
        document(a_notification("two\u2028lines")),
    ]


def test_the_stdout_is_the_one_of_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    StdoutSink().send(a_notification())
    assert json.loads(capsys.readouterr().out)["event"] == "promoted"


def test_a_pipe_that_nobody_reads_takes_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    with pytest.raises(Unsent) as unsent:
        StdoutSink(stream).send(a_notification())
    assert not unsent.value.again
    with pytest.raises(BrokenPipeError):
        stream.close()
    with pytest.raises(Unsent):
        StdoutSink(stream).send(a_notification())
