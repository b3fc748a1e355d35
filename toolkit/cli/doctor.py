"""`bluegreen doctor`: the checks before a shift, and what a person should know of the workload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import findings_document, show_findings, split_document
from toolkit.cli.render import note, print_json
from toolkit.cli.service import OptionalService, connected, wired_all
from toolkit.errors import BluegreenError, JournalError, NoBase, RouteUnusable
from toolkit.rollout.preflight import Finding, Level, Observation, preflight
from toolkit.traffic import Split, parse_split
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.events import Head
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
    remove_orphans: Annotated[
        bool,
        typer.Option("--remove-orphans", help="Remove rules that an ended rollout left; nothing else is written."),
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """The checks before a shift, each with its reason and its mend, and remarks on the workload. Writes nothing.

    Only --remove-orphans writes: it removes rules of rollouts that are over or unknown, and says which.

    Exits as the shift would: 0, or with the code of the first refusal.

    Example: bluegreen doctor web --to green=20
    """
    wanted = parse_split(to) if to else None
    services = wired_all(service, where)
    for ready in services if remove_orphans else ():
        _remove_orphans(ready)
    checked = [_examine(ready, wanted) for ready in services]
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
    return service.name, split, [*findings, *_told(service, observation.record.head), *_diverted(service, observation)]


_FAR_BEHIND = 20
"""Entries; less than a rollout has."""


def _told(service: Service, head: Head) -> Iterator[Finding]:
    """Whether the notifiers of the settings keep up with the journal."""
    mend = f"Tell it now: bluegreen notify {service.name}"
    for settings in service.settings.notify if service.cursors else ():
        check = f"notifier {settings.name}"
        try:
            cursor = service.cursors.cursor(service.name, settings.name) if service.cursors else None
        except JournalError as error:
            yield Finding(check, Level.WARNING, error.message, error.hint)
            continue
        told = cursor.sequence if cursor else 0
        if told > head.sequence:
            reason = f"it has told entry {told}, and the journal ends at {head.sequence}: the rest was cut off"
            yield Finding(check, Level.WARNING, reason, f"Look: bluegreen audit verify {service.name}")
        elif cursor is None and head.sequence:
            yield Finding(check, Level.WARNING, "it has told nothing of the journal yet", mend)
        elif head.sequence - told >= _FAR_BEHIND:
            yield Finding(check, Level.WARNING, f"it is {head.sequence - told} entries behind the journal", mend)
        else:
            yield Finding(check, Level.OK, "it keeps up with the journal")


def _remove_orphans(service: Service) -> None:
    """Those of rollouts that are not under way. Raises AwsError, JournalError."""
    from toolkit.runner.diverting import remove_orphans

    removed = remove_orphans(service)
    for arn in removed:
        note(f"{service.name}: removed {arn}")
    if not removed:
        note(f"{service.name}: there is no orphan rule")


def _diverted(service: Service, observation: Observation) -> list[Finding]:
    """Rules that rollouts made: those that were left or are gone, and one that nobody runs past its time."""
    if not service.may_divert:
        return []
    from toolkit.runner.diverting import left_over
    from toolkit.runner.rule_watch import in_words, missing
    from toolkit.runner.states import state_of

    rollout = observation.record.rollout
    try:
        found = left_over(service, rollout)
        state = state_of(service, rollout) if rollout else None
        gone = missing(service, state) if state else ()
    except BluegreenError as error:
        return [Finding("orphan rule", Level.WARNING, error.message.removesuffix("."))]
    if gone:
        mend = f"bluegreen rollback {service.name} ends the test; who it was is in CloudTrail (DeleteRule, RemoveTags)"
        found.append(Finding("missing rule", Level.WARNING, in_words(gone), mend))
    if state is not None and state.diverts and state.deadline is not None and state.deadline < service.clock.now():
        reason = f"{state.id} was to end by {state.deadline:%Y-%m-%d %H:%M} UTC, and still diverts requests"
        mend = f"bluegreen resume {service.name} takes it back, bluegreen promote {service.name} does not"
        found.append(Finding("overdue", Level.WARNING, reason, mend))
    return found


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
