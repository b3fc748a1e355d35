"""A lab in this very process, until Ctrl-C."""

import logging
import os
from collections.abc import Callable

from toolkit.lab.handle import Lab, sweep
from toolkit.lab.options import LabOptions
from toolkit.lab.state import StateDirectory


def run_in_foreground(options: LabOptions, ready: Callable[[Lab], None]) -> None:
    """Serve until SIGINT or SIGTERM, logging on stderr. `ready` is called when the lab answers."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for key in [key for key in os.environ if key.startswith(("AWS_", "MOTO_"))]:
        del os.environ[key]
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")  # noqa: S106 - the emulator takes any
    # moto reads the environment, AWS_PROFILE too, when it is imported.
    from toolkit.lab.supervisor import Supervisor

    state = StateDirectory.of(options.name)
    with state.locked():
        sweep(state)
        supervisor = Supervisor(state, options)
    supervisor.run(lambda published: ready(Lab(published, state)))
