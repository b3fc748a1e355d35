"""Who of a rolling update may leave now, by the health of all: what is decided before a batch is taken out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from toolkit.rollout.plan import Plan
from toolkit.rollout.ports import TargetHealth
from toolkit.rollout.rolling import Member
from toolkit.rollout.state import RolloutState
from toolkit.rollout.steps import Batch

LEAVING = "draining"
"""AWS's word for a target that is deregistered and not gone yet."""


def member_of(target: TargetHealth) -> Member:
    return Member(target.id, target.port, target.zone)


def by_member(health: Collection[TargetHealth]) -> Mapping[Member, TargetHealth]:
    return {member_of(each): each for each in health}


def in_words(target: TargetHealth | None) -> str:
    """`draining`, or `unhealthy (Target.Timeout)`."""
    if target is None:
        return "not registered"
    return f"{target.state} ({target.reason})" if target.reason else target.state


def needed(plan: Plan) -> int:
    """How many of the others have to be healthy."""
    return 0 if plan.rolling is None or plan.force else plan.rolling.min_healthy


def healthy_beside(members: Collection[Member], health: Collection[TargetHealth]) -> int:
    """How many are, without these."""
    return sum(each.is_healthy for each in health if member_of(each) not in members)


def who_may_leave(state: RolloutState, steps: Sequence[int], health: Sequence[TargetHealth]) -> tuple[int, int] | None:
    """The first of `steps` whose batch may leave, and how many others are healthy then; None: none of them.

    On the way back a batch of which nobody is healthy may always, for it is missed by nobody.
    """
    for step in steps:
        batch = state.plan.steps[step]
        members = frozenset(batch.members) if isinstance(batch, Batch) else frozenset()
        others = healthy_beside(members, health)
        is_missed = any(each.is_healthy for each in health if member_of(each) in members)
        if others >= needed(state.plan) or (state.back and not is_missed):
            return step, others
    return None


def taken_out_by_others(batch: Batch, health: Sequence[TargetHealth]) -> tuple[str, ...]:
    """Members of a batch that is in which are not, or are about to leave, by somebody else's doing; in words."""
    known = by_member(health)
    staying = {member for member, each in known.items() if each.state != LEAVING}
    return tuple(f"{each} is {in_words(known.get(each))}" for each in batch.members if each not in staying)


def registered_since(plan: Plan, health: Sequence[TargetHealth]) -> tuple[Member, ...]:
    """Who is registered and was not when the plan was made."""
    planned = {each for step in plan.steps if isinstance(step, Batch) for each in step.members}
    return tuple(
        member for member, each in by_member(health).items() if member not in planned and each.state != LEAVING
    )
