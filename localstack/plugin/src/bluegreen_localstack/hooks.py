"""What LocalStack runs when it starts: the route by which a data plane attaches itself."""

from localstack.runtime import hooks

PATH = "/_bluegreen/data-plane"


@hooks.on_infra_start()
def take_data_planes() -> None:
    from localstack.services.edge import ROUTER

    from bluegreen_localstack.attachment import Attachment

    ROUTER.add(PATH, Attachment().answer, methods=["GET", "PUT", "DELETE"])
