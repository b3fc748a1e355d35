"""Which two target groups are the pair of an adopted service, and which of them is blue."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from toolkit.adoption.places import Balancer, Group, Place
from toolkit.errors import AdoptionRefused, UsageError
from toolkit.traffic import Color

_MAX_NAME = 32  # characters of a target group's name. Source: ELBv2 API reference, CreateTargetGroup


def is_meant(group: Group, named: str) -> bool:
    """Whether an operator's name or ARN means this group."""
    return named in (group.name, group.arn)


def second_group(
    first: Group, others: Sequence[Group], balancer: Balancer, *, named: str | None, where: Sequence[str]
) -> Group:
    """The group to add beside `first`: the one that is `named`, else the only one that matches and is free.

    where: words that an AWS CLI command needs to reach the same place, such as --region.

    Raises:
        AdoptionRefused: none, several, or the named one does not go with `first`.
    """
    if named is not None:
        return _named_group(first, others, balancer, named)
    free = [group for group in others if group.arn != first.arn and not group.balancers and group.shape == first.shape]
    if not free:
        raise AdoptionRefused(
            f"the routes forward to one target group, {first.name}, and no target group that matches it "
            f"({_described(first)}) is free to be the other color",
            hint=f"Make one, then adopt again: {create_command(first, where)}",
        )
    if len(free) > 1:
        raise AdoptionRefused(
            f"the routes forward to one target group, {first.name}, and {len(free)} free ones could be the other "
            f"color: {', '.join(sorted(group.name for group in free))}",
            hint="Name it with --other-group NAME_OR_ARN.",
        )
    return free[0]


def _named_group(first: Group, others: Sequence[Group], balancer: Balancer, named: str) -> Group:
    found = next((group for group in others if is_meant(group, named)), None)
    if found is None:
        raise AdoptionRefused(
            f"there is no target group {named[:200]!r} in this account and region",
            hint="--other-group takes a name or an ARN.",
        )
    if found.arn == first.arn:
        raise AdoptionRefused(
            f"--other-group {found.name} is the target group that the routes forward to already",
            hint="Name the one for the other color.",
        )
    if set(found.balancers) - {balancer.arn}:
        raise AdoptionRefused(
            f"target group {found.name} is used by another load balancer ({', '.join(found.balancers)}), and AWS lets "
            "one alone use it",
            hint="Name a free one.",
        )
    if found.shape != first.shape:
        raise AdoptionRefused(
            f"target group {found.name} ({_described(found)}) does not match {first.name} ({_described(first)})",
            hint="The two groups of a pair have the same VPC, target type, protocol and protocol version.",
        )
    return found


def create_command(group: Group, where: Sequence[str]) -> str:
    """The AWS CLI command that makes a target group as `group` is, for the other color.

    Attributes that are not part of creation, such as the deregistration delay, keep their defaults.
    """
    words = ["aws", "elbv2", "create-target-group", "--name", other_name(group.name), "--target-type"]
    words += [group.target_type]
    for option, value in (
        ("--protocol", group.protocol),
        ("--protocol-version", group.protocol_version),
        ("--port", group.port),
        ("--vpc-id", group.vpc_id),
        ("--ip-address-type", group.ip_address_type if group.target_type != "lambda" else None),
    ):
        words += [option, str(value)] if value is not None else []
    return shlex.join([*words, *group.health_check, *where])


def other_name(name: str) -> str:
    """A name for the other color's group: web-blue -> web-green, web -> web-green."""
    color = _said_color(name)
    if color is not None:
        swapped = re.sub(color.value, color.other.value, name, flags=re.IGNORECASE)
        if len(swapped) <= _MAX_NAME:
            return swapped
    return f"{name[: _MAX_NAME - len('-green')].rstrip('-')}-green"


def colors(pair: Sequence[Group], places: Sequence[Place], *, blue: str | None) -> tuple[dict[Color, Group], str]:
    """Which group is blue and which green, and how that was told.

    What the operator says, else the names, else the one with more weight is blue; else the one named first.

    Raises:
        UsageError: `blue` names neither group.
    """
    first, second = pair
    if blue is not None:
        meant = next((group for group in pair if is_meant(group, blue)), None)
        if meant is None:
            raise UsageError(
                f"--blue {blue[:200]!r} is neither of the two target groups, {first.name} and {second.name}",
                hint="Name one of them, by name or ARN.",
            )
        return _blue_is(meant, pair), "as --blue says"
    said = _said_color(first.name), _said_color(second.name)
    if said[0] is not said[1]:
        is_blue = first if said[0] is Color.BLUE or said[1] is Color.GREEN else second
        return _blue_is(is_blue, pair), "by their names"
    weight = {group.arn: sum(place.weights.get(group.arn, 0) for place in places) for group in pair}
    if weight[first.arn] != weight[second.arn]:
        return _blue_is(max(pair, key=lambda group: weight[group.arn]), pair), "by their weights: blue carries more"
    return _blue_is(first, pair), "by their order: neither names nor weights tell; --blue says otherwise"


def _blue_is(blue: Group, pair: Sequence[Group]) -> dict[Color, Group]:
    return {Color.BLUE: blue, Color.GREEN: next(group for group in pair if group.arn != blue.arn)}


def _said_color(name: str) -> Color | None:
    """The one color that a name contains."""
    found = [color for color in Color if color.value in name.lower()]
    return found[0] if len(found) == 1 else None


def _described(group: Group) -> str:
    protocol = " ".join(part for part in (group.protocol, group.protocol_version) if part)
    parts = [f"target type {group.target_type}", protocol, group.vpc_id, group.ip_address_type]
    return ", ".join(part for part in parts if part)
