"""Whether the `lab` extra is there. Imports nothing of it."""

from collections.abc import Iterable
from importlib.util import find_spec

from toolkit.errors import LabNotInstalled

NEEDED = ("aiohttp", "cryptography", "envoy", "flask", "httptools", "moto", "psutil", "uvloop")


def require_extra(modules: Iterable[str] = NEEDED) -> None:
    """Raise LabNotInstalled, naming what is missing, unless every module can be imported."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise LabNotInstalled(
            f"the lab is not installed: {', '.join(missing)} missing.",
            hint="Run: pip install 'bluegreen[lab]'",
        )
