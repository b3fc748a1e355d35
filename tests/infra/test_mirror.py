"""Which provider mirror is taken, and what terraform inherits."""

from pathlib import Path

import pytest

from toolkit.errors import ProviderUnavailable
from toolkit.infra.mirror import child_environment, decides_itself, find_mirror, implied_directories, named_mirror
from toolkit.infra.program import OPENTOFU, TERRAFORM, Program


def a_mirror(directory: Path, program: Program = TERRAFORM) -> Path:
    (directory / program.registry / "hashicorp" / "aws" / "5.100.0").mkdir(parents=True)
    return directory


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "XDG_DATA_DIRS": str(tmp_path / "share")}


def find(environ: dict[str, str], tmp_path: Path, directory: Path | None = None) -> Path | None:
    prefixes = (tmp_path / "absent", tmp_path / "opt")
    return find_mirror(environ, directory=directory or tmp_path / "configuration", system_prefixes=prefixes)


def test_without_any_mirror_terraform_is_left_to_itself(home: dict[str, str], tmp_path: Path) -> None:
    assert find(home, tmp_path) is None


def test_the_named_mirror_beats_every_other(home: dict[str, str], tmp_path: Path) -> None:
    named = a_mirror(tmp_path / "named")
    a_mirror(tmp_path / "opt" / "plugins")
    assert find({**home, "BLUEGREEN_TF_MIRROR": str(named)}, tmp_path) == named


def test_an_empty_name_counts_as_unset(home: dict[str, str], tmp_path: Path) -> None:
    assert find({**home, "BLUEGREEN_TF_MIRROR": ""}, tmp_path) is None


@pytest.mark.parametrize("below", ["terraform.d/plugins"])
def test_the_configurations_own_plugins_come_before_the_users(home: dict[str, str], tmp_path: Path, below: str) -> None:
    a_mirror(tmp_path / "home" / ".terraform.d" / "plugins")
    own = a_mirror(tmp_path / "configuration" / below)
    assert find(home, tmp_path) == own


@pytest.mark.parametrize("place", ["home/.terraform.d/plugins", "home/.local/share/terraform/plugins"])
def test_a_mirror_in_the_home_directory_is_found(home: dict[str, str], tmp_path: Path, place: str) -> None:
    mirror = a_mirror(tmp_path / place)
    assert find(home, tmp_path) == mirror


def test_the_implied_directories_stand_in_terraforms_order() -> None:
    environ = {"HOME": "/h", "XDG_DATA_HOME": "/d", "XDG_DATA_DIRS": "/a::/b"}
    assert implied_directories(environ, directory=Path("c"), platform="linux") == (
        Path("c/terraform.d/plugins"),
        Path("/h/.terraform.d/plugins"),
        Path("/d/terraform/plugins"),
        Path("/a/terraform/plugins"),
        Path("/b/terraform/plugins"),
    )


def test_a_mac_keeps_them_under_application_support() -> None:
    assert implied_directories({"HOME": "/h"}, platform="darwin")[2:] == (
        Path("/h/Library/Application Support/io.terraform/plugins"),
        Path("/Library/Application Support/io.terraform/plugins"),
    )


def test_a_system_prefix_is_searched_one_level_down_in_order(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "opt" / "aaa").mkdir(parents=True)
    a_mirror(tmp_path / "opt" / "deep" / "er")
    last, first = a_mirror(tmp_path / "opt" / "y"), a_mirror(tmp_path / "opt" / "x")
    assert find(home, tmp_path) == first != last


def test_a_mirror_without_the_aws_provider_does_not_count(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "opt" / "plugins" / "registry.terraform.io" / "hashicorp" / "random").mkdir(parents=True)
    assert find(home, tmp_path) is None


def test_a_mirror_serves_the_program_whose_registry_it_holds(home: dict[str, str], tmp_path: Path) -> None:
    terraforms = a_mirror(tmp_path / "opt" / "a")
    tofus = a_mirror(tmp_path / "opt" / "b", OPENTOFU)
    prefixes = (tmp_path / "opt",)
    assert find_mirror(home, directory=tmp_path, system_prefixes=prefixes) == terraforms
    assert find_mirror(home, directory=tmp_path, system_prefixes=prefixes, program=OPENTOFU) == tofus


