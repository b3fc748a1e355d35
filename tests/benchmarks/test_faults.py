"""Which calls a plan of faults harms."""

from __future__ import annotations

from tests.benchmarks import faults
from tests.benchmarks.faults import ByChance, Judge, Systematic
from tests.support.proxy import Call, Harm


def call(operation: str) -> Call:
    return Call(1, "operator", "dynamodb", operation, b"", 0.0)


def test_a_systematic_plan_harms_the_calls_that_it_names() -> None:
    judge = Judge(Systematic("canary", "Query", Harm.RESET, first=2, times=2), scale=1)
    asked = ("Query", "GetItem", "Query", "Query", "Query")
    harmed = [fault and fault.harm for fault in (judge(call(each)) for each in asked)]
    assert harmed == [None, None, Harm.RESET, Harm.RESET, None]


def test_a_plan_by_chance_is_the_same_each_time_and_harms_about_its_share() -> None:
    first, second = ([Judge(ByChance("canary", 3, 0.1), 1)(call("Query")) for _ in range(1)] for _ in range(2))
    assert first == second
    judge = Judge(ByChance("canary", 3, 0.1), scale=1)
    assert 150 < sum(judge(call("Query")) is not None for _ in range(2000)) < 260


def test_every_operation_meets_every_harm() -> None:
    plans = list(faults.systematic("canary", ["Query", "Query", "GetItem"]))
    assert {(plan.operation, plan.harm) for plan in plans} == {
        (each, harm) for each in ("Query", "GetItem") for harm in Harm
    }
    assert {plan.first for plan in plans if plan.operation == "GetItem"} == {1}
