"""Terraform's plan against AWS: what of a service the next apply would change, and whether it takes the weights."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from toolkit.contract import Contract
from toolkit.drift.comparison import Comparison, Found, Mend, Side, Who


@dataclass(frozen=True, slots=True)
class Pending:
    """One resource that Terraform would change. `moved`: AWS where the refresh saw it differ from the state.

    arn, id: of the object before the change; empty for one that is new. writes_action: of an update in place.
    follows: it changes only because something else of the plan does.
    """

    address: str
    role: str
    action: str
    moved: Side
    arn: str = ""
    id: str = ""
    reason: str = ""
    attributes: tuple[str, ...] = ()
    writes_action: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan of the configuration in `directory`.

    edited: the ARNs of what holds another action in AWS than in Terraform's state, weights aside.
    """

    directory: str
    pending: tuple[Pending, ...] = ()
    edited: frozenset[str] = frozenset()


def plan_comparisons(contract: Contract, plan: PlanView | None, unplanned: str) -> list[Comparison]:
    """What the plan would change of the service; or that nobody looked, and why (`unplanned`: it was tried)."""
    subject = "Terraform's plan"
    if plan is None:
        unknown = f'no configuration is known: name it with --dir, or as terraform = "DIR" in [service.{contract.name}]'
        return [Comparison(subject, Found.UNSEEN, unplanned or unknown)]
    parts = parts_of(contract)
    ours = [(each, parts.get(each.arn) or parts.get(each.id)) for each in plan.pending]
    found = [_pending(contract, plan, each, part) for each, part in ours if part]
    if found:
        return found
    others = len(plan.pending)
    rest = f"; {others} other {'change' if others == 1 else 'changes'} pending" if others else ""
    return [Comparison(subject, Found.OK, f"{plan.directory} would change nothing of this service{rest}")]


def parts_of(contract: Contract) -> dict[str, str]:
    """What of AWS belongs to a service, by ARN or id, in words."""
    parts = {contract.load_balancer.arn: "the load balancer", f"/bluegreen/{contract.name}/deployment": "the contract"}
    if contract.state_table:
        parts[contract.state_table.arn] = "the state table"
    parts |= {group.arn: f"target group {group.name}" for group in contract.target_groups.values()}
    parts |= {test.listener_arn: f"the listener of test route {test.name}" for test in contract.test_routes}
    parts |= {test.arn: f"test route {test.name}" for test in contract.test_routes}
    parts |= {route.listener_arn: f"the listener of route {route.name}" for route in contract.routes}
    return parts | {route.arn: f"route {route.name}" for route in contract.routes}


def _pending(contract: Contract, plan: PlanView, each: Pending, part: str) -> Comparison:
    subject, apply = f"Terraform's plan, {part}", f"bluegreen infra apply --dir {shlex.quote(plan.directory)}"
    route = next((route for route in contract.routes if route.arn == each.arn), None)
    what = f"the next apply would {each.action} {each.address}"
    if route and each.action in ("replace", "delete"):
        reason = f"{what}, and the route with its weights would be gone{f' ({each.reason})' if each.reason else ''}"
        how = "do not apply this; correct the configuration"
        return Comparison(subject, Found.DRIFT, reason, each.moved, (Mend(Who.OWNER, how),))
    if route and each.writes_action:
        attribute = "default_action" if route.kind.is_listener else "action"
        reason = (
            f"{what} and write its {attribute}, which TAKES THE WEIGHTS BACK to those of the configuration: "
            f"it does not ignore changes of {attribute}"
        )
        block = f"lifecycle {{ ignore_changes = [{attribute}] }}"
        how = f"do not apply this; write {block} into {each.address}"
        return Comparison(subject, Found.DRIFT, reason, Side.TERRAFORM, (Mend(Who.OWNER, how),))
    detail = each.reason or ", ".join(each.attributes)
    reason = f"{what}{f' ({detail})' if detail else ''}; {_why(each)}"
    return Comparison(subject, Found.DRIFT, reason, each.moved, (Mend(Who.OWNER, "apply, or undo the change", apply),))


def _why(each: Pending) -> str:
    if each.follows:
        return "it follows from other changes of this plan"
    if each.moved is Side.AWS:
        return "it is gone from AWS" if each.action == "create" else "it was changed in AWS"
    return "its configuration was changed and not applied"
