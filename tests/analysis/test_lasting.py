"""Coming and going is a burst; staying is a bad release, however it varies."""

from __future__ import annotations

import math

import pytest

from tests.analysis.making import Both, counts
from toolkit.analysis.lasting import lasting

NULL, NEEDED = 1.25, math.log(200)
GOOD: Both = (750, 7, 2250, 22)


def bad(errors: int) -> Both:
    return (750, errors, 2250, 22)


@pytest.mark.parametrize(
    ("minutes", "known", "lasts"),
    [
        ([bad(75)], True, False),
        ([bad(75)] * 2, False, True),
        ([GOOD, bad(150)], True, False),
        ([bad(150), GOOD, bad(150)], True, False),
        ([GOOD] * 5 + [bad(150)] + [GOOD] * 9 + [bad(150)], False, False),
        ([GOOD] * 40 + [bad(75)] * 4, True, False),
        ([GOOD] * 40 + [bad(75)] * 5, True, True),
        ([GOOD] * 40 + [bad(75)] * 5, False, False),
        ([GOOD] * 40 + [bad(75)] * 8, False, True),
        ([bad(30), bad(300)] * 3, False, False),
        ([bad(30), bad(300)] * 4, False, True),
        ([bad(30), bad(300)] * 3, True, True),
        ([bad(750)] * 3, False, True),
        ([bad(0)] * 3, False, False),
    ],
)
def test_what_stays_lasts(minutes: list[Both], known: bool, lasts: bool) -> None:
    assert lasting([counts(each) for each in minutes], NULL, NEEDED, known=known) is lasts


def test_sparse_errors_that_chance_scatters_last() -> None:
    one, none = (6, 1, 594, 6), (6, 0, 594, 6)
    assert lasting([counts(each) for each in (one, none, none, one, one, none, one, none)], NULL, NEEDED, known=False)
