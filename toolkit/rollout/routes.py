"""Reading live routes in the words of the contract: which split they hold, and who is the base."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.contract import Contract, Route
from toolkit.errors import RouteUnusable
from toolkit.rollout.ports import LiveRoute
from toolkit.rollout.record import Record
from toolkit.traffic import Color, Split

WRITE_TIMEOUT_SECONDS = 5.0
"""The longest that one attempt to write weights lasts. ELBv2 has no compare-and-swap, so this bounds how late a write
of somebody who lost the lease can still arrive."""


def split_of(live: LiveRoute, contract: Contract) -> Split:
    """The split that a route holds.

    Raises:
        RouteUnusable: it does not forward to exactly the contract's pair, or both weights are 0.
    """
    colors = {arn: contract.color_of(arn) for arn in live.weights}
    pair = {color: live.weights[arn] for arn, color in colors.items() if color is not None}
    strangers = [arn for arn, color in colors.items() if color is None]
    if strangers or len(pair) != len(Color):
        raise RouteUnusable(
            f"route {live.route.name} does not forward to exactly this pair: it has {_forwards(live, contract)}",
            hint="Nothing was changed. Make the rule forward to the blue and the green group of the contract, one of "
            "them at 0, by hand: Terraform ignores the action and would change nothing.",
        )
    if not any(pair.values()):
        raise RouteUnusable(
            f"route {live.route.name} has weight 0 on both colors, so it answers 503",
            hint=f"Give one color the traffic: bluegreen rollback {contract.name} --to blue (or green).",
        )
    return Split.of(pair)


def _forwards(live: LiveRoute, contract: Contract) -> str:
    if not live.weights:
        return "no forward action"
    parts = []
    for arn, weight in live.weights.items():
        color = contract.color_of(arn)
        parts.append(f"{color or arn.rpartition(':')[2]} at {weight}")
    missing = [str(color) for color in Color if contract.target_groups[color].arn not in live.weights]
    return ", ".join(parts) + (f", and no {' or '.join(missing)}" if missing else "")


def split_of_service(routes: Mapping[str, LiveRoute], contract: Contract) -> Split | None:
    """The split all routes share; None when they differ.

    Raises:
        RouteUnusable: a route is gone or unusable.
    """
    splits = set(splits_of_service(routes, contract).values())
    return splits.pop() if len(splits) == 1 else None


def splits_of_service(routes: Mapping[str, LiveRoute], contract: Contract) -> dict[str, Split]:
    """The split of every route of the contract, by name. Raises as `split_of_service`."""
    return {route.name: split_of_route(route, routes, contract) for route in contract.routes}


def split_of_route(route: Route, routes: Mapping[str, LiveRoute], contract: Contract) -> Split:
    """The split of one route of the contract. Raises as `split_of_service`."""
    if route.name not in routes:
        raise RouteUnusable(
            f"route {route.name} is gone: AWS knows no {route.arn}",
            hint="Nothing was changed. It was deleted or replaced; apply the Terraform again "
            "(`bluegreen infra apply`) so that the contract names the new one.",
        )
    return split_of(routes[route.name], contract)


def live_color(split: Split | None, record: Record) -> Color | None:
    """Who is live: who carries everything, else the color promoted last, else the base on record, else unknown."""
    if split is not None and 0 in (split.blue, split.green):
        return split.leader
    return record.promoted or record.base


def known_splits(routes: Mapping[str, LiveRoute], contract: Contract) -> dict[str, Split]:
    """The splits of the routes that have one, by name; a route that is broken has none to tell."""
    splits = {}
    for name, live in routes.items():
        try:
            splits[name] = split_of(live, contract)
        except RouteUnusable:
            continue
    return splits
