"""The rollouts that the engine is tried with: short, and each of them ends by itself."""

from __future__ import annotations

from fractions import Fraction

from toolkit.rollout.steps import Approve, Bake, Hook, Shift
from toolkit.rollout.strategy import Strategy

_TENTH, _HALF, _ALL = Shift(Fraction(1, 10)), Shift(Fraction(1, 2)), Shift(Fraction(1))
_BAKE = Bake(4)
_FINE, _SICK = Hook("smoke", command=("true",)), Hook("load", command=("false",))

STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy("canary", (_TENTH, _BAKE, _HALF, _BAKE, _ALL, _BAKE)),
        Strategy("all-at-once", (_ALL, _BAKE)),
        Strategy("failing-gate", (_TENTH, _BAKE, _ALL, _BAKE), gates=(Hook("smoke", command=("false",)),)),
        Strategy(
            "failing-hook", (_TENTH, Hook("smoke", command=("true",)), _HALF, Hook("load", command=("false",)), _ALL)
        ),
        Strategy("unapproved", (_TENTH, Approve(4), _ALL)),
    )
}
"""The first two are promoted, the others taken back: by a gate, by a step, by a deadline."""
