import random
from collections.abc import Sequence

import pytest

from tests.benchmarks import flows
from tests.benchmarks.plateaus import (
    GRACE_SECONDS,
    Plateau,
    chi_squared_survival,
    is_tested,
    pooled_p_value,
)
from tests.benchmarks.shifting import splits
from tests.benchmarks.zero_downtime import measure, report
from toolkit.lab.load.result import LostFlow, Standing, Tally
from toolkit.traffic import Split


@pytest.mark.parametrize(
    ("statistic", "freedom", "expected"),
    # Tables of the chi-squared distribution: the 5 % and 0.1 % points.
    [(3.841, 1, 0.05), (5.991, 2, 0.05), (18.307, 10, 0.05), (24.996, 15, 0.05), (31.264, 11, 0.001), (0, 7, 1)],
)
def test_the_survival_function_is_that_of_the_tables(statistic: float, freedom: int, expected: float) -> None:
    assert chi_squared_survival(statistic, freedom) == pytest.approx(expected, rel=2e-3)


def test_a_true_split_is_believed_and_a_wrong_one_is_not() -> None:
    chance = random.Random(7)

    def counts(share: float) -> Sequence[int]:
        green = sum(chance.random() < share for _ in range(5000))
        return 5000 - green, green

    assert pooled_p_value((Split(90, 10), counts(0.10)) for _ in range(30)) > 1e-6
    assert pooled_p_value((Split(90, 10), counts(0.13)) for _ in range(30)) < 1e-6


def test_only_long_plateaus_with_two_colors_are_tested() -> None:
    assert is_tested(Split(90, 10), (1900, 100))
    assert not is_tested(Split(90, 10), (1899, 100))
    assert not is_tested(Split(100, 0), (5000, 0))


def test_every_shift_is_a_change_and_every_tenth_leaves_a_color_idle() -> None:
    drawn = list(splits(200, random.Random(3)))
    assert len(drawn) == 200
    assert all(one != other for one, other in zip([Split(100, 0), *drawn], drawn, strict=False))
    assert all(0 in (each.blue, each.green) for each in drawn[9::10])


def test_the_first_shift_changes_the_split_it_starts_from() -> None:
    drawn = list(splits(50, random.Random(5), start=Split(50, 50)))
    assert drawn[0] != Split(50, 50)


def test_late_answers_and_propagation_are_read_from_the_buckets() -> None:
    tally = Tally(began=0.0, bucket_seconds=0.005)
    plateau = Plateau(Split(0, 100), sent=1.0, verified=1.2, left=2.0)
    late = plateau.verified + GRACE_SECONDS + 0.02
    for started, ended in ((0.9, 0.91), (1.042, 1.05), (1.25, late), (1.9, 2.1)):
        tally.answer(started, ended, 200, "blue", "")
    document = report(tally.result(now=2.0), [plateau])
    assert document["stale_after_verify"] == 1
    assert document["propagation_ms_p99"] == 905.0  # the request that began at 1.9 s
    assert document["split_p_value"] is None


def test_only_flows_that_began_late_at_an_idle_color_are_stale_and_every_loss_is_counted() -> None:
    tally = Tally(began=0.0, bucket_seconds=0.005)
    plateau = Plateau(Split(0, 100), sent=1.0, verified=1.2, left=2.0)
    late = plateau.verified + GRACE_SECONDS + 0.02
    for started, ended in ((0.9, late), (1.25, late), (late, late + 0.1), (late + 0.1, 2.1)):
        tally.answer(started, ended, 200, "blue", "")
    lost = LostFlow("green", "127.1.2.3:8080", "reset", "gone", 0.5, 1.5, 2)
    standing = Standing(3, {"blue": 1, "green": 2}, {"127.1.2.3:8080": 2, "127.1.2.4:8080": 1}, 9, (lost,))
    document = flows.report(tally.result(now=2.0, standing=standing), [plateau])
    assert (document["new_flows"], document["failed"], document["stale_after_verify"]) == (4, 0, 2)
    assert (document["standing_flows"], document["lost_flows"]) == (3, 1)
    assert document["losses"] == ["green 127.1.2.3:8080, reset: gone"]


@pytest.mark.lab
def test_a_small_run_drops_nothing() -> None:
    document = measure(shifts=10, requests=5_000)
    assert document["requests"] >= 5_000
    assert (document["failed"], document["failures"]) == (0, [])
    assert (document["shifts"], document["stale_after_verify"]) == (10, 0)
    assert document["split_p_value"] is None or document["split_p_value"] > 1e-6


@pytest.mark.lab
def test_a_small_run_on_a_network_load_balancer_loses_no_flow() -> None:
    document = flows.measure(shifts=10, flows=4_000, standing=20)
    assert document["new_flows"] >= 4_000
    assert (document["failed"], document["failures"]) == (0, [])
    assert (document["standing_flows"], document["lost_flows"], document["losses"]) == (20, 0, [])
    assert set(document["standing"]) == {"blue", "green"}
    assert (document["shifts"], document["stale_after_verify"]) == (10, 0)
    assert document["split_p_value"] is None or document["split_p_value"] > 1e-6
