"""A rollout as a picture of text: one line a step, what is watched, and who may advance it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from toolkit.cli.rollout_words import gates_words, hooks_words, phase_words, shortened, sides_words
from toolkit.cli.workload import release_words
from toolkit.rollout.plain import plain
from toolkit.rollout.ports import Holder
from toolkit.rollout.state import Course, Phase, RolloutState
from toolkit.rollout.steps import Shift, Step, describe, duration
from toolkit.traffic import Color

_BESIDE_THE_STEPS = 7
"""Lines of the picture that are no steps: title, reason, two marks of what is left out, health, gates, lease."""
_FEWEST = 3
_WIDEST = 60
"""Columns of a step's words; of longer ones, an image's long name, the middle is left out."""
_STOPPED = {Phase.HALTED: "red", Phase.ROLLING_BACK: "yellow", Phase.ROLLED_BACK: "yellow", Phase.PAUSED: "yellow"}


@dataclass(frozen=True, slots=True)
class Line:
    """style: as rich spells it."""

    text: str
    style: str = ""


def picture(
    state: RolloutState, seen: Mapping[Color, tuple[int, int]], holder: Holder, now: datetime, room: int
) -> list[Line]:
    """At most `room` lines, if that is enough for the least. seen: healthy and registered targets by color."""
    plan = state.plan
    title = f"{state.id}  {plan.strategy}, {sides_words(plan)}: {phase_words(state)}"
    lines = [Line(title, _STOPPED.get(state.phase, "bold"))]
    if state.reason:
        lines.append(Line(f"  {plain(state.reason)}", _STOPPED.get(state.phase, "")))
    besides = [Line(f"  hooks   {plain(running)}", "bold")] if (running := hooks_words(state)) else []
    besides += [Line(f"  puts    {release_words(state.release)} on {plan.to}")] if state.release else []
    lines += _steps(state, now, max(_FEWEST, room - _BESIDE_THE_STEPS - len(besides)))
    lines += besides
    lines.append(Line(f"  health  {_health(seen)}"))
    lines.append(Line(f"  gates   {gates_words(plan)}", "dim"))
    if state.course is Course.ON or state.stays:
        lines.append(Line(f"  lease   {holder.name} on {holder.host} (process {holder.pid})", "dim"))
    return lines


def _steps(state: RolloutState, now: datetime, room: int) -> Iterator[Line]:
    """The steps around the one under way; how many are left out above and below."""
    steps = state.plan.steps
    first = max(0, min(state.step - room // 2, len(steps) - room))
    last = min(len(steps), first + room)
    width = max(len(_words(step)) for step in steps[first:last])
    if first:
        yield Line(f"       {first} done before", "dim")
    for index in range(first, last):
        step = steps[index]
        beside = str(state.plan.split(step)) if isinstance(step, Shift) else ""
        if index == state.step:
            left = _left(state, now)
            beside = ", ".join(filter(None, (beside, left)))
        mark, style = _mark(state, index)
        yield Line(f"  {mark:2} {index + 1:3}  {_words(step):{width}}  {beside}".rstrip(), style)
    if last < len(steps):
        yield Line(f"       {len(steps) - last} more", "dim")


def _words(step: Step) -> str:
    return shortened(plain(describe(step)), _WIDEST)


def _mark(state: RolloutState, index: int) -> tuple[str, str]:
    if index < state.step:
        return "ok", "green"
    if index > state.step or not state.prepared:
        return "", "dim"
    if state.phase in _STOPPED:
        return ("||" if state.phase is Phase.PAUSED else "!!"), _STOPPED[state.phase]
    return ">>", "bold"


def _left(state: RolloutState, now: datetime) -> str:
    """How long the step under way still takes, where that is known; else how long it has taken."""
    if state.phase in _STOPPED or not state.prepared or state.ending is not None:
        return ""
    if state.deadline is None:
        return f"since {_whole(now - state.began)}"
    left = _whole(state.deadline - now)
    return f"{left} left" if left != "0s" else "ending"


def _whole(span: timedelta) -> str:
    return duration(max(0, round(span.total_seconds())))


def _health(seen: Mapping[Color, tuple[int, int]]) -> str:
    sides = [f"{color} {seen[color][0]} healthy of {seen[color][1]}" for color in Color if color in seen]
    return ", ".join(sides) or "not looked at yet"
