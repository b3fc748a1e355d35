"""The compute of one lab, put together."""

from toolkit.lab.compute.asg import AsgController
from toolkit.lab.compute.compute import Compute
from toolkit.lab.compute.ecs import EcsController
from toolkit.lab.compute.pool import Ledger, Pool
from toolkit.lab.compute.surroundings import Surroundings
from toolkit.lab.fidelity import HealthSource
from toolkit.lab.fidelity.ecs import EcsFidelity
from toolkit.lab.fidelity.ecs_scaling import ScalingFidelity
from toolkit.lab.fidelity.readback import ReadbackFidelity


def compute_of(ledger: Ledger, health: HealthSource, *, time_scale: float) -> Compute:
    """Everything that plays workloads.

    Args:
        ledger: where the processes are written down.
        health: who knows the health of targets.
        time_scale: what AWS's waits are multiplied by.
    """
    around = Surroundings(Pool(ledger), health, time_scale)
    ecs, asg = EcsController(around), AsgController(around)
    return Compute(
        around.pool,
        (ecs, asg),
        patches=(EcsFidelity(ecs), ScalingFidelity(ecs), asg.fidelity, ReadbackFidelity()),
        commands={"compute/scale-in": ecs.scale_in, "compute/scale-in-group": asg.scale_in},
    )
