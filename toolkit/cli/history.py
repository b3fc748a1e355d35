"""`bluegreen history`, `show` and `audit verify`: what the journal says, and whether it is what was written.

Whatever a journal holds was written elsewhere: all of it is stripped of what a terminal would obey.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.render import note, style
from toolkit.cli.service import ServiceArgument, connected, wired
from toolkit.errors import AuditFailed, NoRollout, UsageError
from toolkit.rollout.plain import plain, plain_lines
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.audit import Audit
    from toolkit.rollout.events import Entry, Head
    from toolkit.rollout.state import RolloutState
    from toolkit.rollout.story import Chapter, Story
    from toolkit.runner.service import Service

app = typer.Typer(no_args_is_help=True, help="Whether a journal is what was written.")

_TOLD_BY_THE_STEPS = {"RestSkipped", "RolloutStarted", "ReleasePut", "StepPassed", "ShiftVerified", "RolloutEnded"}
_WIDEST = 60
_COLORS = {"done": 32, "failed": 31, "stopped": 33, "under way": 1}


@connected
def history(
    service: ServiceArgument,
    *,
    where: Options,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many of the last entries.")] = 20,
    output: OutputOption = Output.TEXT,
) -> None:
    """What has happened to SERVICE, the newest last: one line an entry of its journal.

    Example: bluegreen history web --limit 50
    """
    from toolkit.rollout.telling import tell

    ready = wired(service, where)
    entries = ready.store.tail(ready.name, limit)
    if output is Output.JSON:
        _print_json({"service": ready.name, "entries": [_document(entry) for entry in entries]})
        return
    if not entries:
        print(f"{ready.name}: nothing is recorded yet.")
        return
    whose = [plain(entry.rollout or "-") for entry in entries]
    width, number = max(len(name) for name in whose), len(str(entries[-1].sequence))
    for entry, rollout in zip(entries, whose, strict=True):
        who = plain(entry.actor or "unknown").rpartition("/")[2]
        print(f"{entry.sequence:{number}}  {_at(entry.at)}  {rollout:{width}}  {tell(entry)}  ({who})")


@connected
def show(
    rollout: Annotated[str, typer.Argument(help="Id of the rollout, as `web-42`.", metavar="ROLLOUT")],
    *,
    where: Options,
    output: OutputOption = Output.TEXT,
) -> None:
    """One rollout: how each step of its plan ended, when, what hooks said, who stepped in, and how it ended.

    Example: bluegreen show web-42
    """
    from toolkit.rollout.events import RolloutStarted, start_of
    from toolkit.rollout.story import story

    start = start_of(rollout)
    if start is None:
        raise NoRollout(
            f"{plain(rollout)!r} is no id of a rollout",
            hint="An id is the service and a number, as web-42; `bluegreen history SERVICE` shows them.",
        )
    ready = wired(start[0], where)
    entries = ready.store.since(ready.name, start[1])
    if not entries or entries[0].rollout != rollout or not isinstance(entries[0].event, RolloutStarted):
        raise NoRollout(
            f"there is no rollout {rollout} in the record of {ready.name}",
            hint=f"`bluegreen history {ready.name}` shows those there were.",
        )
    told = story(entries)
    if output is Output.JSON:
        _print_json(_story_document(told))
    else:
        _show_story(told)


@app.command("verify")
@connected
def verify(
    service: ServiceArgument,
    *,
    where: Options,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="A hash that was the journal's end once, kept elsewhere."),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check that no entry of SERVICE's journal was changed, is missing or was cut off the end.

    Ends that this machine has logged are asked too. What is found is named, with exit code 61; else the journal's end
    is printed, to be kept elsewhere.

    Example: bluegreen audit verify web
    """
    from toolkit.rollout import audit

    if head is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", head):
        raise UsageError("--head wants a hash of 64 hexadecimal digits", hint="`bluegreen audit verify` prints one.")
    ready = wired(service, where)
    known = _known(ready)
    result = audit.verify(ready.store.texts(ready.name), head=head.lower() if head else None, known=known)
    if output is Output.JSON:
        _print_json(_audit_document(ready.name, result))
    if result.fault is not None:
        raise AuditFailed(
            f"{ready.name}: {plain(result.fault.reason)}. Up to entry {result.fault.sequence - 1} nothing was found",
            hint="Compare with a backup of the table, and see docs/audit.md.",
        )
    if output is Output.TEXT:
        _show_audit(ready.name, result)


def _known(service: Service) -> Sequence[Head]:
    """The ends of the journal that this machine has logged."""
    return service.heads.known(service.name)


def _show_audit(name: str, result: Audit) -> None:
    if not result.entries:
        print(f"{name}: nothing is recorded yet.")
        return
    print(f"{style(f'{name}: {result.entries} entries, none changed, none missing', 32)}")
    print(f"  head  {result.head.hash}  (entry {result.head.sequence})")
    first = result.chained_from
    if first is None:
        note("warning: no entry carries a hash, so a change would not be seen: an earlier release wrote no hashes")
    elif first > 1:
        which = "entry 1" if first == 2 else f"entries 1 to {first - 1}"  # noqa: PLR2004 - one alone
        note(f"warning: a change of {which} would not be seen: an earlier release wrote no hashes")
    if result.vouched < result.entries:
        after = f"after entry {result.vouched}" if result.vouched else "anywhere"
        note(f"note: no head that was kept vouches for the end; a journal cut off {after} would look like this too")


