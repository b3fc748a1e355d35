"""Who else writes the weights of a route: then it cannot be adopted, since two hands on one action undo each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from toolkit.adoption.places import Balancer, Group, Place
from toolkit.contract import Contract

Tags = Mapping[str, Mapping[str, str]]
"""ARN -> its tags."""

_KUBERNETES = (
    # AWS Load Balancer Controller: Ingress, Service, Gateway. Source: its annotations guide and source,
    # pkg/deploy/tracking and pkg/gateway/constants.
    "elbv2.k8s.aws/",
    "ingress.k8s.aws/",
    "service.k8s.aws/",
    "gateway.k8s.aws",
    # The same controller run by EKS Auto Mode. Source: EKS guide, IAM role of an Auto Mode cluster.
    "ingress.eks.amazonaws.com/",
    "service.eks.amazonaws.com/",
    # Its forerunners: the cloud provider within Kubernetes, and the ALB Ingress Controller.
    "kubernetes.io/service-name",
    "kubernetes.io/ingress-name",
)
_STACK = "aws:cloudformation:stack-name"
_SHIFTING = {"BLUE_GREEN": "blue/green", "LINEAR": "linear", "CANARY": "canary"}


@dataclass(frozen=True, slots=True)
class EcsService:
    """An ECS service. arns: every target group, rule and listener that it or its task sets name.

    controller: ECS, CODE_DEPLOY or EXTERNAL. strategy: ROLLING, BLUE_GREEN, LINEAR or CANARY.
    """

    cluster: str
    name: str
    controller: str
    strategy: str
    arns: frozenset[str]


@dataclass(frozen=True, slots=True)
class CodeDeployGroup:
    """A CodeDeploy deployment group. Listeners by ARN, target groups by name, as CodeDeploy has them.

    is_pair: it shifts between two target groups. style: IN_PLACE or BLUE_GREEN.
    """

    application: str
    name: str
    style: str
    is_pair: bool
    target_groups: frozenset[str]
    listeners: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody else's hold on a route: who, and why that matters. `refuses`, or is only to be told."""

    text: str
    refuses: bool = True


def tag_claims(tags: Tags) -> Iterator[Claim]:
    """Of the AWS Load Balancer Controller, which puts back what its Kubernetes objects say; and of CloudFormation."""
    for arn, held in tags.items():
        mark = next((key for key in sorted(held) if key.startswith(_KUBERNETES)), None)
        if mark is not None:
            yield Claim(
                f"{_path(arn)} belongs to the AWS Load Balancer Controller (tag {mark} = {held[mark]}): it writes the "
                "weights that the Kubernetes objects say, and would take a shift back at its next reconciliation"
            )
    stacks = {held[_STACK]: arn for arn, held in tags.items() if _STACK in held}
    for stack, arn in stacks.items():
        yield Claim(
            f"{_path(arn)} belongs to the CloudFormation stack {stack}: an update of the stack (CDK too) that touches "
            "the listener or rule writes its weights back, and CloudFormation has no ignore_changes",
            refuses=False,
        )


def ecs_claims(services: Iterable[EcsService], places: Sequence[Place], pair: Sequence[Group]) -> Iterator[Claim]:
    """Of ECS services that shift traffic by themselves or through another; rolling ones leave weights alone."""
    ours = {arn for place in places for arn in (place.arn, place.listener_arn)} | {group.arn for group in pair}
    # A rule's listener also carries other services' rules, so a service that names the listener alone is no claim.
    ours -= {place.listener_arn for place in places if place.listener_arn != place.arn}
    for service in services:
        if not service.arns & ours:
            continue
        who = f"ECS service {service.name} in cluster {service.cluster}"
        if service.controller == "CODE_DEPLOY":
            yield Claim(f"{who} is deployed by CodeDeploy, which rewrites the weights at each deployment")
        elif service.strategy in _SHIFTING:
            yield Claim(
                f"{who} has the {_SHIFTING[service.strategy]} deployment strategy: ECS rewrites the weights at each "
                "deployment"
            )
        elif service.controller == "EXTERNAL":
            yield Claim(
                f"{who} has an external deployment controller: see that what drives it writes no weights",
                refuses=False,
            )


def codedeploy_claims(
    groups: Iterable[CodeDeployGroup], places: Sequence[Place], pair: Sequence[Group]
) -> Iterator[Claim]:
    """Of CodeDeploy deployment groups. One that deploys in place behind one group leaves weights alone."""
    names, arns = {group.name for group in pair}, {place.arn for place in places}
    for group in groups:
        if not (group.target_groups & names or group.listeners & arns):
            continue
        who = f"the CodeDeploy deployment group {group.name} of application {group.application}"
        if group.is_pair:
            yield Claim(
                f"{who} shifts between target groups here, so CodeDeploy rewrites the weights at each deployment"
            )
        elif group.style == "BLUE_GREEN":
            shared = ", ".join(sorted(group.target_groups & names))
            yield Claim(f"{who} does blue/green of its own: it exchanges the targets of {shared} at each deployment")


def contract_claims(
    contracts: Mapping[str, Contract], name: str, places: Sequence[Place], pair: Sequence[Group]
) -> Iterator[Claim]:
    """Of bluegreen's own services: one may already have this route, this pair, or this name."""
    arns, groups = {place.arn for place in places}, {group.arn for group in pair}
    for service, contract in contracts.items():
        if arns & {route.arn for route in contract.routes}:
            yield Claim(f"the deployment contract of service {service} has this route already")
        elif arns & {route.arn for route in contract.test_routes}:
            yield Claim(f"it is a test route of service {service}, which has to stay on one color")
        elif service == name:
            yield Claim(f"there is a service {name} already, of other routes: choose another --name")
        elif groups & {group.arn for group in contract.target_groups.values()}:
            yield Claim(
                f"service {service} has one of these target groups too: it shifts its routes apart from this service's",
                refuses=False,
            )


def tagged_arns(places: Sequence[Place], pair: Sequence[Group], balancer: Balancer) -> list[str]:
    """Everything whose tags tell whose it is."""
    arns = [balancer.arn, *(arn for place in places for arn in (place.listener_arn, place.arn))]
    return list(dict.fromkeys([*arns, *(group.arn for group in pair)]))


def _path(arn: str) -> str:
    return arn.split(":", 5)[-1]
