"""What a hook said is kept within its bound, safe to print, without the secrets that are known."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.gates import output
from toolkit.gates.output import Kept, readable, secrets_of
from toolkit.rollout.steps import OUTPUT_LIMIT


def kept(*chunks: bytes) -> str:
    stream = Kept()
    for chunk in chunks:
        stream.add(chunk)
    return stream.text()


def test_what_fits_is_kept_whole() -> None:
    assert kept(b"one\n", b"two\n") == "one\ntwo\n"
    whole = b"x" * OUTPUT_LIMIT
    assert kept(whole) == whole.decode()
    assert kept() == ""


def test_what_does_not_fit_keeps_its_beginning_and_its_end_with_the_cut_marked() -> None:
    text = kept(b"begin " + b"." * OUTPUT_LIMIT, b" end")
    assert text.startswith("begin ...")
    assert text.endswith("... end")
    assert f"{OUTPUT_LIMIT + 10} bytes in all, cut here" in text
    assert OUTPUT_LIMIT - 4 <= len(text.encode()) <= OUTPUT_LIMIT


def test_memory_does_not_grow_with_what_is_said() -> None:
    stream, chunk = Kept(), b"y" * 65_536
    tracemalloc.start()
    for _ in range(2000):
        stream.add(chunk)
    # Its own alone: threads of other tests in this process allocate too.
    held = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=True, filename_pattern=output.__file__)]
    )
    tracemalloc.stop()
    assert sum(trace.size for trace in held.traces) < 4 * OUTPUT_LIMIT


@given(st.lists(st.binary(max_size=9000), max_size=6))
def test_it_is_never_above_the_limit_and_always_text(chunks: list[bytes]) -> None:
    assert len(kept(*chunks).encode()) <= OUTPUT_LIMIT


@pytest.mark.parametrize("letter", ["ä", "€", "😀"])
def test_letters_of_several_bytes_survive_the_cut_or_are_left_out(letter: str) -> None:
    raw = (letter * OUTPUT_LIMIT).encode()
    for shift in range(4):
        text = kept(b"x" * shift + raw)
        assert set(text.partition("\n[")[0]) <= {"x", letter, "\ufffd"}
        assert len(text.encode()) <= OUTPUT_LIMIT


def test_a_terminal_is_told_nothing_but_text() -> None:
    assert (
        readable(b"\x1b[31mred\x1b[0m \x1b]0;title\x07ok\x00\x08\r\n50%\r100%\tdone\n") == "red ok\n50%\n100%\tdone\n"
    )


def test_known_secrets_are_hidden_the_longest_first() -> None:
    assert readable(b"key=abcdefgh-long, abcdefgh", ["abcdefgh", "abcdefgh-long"]) == "key=(hidden), (hidden)"


def test_secrets_are_told_by_the_names_of_their_variables() -> None:
    environ = {
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI",
        "AWS_SESSION_TOKEN": "FQoGZXIvYXdzE",
        "DB_PASSWORD": "hunter2hunter2",
        "SHORT_SECRET": "test",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
        "HOME": "/somewhere/long",
    }
    assert sorted(secrets_of(environ)) == ["FQoGZXIvYXdzE", "hunter2hunter2", "wJalrXUtnFEMI"]
