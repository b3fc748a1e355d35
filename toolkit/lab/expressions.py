"""Regular expressions in the conditions of rules: what AWS refuses of them. Pure.

AWS takes 128 visible characters and names what it leaves out: looking ahead or behind, references back, atomic groups,
possessive quantifiers, subroutines, recursion and Unicode classes. Source: Elastic Load Balancing user guide,
"Listener rules for your Application Load Balancer" and "Condition types for listener rules". What else a dialect may
have and RE2 has not is refused too, since Envoy would refuse the whole listener for it.
"""

import re
from math import prod
from typing import Final

MOST_CHARACTERS: Final = 128
_VISIBLE: Final = re.compile(r"[\x20-\x7e]+")
_MOST_REPEATS: Final = 1000
"""Of RE2, where repeats within repeats are multiplied; here all are, which is simpler and seldom matters."""
_OPENINGS: Final = re.compile(r"\(\?(:|[ims]+[:)]|P<[A-Za-z_]\w*>)")
"""What may stand behind an opening parenthesis with a question mark."""
_REFUSED: Final = (
    (re.compile(r"\(\?<?[=!]"), "lookaheads and lookbehinds"),
    (re.compile(r"\(\?>|\(\*"), "atomic groups"),
    (re.compile(r"\(\?(?:R|&|P>|[+-]?\d)"), "subroutines and recursion"),
    (re.compile(r"\(\?P="), "backreferences"),
)
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]")
_COUNTS: Final = re.compile(r"(?<!\\)\{(\d+)(?:,(\d*))?\}")
_QUANTIFIER: Final = re.compile(r"([*+?]|\{\d+(?:,\d*)?\})([+?]?)")
_ESCAPES: Final = frozenset("AbBdDfnrsStvwW")
"""Letters that mean the same in every dialect; nothing but these and punctuation may be escaped."""
_POSITIONS: Final = frozenset("AbB")


def fault(expression: str) -> str:
    """Why AWS, or Envoy in its stead, takes no such expression; empty where it does."""
    if not _VISIBLE.fullmatch(expression) or len(expression) > MOST_CHARACTERS:
        return f"it has 1 to {MOST_CHARACTERS} visible ASCII characters"
    position = 0
    while position < len(expression):
        taken, problem = _at(expression, position)
        if problem:
            return problem
        position += taken
    repeats = prod(max(int(count or 1) for count in pair) or 1 for pair in _COUNTS.findall(expression))
    if repeats > _MOST_REPEATS:
        return f"it repeats more than {_MOST_REPEATS} times"
    # Classes by name are RE2's and not Python's.
    try:
        re.compile(re.sub(r"\[:\^?[a-z]+:\]", "a", expression))
    except re.error as error:
        return f"it is no regular expression: {error}"
    return ""


def _at(expression: str, position: int) -> tuple[int, str]:
    """How many characters stand for one thing from here on, and what is wrong with it."""
    match expression[position]:
        case "\\":
            return 2, _escape(expression[position + 1 : position + 2])
        case "[":
            found = _CLASS.match(expression, position)
            if found is None:
                return 0, "it is no regular expression: a class is not closed"
            inner = re.findall(r"\\(.)", found[0])
            problem = next(filter(None, map(_escape, inner)), "")
            if not problem and _POSITIONS & set(inner):
                problem = "it is no regular expression: a class has characters, and no positions"
            return len(found[0]), problem
        case "(":
            return _group(expression, position)
        case "*" | "+" | "?" | "{":
            return _quantifier(expression, position)
    return 1, ""


def _escape(character: str) -> str:
    if character.isdigit() or character in {"g", "k"}:
        return "backreferences are not supported"
    if character in {"p", "P", "X"}:
        return "Unicode character classes are not supported"
    if not character or (character.isalpha() and character not in _ESCAPES):
        return f"it is no regular expression: an escaped '{character}' is none"
    return ""


def _group(expression: str, position: int) -> tuple[int, str]:
    for refused, name in _REFUSED:
        if refused.match(expression, position):
            return 0, f"{name} are not supported"
    if not expression.startswith("(?", position):
        return 1, ""
    found = _OPENINGS.match(expression, position)
    return (len(found[0]), "") if found else (0, "it is no regular expression: a group of no known kind")


def _quantifier(expression: str, position: int) -> tuple[int, str]:
    found = _QUANTIFIER.match(expression, position)
    if found is None:
        return 1, ""  # a brace that stands for itself
    if found[2] == "+":
        return 0, "possessive quantifiers are not supported"
    return len(found[0]), ""
