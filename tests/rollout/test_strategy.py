from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.contract import Contract, parse
from toolkit.errors import ConfigError, UsageError
from toolkit.rollout.steps import Analyze, Approve, Bake, Hook, Probe, Retire, Shift, duration
from toolkit.rollout.strategy import (
    Strategy,
    all_at_once,
    canary,
    linear,
    parse_duration,
    parse_share,
    parse_shares,
    plan_of,
    settled,
    strategy_named,
)
from toolkit.settings import Settings
from toolkit.traffic import Color, Split

ALL = Shift(Fraction(1))
GOLDEN = Path(__file__).parents[1] / "golden" / "deployment.json"


def a_contract() -> Contract:
    return parse(GOLDEN.read_text(), source="the golden contract")


def shares(strategy: Strategy) -> list[Fraction]:
    return [step.share for step in strategy.steps if isinstance(step, Shift)]


def test_a_canary_bakes_after_every_shift_and_after_the_last() -> None:
    assert canary(parse_shares("1,25,100"), 300).steps == (
        Shift(Fraction(1, 100)),
        Bake(300),
        Shift(Fraction(1, 4)),
        Bake(300),
        ALL,
        Bake(300),
    )


def test_a_tenth_of_a_percent_is_one_request_in_a_thousand() -> None:
    plan = plan_of(canary(parse_shares("0.1,100"), 1), a_contract(), base=Color.BLUE, settle_seconds=0)
    first = plan.steps[0]
    assert isinstance(first, Shift)
    assert plan.split(first) == Split(blue=999, green=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,5,50", "does not end with all traffic on the new color: its last shift gives it 50 %"),
        ("5,1,100", "its shares must grow, and 1 % comes after 5 %"),
        ("5,5,100", "its shares must grow"),
        ("0.05,100", "ELBv2's weights cannot say 0.05 %"),
        ("99.95,100", "ELBv2's weights cannot say 99.95 %"),
        ("33.33333,33.33334,100", "is the same as 33.3333 %"),
    ],
)
def test_shares_that_are_no_canary_are_refused_and_say_why(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        canary(parse_shares(text), 60)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("10", ["10", "20", "30", "40", "50", "60", "70", "80", "90", "100"]),
        ("30", ["30", "60", "90", "100"]),
        ("100", ["100"]),
        ("60", ["60", "100"]),
        ("33.33", ["33.33", "66.66", "100"]),
        ("12.5", ["12.5", "25", "37.5", "50", "62.5", "75", "87.5", "100"]),
    ],
)
def test_a_linear_strategy_goes_in_equal_steps_and_ends_with_the_rest(step: str, expected: list[str]) -> None:
    made = linear(parse_share(step), 60)
    assert shares(made) == [Fraction(each) / 100 for each in expected]
    assert [type(each) for each in made.steps] == [Shift, Bake] * len(expected)


@given(st.integers(1, 1000).map(lambda mills: Fraction(mills, 1000)))
def test_whatever_the_step_a_linear_strategy_grows_evenly_to_everything(step: Fraction) -> None:
    found = shares(linear(step, 1))
    assert found[-1] == 1
    assert all(after - before == step for before, after in pairwise(found[:-1]))
    assert 0 < found[-1] - (found[-2] if len(found) > 1 else 0) <= step


@pytest.mark.parametrize("step", [Fraction(0), Fraction(1, 2000), Fraction(3, 2), Fraction(-1, 10)])
def test_a_linear_step_that_no_weights_can_say_is_refused(step: Fraction) -> None:
    with pytest.raises(UsageError, match=r"0\.1 % to 100 %"):
        linear(step, 60)


def test_all_at_once_is_one_shift_and_a_bake() -> None:
    assert all_at_once(90).steps == (ALL, Bake(90))


@pytest.mark.parametrize("steps", [(), (Analyze(),), (Shift(Fraction(1, 2)),)])
def test_a_strategy_that_leaves_traffic_behind_is_refused(steps: tuple[Shift, ...]) -> None:
    with pytest.raises(UsageError, match="does not end with all traffic"):
        Strategy("half", steps)


@pytest.mark.parametrize(
    "steps",
    [(Retire(), ALL), (ALL, Retire(), Analyze()), (ALL, Retire(), Bake(60)), (ALL, Retire(), Approve(60), Retire())],
)
def test_nothing_that_could_send_the_traffic_back_comes_after_a_retire(steps: tuple[Shift, ...]) -> None:
    with pytest.raises(UsageError, match="after a retire"):
        Strategy("hasty", steps)


