"""Drift: where the record, AWS and Terraform say different things, which of the three moved, and who can mend it.

Terraform speaks twice: by its plan, and by the deployment contract for what it ignores. It ignores the whole action
of a route, so an edited stickiness plans as "no changes" and never reaches AWS; only the contract tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from toolkit.contract import Contract, Route, Stickiness, in_order, same_actions
from toolkit.drift.comparison import Comparison, Found, Mend, Side, Who
from toolkit.drift.pending import PlanView, plan_comparisons
from toolkit.errors import RouteUnusable
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.preview import LiveTestRoute, faults
from toolkit.rollout.record import Record
from toolkit.rollout.routes import known_splits, split_of_route
from toolkit.traffic import Split


@dataclass(frozen=True, slots=True)
class View:
    """All that is compared, as it was read at `now`.

    plan None: no configuration is known, or it could not be planned, for the reason `unplanned`.
    """

    contract: Contract
    routes: Mapping[str, LiveRoute]
    record: Record
    now: datetime
    test_routes: Mapping[str, LiveTestRoute] = field(default_factory=dict)
    plan: PlanView | None = None
    unplanned: str = ""


def compare(view: View) -> list[Comparison]:
    """Every comparison: the record with AWS, the contract with the routes' actions, test routes, the plan with AWS."""
    return [
        *_splits(view),
        *_actions(view),
        *_test_routes(view),
        *plan_comparisons(view.contract, view.plan, view.unplanned),
    ]


# The recorded split and AWS


def _splits(view: View) -> list[Comparison]:
    return [_split(view, route) for route in view.contract.routes]


def _split(view: View, route: Route) -> Comparison:
    subject, record = f"route {route.name}, split", view.record
    try:
        split = split_of_route(route, view.routes, view.contract)
    except RouteUnusable as error:
        how = error.hint.removeprefix("Nothing was changed. ")
        who = Who.OWNER if route.name not in view.routes else Who.RELEASER
        return Comparison(subject, Found.DRIFT, error.message, Side.AWS, (Mend(who, how),))
    if route.name not in record.splits:
        return Comparison(subject, Found.OK, f"AWS holds {split}; nothing is recorded, so nothing can differ")
    if not record.may_hold(route.name, split):
        by = record.actor or "an unknown actor"
        at = record.at.isoformat(timespec="seconds") if record.at else "an unknown time"
        reason = f"AWS holds {split}, but {record.splits[route.name]} was recorded by {by} at {at}"
        return Comparison(subject, Found.DRIFT, reason, Side.AWS, _ways_back(view, route))
    if record.in_doubt:
        reason = (
            f"in doubt: a {record.kind or 'command'} to {record.meant} ended between writing and recording; AWS holds "
            f"{split}, which is what stood before or what was meant. The next command that writes settles it"
        )
        return Comparison(subject, Found.EXPECTED, reason)
    return Comparison(subject, Found.OK, f"AWS holds {split}, as recorded")


def _ways_back(view: View, route: Route) -> tuple[Mend, ...]:
    name = view.contract.name
    noun = "Listener" if route.kind.is_listener else "Rule"
    calls = f"Modify{noun}, or the Create{noun} where it was made anew,"
    mends = [Mend(Who.RELEASER, f"find out who wrote past bluegreen: CloudTrail has the {calls} of {route.arn}")]
    for splits, how in (
        (known_splits(view.routes, view.contract), "take what AWS holds as the truth"),
        ({route.name: view.record.splits[route.name] for route in view.contract.routes
          if route.name in view.record.splits}, "put back what was recorded"),
    ):  # fmt: skip
        shared = set(splits.values())
        if len(shared) == 1:
            mends.append(Mend(Who.RELEASER, how, f"bluegreen shift {name} {_typed(shared.pop())} --accept-drift"))
    if view.record.base:
        how = f"everything back to {view.record.base}, the base on record"
        mends.append(Mend(Who.RELEASER, how, f"bluegreen rollback {name}"))
    return tuple(mends)


def _typed(split: Split) -> str:
    """As the command line takes it."""
    return ",".join(f"{color}={weight}" for color, weight in split)


# The contract and the part of the action that Terraform ignores


def _actions(view: View) -> list[Comparison]:
    live = [(route, view.routes[route.name]) for route in view.contract.routes if route.name in view.routes]
    return [
        found
        for route, held in live
        if held.weights  # what does not forward at all has been told above
        for found in (_stickiness(view, route, held), _preceding(view, route, held))
    ]