@pytest.mark.parametrize("program", [TERRAFORM, OPENTOFU], ids=lambda program: program.name)
def test_a_named_mirror_for_the_other_program_says_how_to_fill_it(tmp_path: Path, program: Program) -> None:
    mirror = a_mirror(tmp_path / "mirror", program.other)
    with pytest.raises(ProviderUnavailable, match=f"is a mirror for {program.other.product}") as refused:
        named_mirror({"BLUEGREEN_TF_MIRROR": str(mirror)}, program=program)
    assert program.registry in refused.value.message
    assert f"{program.name} providers mirror {mirror}" in refused.value.hint
    a_mirror(mirror, program)
    assert named_mirror({"BLUEGREEN_TF_MIRROR": str(mirror)}, program=program) == mirror


def test_opentofu_looks_into_a_directory_of_its_own_too() -> None:
    environ = {"HOME": "/h", "XDG_DATA_HOME": "/d", "XDG_DATA_DIRS": "/a"}
    assert implied_directories(environ, platform="linux", program=OPENTOFU) == (
        Path("terraform.d/plugins"),
        Path("/h/.terraform.d/plugins"),
        Path("/d/opentofu/plugins"),
        Path("/d/terraform/plugins"),
        Path("/a/terraform/plugins"),
    )


def test_opentofu_reads_its_own_cli_configuration_and_terraforms_without_one(tmp_path: Path) -> None:
    decides, silent = "provider_installation {\n}\n", ""
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def opentofu() -> bool:
        return decides_itself(environ, program=OPENTOFU)

    assert not opentofu()
    fresh = tmp_path / "config" / "opentofu" / "tofurc"
    fresh.parent.mkdir(parents=True)
    fresh.write_text(decides)
    assert opentofu()
    (tmp_path / ".terraformrc").write_text(silent)
    assert not opentofu()
    (tmp_path / ".tofurc").write_text(decides)
    assert opentofu()
    assert not decides_itself(environ)


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("absent", "no such directory"),
        ("mirror/registry.terraform.io", "directory above"),
        ("empty", "providers mirror"),
    ],
)
def test_a_named_mirror_that_is_none_is_an_error_that_says_how_to_mend_it(
    tmp_path: Path, place: str, hint: str
) -> None:
    a_mirror(tmp_path / "mirror")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProviderUnavailable, match="BLUEGREEN_TF_MIRROR") as refused:
        named_mirror({"BLUEGREEN_TF_MIRROR": str(tmp_path / place)})
    assert hint in refused.value.hint


def test_a_name_that_no_file_system_takes_is_none_too() -> None:
    with pytest.raises(ProviderUnavailable):
        named_mirror({"BLUEGREEN_TF_MIRROR": "x" * 5000})
    assert "TF_CLI_CONFIG_FILE" not in child_environment({"TF_CLI_CONFIG_FILE": "x" * 5000})


@pytest.mark.parametrize(
    ("text", "decides"),
    [("", False), ("# provider_installation", False), ("a = 1\n  provider_installation {\n}\n", True)],
)
def test_a_cli_configuration_decides_where_providers_come_from_only_if_it_says_so(
    tmp_path: Path, text: str, decides: bool
) -> None:
    named, own = tmp_path / "named.tfrc", tmp_path / ".terraformrc"
    named.write_text(text)
    assert decides_itself({"TF_CLI_CONFIG_FILE": str(named), "HOME": str(tmp_path)}) is decides
    own.write_text(text)
    assert decides_itself({"HOME": str(tmp_path)}) is decides


def test_a_missing_cli_configuration_is_kept_from_the_child(tmp_path: Path) -> None:
    there = tmp_path / "terraformrc"
    there.write_text("")
    assert "TF_CLI_CONFIG_FILE" not in child_environment({"TF_CLI_CONFIG_FILE": str(tmp_path / "gone")})
    assert child_environment({"TF_CLI_CONFIG_FILE": str(there)})["TF_CLI_CONFIG_FILE"] == str(there)


def test_the_child_keeps_the_rest_asks_nothing_and_calls_nobody_unasked() -> None:
    child = child_environment({"PATH": "/bin", "TF_VAR_name": "web", "TF_INPUT": "1"})
    assert child == {
        "PATH": "/bin",
        "TF_VAR_name": "web",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }


def test_an_endpoint_for_everything_beats_those_of_single_services() -> None:
    inherited = {"AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": "http://127.0.0.1:1"}
    child = child_environment(inherited, endpoint_url="http://127.0.0.1:2")
    assert {name: value for name, value in child.items() if "ENDPOINT" in name} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:2"
    }


def test_an_endpoint_goes_to_the_child_and_none_leaves_the_inherited_one() -> None:
    inherited = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert child_environment(inherited)["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert child_environment(inherited, endpoint_url="http://127.0.0.1:2")["AWS_ENDPOINT_URL"].endswith(":2")
