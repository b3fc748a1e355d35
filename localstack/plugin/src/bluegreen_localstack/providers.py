"""The services, as LocalStack finds them by entry point: each sends every operation to moto.

Not `MotoFallbackDispatcher`: that wants a provider class generated for the API, which the open core lacks for three.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

from localstack.services.plugins import Service, aws_provider


def _by_moto(name: str) -> Service:
    from localstack.aws.skeleton import Skeleton
    from localstack.aws.spec import load_service
    from localstack.services.moto import call_moto

    model = load_service(name)
    return Service(name, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, _answered_by(call_moto))))


def _answered_by(call: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """A handler of LocalStack's form; moto reads the request itself.

    One at a time: moto checks the condition of a write and writes in two steps, DynamoDB does in one.
    """
    turn = Lock()

    def answer(context: Any, _request: Any) -> Any:
        with turn:
            return call(context)

    return answer


@aws_provider()
def elbv2() -> Service:
    return _by_moto("elbv2")


@aws_provider()
def autoscaling() -> Service:
    return _by_moto("autoscaling")


@aws_provider(api="application-autoscaling")
def application_autoscaling() -> Service:
    return _by_moto("application-autoscaling")


@aws_provider()
def ecs() -> Service:
    return _by_moto("ecs")


# LocalStack has its own of these. They start programs in Java or Node, which download themselves and may listen on
# every address, so where there is no container around them PROVIDER_OVERRIDE_...=moto chooses these.


@aws_provider(api="dynamodb", name="moto")
def dynamodb() -> Service:
    return _by_moto("dynamodb")


@aws_provider(api="dynamodbstreams", name="moto")
def dynamodbstreams() -> Service:
    return _by_moto("dynamodbstreams")


@aws_provider(api="kinesis", name="moto")
def kinesis() -> Service:
    return _by_moto("kinesis")
