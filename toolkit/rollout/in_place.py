"""What becomes of batches in the state of a rollout that updates the live color in place. Pure."""

from __future__ import annotations

from dataclasses import replace

from toolkit.rollout.events import BatchMoved
from toolkit.rollout.rolling import Act, Standing
from toolkit.rollout.state import RolloutState


def may_move(state: RolloutState, step: int, act: Act) -> bool:
    """Whether that act on the batch of this step follows from the state."""
    if step != state.next_batch and step not in state.may_be_released:
        return False
    standing = state.batches.get(step, Standing())
    return (standing.stuck and state.back) if act is Act.LEAVE else act is standing.act(state.wanted)


def batch_moved(state: RolloutState, event: BatchMoved) -> RolloutState:
    """The state once that act is done; whether the step is, is not said."""
    standing = state.batches.get(event.step, Standing()).after(event.act, state.wanted)
    moved = replace(state, batches={**state.batches, event.step: standing})
    if event.act is not Act.LEAVE:
        return moved
    names = ", ".join(map(str, moved.left))
    return replace(moved, reason=f"{names} could not be taken back ({event.detail})")


def doubting(state: RolloutState) -> RolloutState:
    """The batch under way may have been put in, and may not serve."""
    return replace(state, batches={step: standing.doubted() for step, standing in state.batches.items()})


def stuck(state: RolloutState) -> RolloutState:
    """Whoever goes on from here knows that the batch may not come back."""
    step = state.next_batch
    if step is None or not state.back:
        return state
    standing = replace(state.batches[step], stuck=True)
    return replace(state, batches={**state.batches, step: standing})


def with_away(state: RolloutState, reason: str) -> str:
    """The reason why nobody goes on, and who is left without traffic by that."""
    return f"{reason}; {', '.join(map(str, state.away))} may be out" if state.away else reason
