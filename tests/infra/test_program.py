"""Which program provisions, and what it is called."""

from pathlib import Path

import pytest

from tests.infra.conftest import FakeTerraform
from toolkit.errors import TerraformMissing
from toolkit.infra.program import OPENTOFU, TERRAFORM, Program, chosen, numbers


def a_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "bin"


def test_terraform_comes_before_tofu_and_tofu_does_without_it(place: Path) -> None:
    a_program(place / "tofu")
    assert chosen({"PATH": str(place)}) == OPENTOFU
    a_program(place / "terraform")
    assert chosen({"PATH": str(place)}) == TERRAFORM


@pytest.mark.parametrize(("named", "is_opentofu"), [("tofu", True), ("terraform", False)])
def test_a_name_in_the_variable_decides(place: Path, named: str, is_opentofu: bool) -> None:
    a_program(place / "tofu")
    a_program(place / "terraform")
    found = chosen({"PATH": str(place), "BLUEGREEN_TERRAFORM": named})
    assert found == Program(str(place / named), is_opentofu=is_opentofu)


@pytest.mark.parametrize(("name", "is_opentofu"), [("tofu-1.10.0", True), ("terraform-1.12", False)])
def test_a_path_may_be_named_and_runs_from_every_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_opentofu: bool
) -> None:
    path = a_program(tmp_path / "elsewhere" / name)
    for named in (str(path), f"elsewhere/{name}", f"~/elsewhere/{name}"):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert chosen({"PATH": "", "BLUEGREEN_TERRAFORM": named}) == Program(str(path), is_opentofu=is_opentofu)


def test_tofu_in_terraforms_place_is_still_tofu(place: Path, tmp_path: Path) -> None:
    place.mkdir()
    (place / "terraform").symlink_to(a_program(tmp_path / "opt" / "tofu"))
    assert chosen({"PATH": str(place)}) == Program("terraform", is_opentofu=True)


def test_an_empty_variable_counts_as_unset(place: Path) -> None:
    a_program(place / "terraform")
    assert chosen({"PATH": str(place), "BLUEGREEN_TERRAFORM": ""}) == TERRAFORM


def test_a_variable_that_names_nothing_is_no_fallback(place: Path) -> None:
    a_program(place / "terraform")
    with pytest.raises(TerraformMissing, match="BLUEGREEN_TERRAFORM=tofu is no program") as missing:
        chosen({"PATH": str(place), "BLUEGREEN_TERRAFORM": "tofu"})
    assert "unset it" in missing.value.hint


def test_with_neither_both_places_to_get_one_are_named() -> None:
    with pytest.raises(TerraformMissing, match="terraform is not on the PATH, and neither is tofu") as missing:
        chosen({"PATH": "/nowhere"})
    assert "developer.hashicorp.com" in missing.value.hint
    assert "opentofu.org" in missing.value.hint


def test_each_looks_for_providers_at_its_own_registry_and_is_had_from_its_own_page() -> None:
    assert (TERRAFORM.registry, OPENTOFU.registry) == ("registry.terraform.io", "registry.opentofu.org")
    assert (TERRAFORM.other, OPENTOFU.other) == (OPENTOFU, TERRAFORM)
    assert "hashicorp.com/terraform/install" in TERRAFORM.get_it
    assert "opentofu.org/docs/intro/install" in OPENTOFU.get_it


@pytest.mark.parametrize(
    ("version", "pair"),
    [("1.11.4", (1, 11)), ("1.10.0-beta1", (1, 10)), ("v2.0", (2, 0)), ("soon", None), ("", None), ("1", None)],
)
def test_a_versions_numbers_are_major_and_minor(version: str, pair: tuple[int, int] | None) -> None:
    assert numbers(version) == pair


def test_the_fake_of_the_other_tests_is_found(fake_terraform: FakeTerraform) -> None:
    assert chosen(fake_terraform("", name="tofu")) == OPENTOFU
