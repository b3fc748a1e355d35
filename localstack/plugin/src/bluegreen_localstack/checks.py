"""bluegreen's input checks, target health and versions of launch templates: the lab's own, imported, in force here."""

from functools import cache

from toolkit.lab.fidelity import Fidelity, HealthSource
from toolkit.lab.fidelity.readback import ReadbackFidelity


@cache
def _fidelity() -> Fidelity:
    # Nobody is told of changes: an attached data plane looks for itself.
    return Fidelity(health=None, on_change=lambda _region: None)


@cache
def put_in_force() -> None:
    """From now on until the process ends; harmless when repeated."""
    _fidelity().install()
    ReadbackFidelity().install()


def ask_for_health(source: HealthSource | None) -> None:
    """Let `source` say how targets are; with None every target behind a listener is healthy, as moto has it."""
    _fidelity().ask(source)
