"""What a person should know of how two Auto Scaling groups are set up. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from toolkit.aws.autoscaling_group import Group
from toolkit.aws.launch_templates import TemplateVersion
from toolkit.traffic import Color

_NEEDED = ("AddToLoadBalancer", "HealthCheck", "Launch", "ReplaceUnhealthy", "Terminate")


def on_the_groups(groups: Mapping[Color, Group], target_groups: Mapping[Color, str]) -> Iterator[str]:
    """target_groups: the ARN of each color's, empty where they are not known."""
    for color, group in groups.items():
        yield from _on_health(color, group)
        yield from _on_attachment(color, group, target_groups)
        yield from _on_what_it_launches(color, group)
    largest = max(groups, key=lambda color: groups[color].capacity.maximum or 0)
    most, least = groups[largest].capacity.maximum or 0, groups[largest.other].capacity.maximum or 0
    if least < most:
        yield (
            f"{largest.other} may have {least} instances at most and {largest} {most}, so {largest.other} may be too "
            f"small for the traffic of {largest}: give both groups one max_size."
        )


def on_the_newest(color: Color, used: TemplateVersion, newest: TemplateVersion) -> Iterator[str]:
    """newest: of the same launch template. What Terraform changed in it waits there until somebody names it."""
    different = newest.beside_the_image(used)
    if different:
        yield (
            f"{color} launches by version {used.number} of {used.template}, and version {newest.number} differs in "
            f"{', '.join(different)}: a release takes that over with --launch-template-version {newest.number} alone."
        )


def _on_health(color: Color, group: Group) -> Iterator[str]:
    if "ELB" not in group.checks:
        yield (
            f"{color}'s Auto Scaling group {group.name} never replaces an instance whose app is dead, as its health "
            f"check type is {','.join(sorted(group.checks))}: make it ELB."
        )
    resting = [name for name in group.capacity.suspended if name in _NEEDED]
    if resting:
        yield f"{color}'s Auto Scaling group {group.name} does not work as a whole: {', '.join(resting)} is suspended."


def _on_attachment(color: Color, group: Group, target_groups: Mapping[Color, str]) -> Iterator[str]:
    if not group.target_groups:
        yield f"{color}'s Auto Scaling group {group.name} is attached to no target group, so it gets no traffic."
    elif target_groups and target_groups[color] not in group.target_groups:
        yield f"{color}'s Auto Scaling group {group.name} is not attached to {color}'s target group."
    if target_groups and target_groups[color.other] in group.target_groups:
        yield (
            f"{color}'s Auto Scaling group {group.name} is attached to {color.other}'s target group, so its instances "
            f"get {color.other}'s traffic."
        )


def _on_what_it_launches(color: Color, group: Group) -> Iterator[str]:
    if group.barrier:
        yield f"no release can be put on {color}: its Auto Scaling group {group.name} {group.barrier}."
    if group.template is not None and group.template.is_moving:
        happens = {"$Latest": "whatever is newest runs after the next scale-out, in mid-rollout too"}
        yield (
            f"{color}'s Auto Scaling group {group.name} launches by {group.template.version} of {group.template.id}: "
            f"{happens.get(group.template.version, 'somebody may point that elsewhere in mid-rollout')}; name a number."
        )
