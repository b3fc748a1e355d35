"""Which regular expressions a condition takes."""

from __future__ import annotations

import pytest

from toolkit.lab.expressions import fault


@pytest.mark.parametrize(
    "expression",
    [
        r"^(.*;)? *beta=1 *(;.*)?$",
        r"^/[a-z]{2}(-[A-Z]{2})?/i/",
        r"(?i)^example\.com:8443$",
        r"[[:alpha:]\]\\(]+?",
        r"(?P<version>v\d+)|(?:x)",
        r"\(\?=a\)\{2000\}",
        r"[(?=]",
        "a{",
        "a" * 128,
    ],
)
def test_what_aws_takes_is_taken(expression: str) -> None:
    assert fault(expression) == ""


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "1 to 128"),
        ("a" * 129, "1 to 128"),
        ("ä", "1 to 128"),
        ("a(?=b)", "lookaheads"),
        ("a(?!b)", "lookaheads"),
        ("(?<=a)b", "lookbehinds"),
        ("(?<!a)b", "lookbehinds"),
        (r"(a)\1", "backreferences"),
        (r"(?P<x>a)(?P=x)", "backreferences"),
        (r"(a)\g1", "backreferences"),
        ("(?>a)", "atomic groups"),
        ("a*+", "possessive"),
        ("a{1,2}+", "possessive"),
        ("(a)(?1)", "subroutines"),
        ("(?R)", "recursion"),
        ("(?&x)", "subroutines"),
        (r"\p{L}", "Unicode"),
        (r"[\P{L}]", "Unicode"),
        ("(a", "no regular expression"),
        ("a)", "no regular expression"),
        ("[a", "no regular expression"),
        ("*a", "no regular expression"),
        ("a**", "no regular expression"),
        ("a\\", "no regular expression"),
        (r"a\y", "no regular expression"),
        (r"[\b]", "no positions"),
        ("(?#a)", "no regular expression"),
        ("[z-a]", "no regular expression"),
        ("a{1001}", "repeats more than 1000"),
        ("(a{100}){11}", "repeats more than 1000"),
    ],
)
def test_what_aws_or_envoy_refuses_is_refused(expression: str, said: str) -> None:
    assert said in fault(expression)
