"""What Ctrl-C asks on a terminal, on a real one."""

from __future__ import annotations

import io
import os
import pty
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cli.test_rollout_words import BAKING, state
from toolkit.cli import rollout_question
from toolkit.cli.rollout_question import Question
from toolkit.runner.service import Wish


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a person types; stdin is the other end."""
    keyboard, stdin = pty.openpty()
    with os.fdopen(stdin, closefd=True) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield keyboard
    try:
        os.close(keyboard)
    except OSError:
        assert keyboard  # a test has closed it


@dataclass
class Asked:
    """A question in a thread, as the engine asks it. Once it is made, its answer is waited for."""

    question: Question
    heard: io.StringIO
    thread: threading.Thread
    wishes: list[Wish]

    def answer(self) -> list[Wish]:
        self.thread.join(10)
        return self.wishes


def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What is said goes to a stream of the test's own."""
    heard, question, wishes = io.StringIO(), Question(), list[Wish]()
    monkeypatch.setattr(sys, "stderr", heard)
    thread = threading.Thread(target=lambda: wishes.append(question.ask(state(*BAKING))))
    thread.start()
    end = time.monotonic() + 10
    while "[c/p/r] " not in heard.getvalue():
        assert time.monotonic() < end
        time.sleep(0.001)
    return Asked(question, heard, thread, wishes)


@pytest.mark.parametrize(
    ("typed", "wish"),
    [("c", Wish.CONTINUE), ("P", Wish.PAUSE), ("roll back", Wish.ROLL_BACK), ("\npause", Wish.PAUSE)],
)
def test_an_answer_is_its_first_letter_and_what_is_no_answer_is_asked_again(
    keys: int, monkeypatch: pytest.MonkeyPatch, typed: str, wish: Wish
) -> None:
    made = asked(monkeypatch)
    os.write(keys, f"{typed}\n".encode())
    assert made.answer() == [wish]
    assert "web-1 is baking, step 2 of 4, and goes on meanwhile" in made.heard.getvalue()
    assert "Another Ctrl-C rolls back." in made.heard.getvalue()


def test_keys_pressed_before_the_question_are_no_answer(keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    os.write(keys, b"r\n")
    made = asked(monkeypatch)
    os.write(keys, b"c\n")
    assert made.answer() == [Wish.CONTINUE]


def test_a_terminal_that_is_gone_means_pause(keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = asked(monkeypatch)
    os.write(keys, b"\x04")  # the end of input
    assert made.answer() == [Wish.PAUSE]


def test_no_answer_in_time_lets_it_go_on(keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout_question, "ANSWER_SECONDS", 0.01)
    assert asked(monkeypatch).answer() == [Wish.CONTINUE]


def test_a_question_that_is_moot_is_withdrawn(keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = asked(monkeypatch)
    made.question.withdraw()
    assert made.answer() == [Wish.CONTINUE]
