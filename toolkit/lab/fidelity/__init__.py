"""What AWS's ELBv2 does and moto 5.2.5 does not: input checks, target health, telling others of a change.

It patches moto's ELBv2 backend in the process it is installed in. It takes a source of target health and a
function to call after each change, and knows nothing of who fills them; a LocalStack plugin may use it too.
"""

from toolkit.lab.fidelity.health import Health, HealthSource, HealthUnknown, ReportedHealth
from toolkit.lab.fidelity.patch import Fidelity

__all__ = ["Fidelity", "Health", "HealthSource", "HealthUnknown", "ReportedHealth"]
