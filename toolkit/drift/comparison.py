"""What a comparison of record, AWS and Terraform finds: whether they differ, which of them moved, who can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Who can move. Terraform is its configuration, and the contract that an apply leaves behind.

    The record is the third that can differ. It never moves by itself: it follows what bluegreen writes to AWS.
    """

    AWS = "aws"
    TERRAFORM = "terraform"


class Found(StrEnum):
    """What a comparison found. `expected`: a difference that is meant, and passes. `unseen`: nobody looked."""

    OK = "ok"
    EXPECTED = "expected"
    UNSEEN = "unseen"
    DRIFT = "drift"


class Who(StrEnum):
    RELEASER = "whoever releases"
    OWNER = "whoever owns the Terraform"


@dataclass(frozen=True, slots=True)
class Mend:
    """One way out: who can take it, what to do, and the command, if it takes only one."""

    who: Who
    how: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one comparison found. `moved` and `mends` where it found drift."""

    subject: str
    found: Found
    reason: str
    moved: Side | None = None
    mends: tuple[Mend, ...] = ()

    @property
    def is_drift(self) -> bool:
        return self.found is Found.DRIFT
