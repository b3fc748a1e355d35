"""Where the AWS provider comes from where the public registry cannot be reached, and what a child inherits.

A mirror is a directory in the layout of `terraform providers mirror`, packed or unpacked:
`HOSTNAME/NAMESPACE/TYPE/...`. It counts only if it holds the AWS provider, and under the host of the registry that
the program means by `hashicorp/aws`: OpenTofu looks for registry.opentofu.org in it, and follows no link on the way.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from toolkit.errors import ProviderUnavailable
from toolkit.infra.endpoint import AwsEnvironment, AwsPlace, aws_environment
from toolkit.infra.program import TERRAFORM, Program

MIRROR_VARIABLE = "BLUEGREEN_TF_MIRROR"
_SYSTEM_PREFIXES = (Path("/opt"), Path("/usr/share"), Path("/usr/local/share"))


def find_mirror(
    environ: Mapping[str, str],
    *,
    directory: Path = Path(),
    system_prefixes: tuple[Path, ...] = _SYSTEM_PREFIXES,
    program: Program = TERRAFORM,
) -> Path | None:
    """The mirror to hand to `init -plugin-dir`; None leaves the choice to the program.

    First what BLUEGREEN_TF_MIRROR names, then Terraform's own implied mirror directories (the first of
    them lies in `directory`, the configuration), then a folder of the registry's name one level below a
    system prefix.

    Raises:
        ProviderUnavailable: BLUEGREEN_TF_MIRROR names nothing usable.
    """
    named = named_mirror(environ, program=program)
    if named is not None:
        return named
    implied = implied_directories(environ, directory=directory, program=program)
    for candidate in (*implied, *_below(system_prefixes)):
        if _holds_aws(candidate, program):
            return candidate.resolve()
    return None


def named_mirror(environ: Mapping[str, str], *, program: Program = TERRAFORM) -> Path | None:
    """The mirror that BLUEGREEN_TF_MIRROR names; None where it is unset or empty.

    Raises:
        ProviderUnavailable: it names nothing usable.
    """
    value = environ.get(MIRROR_VARIABLE)
    if not value:
        return None
    path = Path(value).expanduser()
    if _holds_aws(path, program):
        return path.resolve()
    if path.name == program.registry and _holds_aws(path.parent, program):
        hint = f"Name the directory above it: {MIRROR_VARIABLE}={path.parent}"
    elif _holds_aws(path, program.other):
        raise ProviderUnavailable(
            f"{MIRROR_VARIABLE}={value} is a mirror for {program.other.product}: it holds "
            f"{program.other.registry}, and {program.product} looks for {program.registry}.",
            hint=f"Fill it for {program.product} with `{program.name} providers mirror {path}`.",
        )
    elif not _is_dir(path):
        hint = f"There is no such directory; unset {MIRROR_VARIABLE} to use the public registry."
    else:
        hint = f"It must contain {_aws(program)}; `{program.name} providers mirror DIR` fills such a directory."
    raise ProviderUnavailable(f"{MIRROR_VARIABLE}={value} is no provider mirror.", hint=hint)


def implied_directories(
    environ: Mapping[str, str],
    *,
    directory: Path = Path(),
    platform: str = sys.platform,
    program: Program = TERRAFORM,
) -> tuple[Path, ...]:
    """Where the program itself looks before it asks a registry.

    Source: Terraform CLI configuration, "Implied Local Mirror Directories"; OpenTofu has them all, and a
    directory of its own below XDG_DATA_HOME.
    """
    home = Path(environ.get("HOME") or Path.home())
    own: tuple[Path, ...] = (directory / "terraform.d" / "plugins", home / ".terraform.d" / "plugins")
    if program.is_opentofu and environ.get("XDG_DATA_HOME"):
        own = (*own, Path(environ["XDG_DATA_HOME"], "opentofu", "plugins"))
    if platform == "darwin":
        support = Path("Library", "Application Support", "io.terraform", "plugins")
        return (*own, home / support, Path("/") / support)
    data = (
        environ.get("XDG_DATA_HOME") or str(home / ".local" / "share"),
        *(environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":"),
    )
    return (*own, *(Path(folder, "terraform", "plugins") for folder in data if folder))


def decides_itself(environ: Mapping[str, str], *, program: Program = TERRAFORM) -> bool:
    """Whether the user's own CLI configuration says where providers come from (`provider_installation`)."""
    file = _cli_configuration(environ, program)
    try:
        return re.search(r"^\s*provider_installation\b", file.read_text("utf-8", "replace"), re.MULTILINE) is not None
    except OSError:  # none, or not ours to read
        return False


def child_environment(environ: Mapping[str, str], *, endpoint_url: str | None = None) -> dict[str, str]:
    """`environ` made fit for a terraform that nobody answers and that calls nobody unasked.

    `endpoint_url` sends every AWS service there, so endpoints of single services are left out. Where an endpoint is
    loopback, so is all that leads to the real AWS. A TF_CLI_CONFIG_FILE that names a missing file is left out too:
    Terraform would warn on every command.

    Raises:
        AwsError: as `endpoint.aws_environment`.
    """
    if isinstance(environ, AwsEnvironment) and not endpoint_url:
        child = dict(environ)
    else:
        child = dict(aws_environment(environ, AwsPlace.of(environ, endpoint_url)))
    if "TF_CLI_CONFIG_FILE" in child and not _is_file(Path(child["TF_CLI_CONFIG_FILE"])):
        del child["TF_CLI_CONFIG_FILE"]
    return child | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}


def _cli_configuration(environ: Mapping[str, str], program: Program) -> Path:
    """The CLI configuration that the program reads, whether it exists or not.

    Source: "CLI Configuration" of either. OpenTofu reads Terraform's where it finds none of its own.
    """
    named = environ.get("TF_CLI_CONFIG_FILE")
    if named:
        return Path(named)
    home = Path(environ.get("HOME") or Path.home())
    shared = home / ".terraformrc"
    if not program.is_opentofu:
        return shared
    own = home / ".tofurc"
    if _is_file(own) or _is_file(shared):
        return own if _is_file(own) else shared
    return Path(environ["XDG_CONFIG_HOME"], "opentofu", "tofurc") if environ.get("XDG_CONFIG_HOME") else own


def _below(prefixes: tuple[Path, ...]) -> Iterator[Path]:
    for prefix in prefixes:
        try:
            yield from sorted(prefix.iterdir())
        except OSError:  # absent or unreadable: nothing to find here
            continue


def _holds_aws(directory: Path, program: Program) -> bool:
    return _is_dir(directory / _aws(program))


def _aws(program: Program) -> Path:
    return Path(program.registry, "hashicorp", "aws")


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a folder above it may not be read
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
