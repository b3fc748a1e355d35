"""The story of one rollout, of its journal entries: how each step of its plan ended, and what else happened. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    Entry,
    Event,
    GateFailed,
    RestSkipped,
    ShiftFailed,
    ShiftIntended,
    StepPassed,
    Word,
)
from toolkit.rollout.machine import begin, evolve
from toolkit.rollout.rolling import Act
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Step


class How(StrEnum):
    """How a step ended.

    STOPPED: somebody took the rollout back. SKIPPED: somebody promoted it past the step, or the old side may not be
    retired. TAKEN_BACK: a batch that was updated runs again what it ran.
    """

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"
    TAKEN_BACK = "taken back"
    UNDER_WAY = "under way"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Chapter:
    """One step of the plan. began, ended: None where it did not. detail: one sentence; output: what a hook said."""

    step: Step
    how: How = How.NOT_REACHED
    began: datetime | None = None
    ended: datetime | None = None
    detail: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """state: where it stands. entries: all of it. ended: when its ending was recorded."""

    state: RolloutState
    chapters: tuple[Chapter, ...]
    entries: tuple[Entry, ...]
    ended: datetime | None = None


def story(entries: Sequence[Entry]) -> Story:
    """The story of the rollout that the first of `entries` starts; entries that are not of it are passed over.

    Raises:
        NoRollout: the first starts none.
    """
    state = begin(entries[0])
    ours = [entry for entry in entries if entry.rollout == state.id]
    chapters = [Chapter(step) for step in state.plan.steps]
    began: datetime | None = None
    ended: datetime | None = None
    for entry in ours[1:]:
        before, state = state, evolve(state, entry)
        if state.prepared and not before.prepared:
            began = entry.at
        for index in _left(before, state):
            chapters[index] = _chapter(before, entry, chapters[index], index, began)
        if isinstance(entry.event, BatchMoved) and state.batches != before.batches:
            chapters[entry.event.step] = _moved(chapters[entry.event.step], entry.event, state)
        if state.step != before.step:
            began = entry.at
        if state.is_over and not before.is_over:
            ended = entry.at
    if state.prepared and not state.back and state.ending is None and state.current is not None:
        so_far = chapters[state.step]
        chapters[state.step] = replace(so_far, how=How.UNDER_WAY, began=began, detail=state.reason or so_far.detail)
    return Story(state, tuple(chapters), tuple(ours), ended)


def _left(before: RolloutState, state: RolloutState) -> Iterable[int]:
    """The steps that were left between two states: those gone past, or the one at which it turned back."""
    if state.step > before.step:
        return range(before.step, state.step)
    turned = state.back and not before.back and before.prepared
    return [before.step] if turned and before.current is not None else []


def _chapter(before: RolloutState, entry: Entry, so_far: Chapter, index: int, began: datetime | None) -> Chapter:
    how, detail, output = _outcome(entry.event)
    if isinstance(entry.event, RestSkipped) and index != before.step:
        how, detail, output = How.SKIPPED, "", ""
    since = began if index == before.step else None
    said = "; ".join(filter(None, (so_far.detail, detail)))
    return Chapter(before.plan.steps[index], how, since, entry.at, said, output or so_far.output)


def _moved(chapter: Chapter, event: BatchMoved, state: RolloutState) -> Chapter:
    """The chapter of a batch after one more act: what its acts said, and what the last update put out."""
    if event.act is Act.RELEASE:
        return chapter
    is_back = state.back and event.act is Act.PUT_IN and chapter.how is How.DONE
    said = f"not taken back: {event.detail}" if event.act is Act.LEAVE else event.detail
    return replace(
        chapter,
        how=How.TAKEN_BACK if is_back else chapter.how,
        detail="; ".join(filter(None, (chapter.detail, said))),
        output=_both(chapter.output, event.output) if state.back else event.output or chapter.output,
    )


def _both(there: str, back: str) -> str:
    """What the update said and what going back said, which are both asked for where one failed."""
    return f"{there}\ngoing back:\n{back}" if there and back else there or back


_OF_WORDS = {Word.APPROVE: How.DONE, Word.PROMOTE: How.SKIPPED}


def _outcome(event: Event) -> tuple[How, str, str]:  # noqa: PLR0911 - one case an event
    """How the step ended that `event` left, in a sentence, with what a hook said."""
    match event:
        case GateFailed(_, gate, reason, output):
            return How.FAILED, f"{gate}: {reason}", output
        case ShiftFailed(reason, _):
            return How.FAILED, reason, ""
        case RestSkipped(_, reason, output):
            return How.FAILED, reason, output
        case StepPassed(_, detail, output):
            return How.DONE, detail, output
        case CommandTaken(word, by, _, reason):
            said = f"{word} by {by}" + (f": {reason}" if reason else "")
            return _OF_WORDS.get(word, How.STOPPED), said, ""
        case ShiftIntended():  # a rollback from outside is nothing but its intent
            return How.STOPPED, "rolled back past its runner", ""
        case _:
            return How.DONE, "", ""
