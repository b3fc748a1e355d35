"""`bluegreen shift`, `rollback`, `restore-stickiness`: the commands that write weights once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import commands_document, show_commands, show_outcome, show_plan
from toolkit.cli.render import print_json
from toolkit.cli.service import (
    AwscliOption,
    DriftOption,
    DryRunOption,
    ServiceArgument,
    connected,
    wired,
    wired_all,
)
from toolkit.errors import Locked, NoRollout, UsageError
from toolkit.rollout.events import Word
from toolkit.traffic import Color, parse_split
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.runner.service import Service


@dataclass(frozen=True, slots=True)
class Back:
    """How a rollback is meant."""

    to: Color | None
    force: bool
    keep_sticky: bool
    terminate_flows: bool
    break_lease: bool
    reason: str = ""

    @property
    def options(self) -> dict[str, bool]:
        return {
            "force": self.force,
            "keep_sticky": self.keep_sticky,
            "terminate_flows": self.terminate_flows,
            "break_lease": self.break_lease,
        }

    @property
    def is_plain(self) -> bool:
        """Whether whoever runs the rollout would do just this if they were asked to roll back."""
        return self.to is None and not any(self.options.values())


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
    try:
        show_outcome(runner.shift(ready, split, accept_drift=accept_drift), output)
    finally:
        _tell(ready, output)


@connected
def rollback(
    services: Annotated[
        list[str] | None, typer.Argument(help="Names of the services.", metavar="SERVICE...", show_default=False)
    ] = None,
    *,
    where: Options,
    everything: Annotated[
        bool, typer.Option("--all", help="Every service there is that has a base on record, in place of names.")
    ] = False,
    to: Annotated[Color | None, typer.Option("--to", help="The color to go back to; default: the base.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Go there even if it has no healthy target.")] = False,
    keep_sticky: Annotated[
        bool, typer.Option("--keep-sticky", help="Leave target-group stickiness on; cookies then beat the weights.")
    ] = False,
    terminate_flows: Annotated[
        bool,
        typer.Option("--terminate-flows", help="NLB: end the flows left on the other color, by deregistering a while."),
    ] = False,
    break_lease: Annotated[
        bool,
        typer.Option("--break-lease", help="Take the lease from whoever runs a rollout; it goes into the journal."),
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; whoever runs a rollout records it.", show_default=False)
    ] = "",
    print_awscli: AwscliOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """All weight back on the base color, at once, in one write per route.

    Where somebody runs a rollout of the service, they are asked to do it, and wait for no step to end.

    Example: bluegreen rollback web
    """
    if print_awscli and terminate_flows:
        raise UsageError("--print-awscli prints the weights only, so --terminate-flows does not go with it.")
    if bool(services) == everything:
        raise UsageError("say which service goes back: its name, several names, or --all.")
    how = Back(to, force, keep_sticky, terminate_flows, break_lease, reason)
    if print_awscli:
        _print_awscli(_wired(services, where), how, output)
    elif services is not None and len(services) == 1:
        _one_back(wired(services[0], where), how, output)
    else:
        from toolkit.cli.fleet import many_back

        many_back(_wired(services, where), how, output, everything=everything)


def _print_awscli(services: Sequence[Service], how: Back, output: Output) -> None:
    from toolkit.runner.rollback import plan_rollback

    moves = [(service, plan_rollback(service, how.to, keep_sticky=how.keep_sticky)) for service in services]
    if output is Output.JSON and len(moves) > 1:
        print_json({"services": [commands_document(*each) for each in moves]})
        return
    for service, move in moves:
        show_commands(service, move, output)


def _wired(services: Sequence[str] | None, where: Options) -> list[Service]:
    return [wired(name, where) for name in dict.fromkeys(services)] if services else wired_all(None, where)


def _one_back(service: Service, how: Back, output: Output) -> None:
    from toolkit.runner.rollback import UpdatesInPlace
    from toolkit.runner.rollback import rollback as run

    try:
        outcome = run(service, how.to, **how.options)
    except UpdatesInPlace:
        if how.to is not None or how.terminate_flows:
            raise
        _take_back(service, how, output)
    except Locked as error:
        if not how.is_plain:
            raise
        _ask_for_it(service, error, how.reason, output)
    else:
        show_outcome(outcome, output)
    finally:
        _tell(service, output)


def _tell(service: Service, output: Output) -> None:
    """Whoever the settings name; what it takes is imported only now that the weights are written."""
    if service.settings.notify:
        from toolkit.cli.notified import tell_the_rest

        tell_the_rest([service], output)


def _take_back(service: Service, how: Back, output: Output) -> None:
    """What was updated in place, by its own way back; from here, since nobody else runs it now."""
    from toolkit.cli.tell import tell_and_show

    tell_and_show(service, Word.ROLLBACK, how.reason, output, break_lease=how.break_lease)


def _ask_for_it(service: Service, locked: Locked, reason: str, output: Output) -> None:
    """Ask whoever holds the lease to go back. One that is over by then, or that is no rollout, has left it.

    Raises:
        Locked: `locked`, where somebody holds it all the same.
    """
    from toolkit.cli.tell import tell_and_show
    from toolkit.runner.rollback import rollback as run

    try:
        tell_and_show(service, Word.ROLLBACK, reason, output)
    except NoRollout:
        try:
            outcome = run(service)
        except Locked:
            raise locked from None
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

    ready = wired(service, where)
    try:
        show_outcome(runner.restore_stickiness(ready, wait=wait), output)
    finally:
        _tell(ready, output)
