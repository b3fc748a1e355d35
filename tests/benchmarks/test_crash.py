"""When the benchmark of crashes says that all is well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks import crash


def figures(**changed: Any) -> dict[str, Any]:
    good = dict.fromkeys(("invalid_states", "double_writes", "not_killed"), 0)
    pairs = dict.fromkeys(("boundaries", "boundaries_outside"), 60)
    cases = dict.fromkeys(("runs", "converged", "rollbacks", "went_home"), 120)
    return good | pairs | cases | {"crashed_twice": 4, "converged_twice": 4, "strategy": "canary"} | changed


@pytest.mark.parametrize(
    "changed",
    [
        {"boundaries_outside": 61},
        {"converged": 119},
        {"went_home": 119},
        {"converged_twice": 3},
        {"invalid_states": 1},
        {"double_writes": 1},
        {"not_killed": 1},
    ],
)
def test_one_missed_goal_is_no_success(changed: dict[str, int]) -> None:
    assert crash.is_good(figures())
    assert not crash.is_good(figures(**changed))


def test_the_last_line_sums_the_strategies() -> None:
    one, other = figures(), figures(strategy="all-at-once", converged=100)
    summed = crash.total([one, other])
    assert (summed["boundaries"], summed["converged"]) == (120, 220)
    assert summed["strategies"] == [one, other]
    assert crash.total([one])["strategy"] == "canary"
