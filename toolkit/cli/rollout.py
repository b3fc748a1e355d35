"""`bluegreen canary`, `linear`, `cutover`, `rollout start`: the commands that begin a rollout and run it to its end."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.rollout_run import carried_out, parse_seconds
from toolkit.cli.service import AwscliOption, DriftOption, DryRunOption, ServiceArgument, connected, wired
from toolkit.errors import UsageError
from toolkit.traffic import Color
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.strategy import Strategy
    from toolkit.runner.rollout import Wanted
    from toolkit.runner.service import Service

app = typer.Typer(help="Rollouts by a strategy's name.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def root() -> None:
    """Rollouts by a strategy's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What every command that begins a rollout is told beside its strategy."""

    where: Options
    to: Color | None
    force: bool
    accept_drift: bool
    ignore_freeze: bool
    dry_run: bool
    output: Output


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "to": (
        Annotated[Color | None, typer.Option("--to", help="The color to go to; default: the idle one.")],
        None,
    ),
    "force": (
        Annotated[bool, typer.Option("--force", help="Give it traffic even if it has no healthy target.")],
        False,
    ),
    "accept_drift": (DriftOption, False),
    "ignore_freeze": (
        Annotated[bool, typer.Option("--ignore-freeze", help="Begin even while the settings say that nothing may.")],
        False,
    ),
    "dry_run": (DryRunOption, False),
    "output": (OutputOption, Output.TEXT),
}


def starting(command: Callable[..., None], *, in_place: bool = False) -> Callable[..., None]:
    """Give a command that takes `how: How` the options of every rollout, and those that say where AWS is.

    in_place: the live color is updated itself, so there is no --to.
    """
    options = {name: option for name, option in _OPTIONS.items() if not (in_place and name == "to")}
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "how"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]

    @functools.wraps(command)
    def with_how(*args: Any, where: Options, **words: Any) -> None:
        how = How(where=where, **{"to": None} | {name: words.pop(name) for name in options})
        command(*args, how=how, **words)

    where = inspect.Parameter("where", inspect.Parameter.KEYWORD_ONLY, annotation=Options)
    with_how.__signature__ = signature.replace(parameters=[*own, *added, where])  # type: ignore[attr-defined]
    return connected(with_how)


@starting
def canary(
    service: ServiceArgument,
    *,
    how: How,
    steps: Annotated[
        str,
        typer.Option("--steps", help="Shares of the new color in percent, growing to 100.", metavar="SHARES"),
    ] = "1,5,25,50,100",
    bake: Annotated[
        str, typer.Option("--bake", help="How long each of them is watched: 90s, 5m, 1h30m.", metavar="TIME")
    ] = "5m",
) -> None:
    """A little traffic to the idle color, then more, watching its health and every gate; back by itself if one fails.

    Example: bluegreen canary web --steps 1,5,25,50,100 --bake 5m
    """
    from toolkit.rollout.strategy import canary as strategy
    from toolkit.rollout.strategy import parse_duration, parse_shares

    _start(service, strategy(parse_shares(steps), parse_duration(bake)), how)


@starting
def linear(
    service: ServiceArgument,
    *,
    how: How,
    step: Annotated[
        str, typer.Option("--step", help="What each step adds to the new color's share, in percent.", metavar="SHARE")
    ] = "10",
    every: Annotated[
        str, typer.Option("--every", help="How long each of them is watched: 90s, 5m, 1h30m.", metavar="TIME")
    ] = "1m",
) -> None:
    """Traffic to the idle color in equal steps, watching its health and every gate; back by itself if one fails.

    Example: bluegreen linear web --step 10 --every 1m
    """
    from toolkit.rollout.strategy import linear as strategy
    from toolkit.rollout.strategy import parse_duration, parse_share

    _start(service, strategy(parse_share(step), parse_duration(every)), how)


