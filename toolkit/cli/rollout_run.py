"""Running a rollout from the command line: shown while it runs, and its end as text or one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from toolkit.cli.notified import also, notified
from toolkit.cli.options import Output
from toolkit.cli.outcome import split_document, splits_document
from toolkit.cli.render import print_json, style
from toolkit.cli.rollout_progress import View, watched
from toolkit.cli.rollout_words import already_document, already_words, print_next, state_document, updated_words
from toolkit.cli.workload import release_words
from toolkit.errors import BluegreenError
from toolkit.rollout.events import Ending
from toolkit.rollout.plain import plain
from toolkit.traffic import Color

if TYPE_CHECKING:
    from toolkit.rollout.events import Head
    from toolkit.runner.rollout import RolloutOutcome
    from toolkit.runner.service import Service
    from toolkit.traffic import Split

Done = Callable[..., None]
"""Takes the outcomes of what was run."""


@contextmanager
def carried_out(services: Sequence[Service], output: Output) -> Iterator[Done]:
    """Show what becomes of `services` while the body runs, and its outcomes in the end.

    A rollout that ends otherwise than it should is told as JSON too, before its error goes on. Who is notified hears of
    it meanwhile, and has a few seconds more at the end.
    """
    with notified(services, output) as heard, _shown(services, output, heard) as done:
        yield done


@contextmanager
def _shown(services: Sequence[Service], output: Output, heard: Callable[[], None]) -> Iterator[Done]:
    outcomes: list[RolloutOutcome] = []

    def done(*ended: RolloutOutcome) -> None:
        outcomes.extend(ended)

    with watched(services) as view:
        for service in services:
            service.watch = also(heard, service.watch)
        try:
            yield done
        except BluegreenError as error:
            view.close()
            if output is Output.JSON and view.last:
                _print([_unfinished(service, view) | _error(error) for service in services], services)
            raise
    named = {service.name: service for service in services}
    if output is Output.JSON:
        documents = [_document(outcome.service, view) | _already(outcome, named) for outcome in outcomes]
        _print(documents, services)
        return
    for outcome in outcomes:
        _show(outcome, named[outcome.service])


def _print(documents: list[dict[str, Any]], services: Sequence[Service]) -> None:
    print_json(documents[0] if len(services) == 1 else {"services": documents})


def _document(name: str, view: View) -> dict[str, Any]:
    """What became of a service. rollout null: the color carried everything already, and nothing was begun."""
    if name not in view.last:
        return {"service": name, "rollout": None, "written": False}
    state, head, before = view.last[name], view.heads[name], view.before.get(name)
    return {
        "service": name,
        **state_document(state),
        "written": state.touched,
        "before": splits_document(before) if before else None,
        "after": _same(state.splits) if state.intent is None else None,
        "head": {"sequence": head.sequence, "hash": head.hash},
    }


def _unfinished(service: Service, view: View) -> dict[str, Any]:
    """The same, with what its routes hold now: a release that fails takes back what was promoted."""
    from toolkit.runner.write import splits_now

    held = splits_now(service)
    document = _document(service.name, view)
    return document | {"splits": splits_document(held), "after": _same(held)} if held else document


def _already(outcome: RolloutOutcome, named: Mapping[str, Service]) -> dict[str, Any]:
    """What the live color runs, where that is what was to be deployed; else nothing."""
    if outcome.already is None:
        return {}
    return {"already": already_document(_live(named[outcome.service]), outcome.already)}


def _live(service: Service) -> Color | None:
    """The color that carries all traffic; None where that cannot be read."""
    from toolkit.runner.write import splits_now

    held = splits_now(service).values()
    return next((color for color in Color if held and all(split.share(color) == 1 for split in held)), None)


def _same(splits: Mapping[str, Split]) -> dict[str, int] | None:
    """What every route holds; None where they differ."""
    held = set(splits.values())
    return split_document(held.pop()) if len(held) == 1 else None


def _error(error: BluegreenError) -> dict[str, Any]:
    return {"error": {"exit_code": error.exit_code, "message": error.message, "hint": error.hint}}


def _show(outcome: RolloutOutcome, service: Service) -> None:
    state = outcome.state
    if outcome.already is not None:
        print(already_words(outcome.service, _live(service), outcome.already))
        return
    if state is None:
        print(f"{outcome.service}: that color carries all traffic already; nothing was written.")
        return
    plan = state.plan
    if state.is_detached:
        until = f" until {state.deadline:%Y-%m-%d %H:%M} UTC" if state.deadline else ""
        print(style(f"{outcome.service}: matching requests go to {plan.to}{until}", 1) + "; nobody need stay here.")
        print(f"  rollout {state.id} ({plan.strategy}) is left to itself; journal head {head_words(outcome.head)}")
        print_next(state, held=False)
        return
    if plan.in_place:
        what = release_words(state.release) if state.release else updated_words(plan)
        print(
            style(f"{outcome.service}: {plan.base} runs {what}" if state.release else f"{outcome.service}: {what}", 1)
        )
        print(f"  rollout {state.id} ({plan.strategy}) is completed; journal head {head_words(outcome.head)}")
        return
    routes = "1 route" if len(plan.routes) == 1 else f"{len(plan.routes)} routes"
    held = ", ".join(sorted({str(split) for split in state.splits.values()}))
    retired = f"; {plan.base} is retired" if state.ending is Ending.RETIRED else ""
    runs = f" with {release_words(state.release)}" if state.release else ""
    print(style(f"{outcome.service}: {plan.to} is live{runs}", 1) + f", {held} on {routes}{retired}.")
    print(f"  rollout {state.id} ({plan.strategy}) is promoted; journal head {head_words(outcome.head)}")
    if state.left_undone:
        print(f"  {plan.base} is left as it is: {plain(state.reason)}")
    print_next(state, held=False)


def head_words(head: Head) -> str:
    """A journal's end, as `bluegreen audit verify --head` takes it, after its number."""
    return f"{head.sequence} {head.hash}"


def parse_seconds(text: str) -> float:
    """Seconds, of a bare number of them or a duration with its units.

    Raises:
        UsageError: neither.
    """
    from toolkit.rollout.strategy import parse_duration

    bare = text.strip()
    return parse_duration(f"{bare}s" if bare.replace(".", "", 1).isdigit() else bare)
