"""Several services taken back at once: what became of each, and an exit code for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.cli.notified import tell_the_rest
from toolkit.cli.options import Output
from toolkit.cli.outcome import outcome_document
from toolkit.cli.render import note, print_json, style
from toolkit.errors import BluegreenError, Locked, NoBase, ShiftFailed
from toolkit.rollout.events import Word
from toolkit.runner.checked import Outcome
from toolkit.runner.fleet import Ended, roll_back
from toolkit.runner.rollback import rollback
from toolkit.runner.tell import tell

if TYPE_CHECKING:
    from toolkit.cli.shift import Back
    from toolkit.runner.service import Service


def many_back(services: Sequence[Service], how: Back, output: Output, *, everything: bool) -> None:
    """Roll all of them back, say each as it ends, and in the end how many are not back.

    everything: nobody named them, so one that no base is on record of is left alone and counts as no failure.

    Raises:
        BluegreenError: of the kind that all failures are; ShiftFailed where they are of several.
    """

    def told(service: Service, ended: Ended) -> None:
        note(_line(service.name, ended))

    try:
        ends = roll_back(services, lambda service: _go_back(service, how), ended=told)
    finally:
        tell_the_rest(services, output)
    failed = {
        service.name: end
        for service, end in ends
        if isinstance(end, BluegreenError) and not (everything and isinstance(end, NoBase))
    }
    if output is Output.JSON:
        print_json({"services": [_document(service.name, end) for service, end in ends]})
    else:
        back = len(ends) - sum(isinstance(end, BluegreenError) for _, end in ends)
        print(f"{back} of {len(ends)} services are on their base" + (f", {len(failed)} failed." if failed else "."))
    if failed:
        raise _failure(failed)


def _go_back(service: Service, how: Back) -> Outcome:
    """The rollback; where somebody runs a rollout, they are asked for it first, and what they did is looked at."""
    try:
        return rollback(service, how.to, **how.options)
    except Locked:
        if not how.is_plain or not tell(service, Word.ROLLBACK, reason=how.reason).taken:
            raise
        return rollback(service)


def _line(name: str, ended: Ended) -> str:
    if isinstance(ended, BluegreenError):
        return f"{style('not taken back', 31)}: {' '.join(ended.message.split())}"
    routes = "1 route" if len(ended.before) == 1 else f"{len(ended.before)} routes"
    return f"{name}: {ended.after} on {routes}" + ("" if ended.written else " already; nothing was written")


def _document(name: str, ended: Ended) -> dict[str, object]:
    if isinstance(ended, BluegreenError):
        error = {"exit_code": ended.exit_code, "message": ended.message, "hint": ended.hint}
        return {"service": name, "error": error}
    return outcome_document(ended)


def _failure(failed: Mapping[str, BluegreenError]) -> BluegreenError:
    names = ", ".join(failed)
    if len(failed) == 1:
        return next(iter(failed.values()))
    kinds = {type(error) for error in failed.values()}
    kind = kinds.pop() if len(kinds) == 1 else ShiftFailed
    return kind(
        f"{len(failed)} services are not taken back: {names}; what is said of each above holds",
        hint=f"Again for these: bluegreen rollback {' '.join(failed)}.",
    )
