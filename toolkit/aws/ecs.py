"""Elastic Container Service: which services stand behind target groups, who deploys them, and how many tasks run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.adoption.ownership import EcsService
from toolkit.aws.session import aws_errors, code_of
from toolkit.errors import AwsError
from toolkit.rollout.workload import Capacity
from toolkit.traffic import Color

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_SERVICES_A_CALL = 10  # Source: ECS API reference, DescribeServices


class EcsServices:
    """The ECS services of the account and region."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("ecs")

    def all(self) -> list[EcsService]:
        """Every service that a load balancer serves. Raises AwsError and its children."""
        with aws_errors("reading the ECS services"):
            return [
                found
                for page in self._client.get_paginator("list_clusters").paginate()
                for cluster in page["clusterArns"]
                for found in self._of(cluster)
            ]

    def _of(self, cluster: str) -> Iterator[EcsService]:
        pages = self._client.get_paginator("list_services").paginate(cluster=cluster)
        arns = [arn for page in pages for arn in page["serviceArns"]]
        for start in range(0, len(arns), _SERVICES_A_CALL):
            answer = self._client.describe_services(cluster=cluster, services=arns[start : start + _SERVICES_A_CALL])
            services = [_service(service) for service in answer["services"]]
            yield from (service for service in services if service.arns)


class EcsWorkload:
    """The ECS service of each color, scaled by its desired count.

    Application Auto Scaling, where it is attached, goes by its own bounds afterwards; they are not read.
    """

    def __init__(self, session: Session, cluster: str, services: Mapping[Color, str]) -> None:
        self._session = session
        self._cluster = cluster
        self._services = services

    @property
    def _client(self) -> Any:
        return self._session.client("ecs")

    def capacity(self, color: Color) -> Capacity:
        """Raises AwsError and its children: among others where the service is gone."""
        name = self._services[color]
        with aws_errors(f"reading the ECS service {name}"):
            answer = self._client.describe_services(cluster=self._cluster, services=[name])
        # One that was deleted lately is still told, as INACTIVE.
        found = next((each for each in answer["services"] if each.get("status") != "INACTIVE"), None)
        if found is None:
            raise self._gone(name)
        return Capacity(desired=int(found["desiredCount"]), running=int(found["runningCount"]))

    def scale(self, color: Color, targets: int) -> None:
        """Ask for so many tasks. Raises AwsError and its children."""
        from botocore.exceptions import ClientError

        name = self._services[color]
        with aws_errors(f"scaling the ECS service {name} to {targets}"):
            try:
                self._client.update_service(cluster=self._cluster, service=name, desiredCount=targets)
            except ClientError as error:
                if code_of(error) not in ("ServiceNotFoundException", "ServiceNotActiveException"):
                    raise
                raise self._gone(name) from error

    def _gone(self, name: str) -> AwsError:
        return AwsError(
            f"ECS service {name} is gone: the cluster {self._cluster} has none of that name",
            hint="Apply the Terraform again, or correct the `workload` that it writes into the deployment contract.",
        )


def _service(service: Mapping[str, Any]) -> EcsService:
    held = [*service.get("loadBalancers", ())]
    # One that CodeDeploy deploys names its current target group in its task sets alone.
    held += [balancer for each in service.get("taskSets", ()) for balancer in each.get("loadBalancers", ())]
    return EcsService(
        cluster=str(service["clusterArn"]).rpartition("/")[2],
        name=service["serviceName"],
        controller=service.get("deploymentController", {}).get("type", "ECS"),
        strategy=service.get("deploymentConfiguration", {}).get("strategy", "ROLLING"),
        arns=frozenset(arn for balancer in held for arn in _arns(balancer)),
    )


def _arns(balancer: Mapping[str, Any]) -> Iterator[str]:
    more = balancer.get("advancedConfiguration") or {}
    names = ("alternateTargetGroupArn", "productionListenerRule", "testListenerRule")
    yield from filter(None, (balancer.get("targetGroupArn"), *(more.get(name) for name in names)))
