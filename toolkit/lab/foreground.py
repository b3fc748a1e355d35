"""A lab in this very process, until Ctrl-C."""

import logging
import os
from collections.abc import Callable

from toolkit.lab.attach_options import AnyOptions, AttachOptions
from toolkit.lab.handle import Lab, lab_of, sweep
from toolkit.lab.resident import Servant
from toolkit.lab.state import StateDirectory


def run_in_foreground(options: AnyOptions, ready: Callable[[Lab], None]) -> None:
    """Serve until SIGINT or SIGTERM, logging on stderr. `ready` is called when the lab answers."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for key in [key for key in os.environ if key.startswith(("AWS_", "MOTO_"))]:
        del os.environ[key]
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")  # noqa: S106 - the emulator takes any
    state = StateDirectory.of(options.name)
    with state.locked():
        sweep(state)
        servant = _servant(state, options)
    servant.run(lambda published: ready(lab_of(published, state)))


def _servant(state: StateDirectory, options: AnyOptions) -> Servant:
    # moto reads the environment, AWS_PROFILE too, when it is imported; an attached data plane does without it.
    if isinstance(options, AttachOptions):
        from toolkit.lab.attach import Attached

        return Attached(state, options)
    from toolkit.lab.supervisor import Supervisor

    return Supervisor(state, options)