def test_the_old_side_may_be_retired_in_two_steps() -> None:
    assert Strategy("slow", (ALL, Bake(60), Bake(60), Retire(1), Bake(60), Retire(0))).steps[-1] == Retire(0)


@pytest.mark.parametrize("seconds", [0, 0.5, -1, float("nan"), 1e9])
def test_gates_are_asked_at_a_pace_that_can_be_kept(seconds: float) -> None:
    with pytest.raises(UsageError, match="gates"):
        Strategy("x", (ALL,), gate_seconds=seconds)


def test_no_verdict_comes_before_a_shift_has_settled() -> None:
    steps = (Shift(Fraction(1, 20)), Bake(60), Shift(Fraction(1, 2)), Probe(), Approve(60), Bake(5), ALL)
    assert settled(steps, 600) == (
        Shift(Fraction(1, 20)),
        Bake(600),
        Shift(Fraction(1, 2)),
        Bake(600),
        Probe(),
        Approve(60),
        Bake(5),
        ALL,
        Bake(600),
    )


def test_a_longer_bake_stays_and_without_settling_nothing_is_added() -> None:
    steps = (Shift(Fraction(1, 20)), Bake(900), ALL)
    assert settled(steps, 0) == steps
    assert settled(steps, 600)[:2] == steps[:2]


def test_a_plan_has_what_the_strategy_and_the_contract_say() -> None:
    contract = a_contract()
    strategy = Strategy("mine", (ALL, Bake(1)), gates=(Hook("h", command=("true",)),), gate_seconds=30)
    plan = plan_of(strategy, contract, base=Color.GREEN, settle_seconds=0, release=["web", "api"], force=True)
    assert (plan.service, plan.strategy, plan.base, plan.to) == (contract.name, "mine", Color.GREEN, Color.BLUE)
    assert plan.routes == tuple(route.name for route in contract.routes)
    assert (plan.gates, plan.gate_seconds, plan.release, plan.force) == (strategy.gates, 30, ("web", "api"), True)


def test_an_operators_own_strategy_comes_before_a_preset_of_that_name() -> None:
    own = all_at_once(5, "AllAtOnce")
    assert strategy_named("AllAtOnce", Settings(strategy={"AllAtOnce": own})) is own
    assert strategy_named("AllAtOnce", Settings()).steps == (ALL, Bake(60))


def test_an_unknown_strategy_suggests_the_nearest_of_the_operators_own() -> None:
    with pytest.raises(UsageError) as caught:
        strategy_named("carefull", Settings(strategy={"careful": all_at_once(5, "careful")}))
    assert caught.value.hint.startswith("Did you mean careful?")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("90s", 90),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("2h", 7200),
        ("0", 0),
        ("0s", 0),
        ("1.5h", 5400),
        (" 1m30s ", 90),
        ("720h", 2_592_000),
    ],
)
def test_a_duration_is_read_as_it_is_written(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "5", "m", "-5m", "5 m", "5m1h", "1e3s", "5M", "\u0665m", "5min", "inf", "5m\n5s"]
)
def test_what_is_no_duration_says_what_to_write(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    assert "90s, 5m" in caught.value.hint


def test_a_duration_beyond_a_month_is_a_slip() -> None:
    with pytest.raises(UsageError, match="longer than 30 days"):
        parse_duration("721h")


@given(st.integers(0, 2_592_000))
def test_a_duration_reads_back_as_it_is_printed(seconds: int) -> None:
    assert parse_duration(duration(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0.0", "101", "-1", "5,", ",5", "1/3", "5 %%", "1e1", "\u0665", "five", "1_0"]
)
def test_what_is_no_share_says_what_to_write(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_shares(text)
    assert "Write percent" in caught.value.hint


def test_shares_are_exact_fractions() -> None:
    assert parse_shares("0.1, 33.3%, 100") == (Fraction(1, 1000), Fraction(333, 1000), Fraction(1))


ANYTHING = st.text(max_size=80) | st.text(alphabet="0123456789.,%hms -", max_size=30)


@given(ANYTHING)
def test_whatever_is_written_is_understood_or_refused_in_our_words(text: str) -> None:
    for parser in (parse_duration, parse_shares, parse_share):
        try:
            parser(text)
        except (UsageError, ConfigError) as error:
            assert error.hint  # noqa: PT017 - not every text is refused


@given(ANYTHING, ANYTHING)
def test_whatever_numbers_are_written_a_strategy_is_made_or_refused_in_our_words(text: str, bake: str) -> None:
    try:
        found = shares(canary(parse_shares(text), parse_duration(bake)))
        assert found[-1] == 1
        assert found == sorted(set(found))
    except UsageError:
        return
