"""How long a canary needs, beside how long simulated ones took."""

from __future__ import annotations

import random
import statistics

import pytest

from tests.analysis.making import first_fail, traffic
from toolkit.analysis.policy import Policy
from toolkit.analysis.power import power
from toolkit.errors import UsageError


@pytest.mark.parametrize(("a_minute", "share", "rate", "ratio"), [(3000, 0.05, 0.01, 3), (3000, 0.25, 0.001, 10)])
def test_the_answer_is_about_the_median_of_what_happens(
    a_minute: float, share: float, rate: float, ratio: float
) -> None:
    said = power(Policy(), rate=a_minute / 60, share=share, baseline=rate, factor=ratio).detect
    found = statistics.median(
        first_fail(traffic(random.Random(seed), a_minute=a_minute, share=share, rate=rate, ratio=ratio))
        for seed in range(41)
    )
    assert said is not None
    assert said * 0.7 - 1 <= found <= said * 1.3 + 1


def test_more_traffic_a_larger_share_and_a_worse_release_are_seen_sooner() -> None:
    usual = power(Policy(), rate=10, share=0.05, baseline=0.01, factor=3)
    for sooner in (
        power(Policy(), rate=100, share=0.05, baseline=0.01, factor=3),
        power(Policy(), rate=10, share=0.25, baseline=0.01, factor=3),
        power(Policy(), rate=10, share=0.05, baseline=0.01, factor=9),
    ):
        assert (sooner.detect or 0) < (usual.detect or 0)


def test_what_is_below_the_smallest_effect_is_never_seen() -> None:
    assert power(Policy(), rate=1000, share=0.25, baseline=0.01, factor=1.2).detect is None
    assert power(Policy(excess=0.05), rate=1000, share=0.25, baseline=0.01, factor=3).detect is None


def test_too_little_traffic_is_said_to_be_too_little() -> None:
    found = power(Policy(), rate=0.01, share=0.01, baseline=0.0001, factor=2)
    assert (found.detect, found.safe) == (None, None)


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": 1e9}, {"share": 0}, {"share": 1}, {"baseline": 0}, {"baseline": 1}, {"factor": 1}]
)
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        power(Policy(), **({"rate": 10.0, "share": 0.05, "baseline": 0.01, "factor": 3.0} | wrong))
