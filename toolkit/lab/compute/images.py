"""What the name of an image says of the release in it: its version, and the fault it is played with. Pure.

    registry.example/web:1.4.2          good; answers with X-Version 1.4.2
    registry.example/web:1.4.3-errors   10 % of the requests answered 500
    …-slow                              every request waits 500 ms more
    …-resets, …-hangs                   10 % of the requests reset, or never answered
    …-unhealthy                         health checks fail
    …-crash                             the process exits with code 1 before it listens
    …-missing, or the tag `missing`     cannot be pulled

An image's tag is what follows the last colon, a digest aside. The name of an AMI counts the same way; where it has no
colon, what follows its first dash before a digit: `web-1.4.3-errors`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LATEST: Final = "latest"
"""The version of a name that says none."""

_FAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "errors": ("--error-rate", "0.1"),
    "slow": ("--slow-rate", "1", "--slow-ms", "500"),
    "resets": ("--reset-rate", "0.1"),
    "hangs": ("--hang-rate", "0.1"),
    "unhealthy": ("--unhealthy",),
    "crash": (),
    "missing": (),
}
_DASHED_VERSION: Final = re.compile(r"-(?=\d)")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a release behaves.

    Attributes:
        version: what it answers as X-Version; the fault is no part of it.
        options: further command line options of the sample app.
        pulls: whether the image is there.
        crashes: whether the process ends by itself before it listens.
    """

    version: str
    options: tuple[str, ...] = ()
    pulls: bool = True
    crashes: bool = False

    @property
    def is_unhealthy(self) -> bool:
        """Whether its health checks fail."""
        return "--unhealthy" in self.options


def behaviour_of(name: str) -> Behaviour:
    """The behaviour of the image, or the AMI, called `name`."""
    tag = _tag(name)
    version, _, fault = tag.rpartition("-")
    if fault not in _FAULTS:
        return Behaviour(tag)
    return Behaviour(version or LATEST, _FAULTS[fault], pulls=fault != "missing", crashes=fault == "crash")


def _tag(name: str) -> str:
    """The part that counts; `latest` where there is none."""
    last = name.partition("@")[0].rpartition("/")[2]
    if ":" in last:
        return last.rpartition(":")[2] or LATEST
    parts = _DASHED_VERSION.split(last, maxsplit=1)
    return parts[1] if len(parts) > 1 else LATEST
