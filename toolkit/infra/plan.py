"""What a Terraform plan will do, and whether it may: read from `terraform show -json PLAN`. Pure.

Source: Terraform, "JSON Output Format", plan representation (major version 1). What is not understood is
refused, never skipped: the guard must not miss a deletion because its words were new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from toolkit.errors import ReplaceRefused, TerraformFailed
from toolkit.infra.differences import Difference, any_true, differences
from toolkit.infra.scrub import Scrubber, sensitive_values

_ROUTES = frozenset({"aws_lb_listener_rule", "aws_alb_listener_rule"})
_LISTENERS = frozenset({"aws_lb_listener", "aws_alb_listener"})
_GUARDED: Mapping[str, str] = {
    **dict.fromkeys(_ROUTES, "route"),
    **dict.fromkeys(_LISTENERS, "listener"),
    "aws_lb_target_group": "target group",
    "aws_alb_target_group": "target group",
    "aws_lb": "load balancer",
    "aws_alb": "load balancer",
}
_REASONS: Mapping[str, str] = {
    "replace_because_cannot_update": "AWS cannot change it in place",
    "replace_because_tainted": "it is tainted",
    "replace_by_request": "asked for by --replace",
    "replace_by_triggers": "replace_triggered_by",
    "delete_because_no_resource_config": "it is gone from the configuration",
    "delete_because_no_module": "its module is gone from the configuration",
    "delete_because_count_index": "its index is beyond count",
    "delete_because_each_key": "its key is gone from for_each",
    "delete_because_wrong_repetition": "count or for_each was added or removed",
    "delete_because_no_move_target": "the target of its moved block does not exist",
    "delete_because_enabled_false": "it is not enabled any more",
    "forgot_because_lifecycle_destroy_in_config": "its configuration says not to destroy it",
    "forgot_because_lifecycle_destroy_in_state": "its configuration said not to destroy it",
}


class Action(StrEnum):
    """What happens to one resource. `forget` takes it out of the state and leaves it alone in AWS."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"


_STEPS = {Action.REPLACE: 2, Action.FORGET: 0}
_ACTIONS: Mapping[tuple[str, ...], Action | None] = {
    ("no-op",): None,
    ("read",): None,
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("forget",): Action.FORGET,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    # The old object is kept in AWS but no longer managed; the new one starts at its seed all the same.
    ("create", "forget"): Action.REPLACE,
    ("forget", "create"): Action.REPLACE,  # OpenTofu's order
}


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that the plan changes, or that had changed when the plan looked (`PlannedChanges.drift`).

    `id` and `arn` are those of the object before the change; empty for one that is created, and where its
    type has none.
    """

    address: str
    type: str
    action: Action
    reason: str = ""
    writes_action: bool = False  # an update in place that writes where a route or listener sends traffic
    id: str = ""
    arn: str = ""
    differences: tuple[Difference, ...] = ()  # of an update or replacement; secrets are masked

    @property
    def role(self) -> str:
        """What it is to a release (route, listener, target group, load balancer); empty for the rest."""
        return _GUARDED.get(self.type, "")

    def __str__(self) -> str:
        return f"{self.address} ({self.reason})" if self.reason else self.address


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """All that a plan does: resources in Terraform's order, addresses moved or imported, outputs changed.

    `drift` is no part of it: it is what Terraform saw when it refreshed its state for the plan. `before` is
    the state, `after` what AWS says: an update was made elsewhere, and a delete says that the object is gone.
    Attributes under `ignore_changes` are in there too, and so are computed ones that nobody edited.
    """

    changes: tuple[Change, ...] = ()
    moves: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    drift: tuple[Change, ...] = ()

    def of(self, action: Action) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.action is action)

    @property
    def steps(self) -> int:
        """How many creations, updates and deletions they come to; a replacement is two."""
        return sum(_STEPS.get(change.action, 1) for change in self.changes)

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.moves or self.imports or self.outputs)

    @property
    def refused(self) -> tuple[Change, ...]:
        """The deletions and replacements of what carries traffic."""
        return tuple(c for c in self.changes if c.role and c.action in {Action.DELETE, Action.REPLACE})

    @property
    def resets(self) -> tuple[Change, ...]:
        """The updates in place that write a route's action, and with it the live weights."""
        return tuple(c for c in self.changes if c.writes_action)


