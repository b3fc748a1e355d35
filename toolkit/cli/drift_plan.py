"""Terraform's plan in the words of `drift`: one plan a configuration, however many services it provisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.drift.comparison import Side
from toolkit.drift.pending import Pending, PlanView
from toolkit.errors import BluegreenError
from toolkit.wiring import Options, terraform_environ

if TYPE_CHECKING:
    from toolkit.infra.plan import Change, PlannedChanges

_ACTIONS = ("action", "default_action")
_EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})


class Plans:
    """The plans of one command. One that cannot be made leaves the other comparisons as they are, and is `failed`."""

    def __init__(self, where: Options, directory: str | None, var: Sequence[str], var_file: Sequence[Path]) -> None:
        self._where = where
        self._directory = directory
        self._variables = (tuple(var), tuple(var_file))
        self._made: dict[str, PlanView | BluegreenError] = {}

    @property
    def failed(self) -> BluegreenError | None:
        """The error of the first plan that could not be made."""
        return next((made for made in self._made.values() if isinstance(made, BluegreenError)), None)

    def of(self, setting: str | None) -> tuple[PlanView | None, str]:
        """The plan of the configuration that the command line names, else the settings; or why there is none."""
        directory = self._directory or setting
        if directory is None:
            return None, ""
        if directory not in self._made:
            try:
                self._made[directory] = view_of(directory, self._plan(Path(directory)))
            except BluegreenError as error:
                self._made[directory] = error
        made = self._made[directory]
        return (None, f"{directory}: {made.message}") if isinstance(made, BluegreenError) else (made, "")

    def _plan(self, directory: Path) -> PlannedChanges:
        from toolkit.cli.infra_progress import display
        from toolkit.infra.terraform import Terraform, Wish

        shown = display()
        try:
            terraform = Terraform(directory, environ=terraform_environ(self._where), listener=shown)
            with terraform.planned(Wish(*self._variables)) as saved:
                return saved.changes
        finally:
            shown.pause()


def view_of(directory: str, changes: PlannedChanges) -> PlanView:
    """What `drift` looks at of a plan."""
    seen = {change.address: change for change in changes.drift}
    pending = [_pending(change, seen.get(change.address)) for change in changes.changes]
    causes = {each.moved for each in pending if not each.follows}
    moved = causes.pop() if len(causes) == 1 else Side.TERRAFORM
    return PlanView(
        directory,
        pending=tuple(replace(each, moved=moved) if each.follows else each for each in pending),
        edited=frozenset(change.arn for change in changes.drift if _edits_action(change)),
    )


def _pending(change: Change, seen: Change | None) -> Pending:
    from toolkit.infra.differences import UNKNOWN

    attributes = tuple(difference.attribute for difference in change.differences)
    return Pending(
        address=change.address,
        role=change.role,
        action=str(change.action),
        moved=Side.AWS if seen and _undoes(change, seen) else Side.TERRAFORM,
        # What AWS no longer has is created anew, so only the refresh knows what it was.
        arn=change.arn or (seen.arn if seen else ""),
        id=change.id or (seen.id if seen else ""),
        reason=change.reason,
        attributes=attributes,
        writes_action=change.writes_action,
        follows=bool(attributes) and all(difference.after == UNKNOWN for difference in change.differences),
    )


def _undoes(change: Change, seen: Change) -> bool:
    """Whether the plan takes back what the refresh saw: an object that is gone, or an attribute that was edited."""
    edited = {difference.attribute for difference in seen.differences}
    return not edited or any(difference.attribute in edited for difference in change.differences)


def _edits_action(change: Change) -> bool:
    """Whether the refresh saw another action than the state's: more than weights, which are not Terraform's."""
    return any(
        _weightless(difference.before) != _weightless(difference.after)
        for difference in change.differences
        if difference.attribute in _ACTIONS
    )


def _weightless(value: Any) -> Any:
    """The action without weights, in one sequence, and without what says nothing (disabled, empty, absent)."""
    if isinstance(value, dict):
        inner = {name: _weightless(element) for name, element in value.items() if name != "weight"}
        return {name: element for name, element in inner.items() if element not in _EMPTY}
    if isinstance(value, list):
        return sorted((each for each in map(_weightless, value) if each not in _EMPTY), key=repr)
    return value