def _stickiness(view: View, route: Route, live: LiveRoute) -> Comparison:
    subject, wanted, held = f"route {route.name}, stickiness", route.stickiness, live.stickiness
    aside = view.record.suspended.get(route.name)
    if aside and not held.enabled and view.now < aside.until:
        later = "" if aside.stickiness == wanted else f", and the contract asks for {sticky(wanted)}: sync it then"
        return Comparison(
            subject,
            Found.EXPECTED,
            f"a rollback switched off {sticky(aside.stickiness)}; the first shift after "
            f"{aside.until.isoformat(timespec='seconds')} brings it back{later}",
        )
    name = view.contract.name
    if held == wanted and aside and not held.enabled:
        reason = f"the next shift would bring back {sticky(aside.stickiness)}, but the contract asks for none by now"
        mend = Mend(Who.RELEASER, "forget it", f"bluegreen sync {name}")
        return Comparison(subject, Found.DRIFT, reason, Side.TERRAFORM, (mend,))
    if held == wanted:
        return Comparison(subject, Found.OK, f"{sticky(held)}, as the contract asks")
    if aside and not held.enabled and aside.stickiness == wanted:
        reason = f"a rollback switched off {sticky(wanted)}, its cookies have expired, and nobody brought it back"
        mend = Mend(Who.RELEASER, "bring it back", f"bluegreen restore-stickiness {name}")
        return Comparison(subject, Found.DRIFT, reason, Side.AWS, (mend,))
    return _unsynced(view, route, subject, f"the contract asks for {sticky(wanted)}, AWS holds {sticky(held)}")


def sticky(stickiness: Stickiness) -> str:
    return f"stickiness of {stickiness.duration_seconds} s" if stickiness.enabled else "no stickiness"


def _preceding(view: View, route: Route, live: LiveRoute) -> Comparison:
    subject = f"route {route.name}, preceding actions"
    wanted, held = in_order(route.preceding_actions), in_order(live.preceding)
    if same_actions(wanted, held):
        return Comparison(subject, Found.OK, f"{_types(held) or 'none'}, as the contract asks")
    if _types(wanted) == _types(held):
        reason = "; ".join(_other_settings(wanted, held))
    else:
        reason = f"the contract asks for {_types(wanted) or 'none'}, AWS holds {_types(held) or 'none'}"
    return _unsynced(view, route, subject, reason)


def _types(actions: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(action["type"] for action in actions)


def _other_settings(wanted: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for ours, theirs in zip(wanted, held, strict=True):
        there = theirs.get("settings") or {}
        for name, value in (ours.get("settings") or {}).items():
            if value is not None and there.get(name) != value:
                yield f"{ours['type']}: the contract asks for {name} {value!r}, AWS holds {there.get(name)!r}"


def _unsynced(view: View, route: Route, subject: str, reason: str) -> Comparison:
    sync = Mend(Who.RELEASER, "write it, keeping the weights", f"bluegreen sync {view.contract.name}")
    if view.plan and route.arn in view.plan.edited:
        why = "the action was edited in AWS since the last apply"
        owner = Mend(Who.OWNER, "or, if AWS is right, write it into the configuration and apply")
        return Comparison(subject, Found.DRIFT, f"{reason}; {why}", Side.AWS, (sync, owner))
    why = (
        "Terraform ignores the action, so an apply writes the contract alone"
        if view.plan
        else "an apply writes the contract alone, as Terraform ignores the action; or somebody edited it in AWS, which "
        "only a plan could tell"
    )
    owner = Mend(Who.OWNER, "or, if AWS is right, write it into the configuration and apply")
    return Comparison(subject, Found.DRIFT, f"{reason}; {why}", Side.TERRAFORM, (sync, owner))


def needs_client_secret(route: Route, live: LiveRoute) -> bool:
    """Whether the contract asks for an OIDC client whose secret AWS does not hold: of another client, or issuer."""
    held = {_client(action) for action in live.preceding if action["type"] == _OIDC}
    return any(_client(action) not in held for action in route.preceding_actions if action["type"] == _OIDC)


_OIDC = "authenticate-oidc"


def _client(action: Mapping[str, Any]) -> tuple[Any, Any]:
    settings = action.get("settings") or {}
    return settings.get("issuer"), settings.get("client_id")


# Test routes


def _test_routes(view: View) -> list[Comparison]:
    found = []
    for route in view.contract.test_routes:
        subject, live = f"test route {route.name}", view.test_routes.get(route.name)
        problems = faults(live, view.contract) if live else [f"it is gone: AWS knows no {route.arn}"]
        if not problems:
            found.append(Comparison(subject, Found.OK, f"requests with {route.header_name} reach {route.color} alone"))
            continue
        mend = Mend(Who.OWNER, "apply the Terraform, which manages test routes whole", "bluegreen infra apply")
        found.append(Comparison(subject, Found.DRIFT, "; ".join(problems), Side.AWS, (mend,)))
    return found
