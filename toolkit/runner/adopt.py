"""Deciding to adopt what others made: everything is read and checked here, nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from toolkit.adoption.ownership import (
    Claim,
    CodeDeployGroup,
    EcsService,
    Tags,
    codedeploy_claims,
    contract_claims,
    ecs_claims,
    tag_claims,
    tagged_arns,
)
from toolkit.adoption.pairing import colors, is_meant, second_group
from toolkit.adoption.places import (
    Balancer,
    Group,
    Place,
    account_and_region,
    balancer_of,
    could_be_test_route,
    groups_of,
    one_service,
    refuse_balancer,
    refuse_places,
    refuse_test_route,
)
from toolkit.adoption.result import Adoption, adopted, checked_name, service_name
from toolkit.contract import Contract, StateTable
from toolkit.errors import (
    AdoptionRefused,
    BluegreenError,
    CredentialsError,
    UnknownService,
    UsageError,
    WrongAccount,
)
from toolkit.rollout.ports import Clock, Identities
from toolkit.traffic import Color, Split


class Inventory(Protocol):
    """What stands on load balancers. Raises AwsError and its children; AdoptionRefused for what does not exist."""

    def balancer(self, named: str) -> Balancer: ...
    def places(self, arns: Sequence[str]) -> list[Place]: ...
    def places_on(self, balancer: Balancer) -> list[Place]: ...
    def groups(self, arns: Sequence[str] | None = None) -> list[Group]: ...
    def tags(self, arns: Sequence[str]) -> Tags: ...
    def add_group(self, place: Place, name: str, second: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an adoption reads, as ports. All raise AwsError and its children.

    services: names of bluegreen's services but the one that the settings file has under the name to be adopted.
    where: words with which an AWS CLI command reaches the same place.
    """

    inventory: Inventory
    ecs_services: Callable[[], Iterable[EcsService]]
    codedeploy_groups: Callable[[], Iterable[CodeDeployGroup]]
    services: Callable[[str], Iterable[str]]
    contract: Callable[[str], Contract]
    state_table: Callable[[str], StateTable]
    identities: Identities
    clock: Clock
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the operator said. Either `arns`, of rules and listeners, or `balancer`, a name or ARN.

    test_routes: ARNs of rules that reach one color alone.
    """

    arns: tuple[str, ...] = ()
    test_routes: tuple[str, ...] = ()
    balancer: str | None = None
    name: str | None = None
    blue: str | None = None
    other_group: str | None = None
    state_table: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """An adoption, decided. additions: the routes that still lack `second`, by name. told: how blue was told."""

    adoption: Adoption
    pair: Mapping[Color, Group]
    told: str
    additions: Mapping[str, Place]
    second: Group | None
    warnings: tuple[str, ...]

    @property
    def splits(self) -> dict[str, Split]:
        """What each route holds once the additions are written."""
        return {
            name: Split.of({color: weights_after(place, self.second)[group.arn] for color, group in self.pair.items()})
            for name, place in self.adoption.places.items()
        }


def plan(request: Request, around: Surroundings) -> Plan:
    """Everything that is read and decided before anything is written.

    Raises:
        AdoptionRefused: what stands there cannot be adopted, or belongs to somebody else who writes weights.
        UsageError, WrongAccount, AwsError: as their docstrings say.
    """
    balancer, places, left = _places(request, around)
    refuse_places(places)
    pair, second = _pair(request, places, balancer, around)
    by_color, told = colors(
        pair, [replace(place, weights=weights_after(place, second)) for place in places], blue=request.blue
    )
    name = checked_name(request.name or service_name(by_color, balancer))
    tests = around.inventory.places(request.test_routes)
    for test in tests:
        refuse_test_route(test, pair)
        if test in places:
            raise UsageError(f"{test.arn} cannot be a route and a test route at once", hint="Leave one of them out.")
    claims, warnings = _claims(name, balancer, places, pair, around)
    refusals = [claim.text for claim in claims if claim.refuses]
    if refusals:
        raise AdoptionRefused(
            f"{name}: {'; '.join(refusals)}. Nothing was written", hint="Two hands on one route undo each other's work."
        )
    table = around.state_table(request.state_table) if request.state_table else None
    adoption = adopted(name, balancer, places, by_color, table=table, tests=tests)
    lacking = {route: place for route, place in adoption.places.items() if len(place.weights) == 1}
    told_of = [_left_alone(place, pair) for place in left if not request.arns or _shares(place, pair)]
    return Plan(adoption, by_color, told, lacking, second, (*(claim.text for claim in claims), *warnings, *told_of))


def _places(request: Request, around: Surroundings) -> tuple[Balancer, list[Place], list[Place]]:
    """The load balancer, the places to be adopted, and others on it that forward and are left alone."""
    inventory = around.inventory
    if request.balancer is not None:
        balancer = inventory.balancer(request.balancer)
        refuse_balancer(balancer)
        found = [place for place in inventory.places_on(balancer) if place.arn not in request.test_routes]
        chosen = one_service(found, balancer)
    else:
        account, _ = account_and_region(request.arns)
        caller = around.identities.resolve()
        if caller.account_id != account:
            raise WrongAccount(
                f"the credentials are of account {caller.account_id}, the ARN is of {account}. Nothing was written.",
                hint="Choose the right ones with --profile or AWS_PROFILE.",
            )
        chosen = inventory.places(request.arns)
        balancer = inventory.balancer(balancer_of(chosen[0].listener_arn))
        refuse_balancer(balancer)
        found = inventory.places_on(balancer)
    ours = {*(place.arn for place in chosen), *request.test_routes}
    return balancer, chosen, [place for place in found if place.weights and place.arn not in ours]


def _shares(place: Place, pair: Sequence[Group]) -> bool:
    return any(group.arn in place.weights for group in pair)


def _left_alone(place: Place, pair: Sequence[Group]) -> str:
    """What is said of a place beside the service. One on the same groups is easily forgotten, and would not shift."""
    if could_be_test_route(place, pair):
        return f"left alone: {place.title}, which could be a test route (--test-route {place.arn})"
    shared = " and ".join(group.name for group in pair if group.arn in place.weights)
    if shared:
        return f"left alone, though it forwards to {shared}: {place.title}; a shift will not move it ({place.option})"
    return f"left alone, since it forwards elsewhere: {place.title}"


def _pair(
    request: Request, places: Sequence[Place], balancer: Balancer, around: Surroundings
) -> tuple[list[Group], Group | None]:
    """The two target groups, and which of them some route does not forward to yet, if any."""
    held = groups_of(places)
    if len(held) == 1:
        (first,) = around.inventory.groups(held)
        others = around.inventory.groups()
        second = second_group(first, others, balancer, named=request.other_group, where=around.where)
        return [first, second], second
    pair = around.inventory.groups(held)
    if request.other_group is not None and not any(is_meant(group, request.other_group) for group in pair):
        raise UsageError(
            f"the routes forward to two target groups already, {pair[0].name} and {pair[1].name}, so "
            f"--other-group {request.other_group[:200]!r} has no place",
            hint="Leave it out.",
        )
    lacking = {frozenset(place.weights) for place in places if len(place.weights) == 1}
    if len(lacking) > 1:
        raise AdoptionRefused(
            f"some of these routes forward to {pair[0].name} alone and some to {pair[1].name} alone: no one color "
            "carries the traffic",
            hint="The routes of a service shift together; adopt them apart, or make them agree first.",
        )
    alone = next(iter(lacking)) if lacking else frozenset()
    return pair, next((group for group in pair if alone and group.arn not in alone), None)


def weights_after(place: Place, second: Group | None) -> Mapping[str, int]:
    """What a place holds once it has its second group."""
    if len(place.weights) > 1 or second is None:
        return place.weights
    return {**dict.fromkeys(place.weights, 100), second.arn: 0}


def _claims(
    name: str, balancer: Balancer, places: Sequence[Place], pair: Sequence[Group], around: Surroundings
) -> tuple[list[Claim], list[str]]:
    """Who else has a hold on these places, and what could not be asked."""
    claims: list[Claim] = []
    warnings: list[str] = []

    def ask(what: str, found: Callable[[], Iterable[Claim]]) -> None:
        try:
            claims.extend(found())
        except CredentialsError:
            raise
        except BluegreenError as error:
            # Whoever may read load balancers and nothing else can adopt too, but has to know what nobody looked at.
            warnings.append(f"could not check {what}: {error.message}")

    ask(
        "whether the AWS Load Balancer Controller or CloudFormation owns this",
        lambda: tag_claims(around.inventory.tags(tagged_arns(places, pair, balancer))),
    )
    ask("whether an ECS service shifts this", lambda: ecs_claims(around.ecs_services(), places, pair))
    ask("whether CodeDeploy shifts this", lambda: codedeploy_claims(around.codedeploy_groups(), places, pair))
    ask(
        "whether another service of bluegreen has this",
        lambda: contract_claims(_contracts(name, around, warnings), name, places, pair),
    )
    return claims, warnings


def _contracts(name: str, around: Surroundings, warnings: list[str]) -> dict[str, Contract]:
    """The contracts that can be read; of the others a warning is added."""
    contracts = {}
    for service in around.services(name):
        try:
            contracts[service] = around.contract(service)
        except CredentialsError:
            raise
        except UnknownService:
            continue  # no contract, so no route either
        except BluegreenError as error:
            warnings.append(f"could not check whether service {service} has this: {error.message}")
    return contracts
