"""`bluegreen ab`: picked requests to the other color, everything else stays, until somebody decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.options import Output
from toolkit.cli.rollout import How, start_all, starting, wanted_of
from toolkit.cli.service import ServiceArgument, wired
from toolkit.errors import ContractError, UsageError

if TYPE_CHECKING:
    from toolkit.rollout.preview import Condition
    from toolkit.rollout.strategy import Strategy
    from toolkit.runner.service import Service

_WEEK = "7d"


@starting
def ab(
    service: ServiceArgument,
    *,
    how: How,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", help="A header that matching requests have: 'X-Beta: yes'.", metavar="NAME:VALUE"),
    ] = None,
    cookie: Annotated[
        list[str] | None,
        typer.Option("--cookie", help="A cookie that they have, exactly: beta=1.", metavar="NAME=VALUE"),
    ] = None,
    query: Annotated[
        list[str] | None,
        typer.Option("--query", help="A parameter of the query that they have: beta=1.", metavar="KEY=VALUE"),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="Where they come from: 10.0.0.0/8; of several, any.", metavar="CIDR"),
    ] = None,
    lasts: Annotated[
        str,
        typer.Option("--for", help="For how long; then, if nobody promoted it, it is taken back.", metavar="TIME"),
    ] = _WEEK,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Leave as soon as it stands; promote, rollback and resume take it up again."),
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only for a look: it cannot be promoted, and ends where it began.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="What both colors did since requests are diverted, and what that shows.")
    ] = False,
) -> None:
    """Send matching requests to the idle color by a rule of their own; all others stay. Of several options all match.

    It ends in `bluegreen promote` or `bluegreen rollback`, which both remove the rule, or when its time is up.

    Example: bluegreen ab web --header 'X-Beta: yes' --for 7d --detach
    """
    from toolkit.rollout.diverting import asked

    words = (header or (), cookie or (), query or (), source or ())
    if report:
        _report(service, how, is_asked=any(words) or detach or preview)
        return
    conditions = asked(*words)
    seconds = _seconds(lasts)
    ready = wired(service, how.where)
    _require_an_alb(ready)
    wanted = wanted_of(_strategy(ready, conditions, seconds, preview=preview), how)
    start_all([ready], replace(wanted, detach=detach), how)


def _strategy(service: Service, conditions: tuple[Condition, ...], seconds: float, *, preview: bool) -> Strategy:
    from toolkit.rollout.strategy import ab, previewed

    return previewed(conditions, seconds) if preview else ab(conditions, seconds, service.settings.bake_seconds)


def _seconds(text: str) -> float:
    from toolkit.rollout.strategy import parse_duration

    try:
        seconds = parse_duration(text)
    except UsageError as error:
        raise UsageError(f"--for: {error.message}", hint=error.hint) from None
    if not seconds:
        raise UsageError("--for: it must last for a while", hint="Write 1h, 7d.")
    return seconds


def _require_an_alb(service: Service) -> None:
    if service.contract.is_network:
        raise ContractError(
            f"{service.name}: a Network Load Balancer has no rules, so no requests can be picked out. "
            "Nothing was changed.",
            hint=f"Shift a share of the flows: bluegreen canary {service.name}.",
        )


def _report(name: str, how: How, *, is_asked: bool) -> None:
    from toolkit.cli.ab_report import show

    if is_asked:
        raise UsageError("--report reads a test that is under way, so it takes no conditions.")
    show(wired(name, how.where), as_json=how.output is Output.JSON)
