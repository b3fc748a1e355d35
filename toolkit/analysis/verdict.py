"""What an analysis says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """`inconclusive` is an answer of its own: whoever asked decides what follows from it, never silently a pass."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with one sentence that has the numbers behind it."""

    outcome: Outcome
    reason: str
