"""What LocalStack runs when it starts and when it ends."""

import gc

from localstack.runtime import hooks

PATH = "/_bluegreen/data-plane"


@hooks.on_infra_start()
def take_data_planes() -> None:
    from localstack.services.edge import ROUTER

    from bluegreen_localstack.attachment import Attachment

    ROUTER.add(PATH, Attachment().answer, methods=["GET", "PUT", "DELETE"])


@hooks.on_infra_start()
def put_checks_in_force() -> None:
    """Before the first call: launch templates are made by LocalStack's own EC2, which asks nobody here."""
    from bluegreen_localstack.checks import put_in_force

    put_in_force()


@hooks.on_infra_shutdown(priority=-100)  # after LocalStack's own
def leave_at_once() -> None:
    """Spare the interpreter its last collections, which take seconds: the process ends and its memory with it."""
    gc.disable()
    gc.freeze()
