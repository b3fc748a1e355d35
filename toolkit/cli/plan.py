"""`bluegreen plan`: what strategies would do, before anything is asked of AWS; and what `--dry-run` shows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import ConfigOption, Output, OutputOption
from toolkit.cli.outcome import findings_document, show_findings, splits_document
from toolkit.cli.render import print_json, style
from toolkit.cli.rollout_words import already_document, already_words, shortened
from toolkit.errors import UsageError
from toolkit.rollout.forecast import Calls, Forecast, compare, forecast, reads_of
from toolkit.rollout.plain import plain
from toolkit.rollout.plan import Plan
from toolkit.rollout.plan_codec import plan_out
from toolkit.rollout.preflight import Finding, Level
from toolkit.rollout.steps import Deploy, describe, duration
from toolkit.rollout.strategy import Strategy, settled, strategy_named
from toolkit.settings import ServiceSettings, Settings
from toolkit.traffic import Color, Split
from toolkit.wiring import Options, settings_for

if TYPE_CHECKING:
    from toolkit.contract import Contract
    from toolkit.runner.rollout import Wanted
    from toolkit.runner.service import Service

_COLUMN = 44
_NO_SERVICE = "a service"


def plan(
    strategies: Annotated[
        list[str] | None,
        typer.Argument(
            help="One strategy, or two to compare: of the settings file, or presets; default: the names of all.",
            metavar="[STRATEGY] [OTHER]",
        ),
    ] = None,
    *,
    routes: Annotated[int, typer.Option("--routes", min=1, max=1000, help="Of a service with so many routes.")] = 1,
    network: Annotated[
        bool, typer.Option("--network", help="Behind a Network Load Balancer: every shift settles for 10 minutes.")
    ] = False,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """What a strategy does step by step, or two side by side: splits, time, risk, API calls. Asks nothing of AWS.

    Example: bluegreen plan Canary10Percent5Minutes Linear10PercentEvery1Minute
    """
    settings = settings_for(Options(config=config))
    names = strategies or []
    if len(names) > 2:  # noqa: PLR2004 - side by side
        raise UsageError(f"plan compares two strategies, and these are {len(names)}")
    if not names:
        _show_names(settings, output)
        return
    plans = [_plan(strategy_named(name, settings), routes, network=network) for name in names]
    forecasts = [forecast(each) for each in plans]
    if len(plans) == 1:
        _show_one(plans[0], forecasts[0], output)
    else:
        _show_side_by_side(plans, forecasts, output)


def show_forecast(services: Sequence[Service], wanted: Wanted, output: Output) -> None:
    """What a rollout of `services` would do, and what its checks say. Nothing is written, nothing refused.

    Raises:
        as `runner.rollout.plan_rollout`.
    """
    from toolkit.runner.deployable import running_already
    from toolkit.runner.rollout import plan_rollout

    documents = []
    for service in services:
        made, observation, findings = plan_rollout(service, wanted)
        already = running_already(service, wanted.change, made, observation) if wanted.change else None
        expected = forecast(made, poll_seconds=service.settings.poll_seconds, reads=_reads(service.contract))
        if output is Output.JSON:
            document = _document(made, expected) | {"findings": findings_document(findings)}
            documents.append(document | ({"already": already_document(made.base, already)} if already else {}))
        elif already is not None:
            print(already_words(service.name, made.base, already))
        else:
            _show_rollout(made, expected, findings)
    if output is Output.JSON:
        print_json(documents[0] if len(documents) == 1 else {"services": documents})


def _plan(strategy: Strategy, routes: int, *, network: bool) -> Plan:
    """The strategy for a service that is not known: blue is live, its routes have numbers."""
    settle_seconds = ServiceSettings().settle_of(network=network)
    return Plan(
        service=_NO_SERVICE,
        strategy=strategy.name,
        base=Color.BLUE,
        steps=settled(strategy.steps, settle_seconds),
        routes=tuple(f"route-{number}" for number in range(1, routes + 1)),
        gates=strategy.gates,
        settle_seconds=settle_seconds,
        gate_seconds=strategy.gate_seconds,
    )


def _reads(contract: Contract) -> int:
    """Calls that describe all routes once: rules and listeners are asked for apart."""
    listeners = sum(route.kind.is_listener for route in contract.routes)
    return reads_of(rules=len(contract.routes) - listeners, listeners=listeners)


def _show_names(settings: Settings, output: Output) -> None:
    from toolkit.rollout.presets import PRESETS

    known = [each for each in settings.strategy.values() if isinstance(each, Strategy)]
    presets = [each.strategy for each in PRESETS if each.name not in settings.strategy]
    if output is Output.JSON:
        print_json({"strategies": [each.name for each in known], "presets": [each.name for each in presets]})
        return
    for title, strategies in (("of the settings file", known), ("presets", presets)):
        if strategies:
            print(f"{title}:")
        for each in strategies:
            expected = forecast(_plan(each, 1, network=False))
            shares = ", ".join(f"{float(share * 100):g}" for _, share in expected.shares)
            print(f"  {style(f'{each.name:30}', 1)} {shares} %; {expected.eta}")


def _show_one(made: Plan, expected: Forecast, output: Output) -> None:
    if output is Output.JSON:
        print_json(_document(made, expected))
        return
    print(f"{style(made.strategy, 1)}: {expected.eta}")
    _show_steps(made, expected)


def _show_rollout(made: Plan, expected: Forecast, findings: Sequence[Finding]) -> None:
    show_findings(findings)
    refused = any(finding.level is Level.REFUSED for finding in findings)
    print(
        f"{style(made.service, 1)}: {_would(made, refused=refused)} by {made.strategy}: {expected.eta}. "
        "Nothing was written."
    )
    _show_steps(made, expected)


def _would(made: Plan, *, refused: bool) -> str:
    if made.in_place:
        return f"{'refused; would have updated' if refused else 'would update'} {made.base} in place"
    return f"{'refused; would have gone' if refused else 'would go'} from {made.base} to {made.to}"


def _show_steps(made: Plan, expected: Forecast) -> None:
    print(f"  {'':2}  {'at':8}  {'step':{_COLUMN}}  routes")
    for number, each in enumerate(expected.steps, start=1):
        is_deploy = isinstance(each.step, Deploy)
        words = (
            shortened(each.words, _COLUMN) if is_deploy else textwrap.shorten(each.words, _COLUMN, placeholder=" ...")
        )
        line = f"  {number:2}  {duration(round(each.starts_at, 1)):8}  {words:{_COLUMN}}"
        print(line.rstrip() if not each.splits else f"{line}  {_splits(made, each.splits)}")
        if number == made.promotes_before and not made.in_place:
            print(f"  {'':2}  {'':8}  {style(f'{made.to} is live', 32)}")
    for number, gate in enumerate(made.gates):
        asked = f"every {duration(made.gate_seconds)}" if not number else ""
        print(f"  gate: {describe(gate)} {asked}".rstrip())
    for when, hooks in (("on a rollback", made.on_rollback), ("at the end", made.on_end)):
        for hook in hooks:
            longest = duration(hook.timeout_seconds * (hook.retries + 1))
            print(f"  {when}: hook {plain(hook.name)}, up to {longest}; it holds nothing up")
    print(f"  at risk: {expected.exposure}")
    print(f"  calls: {expected.calls}, on {_count(made.routes)}")
    if expected.approval_seconds:
        print("         and more while it waits for a person")


_NAMED = 4
"""So many routes are named in a line; more are counted."""


def _splits(made: Plan, splits: Mapping[str, Split]) -> str:
    split = next(iter(splits.values()))
    if made.service == _NO_SERVICE or len(splits) > _NAMED:
        return f"{split}" if len(splits) == 1 else f"{split} on each of {len(splits)}"
    return ", ".join(f"{name}: {each}" for name, each in splits.items())


def _count(routes: Sequence[str]) -> str:
    return "1 route" if len(routes) == 1 else f"{len(routes)} routes"


def _show_side_by_side(plans: Sequence[Plan], forecasts: Sequence[Forecast], output: Output) -> None:
    if output is Output.JSON:
        print_json({"strategies": [_document(*pair) for pair in zip(plans, forecasts, strict=True)]})
        return
    print(f"{'':16}" + "  ".join(style(f"{each.strategy:{_COLUMN}}", 1) for each in plans).rstrip())
    for title, *cells in compare(*forecasts):
        wrapped = [textwrap.wrap(cell, _COLUMN) for cell in cells]
        for line in range(max(map(len, wrapped))):
            parts = (f"{lines[line] if line < len(lines) else '':{_COLUMN}}" for lines in wrapped)
            print(f"{title if not line else '':16}{'  '.join(parts)}".rstrip())


def _document(made: Plan, expected: Forecast) -> dict[str, Any]:
    """The plan and what is expected of it, as JSON values."""
    return {
        "service": None if made.service == _NO_SERVICE else made.service,
        "strategy": made.strategy,
        "to": made.to.value,
        "plan": plan_out(made),
        "steps": [
            {
                "step": each.words,
                "starts_at_seconds": each.starts_at,
                "seconds": each.seconds,
                "more_seconds_at_most": each.at_most,
                "share": str(each.share),
                "splits": splits_document(each.splits),
                "calls": _calls(each.calls),
            }
            for each in expected.steps
        ],
        "seconds": expected.seconds,
        "approval_seconds_at_most": expected.approval_seconds,
        "asking_seconds_at_most": expected.asking_seconds,
        "takes": expected.eta,
        "calls": _calls(expected.calls),
        "calls_before": _calls(expected.before),
        "exposure": {
            "words": str(expected.exposure),
            "share_seconds": expected.exposure.share_seconds,
            "times": [{"share": str(share), "seconds": seconds} for share, seconds in expected.exposure.times],
            "decided": expected.exposure.decision is not None,
        },
    }


def _calls(calls: Calls) -> dict[str, int]:
    return {"describe_routes": calls.routes, "describe_target_health": calls.health, "modify": calls.writes}
