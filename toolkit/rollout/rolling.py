"""A rolling update: who is taken out, updated and put back when, and where a batch stands in that. Pure.

A batch moves by acts, each of which is harmless when it is repeated, so whoever resumes after a crash begins the act
under way anew. Going back is the same way with the other version wanted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from toolkit.errors import UsageError
from toolkit.settings import OnFailure, Update

_PERCENT = 100
_AMOUNT = re.compile(r"(\d{1,9})|(\d{1,2}(?:\.\d{1,9})?)\s?%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Member:
    """A target as it is registered: told apart by id and port. zone: where one was said."""

    id: str
    port: int | None = None
    zone: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.id if self.port is None else f"{self.id}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rolling:
    """What holds for a whole rolling update.

    update: how a target comes to run the new version; None: ECS replaces its tasks by itself. min_healthy: targets that
    stay healthy while a batch is out. version: what the update is told to bring, in the operator's words.
    """

    update: Update | None = None
    min_healthy: int = 1
    on_failure: OnFailure = OnFailure.TAKE_BACK
    version: str = ""


class Place(StrEnum):
    """IN: registered and healthy. LEAVING: registered, draining or neither. OUT: no request reaches it."""

    IN = "in"
    LEAVING = "leaving"
    OUT = "out"


class Runs(StrEnum):
    """Which version a batch runs. UNKNOWN: an update may have begun."""

    OLD = "old"
    UNKNOWN = "unknown"
    NEW = "new"


class Act(StrEnum):
    """What moves a batch on.

    RELEASE: see that enough others are healthy, and say that it is about to leave. TAKE_OUT: deregister it, and wait
    until it has drained. UPDATE: have it run the version that is wanted. PUT_IN: register it, and wait until it is
    healthy. LEAVE: on the way back, where that failed, a person went on, and it failed again: it stays as it is.
    """

    RELEASE = "release"
    TAKE_OUT = "take-out"
    UPDATE = "update"
    PUT_IN = "put-in"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a batch stands, as the journal knows it. stuck: its way back failed, and a person was told. left: twice."""

    place: Place = Place.IN
    runs: Runs = Runs.OLD
    stuck: bool = False
    left: bool = False

    def is_done(self, wanted: Runs) -> bool:
        """Whether it serves with the version that is wanted, or nothing more becomes of it."""
        return self.left or (self.place is Place.IN and self.runs is wanted)

    def act(self, wanted: Runs) -> Act:
        """What is to be done next until it serves with that version; of one that does, the last again."""
        match self.place:
            case Place.IN:
                return Act.PUT_IN if self.runs is wanted else Act.RELEASE
            case Place.LEAVING:
                return Act.PUT_IN if self.runs is wanted else Act.TAKE_OUT
            case Place.OUT:
                return Act.PUT_IN if self.runs is wanted else Act.UPDATE

    def after(self, act: Act, wanted: Runs) -> Standing:
        """Where it stands once that is done."""
        match act:
            case Act.RELEASE:
                return Standing(Place.LEAVING, self.runs)
            case Act.TAKE_OUT:  # whoever is out may be updated from now on, whether it is recorded or not
                return Standing(Place.OUT, Runs.UNKNOWN)
            case Act.UPDATE:
                return Standing(Place.OUT, wanted)
            case Act.PUT_IN:
                return Standing(Place.IN, wanted)
            case Act.LEAVE:
                return replace(self, left=True)

    def doubted(self) -> Standing:
        """The same where putting it in may have begun and failed: it is taken out again, and updated again."""
        if self.place is Place.OUT and self.runs is not Runs.UNKNOWN:
            return Standing(Place.LEAVING, Runs.UNKNOWN)
        return self


def batches(members: Sequence[Member], size: int) -> tuple[tuple[Member, ...], ...]:
    """All of them in batches of at most `size`, zone by zone, so that the other zones are whole meanwhile.

    A host that is registered at several ports leaves as a whole, since an update may stop all that it serves; a batch
    is larger than `size` where one host is.
    """
    hosts: dict[str, list[Member]] = {}
    for member in sorted(members, key=lambda each: (each.zone or "", each.id, each.port or 0)):
        hosts.setdefault(member.id, []).append(member)
    made: list[list[Member]] = []
    for host in hosts.values():
        if made and len(made[-1]) + len(host) <= size:
            made[-1] += host
        else:
            made.append(host)
    return tuple(map(tuple, made))


def count_of(amount: float, targets: int) -> int:
    """How many of `targets` a number or a part of them means; a part is rounded down, and is one at least."""
    return max(1, int(targets * amount)) if 0 < amount < 1 else int(amount)


def parse_amount(text: str, *, least: int = 0) -> float:
    """A number of targets or a part of them, as an operator writes it: `2` is 2.0, `25%` is 0.25.

    Raises:
        UsageError: anything else, or less than `least`, saying what to write.
    """
    found = _AMOUNT.fullmatch(text.strip())
    number, part = found.groups() if found else (None, None)
    amount = float(number) if number else float(part or 0) / _PERCENT
    if found is None or (part and not amount) or (number and amount < least):
        shown = text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004 - what fits in a line of a message
        raise UsageError(
            f"'{shown}' is no number of targets, and no part of them",
            hint=f"Write a number from {least} on, such as {max(least, 2)}, or a part above 0% and below 100%, as 25%.",
        )
    return amount