@starting
def cutover(
    service: ServiceArgument,
    *,
    how: How,
    bake: Annotated[
        str | None,
        typer.Option(
            "--bake",
            help="How long the new side is watched, in seconds or as 5m; default: the settings, or 60.",
            metavar="TIME",
        ),
    ] = None,
    settle: Annotated[
        str | None,
        typer.Option(
            "--settle",
            help="How long at least before the verdict, in seconds or as 10m; default: the settings, or 600 on an NLB.",
            metavar="TIME",
        ),
    ] = None,
    print_awscli: AwscliOption = False,
) -> None:
    """Everything to the idle color, then watch its health, and back by itself if it falls.

    Example: bluegreen cutover web --bake 120
    """
    from toolkit.rollout.strategy import all_at_once

    bake_seconds = None if bake is None else parse_seconds(bake)
    settle_seconds = None if settle is None else parse_seconds(settle)
    ready = wired(service, how.where)
    if settle_seconds is not None:
        ready.settings = replace(ready.settings, settle_seconds=settle_seconds)
    if print_awscli:
        _print_awscli(ready, how)
        return
    strategy = all_at_once(ready.settings.bake_seconds if bake_seconds is None else bake_seconds, "cutover")
    start_all([ready], wanted_of(strategy, how), how)


def _print_awscli(service: Service, how: How) -> None:
    from toolkit.cli.outcome import show_plan
    from toolkit.rollout.preflight import idle_color
    from toolkit.runner.shift import plan_shift
    from toolkit.traffic import Split

    to = how.to or idle_color(service.observe())
    move, findings = plan_shift(service, Split.all_to(to), accept_drift=how.accept_drift)
    show_plan(service, move, findings, how.output, as_commands=True)


@app.command("start")
@starting
def start(
    services: Annotated[
        list[str], typer.Argument(help="Names of the services; several are one release.", metavar="SERVICE...")
    ],
    *,
    how: How,
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy",
            help="A [strategy.NAME] of the settings file, or a preset such as Canary10Percent5Minutes; default: the "
            "service's setting.",
            metavar="NAME",
        ),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="All shift in step; one that fails takes all of them back.")
    ] = False,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="One after the other; one that fails takes back those before it.")
    ] = False,
) -> None:
    """Begin a rollout by the name of its strategy, of one service or of several as one release.

    Example: bluegreen rollout start web --strategy Canary10Percent5Minutes
    """
    if len(set(services)) != len(services):
        raise UsageError("a service is named twice.")
    if together and in_order:
        raise UsageError("--together and --in-order exclude each other.")
    if len(services) > 1 and not (together or in_order):
        raise UsageError("several services need a word on how: --together, or --in-order.")
    chosen = _strategy(strategy, services, how.where)
    start_all([wired(name, how.where) for name in services], wanted_of(chosen, how), how, together=together)


def _strategy(name: str | None, services: Sequence[str], where: Options) -> Strategy:
    """The strategy that is named, else the one that the settings give every one of the services."""
    from toolkit.rollout.strategy import strategy_named
    from toolkit.wiring import settings_for

    settings = settings_for(where)
    if name is not None:
        return strategy_named(name, settings)
    names = {settings.of(service).strategy for service in services}
    (only,) = names if len(names) == 1 else (None,)
    if only is None:
        raise UsageError(
            "no strategy is said" if len(names) == 1 else "the services' settings name different strategies",
            hint="Say one: --strategy Canary10Percent5Minutes, or a [strategy.NAME] of the settings file.",
        )
    return strategy_named(only, settings)


def _start(service: str, strategy: Strategy, how: How) -> None:
    start_all([wired(service, how.where)], wanted_of(strategy, how), how)


def wanted_of(strategy: Strategy, how: How) -> Wanted:
    """What a rollout is started with, by the options that every one has."""
    from toolkit.runner.rollout import Wanted

    return Wanted(
        strategy=strategy, to=how.to, force=how.force, accept_drift=how.accept_drift, ignore_freeze=how.ignore_freeze
    )


def start_all(services: Sequence[Service], wanted: Wanted, how: How, *, together: bool = False) -> None:
    """Run it to its end, of one service or of several as one release; or say what it would do."""
    if how.dry_run:
        from toolkit.cli.plan import show_forecast

        show_forecast(services, wanted, how.output)
        return
    with carried_out(services, how.output) as done:
        if len(services) == 1:
            from toolkit.runner.rollout import start as run

            done(run(services[0], wanted))
        else:
            from toolkit.runner.release import start_release

            done(*start_release(services, wanted, together=together))
