"""Where a service's own hooks go in a plan: each at its point, whatever the strategy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolkit.rollout.steps import Batch, Deploy, Hook, Retire, Roll, Scale, Shift, Step
from toolkit.settings import HookPoint, HookSettings


def hooks_at(point: HookPoint, hooks: Sequence[HookSettings]) -> tuple[Hook, ...]:
    """The hooks of one point, in the order of the settings."""
    return tuple(
        Hook(
            name=each.name,
            command=each.command,
            url=each.url,
            timeout_seconds=each.timeout_seconds,
            retries=each.retries,
            at=point,
        )
        for each in hooks
        if each.at is point
    )


def hooked(steps: Sequence[Step], hooks: Sequence[HookSettings]) -> tuple[Step, ...]:
    """`steps` with the hooks among them. Those of a rollback and of the end are no steps.

    Preparing is deploying, and scaling before the first shift; a strategy that does neither has both points at its
    beginning. What is updated in place has the points of a shift around each batch.
    """
    return tuple(_hooked(steps, hooks))


def _hooked(steps: Sequence[Step], hooks: Sequence[HookSettings]) -> Iterator[Step]:
    prepared = _prepared(steps)
    yield from hooks_at(HookPoint.BEFORE_PREPARE, hooks)
    for index, step in enumerate(steps):
        if index == prepared:
            yield from hooks_at(HookPoint.AFTER_PREPARE, hooks)
        match step:
            case Shift() | Batch() | Roll():
                yield from hooks_at(HookPoint.BEFORE_SHIFT, hooks)
                yield step
                yield from hooks_at(HookPoint.AFTER_SHIFT, hooks)
            case Retire():
                yield from hooks_at(HookPoint.BEFORE_RETIRE, hooks)
                yield step
            case _:
                yield step


def _prepared(steps: Sequence[Step]) -> int:
    """The index of the step before which the new color is prepared."""
    first = next((index for index, step in enumerate(steps) if isinstance(step, Shift)), 0)
    preparing = [index for index in range(first) if isinstance(steps[index], Deploy | Scale)]
    return preparing[-1] + 1 if preparing else 0
