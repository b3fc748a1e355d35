"""Elastic Container Service: which services stand behind target groups, and who deploys them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.adoption.ownership import EcsService
from toolkit.aws.session import aws_errors

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
