"""`bluegreen doctor`: the checks before a shift, and what a person should know of the workload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import findings_document, show_findings, split_document
from toolkit.cli.render import print_json
from toolkit.cli.service import OptionalService, connected, wired_all
from toolkit.errors import BluegreenError, NoBase, RouteUnusable
from toolkit.rollout.preflight import Finding, Level, Observation, preflight
from toolkit.traffic import Split, parse_split
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.workload import Workload
    from toolkit.runner.service import Service


@connected
def doctor(
    service: OptionalService = None,
    *,
    where: Options,
    to: Annotated[
        str | None,
        typer.Option("--to", help="The split to check for, as in shift; default: a cutover.", metavar="SPLIT"),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """The checks before a shift, each with its reason and its mend, and remarks on the workload. Writes nothing.

    Exits as the shift would: 0, or with the code of the first refusal.

    Example: bluegreen doctor web --to green=20
    """
    wanted = parse_split(to) if to else None
    checked = [_examine(ready, wanted) for ready in wired_all(service, where)]
    if output is Output.JSON:
        documents = [
            {"service": name, "checked_for": split_document(split), "findings": findings_document(findings)}
            for name, split, findings in checked
        ]
        print_json(documents[0] if service else {"services": documents})
    else:
        for name, split, findings in checked:
            print(f"{name}: checked for {split}")
            show_findings(findings)
    refusals = [finding for _, _, findings in checked for finding in findings if finding.level is Level.REFUSED]
    if refusals:
        raise typer.Exit(refusals[0].error.exit_code)


def _examine(service: Service, wanted: Split | None) -> tuple[str, Split, list[Finding]]:
    observation = service.observe()
    split = wanted or _cutover_split(observation)
    findings = preflight(observation, split, service.settings)
    if service.workload is not None:
        findings = [*map(_deployed_too, findings), *_behind(service, service.workload, observation)]
    return service.name, split, findings


def _deployed_too(finding: Finding) -> Finding:
    """A side that is too small for a shift is no hindrance for a deployment."""
    if finding.level is not Level.REFUSED or not finding.is_about_capacity:
        return finding
    return replace(finding, mend=f"{finding.mend} `bluegreen deploy` brings it up by itself.")


def _behind(service: Service, workload: Workload, observation: Observation) -> Iterator[Finding]:
    """What a person should know of the workload; that it cannot be read is one thing of these."""
    from toolkit.cli.workload import left_suspended, switched_on
    from toolkit.runner.sides import sides

    seen = sides(service) or {}
    problems = dict.fromkeys(problem for side in seen.values() for problem in side.problems)
    try:
        remarks = list(workload.remarks())
    except BluegreenError as error:
        remarks, problems = [], problems | {error.message: None}
    for problem in problems:
        yield Finding("workload", Level.WARNING, problem.removesuffix("."))
    for remark in remarks:
        yield Finding("workload", Level.WARNING, remark.removesuffix("."))
    off = left_suspended(seen) if observation.record.rollout is None else {}
    for color, names in off.items():
        command = switched_on(service.contract, color, names)
        reason = f"{color}'s autoscaling is switched off ({', '.join(names)}), and no rollout is under way"
        yield Finding("autoscaling", Level.WARNING, reason, f"Switch it on: {command}" if command else "")
    if not (problems or remarks or off):
        yield Finding("workload", Level.OK, "nothing about it stands in the way of a deployment")


def _cutover_split(observation: Observation) -> Split:
    from toolkit.rollout.preflight import idle_color

    try:
        return Split.all_to(idle_color(observation))
    except (NoBase, RouteUnusable):
        return Split(blue=50, green=50)  # both colors are looked at; a route that is unusable is refused by itself
