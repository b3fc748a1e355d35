import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import InvalidSplit
from toolkit.traffic import MAX_WEIGHT, Color, Split, parse_split

weights = st.integers(0, MAX_WEIGHT)
splits = st.builds(Split, blue=weights, green=st.integers(1, MAX_WEIGHT)) | st.builds(
    Split, blue=st.integers(1, MAX_WEIGHT), green=weights
)
shares = st.fractions(0, 1, max_denominator=100_000)


@pytest.mark.parametrize(("blue", "green"), [(1000, 0), (-1, 5), (0, 0), (True, 0), (1.5, 1)])
def test_weights_that_aws_would_refuse_are_refused_at_the_door(blue: int, green: int) -> None:
    with pytest.raises(InvalidSplit):
        Split(blue=blue, green=green)


@given(splits)
def test_the_shares_of_both_colors_make_a_whole(split: Split) -> None:
    assert split.share(Color.BLUE) + split.share(Color.GREEN) == 1


@given(shares, st.sampled_from(Color))
def test_a_share_becomes_the_closest_split_that_elbv2_can_hold(share: Fraction, color: Color) -> None:
    got = Split.giving(color, share).share(color)
    assert abs(got - share) < Fraction(1, 1000)  # the smallest share there is, 1 of 1000
    assert (got == 0) == (share == 0)
    assert (got == 1) == (share == 1)


@given(st.integers(0, 100), st.sampled_from(Color))
def test_whole_percents_are_exact_and_add_up_to_100(percent: int, color: Color) -> None:
    split = Split.giving(color, Fraction(percent, 100))
    assert split[color] == percent
    assert split.total == 100


def test_a_thousandth_is_exact() -> None:
    assert Split.giving(Color.GREEN, Fraction(1, 1000)) == Split(blue=999, green=1)


def test_no_pair_of_weights_comes_closer_than_the_one_given() -> None:
    share = Fraction(1234, 10_000)
    best = min(
        (abs(Fraction(a, a + b) - share) for a in range(1, 1000) for b in range(1, 1000)),
    )
    assert abs(Split.giving(Color.BLUE, share).share(Color.BLUE) - share) == best


@pytest.mark.parametrize("share", [Fraction(-1, 100), Fraction(101, 100)])
def test_a_share_outside_zero_to_one_is_refused(share: Fraction) -> None:
    with pytest.raises(InvalidSplit, match="between 0 % and 100 %"):
        Split.giving(Color.BLUE, share)


def test_the_leader_has_the_larger_share() -> None:
    assert Split(blue=60, green=40).leader is Color.BLUE
    assert Split(blue=40, green=60).leader is Color.GREEN
    assert Split(blue=5, green=5).leader is None


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("green=20", Split(blue=80, green=20)),
        ("green=20%", Split(blue=80, green=20)),
        (" Blue = 100 ", Split(blue=100, green=0)),
        ("green=0.1", Split(blue=999, green=1)),
        ("blue=950,green=50", Split(blue=950, green=50)),
        ("green=1, blue=0", Split(blue=0, green=1)),
    ],
)
def test_a_split_is_read_as_people_write_it(text: str, split: Split) -> None:
    assert parse_split(text) == split


@pytest.mark.parametrize(
    "text",
    [
        "", "green", "green=", "=20", "red=20", "green=20,green=80", "green=1/3", "green=1e3", "green=nan", "green=-1",
        "blue=1000,green=0", "blue=0,green=0", "blue=0.5,green=1", "green=101", "a=1,b=2,c=3", "green=1_0", "green=٣",
        "green==20", "green=.", "green=99999999999999999",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InvalidSplit):
        parse_split(text)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    with contextlib.suppress(InvalidSplit):
        parse_split(text)
