"""What the demo plays on: addresses, versions, a port that is free on all of them, a copy of the Terraform tree."""

import contextlib
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from toolkit.errors import LabError
from toolkit.lab.app import Site
from toolkit.lab.dataplane.addresses import to_loopback

SERVICE: Final = "web"
VERSIONS: Final = {"blue": "v1", "green": "v2"}
BAD_VERSION: Final = "v3"
"""What is deployed to green for the second act."""
TARGETS: Final = {
    color: tuple(f"10.0.{net}.{host}" for host in (11, 12, 13)) for net, color in ((1, "blue"), (2, "green"))
}


def terraform_tree() -> Path:
    """The project's `terraform` directory; LabError where only the package is installed."""
    tree = Path(__file__).resolve().parents[3] / "terraform"
    if not (tree / "examples" / "lab").is_dir():
        raise LabError(
            "the demo needs the project's terraform directory, which an installed package lacks.",
            hint="Run it from a clone of the project: make demo",
        )
    return tree


def copied(tree: Path, work: Path) -> Path:
    """A copy of the Terraform tree, so that the checkout stays clean; the example's directory in it."""
    unwanted = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "*.tfstate*", "*.tfplan", "tests")
    shutil.copytree(tree, work / "terraform", ignore=unwanted)
    return work / "terraform" / "examples" / "lab"


def sites(port: int, color: str, version: str) -> list[Site]:
    """Where the targets of a color listen and what they say they are."""
    return [Site(to_loopback(address), port, color, version) for address in TARGETS[color]]


def free_port(addresses: Sequence[str]) -> int:
    """A port that is free on every one of these loopback addresses."""
    for _ in range(50):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            port = 0
            for address in addresses:
                probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                probe.bind((address, port))
                port = int(probe.getsockname()[1])
            return port
    raise LabError(f"no port is free on all of {', '.join(addresses)}.")


def loopback_addresses(targets: Mapping[str, Sequence[str]] = TARGETS) -> list[str]:
    """Where all the targets listen."""
    return [to_loopback(address) for addresses in targets.values() for address in addresses]
