"""The lab's compute: ECS services and Auto Scaling groups played with real processes of the sample app."""

from toolkit.lab.compute.compute import Compute, Controller
from toolkit.lab.compute.images import Behaviour, behaviour_of
from toolkit.lab.compute.pool import Exited, Ledger, Pool, Running, Starting, State
from toolkit.lab.compute.surroundings import Surroundings

__all__ = [
    "Behaviour", "Compute", "Controller", "Exited", "Ledger", "Pool", "Running", "Starting", "State", "Surroundings",
    "behaviour_of",
]  # fmt: skip
