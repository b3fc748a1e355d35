"""`bluegreen pause`, `resume`, `approve`, `promote`, `abort`: words for a rollout, from any terminal or machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.notified import tell_the_rest
from toolkit.cli.options import Output, OutputOption
from toolkit.cli.render import print_json
from toolkit.cli.rollout_progress import watched
from toolkit.cli.rollout_run import carried_out
from toolkit.cli.rollout_words import how_it_stands, phase_words, print_next, state_document
from toolkit.cli.service import ServiceArgument, connected, wired
from toolkit.errors import BluegreenError, Halted, Locked, NoRollout, Paused, UsageError
from toolkit.rollout.events import CommandTaken, Ending, Word
from toolkit.rollout.state import Phase
from toolkit.rollout.steps import Approve, Hook, Scale
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.state import RolloutState
    from toolkit.runner.service import Service
    from toolkit.runner.tell import Told

_POLL_SECONDS = 1.0
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it goes into the journal.")]


@connected
def pause(
    service: ServiceArgument, *, where: Options, reason: ReasonOption = "", output: OutputOption = Output.TEXT
) -> None:
    """Stay at the split there is until somebody says otherwise; every gate goes on watching.

    Example: bluegreen pause web --reason "the on-call wants to look"
    """
    tell_and_show(wired(service, where), Word.PAUSE, reason, output)


@connected
def approve(
    service: ServiceArgument, *, where: Options, reason: ReasonOption = "", output: OutputOption = Output.TEXT
) -> None:
    """Say yes to a rollout that waits for an approval. Your name goes into the journal.

    Example: bluegreen approve web
    """
    _decide(wired(service, where), Word.APPROVE, reason, output)


@connected
def promote(
    service: ServiceArgument, *, where: Options, reason: ReasonOption = "", output: OutputOption = Output.TEXT
) -> None:
    """Everything to the new color now; what is left of the strategy before its promotion is skipped.

    Example: bluegreen promote web
    """
    _decide(wired(service, where), Word.PROMOTE, reason, output)


@connected
def abort(
    service: ServiceArgument, *, where: Options, reason: ReasonOption = "", output: OutputOption = Output.TEXT
) -> None:
    """End a rollout and take all traffic back to its base.

    Example: bluegreen abort web --reason "wrong image"
    """
    tell_and_show(wired(service, where), Word.ABORT, reason, output)


@connected
def resume(
    service: ServiceArgument,
    *,
    where: Options,
    break_lease: Annotated[
        bool, typer.Option("--break-lease", help="Take the lease from whoever holds it; it goes into the journal.")
    ] = False,
    reason: ReasonOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Go on with a paused rollout. Where nobody runs it any more, it is run from here: AWS is looked at first.

    Example: bluegreen resume web
    """
    ready = wired(service, where)
    try:
        _run(ready, reason, output, break_lease=break_lease)
    except Locked:
        if break_lease:
            raise
        if not _is_told_to_go_on(ready, reason, output):
            _run(ready, reason, output)


def _run(service: Service, reason: str, output: Output, *, break_lease: bool = False) -> None:
    """Run it from here; a reason goes into the journal as a word of its own."""
    from toolkit.runner.rollout import take_over

    identity = service.identities.now()
    by = identity.arn if identity else service.holder.name
    command = CommandTaken(Word.RESUME, by, reason=reason) if reason else None
    with carried_out([service], output) as done:
        done(take_over(service, command, break_lease=break_lease))


def _decide(service: Service, word: Word, reason: str, output: Output) -> None:
    """Tell whoever runs it; a rollout that was left to itself until somebody decides is run from here."""
    from toolkit.runner.states import state_of

    lease = service.store.holder(service.name)
    record = service.record()
    rollout = record.rollout
    if word is Word.PROMOTE and record.in_place:
        raise UsageError(
            f"{rollout} updates {record.starting} in place, so there is nothing to promote",
            hint=f"It is over once every batch is done: bluegreen status {service.name}.",
        )
    held = lease is not None and lease.is_held(service.clock.now())
    if held or rollout is None or not state_of(service, rollout).is_detached:
        tell_and_show(service, word, reason, output)
        return
    from toolkit.runner.rollout import take_over

    identity = service.identities.now()
    command = CommandTaken(word, identity.arn if identity else service.holder.name, reason=reason)
    with carried_out([service], output) as done:
        done(take_over(service, command))


