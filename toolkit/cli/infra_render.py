"""What `bluegreen infra` prints about a plan: lines for people, one object for programs."""

from typing import Any

from toolkit.cli.render import style
from toolkit.infra.events import Summary
from toolkit.infra.plan import Action, Change
from toolkit.infra.terraform import SavedPlan

_MARKS = {
    Action.CREATE: ("+", 32),
    Action.UPDATE: ("~", 33),
    Action.REPLACE: ("-/+", 31),
    Action.DELETE: ("-", 31),
    Action.FORGET: (".", 33),
}


def plan_lines(saved: SavedPlan) -> list[str]:
    """The plan, one line a change, and the counts."""
    if not saved.has_changes:
        return ["No changes."]
    changes = saved.changes
    lines = [_line(change) for change in changes.changes]
    lines += [f"  > {address} moves in the state" for address in changes.moves]
    lines += [f"  < {address} is imported" for address in changes.imports]
    lines += [f"    output {name}" for name in changes.outputs]
    counts = ", ".join(f"{len(changes.of(action))} to {action}" for action in Action if changes.of(action))
    return [*lines, f"Plan: {counts or 'no resource changes'}."]


def warnings(saved: SavedPlan, *, allow_replace: bool = False) -> list[str]:
    """What somebody who releases should know before this plan is applied."""
    found = []
    changes = saved.changes
    if changes.resets:
        named = ", ".join(change.address for change in changes.resets)
        found.append(
            f"this plan writes the action of {named}, and with it the weights as they stood when it was planned; "
            "lifecycle { ignore_changes = [action] } (default_action on a listener) leaves the live ones alone"
        )
    if not changes.refused:
        return found
    named = "; ".join(f"{change.action} {change.role} {change}" for change in changes.refused)
    if saved.destroy or allow_replace:
        return [*found, f"this takes away what carries the traffic: {named}"]
    return [*found, f"apply refuses this plan without --allow-replace: {named}"]


def plan_document(saved: SavedPlan) -> dict[str, Any]:
    """The plan for programs; addresses and reasons, never values."""
    return {
        "has_changes": saved.has_changes,
        "destroy": saved.destroy,
        "changes": [
            {"address": change.address, "type": change.type, "action": str(change.action), "reason": change.reason}
            for change in saved.changes.changes
        ],
        "moves": list(saved.changes.moves),
        "imports": list(saved.changes.imports),
        "outputs": list(saved.changes.outputs),
        "carries_traffic": [change.address for change in saved.changes.refused],
        "writes_weights": [change.address for change in saved.changes.resets],
    }


def applied_document(counts: Summary | None) -> dict[str, int]:
    """What was done; zeros where there was nothing to do."""
    counts = counts or Summary("apply", 0, 0, 0)
    return {"added": counts.added, "changed": counts.changed, "removed": counts.removed}


def _line(change: Change) -> str:
    mark, color = _MARKS[change.action]
    return f"{style(f'{mark:>3}', color)} {change}"
