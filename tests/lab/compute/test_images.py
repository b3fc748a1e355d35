"""The grammar of tags: version and fault."""

import pytest

from toolkit.lab.compute import Behaviour, behaviour_of


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("registry.example/web:1.4.2", "1.4.2"),
        ("registry.example:5000/team/web:1.4.2", "1.4.2"),
        ("registry.example:5000/team/web", "latest"),
        ("web:1.4.2@sha256:abcdef", "1.4.2"),
        ("web", "latest"),
        ("web:", "latest"),
        ("web:release-candidate", "release-candidate"),
        ("web-1.4.3", "1.4.3"),
        ("web-api-2026.11-b7", "2026.11-b7"),
        ("team/web:1.4.3", "1.4.3"),
    ],
)
def test_a_name_without_a_fault_is_a_good_release_of_its_tag(name: str, version: str) -> None:
    assert behaviour_of(name) == Behaviour(version)


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("errors", ("--error-rate", "0.1")),
        ("slow", ("--slow-rate", "1", "--slow-ms", "500")),
        ("resets", ("--reset-rate", "0.1")),
        ("hangs", ("--hang-rate", "0.1")),
        ("unhealthy", ("--unhealthy",)),
    ],
)
@pytest.mark.parametrize("name", ["registry.example/web:1.4.3-{}", "web-1.4.3-{}"])
def test_a_suffix_chooses_the_fault_and_is_no_part_of_the_version(
    name: str, fault: str, options: tuple[str, ...]
) -> None:
    assert behaviour_of(name.format(fault)) == Behaviour("1.4.3", options)


def test_a_crashing_image_is_pulled_and_a_missing_one_is_not() -> None:
    assert behaviour_of("web:1.4.3-crash") == Behaviour("1.4.3", crashes=True)
    assert behaviour_of("web:1.4.3-missing") == Behaviour("1.4.3", pulls=False)
    assert behaviour_of("web:missing") == Behaviour("latest", pulls=False)


def test_a_fault_is_a_whole_word_at_the_end() -> None:
    assert behaviour_of("web:1.4.3-errorsome") == Behaviour("1.4.3-errorsome")
    assert behaviour_of("web:1.4.3-errors-2") == Behaviour("1.4.3-errors-2")
    assert behaviour_of("web:slow-1.4.3") == Behaviour("slow-1.4.3")
