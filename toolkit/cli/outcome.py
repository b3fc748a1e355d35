"""How moves and findings look: as text for people, as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.cli.options import Output
from toolkit.cli.render import note, print_json, style
from toolkit.rollout.preflight import Finding, Level
from toolkit.rollout.routes import known_splits
from toolkit.traffic import Split

if TYPE_CHECKING:
    from toolkit.runner.checked import Outcome
    from toolkit.runner.flows import Standing
    from toolkit.runner.move import Move
    from toolkit.runner.service import Service

_MARKS = {Level.OK: ("ok", 32), Level.WARNING: ("warning", 33), Level.REFUSED: ("refused", 31)}


def show_outcome(outcome: Outcome, output: Output) -> None:
    """What a command did."""
    if output is Output.JSON:
        print_json(outcome_document(outcome))
        return
    if not outcome.written:
        print(f"{outcome.service}: every route holds {outcome.after} already; nothing was written.")
        _show_standing(outcome)
        return
    print(style(f"{outcome.service}: {outcome.after}", 1), f"on {_routes(outcome.before)}, read back and recorded.")
    for name, split in outcome.before.items():
        print(f"  {name}: {split} -> {outcome.after}")
    for name in outcome.restored:
        print(f"  {name}: stickiness is on again.")
    for name, held in outcome.suspended.items():
        until = held.until.isoformat(timespec="seconds")
        print(f"  {name}: stickiness is off; its cookies expire by {until}, and the next shift after that restores it.")
    _show_standing(outcome)


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """What a command did, as JSON values."""
    return {
        "service": outcome.service,
        "kind": outcome.kind.value,
        "written": outcome.written,
        "before": splits_document(outcome.before),
        "after": split_document(outcome.after),
        "base": outcome.base.value if outcome.base else None,
        "stickiness_suspended_until": {name: held.until.isoformat() for name, held in outcome.suspended.items()},
        "stickiness_restored": list(outcome.restored),
        "standing_flows": _standing_document(outcome.standing),
        "findings": findings_document(outcome.findings),
    }


def _show_standing(outcome: Outcome) -> None:
    left = outcome.standing
    if left is None:
        return
    known = "CloudWatch has no count of them"
    if left.flows:
        of = "on it" if left.flows.of_group else "on the whole load balancer"
        known = f"{left.flows.count} {of} in the minute of {left.flows.at.isoformat(timespec='minutes')}"
    if left.terminated:
        again = f"its {left.terminated} targets are registered again"
        print(f"  flows: those on {left.color} were ended ({known}); {again}.")
    else:
        print(f"  flows: standing ones stay on {left.color} until they end ({known}); --terminate-flows ends them.")


def _standing_document(left: Standing | None) -> dict[str, Any] | None:
    if left is None:
        return None
    return {
        "color": left.color.value,
        "flows": left.flows.count if left.flows else None,
        "of": ("target group" if left.flows.of_group else "load balancer") if left.flows else None,
        "at": left.flows.at.isoformat() if left.flows else None,
        "targets_terminated": left.terminated,
    }


def show_plan(
    service: Service, move: Move, findings: Sequence[Finding], output: Output, *, as_commands: bool = False
) -> None:
    """What a command would do, and what its checks say; `as_commands`, in the AWS CLI's words."""
    if as_commands:
        for finding in findings:
            if finding.level is Level.REFUSED:
                note(f"warning: bluegreen would refuse this: {finding.reason}")
        show_commands(service, move, output)
        return
    before = known_splits(move.routes, service.contract)
    if output is Output.JSON:
        print_json(
            {
                "service": service.name,
                "kind": move.kind.value,
                "before": splits_document(before),
                "after": split_document(move.to),
                "base": move.base.value if move.base else None,
                "findings": findings_document(findings),
            }
        )
        return
    show_findings(findings)
    refused = any(finding.level is Level.REFUSED for finding in findings)
    print(f"{service.name}: {'refused; would have been' if refused else 'would write'} {move.to}. Nothing was written.")
    for name, split in before.items():
        print(f"  {name}: {split} -> {move.to}")


def show_commands(service: Service, move: Move, output: Output) -> None:
    """The AWS CLI commands of a move, one a route, ready to be pasted into a shell."""
    told = commands_document(service, move)
    if output is Output.JSON:
        print_json(told)
    else:
        print("\n".join(told["commands"]))


def commands_document(service: Service, move: Move) -> dict[str, Any]:
    """The AWS CLI commands of a move, as JSON values."""
    lines = [service.router.commands(live, move.actions[name]) for name, live in move.routes.items()]
    return {"service": service.name, "commands": lines}


def show_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        word, color = _MARKS[finding.level]
        print(f"  {style(f'{word:8}', color)} {finding.check}: {finding.reason}")
        if finding.mend and finding.level is not Level.OK:
            print(f"           {finding.mend}")


def split_document(split: Split) -> dict[str, int]:
    return {color.value: weight for color, weight in split}


def splits_document(splits: Mapping[str, Split]) -> dict[str, Any]:
    return {name: split_document(split) for name, split in splits.items()}


def findings_document(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {"check": finding.check, "level": finding.level.value, "reason": finding.reason, "mend": finding.mend}
        for finding in findings
    ]


def _routes(splits: Mapping[str, Split]) -> str:
    return "1 route" if len(splits) == 1 else f"{len(splits)} routes"
