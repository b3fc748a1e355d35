from __future__ import annotations

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.rollout.plain import plain, plain_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is, \N{SNOWMAN} too", "as it is, \N{SNOWMAN} too"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hcleared", "cleared"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x07clipboard", "clipboard"),
        ("\x9b31mC1", "C1"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x1bcreset", "reset"),
        ("\x1b]never ended", ""),
        ("one\ntwo\r\nthree\tfour", "one two  three four"),
        ("right\N{RIGHT-TO-LEFT OVERRIDE}left\N{ZERO WIDTH SPACE}", "rightleft"),
        ("bell\a, back\b\b, null\0", "bell, back, null"),
        ("\ud800", ""),
        ("\x1b", ""),
    ],
)
def test_nothing_is_left_that_a_terminal_would_obey(text: str, shown: str) -> None:
    assert plain(text) == shown


pieces = st.sampled_from(["\x1b", "[", "]", "\x9b", "\x07", "\\", "3", "m", "\n", "a", "\x1bP", "\u202e"])


@given(st.text() | st.lists(pieces).map("".join))
def test_no_text_at_all_leaves_a_control_or_a_second_line(text: str) -> None:
    shown = plain(text)
    assert not [char for char in shown if category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert plain(shown) == shown


def test_lines_stay_lines() -> None:
    assert plain_lines("one\r\n\x1b[1mtwo\x1b[0m\nthree\rfour") == ["one", "two", "three", "four"]
