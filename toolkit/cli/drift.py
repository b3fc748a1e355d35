"""`bluegreen drift` and `bluegreen sync`: what differs between record, AWS and Terraform, and what sync can mend."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli import preview
from toolkit.cli.infra import VarFileOption, VarOption
from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import findings_document, show_findings, show_plan, split_document
from toolkit.cli.render import note, print_json, style
from toolkit.cli.service import (
    AwscliOption,
    DriftOption,
    DryRunOption,
    OptionalService,
    ServiceArgument,
    connected,
    wired,
    wired_all,
)
from toolkit.errors import DriftFound
from toolkit.rollout.preflight import Finding, Level
from toolkit.settings import CLIENT_SECRET
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.cli.drift_plan import Plans
    from toolkit.drift.comparison import Comparison
    from toolkit.runner.move import Move
    from toolkit.runner.service import Service
    from toolkit.runner.sync import Synced

_MARKS = {"ok": 32, "expected": 33, "unseen": 33, "drift": 31}
_MOVED = {"aws": "AWS", "terraform": "Terraform"}


@connected
def drift(
    service: OptionalService = None,
    *,
    where: Options,
    directory: Annotated[
        str | None,
        typer.Option("--dir", help="The Terraform configuration to plan; default: `terraform` in the settings."),
    ] = None,
    var: VarOption = None,
    var_file: VarFileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare record, AWS and Terraform; say which of them moved, and who can mend it. Writes nothing.

    Exits 0 where nothing differs, and 35 where something does.

    Example: bluegreen drift web --dir terraform/examples/alb
    """
    from toolkit.cli.drift_plan import Plans

    plans = Plans(where, directory, var or (), var_file or ())
    found = [(ready.name, _compared(ready, where, plans)) for ready in wired_all(service, where)]
    if output is Output.JSON:
        documents = [_document(name, comparisons) for name, comparisons in found]
        print_json(documents[0] if service else {"services": documents})
    else:
        for name, comparisons in found:
            _show(name, comparisons)
    if plans.failed:
        raise plans.failed
    if any(each.is_drift for _, comparisons in found for each in comparisons):
        raise typer.Exit(DriftFound.exit_code)


@connected
def sync(
    service: ServiceArgument,
    *,
    where: Options,
    dry_run: DryRunOption = False,
    accept_drift: DriftOption = False,
    print_awscli: AwscliOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Write the contract's stickiness and preceding actions into every route of SERVICE, keeping the weights.

    Terraform ignores both once a route is made. The secret of another OIDC client is taken from the environment
    variable BLUEGREEN_OIDC_CLIENT_SECRET; it is never printed or recorded.

    Example: bluegreen sync web
    """
    from toolkit.runner import sync as runner

    ready, given = wired(service, where), bool(os.environ.get(CLIENT_SECRET))
    if not (dry_run or print_awscli):
        _show_synced(runner.sync(ready, has_client_secret=given, accept_drift=accept_drift), output)
        return
    move, findings = runner.plan_sync(ready, has_client_secret=given, accept_drift=accept_drift)
    if print_awscli:
        show_plan(ready, _what_changes(ready, move), findings, output, as_commands=True)
    else:
        _show_planned(ready, move, findings, output)


def _compared(service: Service, where: Options, plans: Plans) -> list[Comparison]:
    from toolkit.drift.service import View, compare

    plan, unplanned = plans.of(service.settings.terraform)
    view = View(
        contract=service.contract,
        routes=service.read(),
        record=service.record(),
        now=service.clock.now(),
        test_routes=preview.read_test_routes(service.contract, where),
        plan=plan,
        unplanned=unplanned,
    )
    return compare(view)


def _show(name: str, comparisons: Sequence[Comparison]) -> None:
    count = sum(each.is_drift for each in comparisons)
    told = f"{count} {'difference' if count == 1 else 'differences'}" if count else "no drift"
    print(f"{style(name, 1)}: {told}")
    for each in comparisons:
        print(f"  {style(f'{each.found:8}', _MARKS[each.found])} {each.subject}: {each.reason}")
        if each.moved:
            print(f"           moved: {_MOVED[each.moved]}")
        for mend in each.mends:
            print(f"           {mend.who}: {mend.how}{f': {mend.command}' if mend.command else ''}")


def _document(name: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    return {
        "service": name,
        "drift": any(each.is_drift for each in comparisons),
        "comparisons": [
            {
                "subject": each.subject,
                "found": each.found.value,
                "reason": each.reason,
                "moved": each.moved.value if each.moved else None,
                "mends": [{"who": mend.who.value, "how": mend.how, "command": mend.command} for mend in each.mends],
            }
            for each in comparisons
        ],
    }


def _what_changes(service: Service, move: Move) -> Move:
    """The move without the routes that hold it already."""
    routes = {name: live for name, live in move.routes.items() if not move.is_held_by(live)}
    if not routes:
        note(f"{service.name}: every route holds what the contract asks for; there is nothing to write.")
    return replace(move, routes=routes)


def _show_synced(synced: Synced, output: Output) -> None:
    outcome = synced.outcome
    if output is Output.JSON:
        print_json(
            {
                "service": outcome.service,
                "kind": outcome.kind.value,
                "written": outcome.written,
                "split": split_document(outcome.after),
                "changes": {name: list(told) for name, told in synced.changes.items()},
                "findings": findings_document(outcome.findings),
            }
        )
    elif not synced.changes:
        print(f"{outcome.service}: every route holds what the contract asks for; nothing was written.")
    else:
        print(style(f"{outcome.service}: synced", 1), f"and recorded; the weights stay {outcome.after}.")
        _show_changes(synced.changes)


def _show_planned(service: Service, move: Move, findings: Sequence[Finding], output: Output) -> None:
    from toolkit.runner.sync import changes_of

    changes = changes_of(move)
    if output is Output.JSON:
        print_json(
            {
                "service": service.name,
                "kind": move.kind.value,
                "split": split_document(move.to),
                "changes": {name: list(told) for name, told in changes.items()},
                "findings": findings_document(findings),
            }
        )
        return
    show_findings(findings)
    refused = any(finding.level is Level.REFUSED for finding in findings)
    what = "refused; would have synced" if refused else "would sync"
    print(f"{service.name}: {what if changes else 'nothing to sync'}, the weights {move.to}. Nothing was written.")
    _show_changes(changes)


def _show_changes(changes: Mapping[str, Sequence[str]]) -> None:
    for name, told in changes.items():
        for change in told:
            print(f"  {name}: {change}")
