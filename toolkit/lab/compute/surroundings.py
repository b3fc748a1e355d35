"""What every controller of the compute is given."""

from dataclasses import dataclass

from toolkit.lab.compute.pool import Pool
from toolkit.lab.fidelity import HealthSource


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The lab around a controller.

    Attributes:
        pool: where the processes run.
        health: who knows the health of targets; the load balancer.
        time_scale: what AWS's waits are multiplied by.
    """

    pool: Pool
    health: HealthSource
    time_scale: float = 1.0