def _is_told_to_go_on(service: Service, reason: str, output: Output) -> bool:
    """Ask whoever holds the lease to go on; False where they let it run out instead, as the dead do.

    Raises:
        NoRollout, Locked: as `tell_and_show`.
    """
    from toolkit.runner.lease import LEASE_SECONDS
    from toolkit.runner.tell import tell

    service.note(f"{service.name}: somebody holds the lease; asking them to go on, or waiting until it has run out")
    told = tell(service, Word.RESUME, reason=reason, wait_seconds=LEASE_SECONDS + _POLL_SECONDS)
    if not told.taken:
        lease = service.store.holder(service.name)
        if not told.state.is_over and (lease is None or not lease.is_held(service.clock.now())):
            return False
        raise _not_taken(service, told)
    _show(service, told, output)
    return True


def tell_and_show(service: Service, word: Word, reason: str, output: Output, *, break_lease: bool = False) -> None:
    """Put the word into the inbox of the rollout under way, wait until it is taken, and say how things stand.

    Raises:
        NoRollout: none is under way, or it was over before the word was taken.
        Locked: whoever runs it has not taken the word in time; it stays in the inbox.
        Paused: nobody runs it; the word stays in the inbox.
        Halted: it was to go back and cannot; the message says why.
    """
    from toolkit.runner.tell import tell

    lease = service.store.holder(service.name)
    is_run_elsewhere = lease is not None and lease.is_held(service.clock.now())
    try:
        with watched([service]):
            told = tell(service, word, reason=reason, break_lease=break_lease)
    finally:
        if not is_run_elsewhere:  # whoever runs it tells it
            tell_the_rest([service], output)
    if not told.taken:
        raise _not_taken(service, told)
    _show(service, told, output)
    if told.state.phase is Phase.HALTED:
        raise Halted(
            f"{told.rollout}: {told.state.reason}",
            hint=f"See `bluegreen status {service.name}` and `bluegreen drift {service.name}`.",
        )


def _not_taken(service: Service, told: Told) -> BluegreenError:
    if told.state.is_over:
        return NoRollout(
            f"{told.rollout}: it was over before {told.word} was taken; it is {phase_words(told.state)}",
            hint=f"See `bluegreen status {service.name}`.",
        )
    lies = f"{told.rollout}: {told.word} lies in its inbox"
    lease = service.store.holder(service.name)
    if lease is None or not lease.is_held(service.clock.now()):
        return Paused(
            f"{lies}, and nobody runs it now; {how_it_stands(told.state)}",
            hint=f"It is obeyed when somebody does: bluegreen resume {service.name}.",
        )
    return Locked(
        f"{lies}, and {lease.holder}, who holds the lease, has not taken it yet",
        hint=f"See `bluegreen status {service.name}`; where that process hangs, "
        f"`bluegreen resume {service.name} --break-lease` takes over.",
    )


def _show(service: Service, told: Told, output: Output) -> None:
    if output is Output.JSON:
        obeyed = is_obeyed(told.word, told.state)
        document = {"service": service.name, "word": told.word.value, "taken": told.taken, "obeyed": obeyed}
        print_json(document | state_document(told.state))
        return
    held = told.lease is not None and told.lease.is_held(service.clock.now())
    taken = "was taken" if is_obeyed(told.word, told.state) else "came at the wrong time and changed nothing"
    print(f"{told.rollout}: {told.word} {taken}; {how_it_stands(told.state)}.")
    print_next(told.state, held=held)


def is_obeyed(word: Word, state: RolloutState) -> bool:
    """Whether `state`, the one after the word was taken, is what the word asks for."""
    match word:
        case Word.PAUSE:
            return state.phase is Phase.PAUSED
        case Word.RESUME:
            return state.phase is not Phase.PAUSED
        case Word.APPROVE:
            return any(isinstance(step, Approve) for step in state.plan.steps[: state.step])
        case Word.PROMOTE:  # right before the last shift, what it takes may have to be brought up, and hooks may run
            left = state.plan.steps[state.step : state.plan.last_shift]
            return all(isinstance(step, Scale | Hook) for step in left) and not state.back
        case Word.ABORT | Word.ROLLBACK:
            return state.back or state.ending is Ending.ROLLED_BACK
