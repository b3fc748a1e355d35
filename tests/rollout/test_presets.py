from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import UsageError
from toolkit.rollout.presets import PRESETS, preset
from toolkit.rollout.steps import Bake, Shift

MINUTE = 60
CANARIES = [(5, 10), (10, 5), (10, 10), (10, 15), (10, 30)]
LINEARS = [1, 2, 3, 6, 10]


@pytest.mark.parametrize(("percent", "minutes"), CANARIES)
def test_a_canary_of_aws_shifts_in_two_steps(percent: int, minutes: int) -> None:
    steps = preset(f"Canary{percent}Percent{minutes}Minutes").steps
    bake = Bake(minutes * MINUTE)
    assert steps == (Shift(Fraction(percent, 100)), bake, Shift(Fraction(1)), bake)


@pytest.mark.parametrize("minutes", LINEARS)
def test_a_linear_strategy_of_aws_goes_in_tenths(minutes: int) -> None:
    steps = preset(f"Linear10PercentEvery{minutes}Minutes").steps
    tenths = [(Shift(Fraction(tenth, 10)), Bake(minutes * MINUTE)) for tenth in range(1, 11)]
    assert steps == tuple(step for pair in tenths for step in pair)


PUBLISHED = [
    f"CodeDeployDefault.{name}"
    for name in (
        "LambdaCanary10Percent5Minutes",
        "LambdaCanary10Percent10Minutes",
        "LambdaCanary10Percent15Minutes",
        "LambdaCanary10Percent30Minutes",
        "LambdaLinear10PercentEvery1Minute",
        "LambdaLinear10PercentEvery2Minutes",
        "LambdaLinear10PercentEvery3Minutes",
        "LambdaLinear10PercentEvery10Minutes",
        "LambdaAllAtOnce",
        "ECSLinear10PercentEvery1Minutes",
        "ECSLinear10PercentEvery3Minutes",
        "ECSCanary10Percent5Minutes",
        "ECSCanary10Percent15Minutes",
        "ECSAllAtOnce",
        "AllAtOnce",
    )
]
"""Every predefined configuration that shifts traffic. Source: CodeDeploy user guide, deployment configurations."""


def test_every_published_configuration_that_shifts_traffic_is_a_preset_and_no_other_is_claimed() -> None:
    claimed = [name for each in PRESETS for name in each.aws if name.startswith("CodeDeployDefault.")]
    assert sorted(claimed) == sorted(PUBLISHED)
    for each in PRESETS:
        for name in each.aws:
            if name.startswith("CodeDeployDefault."):
                assert preset(name) is each.strategy


@pytest.mark.parametrize(
    "name",
    [
        "Linear10PercentEvery1Minute",
        "Linear10PercentEvery1Minutes",
        "ECSLinear10PercentEvery1Minutes",
        "LambdaLinear10PercentEvery1Minute",
        "codedeploydefault.ecslinear10percentevery1minute",
        " LINEAR10PERCENTEVERY1MINUTES ",
    ],
)
def test_prefixes_capitals_and_awss_own_plurals_are_one_name(name: str) -> None:
    assert preset(name).name == "Linear10PercentEvery1Minute"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CANARY", "Canary5Percent10Minutes"), ("LINEAR", "Linear10PercentEvery6Minutes"), ("BLUE_GREEN", "AllAtOnce")],
)
def test_ecss_own_strategies_stand_for_their_defaults(name: str, expected: str) -> None:
    assert preset(name).name == expected


@pytest.mark.parametrize("name", ["CodeDeployDefault.OneAtATime", "halfatatime"])
def test_a_configuration_for_instances_in_place_is_told_apart(name: str) -> None:
    with pytest.raises(UsageError, match="replaces instances in place and shifts no traffic"):
        preset(name)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Canary10Percent7Minutes", "Canary10Percent"),
        ("Linear10PercentEvery4Minutes", "Linear10PercentEvery"),
        ("AllAtOne", "AllAtOnce?"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UsageError) as caught:
        preset(name)
    assert f"Did you mean {nearest}" in caught.value.hint


def test_a_name_unlike_any_other_says_where_to_find_them() -> None:
    with pytest.raises(UsageError) as caught:
        preset("xyz")
    assert "[strategy.NAME]" in caught.value.hint


def test_every_preset_has_a_name_of_its_own() -> None:
    names = [each.name for each in PRESETS]
    assert len(set(names)) == len(names)
    for each in PRESETS:
        assert preset(each.name) is each.strategy


@given(st.text(max_size=200))
def test_whatever_is_asked_for_is_a_preset_or_an_error_of_ours(name: str) -> None:
    try:
        assert preset(name) in [each.strategy for each in PRESETS]
    except UsageError as error:
        assert len(error.message) < 200  # noqa: PT017 - not every name is refused
