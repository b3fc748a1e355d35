"""CodeDeploy: which deployment groups shift traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.adoption.ownership import CodeDeployGroup
from toolkit.aws.session import aws_errors

if TYPE_CHECKING:
    from toolkit.aws.session import Session

_GROUPS_A_CALL = 100  # Source: CodeDeploy API reference, BatchGetDeploymentGroups


class CodeDeployGroups:
    """The CodeDeploy deployment groups of the account and region."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _client(self) -> Any:
        return self._session.client("codedeploy")

    def all(self) -> list[CodeDeployGroup]:
        """Every deployment group with target groups. Raises AwsError and its children."""
        with aws_errors("reading the CodeDeploy deployment groups"):
            return [
                found
                for page in self._client.get_paginator("list_applications").paginate()
                for application in page["applications"]
                for found in self._of(application)
            ]

    def _of(self, application: str) -> Iterator[CodeDeployGroup]:
        pages = self._client.get_paginator("list_deployment_groups").paginate(applicationName=application)
        names = [name for page in pages for name in page["deploymentGroups"]]
        for start in range(0, len(names), _GROUPS_A_CALL):
            answer = self._client.batch_get_deployment_groups(
                applicationName=application, deploymentGroupNames=names[start : start + _GROUPS_A_CALL]
            )
            groups = [_group(application, group) for group in answer["deploymentGroupsInfo"]]
            yield from (group for group in groups if group.target_groups)


def _group(application: str, group: Mapping[str, Any]) -> CodeDeployGroup:
    balanced = group.get("loadBalancerInfo") or {}
    pairs = balanced.get("targetGroupPairInfoList") or []
    groups = [*(balanced.get("targetGroupInfoList") or []), *(each for pair in pairs for each in pair["targetGroups"])]
    return CodeDeployGroup(
        application=application,
        name=group["deploymentGroupName"],
        style=(group.get("deploymentStyle") or {}).get("deploymentType", "IN_PLACE"),
        is_pair=bool(pairs),
        target_groups=frozenset(each["name"] for each in groups),
        listeners=frozenset(
            arn
            for pair in pairs
            for route in ("prodTrafficRoute", "testTrafficRoute")
            for arn in (pair.get(route) or {}).get("listenerArns", ())
        ),
    )