def _audit_document(name: str, result: Audit) -> dict[str, Any]:
    fault = result.fault
    return {
        "service": name,
        "sound": fault is None,
        "entries": result.entries,
        "head": result.head.hash or None,
        "chained_from": result.chained_from,
        "vouched": result.vouched,
        "fault": {"entry": fault.sequence, "damage": fault.damage.value, "reason": fault.reason} if fault else None,
    }


def _show_story(told: Story) -> None:
    from toolkit.cli.rollout_words import ending_words, shortened, sides_words
    from toolkit.rollout.events import HooksRan
    from toolkit.rollout.steps import describe
    from toolkit.rollout.telling import tell

    state, first = told.state, told.entries[0]
    plan = state.plan
    print(style(plain(f"{state.id}: {plan.strategy}, {sides_words(plan)}"), 1))
    print(f"  began  {_at(first.at)} by {plain(first.actor or 'an unknown actor')}")
    if state.ending is not None and told.ended is not None:
        print(f"  ended  {_at(told.ended)}, {_took(told.ended - first.at)} later: {ending_words(state)}")
    else:
        print(f"  now    {state.phase}")
    if state.reason:
        print(f"  why    {plain(state.reason)}")
    names = [shortened(plain(describe(chapter.step)), _WIDEST) for chapter in told.chapters]
    width = max(len(name) for name in names)
    print("steps")
    for index, (chapter, name) in enumerate(zip(told.chapters, names, strict=True), start=1):
        _show_chapter(f"  {index:3}  {name:{width}}  ", _with_release(chapter, state))
    besides = [entry for entry in told.entries if type(entry.event).__name__ not in _TOLD_BY_THE_STEPS]
    if besides:
        print("besides")
    for entry in besides:
        print(f"  {entry.sequence:3}  {_at(entry.at)}  {tell(entry)}")
        for line in _output(entry.event.output if isinstance(entry.event, HooksRan) else ""):
            print(f"         | {line}")


def _with_release(chapter: Chapter, state: RolloutState) -> Chapter:
    """What was put, beside the step that put it."""
    from toolkit.cli.workload import release_words
    from toolkit.rollout.steps import Deploy

    if state.release is None or not isinstance(chapter.step, Deploy) or chapter.detail:
        return chapter
    return replace(chapter, detail=f"{state.plan.to} is to run {release_words(state.release)}")


def _show_chapter(beginning: str, chapter: Chapter) -> None:
    took = f" after {_took(chapter.ended - chapter.began)}" if chapter.began and chapter.ended else ""
    at = f", {_at(chapter.ended)}{took}" if chapter.ended else f" since {_at(chapter.began)}" if chapter.began else ""
    code = _COLORS.get(chapter.how.value)
    how = style(chapter.how.value, code) if code else chapter.how.value
    print(f"{beginning}{how}{at}{f': {plain(chapter.detail)}' if chapter.detail else ''}")
    for line in _output(chapter.output):
        print(f"         | {line}")


def _output(said: str) -> Iterator[str]:
    lines = plain_lines(said)
    while lines and not lines[-1].strip():
        lines.pop()
    yield from lines


def _story_document(told: Story) -> dict[str, Any]:
    from toolkit.rollout.plan_codec import plan_out
    from toolkit.rollout.steps import describe

    state = told.state
    return {
        "rollout": state.id,
        "began": told.entries[0].at.isoformat(),
        "ended": told.ended.isoformat() if told.ended else None,
        "phase": state.phase.value,
        "ending": state.ending.value if state.ending else None,
        "reason": state.reason,
        "plan": plan_out(state.plan),
        "steps": [
            {
                "step": describe(chapter.step),
                "outcome": chapter.how.value,
                "began": chapter.began.isoformat() if chapter.began else None,
                "ended": chapter.ended.isoformat() if chapter.ended else None,
                "detail": chapter.detail,
                "output": chapter.output,
            }
            for chapter in told.chapters
        ],
        "entries": [_document(entry) for entry in told.entries],
    }


def _document(entry: Entry) -> dict[str, Any]:
    """An entry as it is stored, with its hash and its words."""
    from toolkit.rollout.codec import encode
    from toolkit.rollout.telling import tell

    stored = json.loads(encode(entry))
    del stored["schema_version"]  # this is how it would be written today
    return {**stored, "hash": entry.hash, "words": tell(entry)}


def _print_json(document: Any) -> None:
    """In ASCII, whatever the journal holds: a terminal then obeys none of it, and nothing is lost."""
    print(json.dumps(document, indent=2))


def _at(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _took(span: timedelta) -> str:
    from toolkit.rollout.steps import duration

    return duration(max(0, round(span.total_seconds())))