def guard(planned: PlannedChanges) -> None:
    """Refuse a plan that deletes or replaces a route, listener, target group or load balancer.

    Raises:
        ReplaceRefused: names each address, what would happen to it and why.
    """
    refused = planned.refused
    if not refused:
        return
    named = "; ".join(f"{change.action} {change.role} {change}" for change in refused)
    raise ReplaceRefused(
        f"this plan would {named}. A replaced route starts again at its initial weights, whatever carries "
        "the traffic now, and a deleted one serves nobody. Nothing was changed.",
        hint="If that is meant, give --allow-replace.",
    )


def read(document: object) -> PlannedChanges:
    """The changes in the decoded JSON of a plan.

    Raises:
        TerraformFailed: it is not a plan of a form known here.
    """
    plan = _mapping(document, "the plan")
    version = plan.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise _unreadable(f"format_version is {version!r}, and 1.x is read here")
    if plan.get("errored") is True:
        raise TerraformFailed("terraform marks the plan as errored, so it cannot be applied; nothing was changed")
    managed = _managed(plan, "resource_changes")
    scrub = Scrubber(sensitive_values(plan))
    outputs = _mapping(plan.get("output_changes", {}), "output_changes")
    return PlannedChanges(
        changes=tuple(change for entry in managed if (change := _change(entry, scrub)) is not None),
        moves=tuple(_text(entry, "address") for entry in managed if entry.get("previous_address")),
        imports=tuple(_text(entry, "address") for entry in managed if _detail(entry).get("importing")),
        outputs=tuple(name for name, told in outputs.items() if _output_changes(told)),
        drift=tuple(
            change for entry in _managed(plan, "resource_drift") if (change := _change(entry, scrub)) is not None
        ),
    )


def _managed(plan: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """The entries of one of the plan's lists that are no data sources. Terraform leaves an empty list out."""
    told = plan.get(key)
    entries = [_mapping(entry, key) for entry in _list([] if told is None else told, key)]
    return [entry for entry in entries if entry.get("mode") != "data"]


def _change(entry: Mapping[str, Any], scrub: Scrubber) -> Change | None:
    detail = _detail(entry)
    words = tuple(str(word) for word in _list(detail.get("actions"), "actions"))
    if words not in _ACTIONS:
        raise _unreadable(f"{entry.get('address')} has the actions {list(words)}")
    action = _ACTIONS[words]
    if action is None:
        return None
    kind = _text(entry, "type")
    return Change(
        address=_text(entry, "address") + (" (deposed)" if entry.get("deposed") else ""),
        type=kind,
        action=action,
        reason=_reason(entry, detail),
        writes_action=action is Action.UPDATE and _writes_action(kind, detail),
        id=_name(detail, "id"),
        arn=_name(detail, "arn"),
        differences=differences(detail, scrub=scrub),
    )


def _name(detail: Mapping[str, Any], key: str) -> str:
    before = detail.get("before")
    value = before.get(key) if isinstance(before, dict) else None
    return value if isinstance(value, str) else ""


def _reason(entry: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    told = entry.get("action_reason")
    if not isinstance(told, str):
        return ""
    reason = _REASONS.get(told, told.replace("_", " "))
    paths = detail.get("replace_paths")
    if told == "replace_because_cannot_update" and isinstance(paths, list):
        attributes = sorted({str(path[0]) for path in paths if isinstance(path, list) and path})
        if attributes:
            reason += f": {', '.join(attributes)}"
    return reason


def _writes_action(kind: str, detail: Mapping[str, Any]) -> bool:
    attribute = "action" if kind in _ROUTES else "default_action" if kind in _LISTENERS else ""
    before, after = detail.get("before"), detail.get("after")
    if not attribute or not isinstance(before, dict) or not isinstance(after, dict):
        return False
    unknown = detail.get("after_unknown")
    becomes_known_later = isinstance(unknown, dict) and any_true(unknown.get(attribute))
    return becomes_known_later or before.get(attribute) != after.get(attribute)


def _output_changes(told: object) -> bool:
    return _mapping(told, "output_changes").get("actions") != ["no-op"]


def _detail(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(entry.get("change"), "change")


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(f"{name} is no object")
    return value


def _list(value: object, name: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise _unreadable(f"{name} is no list")
    return value


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise _unreadable(f"a resource change has no {key}")
    return value


def _unreadable(problem: str) -> TerraformFailed:
    return TerraformFailed(
        f"terraform's plan is not of a form that can be checked ({problem}), so nothing was applied",
        hint="Use a Terraform 1.x release, or a newer bluegreen.",
    )
