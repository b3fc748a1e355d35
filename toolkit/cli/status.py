"""`bluegreen status` and `bluegreen doctor`: the commands that only look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.options import Output, OutputOption
from toolkit.cli.outcome import findings_document, show_findings, split_document, splits_document
from toolkit.cli.render import print_json, style
from toolkit.cli.service import OptionalService, connected, wired
from toolkit.errors import NoBase
from toolkit.rollout.preflight import Level, Observation, preflight
from toolkit.rollout.routes import base_before, known_splits
from toolkit.traffic import Color, Split, parse_split
from toolkit.wiring import Options

if TYPE_CHECKING:
    from toolkit.rollout.events import Record

_NAMES = {Color.BLUE: 34, Color.GREEN: 32}


@connected
def status(service: OptionalService = None, *, where: Options, output: OutputOption = Output.TEXT) -> None:
    """Who is live, the split of each route, the health of each target, and what was last recorded by whom.

    Example: bluegreen status web
    """
    ready = wired(service, where)
    observation = ready.observe(ask_identity=False)
    splits = known_splits(observation.routes, observation.contract)
    live = live_color(observation, splits)
    if output is Output.JSON:
        print_json(_document(observation, splits, live))
        return
    _show(observation, splits, live)


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
    """The checks before a shift, each with its reason and its mend. Writes nothing; exit 14 where one refuses.

    Example: bluegreen doctor web --to green=20
    """
    wanted = parse_split(to) if to else None
    ready = wired(service, where)
    observation = ready.observe()
    split = wanted or _cutover_split(observation)
    findings = preflight(observation, split, ready.settings)
    refused = [finding for finding in findings if finding.level is Level.REFUSED]
    if output is Output.JSON:
        print_json(
            {"service": ready.name, "checked_for": split_document(split), "findings": findings_document(findings)}
        )
    else:
        print(f"{ready.name}: checked for {split}")
        show_findings(findings)
    if refused:
        raise typer.Exit(refused[0].error.exit_code)


def live_color(observation: Observation, splits: dict[str, Split]) -> Color | None:
    """Who is live: the promoted color of a rollout, its base before that, or who carries everything; else unknown."""
    record = observation.record
    shared = set(splits.values())
    split = shared.pop() if len(shared) == 1 else None
    if split is not None and 0 in (split.blue, split.green) and record.in_doubt is False:
        return split.leader
    return record.promoted or base_before(split, record)


def _cutover_split(observation: Observation) -> Split:
    from toolkit.runner.cutover import idle_color

    try:
        return Split.all_to(idle_color(observation))
    except NoBase:
        return Split(blue=50, green=50)


def _document(observation: Observation, splits: dict[str, Split], live: Color | None) -> dict[str, Any]:
    contract, record = observation.contract, observation.record
    return {
        "service": contract.name,
        "live": live.value if live else None,
        "routes": {
            route.name: {
                "arn": route.arn,
                "split": split_document(splits[route.name]) if route.name in splits else None,
                "state": _route_state(observation, splits, route.name),
            }
            for route in contract.routes
        },
        "colors": {
            color.value: {
                "target_group": contract.target_groups[color].name,
                "healthy": observation.healthy(color),
                "targets": [
                    {"id": target.id, "port": target.port, "state": target.state, "reason": target.reason}
                    for target in observation.health[color]
                ],
            }
            for color in Color
        },
        "record": _record_document(record),
        "load_balancer": contract.load_balancer.dns_name,
    }


def _record_document(record: Record) -> dict[str, Any] | None:
    if not record.sequence:
        return None
    return {
        "sequence": record.sequence,
        "kind": record.kind.value if record.kind else None,
        "base": record.base.value if record.base else None,
        "splits": splits_document(record.splits),
        "meant": split_document(record.meant) if record.meant else None,
        "in_doubt": record.in_doubt,
        "actor": record.actor,
        "at": record.at.isoformat() if record.at else None,
        "promoted": record.promoted.value if record.promoted else None,
        "stickiness_suspended_until": {name: held.until.isoformat() for name, held in record.suspended.items()},
    }


def _route_state(observation: Observation, splits: dict[str, Split], name: str) -> str:
    if name not in observation.routes:
        return "gone"
    if name not in splits:
        return "unusable"
    return "ok" if observation.record.may_hold(name, splits[name]) else "drifted"


def _show(observation: Observation, splits: dict[str, Split], live: Color | None) -> None:
    contract = observation.contract
    title = style(str(live), 1, _NAMES[live]) + " is live" if live else "both colors carry traffic, no base on record"
    print(f"{style(contract.name, 1)}: {title}   ({contract.load_balancer.dns_name})")
    for route in contract.routes:
        split = str(splits[route.name]) if route.name in splits else "-"
        state = _route_state(observation, splits, route.name)
        print(f"  route {route.name}: {split}{'' if state == 'ok' else '   ' + style(state, 33)}")
    for color in Color:
        targets = observation.health[color]
        print(f"  {style(f'{color:5}', _NAMES[color])} {observation.healthy(color)} healthy of {len(targets)}")
        for target in targets:
            place = f"{target.id}:{target.port}" if target.port else target.id
            reason = f" ({target.reason})" if target.reason else ""
            print(f"        {place}  {style(target.state, 32 if target.is_healthy else 33)}{reason}")
    _show_record(observation.record)


def _show_record(record: Record) -> None:
    if not record.sequence or record.at is None or record.kind is None:
        print("  nothing is recorded yet")
        return
    what = "began, end unknown" if record.in_doubt else "ended"
    meant = f" to {record.meant}" if record.meant else ""
    by = record.actor or "an unknown actor"
    print(f"  last: {record.kind}{meant} {what} {record.at.isoformat(timespec='seconds')} by {by}; base {record.base}")
    for name, held in record.suspended.items():
        print(f"  route {name}: stickiness is off until {held.until.isoformat(timespec='seconds')}")
