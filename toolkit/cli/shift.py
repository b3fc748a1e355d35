"""`bluegreen shift`, `cutover`, `rollback`, `restore-stickiness`: the commands that write weights."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import show_commands, show_outcome, show_plan
from toolkit.cli.service import (
    AwscliOption,
    DriftOption,
    DryRunOption,
    ServiceArgument,
    connected,
    wired,
)
from toolkit.errors import UsageError
from toolkit.traffic import Color, parse_split
from toolkit.wiring import Options


@connected
def shift(
    service: ServiceArgument,
    to: Annotated[str, typer.Argument(help="green=20 for 20 %, or both weights: blue=95,green=5.", metavar="SPLIT")],
    *,
    where: Options,
    dry_run: DryRunOption = False,
    accept_drift: DriftOption = False,
    print_awscli: AwscliOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Put a split on all routes of SERVICE: check, write, read back, record.

    Example: bluegreen shift web green=20
    """
    split = parse_split(to)
    from toolkit.runner import shift as runner

    ready = wired(service, where)
    if dry_run or print_awscli:
        move, findings = runner.plan_shift(ready, split, accept_drift=accept_drift)
        show_plan(ready, move, findings, output, as_commands=print_awscli)
        return
    show_outcome(runner.shift(ready, split, accept_drift=accept_drift), output)


@connected
def cutover(
    service: ServiceArgument,
    *,
    where: Options,
    to: Annotated[Color | None, typer.Option("--to", help="The color to go to; default: the idle one.")] = None,
    bake: Annotated[
        float | None,
        typer.Option("--bake", min=0, help="Seconds to watch the new side's health; default: the settings, or 60."),
    ] = None,
    settle: Annotated[
        float | None,
        typer.Option("--settle", min=0, help="Seconds before the verdict; default: the settings, or 600 on an NLB."),
    ] = None,
    dry_run: DryRunOption = False,
    accept_drift: DriftOption = False,
    print_awscli: AwscliOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Everything to the idle color, then watch its health, and back by itself if it falls.

    Example: bluegreen cutover web --bake 120
    """
    from toolkit.runner import cutover as runner

    ready = wired(service, where)
    if dry_run or print_awscli:
        move, findings = runner.plan_cutover(ready, to, accept_drift=accept_drift)
        show_plan(ready, move, findings, output, as_commands=print_awscli)
        return
    outcome = runner.cutover(ready, to, bake_seconds=bake, settle_seconds=settle, accept_drift=accept_drift)
    show_outcome(outcome, output)


@connected
def rollback(
    service: ServiceArgument,
    *,
    where: Options,
    to: Annotated[Color | None, typer.Option("--to", help="The color to go back to; default: the base.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Go there even if it has no healthy target.")] = False,
    keep_sticky: Annotated[
        bool, typer.Option("--keep-sticky", help="Leave target-group stickiness on; cookies then beat the weights.")
    ] = False,
    terminate_flows: Annotated[
        bool,
        typer.Option("--terminate-flows", help="NLB: end the flows left on the other color, by deregistering a while."),
    ] = False,
    print_awscli: AwscliOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """All weight back on the base color, at once, in one write per route.

    Example: bluegreen rollback web
    """
    from toolkit.runner import rollback as runner

    if print_awscli and terminate_flows:
        raise UsageError("--print-awscli prints the weights only, so --terminate-flows does not go with it.")
    ready = wired(service, where)
    if print_awscli:
        show_commands(ready, runner.plan_rollback(ready, to, keep_sticky=keep_sticky), output)
        return
    outcome = runner.rollback(ready, to, force=force, keep_sticky=keep_sticky, terminate_flows=terminate_flows)
    show_outcome(outcome, output)


@connected
def restore_stickiness(
    service: ServiceArgument,
    *,
    where: Options,
    wait: Annotated[bool, typer.Option("--wait", help="Sleep until the cookies have expired, then do it.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write back the stickiness that a rollback switched off, once its cookies have expired.

    Example: bluegreen restore-stickiness web --wait
    """
    from toolkit.runner import shift as runner

    show_outcome(runner.restore_stickiness(wired(service, where), wait=wait), output)
