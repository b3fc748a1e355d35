"""An ECS service for each color as what runs behind a service: how much of it, and which release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.aws import ecs_progress, ecs_remarks
from toolkit.aws.ecs_release import (
    check_family,
    check_image,
    check_ports,
    check_revision,
    check_service,
    container_of,
    image_of,
    meant,
)
from toolkit.aws.ecs_service import Service, service_of
from toolkit.aws.ecs_tasks import Tasks
from toolkit.aws.scalable_targets import SCALES_IN, ScalableTargets
from toolkit.aws.session import aws_errors, code_of
from toolkit.aws.task_definitions import TaskDefinition, TaskDefinitions
from toolkit.contract import EcsPair
from toolkit.errors import AwsError, PreflightRefused, UsageError
from toolkit.rollout.workload import Capacity, Change, Progress, Release, Replacement
from toolkit.traffic import Color

if TYPE_CHECKING:
    from toolkit.aws.session import Session


class EcsWorkload:
    """Workload on a pair of ECS services, with Application Auto Scaling where it is attached.

    A service's autoscaling is bound before its desired count is written, upwards and downwards: whenever its bounds
    are written, AWS brings the service within them, and would undo a count below the minimum. What seems to stand there
    already is written all the same, since AWS may tell what stood there a moment ago.
    """

    def __init__(self, session: Session, pair: EcsPair) -> None:
        self._session = session
        self._pair = pair
        self._targets = ScalableTargets(session, pair.cluster)
        self._definitions = TaskDefinitions(session)
        self._tasks = Tasks(session, pair.cluster)

    @property
    def _client(self) -> Any:
        return self._session.client("ecs")

    def capacity(self, color: Color) -> Capacity:
        """Two calls. running: tasks, whatever release they are of."""
        service = self._service(color)
        bounds = self._targets.of(service.name).get(service.name)
        if bounds is None:
            return Capacity(service.desired, service.running)
        return Capacity(service.desired, service.running, bounds.minimum, bounds.maximum, bounds.suspended)

    def scale(self, color: Color, targets: int) -> None:
        """Raises AwsError: `targets` is above the maximum of its autoscaling, and nothing was written."""
        name = self._pair.services[color]
        bounds = self._targets.of(name).get(name)
        if bounds is not None:
            if targets > bounds.maximum:
                raise AwsError(
                    f"the autoscaling of the ECS service {name} allows {bounds.maximum} tasks at most, and {targets} "
                    "are wanted. Nothing was changed.",
                    hint="Raise its max_capacity in Terraform and apply, or scale to less.",
                )
            self._targets.bind(name, targets)
        self._update(name, f"scaling the ECS service {name} to {targets}", desiredCount=targets)

    def hold(self, color: Color) -> None:
        """Raises AwsError: it runs more than its autoscaling allows, so that AWS would bring it down at once."""
        service = self._service(color)
        bounds = self._targets.of(service.name).get(service.name)
        if bounds is None:
            return
        if service.desired > bounds.maximum:
            raise AwsError(
                f"the ECS service {service.name} is asked for {service.desired} tasks and its autoscaling allows "
                f"{bounds.maximum} at most: AWS would bring it down at once. It stays as it is.",
                hint="Raise its max_capacity in Terraform and apply, or scale it to what is allowed.",
            )
        self._targets.bind(service.name, service.desired, SCALES_IN.union(bounds.suspended))

    def let_go(self, color: Color, bounds: Capacity) -> None:
        """A minimum above the maximum of now becomes that maximum."""
        name = self._pair.services[color]
        now = self._targets.of(name).get(name)
        if now is None:
            return
        minimum = now.minimum if bounds.minimum is None else min(bounds.minimum, now.maximum)
        is_bound = (minimum, bounds.suspended) == (now.minimum, now.suspended)
        if is_bound and self._service(color).desired > now.maximum:
            return  # it was not held either, and a write would make AWS bring it down
        self._targets.bind(name, minimum, bounds.suspended)

    def release(self, color: Color) -> Release:
        """Of the newest deployment, whether it has come up or not. digest: where a task of it runs."""
        service = self._service(color)
        definition = self._definition(service.revision)
        container = container_of(definition, service, self._pair.container)
        digest = self._tasks.digest(service.name, service.revision, container) if container and service.running else ""
        return Release(service.revision, image_of(definition, container), digest)

    def foresee(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        """See `Workload`. No registry is asked for the image."""
        return self._foreseen(change, color, in_place=in_place)[0]

    def make(self, change: Change, color: Color, *, in_place: bool = False) -> Release:
        """See `Workload`. The newest revision of the family is taken where it says just the same."""
        release, content = self._foreseen(change, color, in_place=in_place)
        if release.revision:
            return release
        return replace(release, revision=self._definitions.register(content))

    def put(self, color: Color, release: Release) -> None:
        """One that ECS has given up is begun anew; else asking for what is there does nothing."""
        service = self._service(color)
        is_given_up = service.revision == release.revision and any(
            each.state == "FAILED" for each in service.deployments[:1]
        )
        anew = {"forceNewDeployment": True} if is_given_up else {}
        what = f"putting {release.revision} on the ECS service {service.name}"
        self._update(service.name, what, taskDefinition=release.revision, **anew)

    def progress(self, color: Color, release: Release, since: datetime) -> Progress:
        """One call while all is well; where tasks are missing, one or two more for those that have ended."""
        service = self._service(color)
        is_short = ecs_progress.is_short_of(service, release.revision)
        stopped = self._tasks.stopped(service.name) if is_short else ()
        return ecs_progress.progress(service, release.revision, stopped, since)

    def replacement(self, color: Color) -> Replacement:
        """See `Workload`: of a service that ECS itself deploys, and does not shift the traffic of."""
        service = self._service(color)
        check_service(service)
        return Replacement(
            service.desired,
            service.minimum_percent,
            service.maximum_percent,
            gives_up=service.gives_up,
            goes_back=service.goes_back,
        )

    def remarks(self) -> Sequence[str]:
        """Raises AwsError and its children."""
        services = self._services(*Color)
        scaled = self._targets.of(*self._pair.services.values())
        definitions = {revision: self._definition(revision) for revision in {s.revision for s in services.values()}}
        found = [*ecs_remarks.of_pair(services, scaled)]
        for color, service in services.items():
            found += ecs_remarks.of_color(color, service, definitions[service.revision], self._pair.container)
        return found

    def _foreseen(self, change: Change, color: Color, *, in_place: bool) -> tuple[Release, Mapping[str, Any]]:
        """The release, and what its revision says or would say."""
        if not change.is_for_ecs:
            raise UsageError(
                f"{change} is for an Auto Scaling group, and ECS services run behind {color}",
                hint="Say --image or --task-definition.",
            )
        services = self._services(color) if in_place else self._services(*Color)
        service = services[color]
        for each in services.values():
            check_service(each)
        basis = self._basis(change, service, services[color if in_place else color.other])
        if change.image is None:
            shown = container_of(basis, service, self._pair.container)
            return Release(basis.revision, image_of(basis, shown)), basis.content
        check_image(change.image)
        container = meant(basis, service, asked=change.container, named=self._pair.container)
        content = basis.with_image(container, change.image)
        found = self._same(content, basis)
        return Release(found.revision if found else "", change.image), content

    def _same(self, content: Mapping[str, Any], basis: TaskDefinition) -> TaskDefinition | None:
        """The revision that says this already: the one gone by, or the newest of its family."""
        if basis.is_active and basis.says(content):
            return basis
        newest = self._definitions.find(basis.family)
        return newest if newest is not None and newest.is_active and newest.says(content) else None

    def _basis(self, change: Change, service: Service, live: Service) -> TaskDefinition:
        """The revision to go by: as asked, else the live color's."""
        asked = change.task_definition
        if asked is not None:
            check_revision(asked)
        name = asked or live.revision
        check_family(name, service, asked=asked is not None)
        basis = self._definitions.find(name)
        if basis is None:
            raise PreflightRefused(
                f"there is no task definition {name}", hint=f"The ECS service {service.name} runs {service.revision}."
            )
        if asked is not None and not basis.is_active:
            raise PreflightRefused(
                f"the task definition {basis.revision} was deregistered, so no service can be given it",
                hint=f"The ECS service {service.name} runs {service.revision}; name an active revision.",
            )
        check_ports(basis, service)
        return basis

    def _definition(self, name: str) -> TaskDefinition:
        found = self._definitions.find(name)
        if found is None:
            raise AwsError(
                f"the task definition {name}, which an ECS service runs, is gone: AWS knows none of that name"
            )
        return found

    def _service(self, color: Color) -> Service:
        return self._services(color)[color]

    def _services(self, *colors: Color) -> Mapping[Color, Service]:
        """Those of the colors, in one call. Raises AwsError: among others one is gone."""
        names = [self._pair.services[color] for color in colors]
        with aws_errors(f"reading the ECS service {' and '.join(names)}"):
            answer = self._client.describe_services(cluster=self._pair.cluster, services=names)
        # One that was deleted lately is still told, as INACTIVE.
        told = {each["serviceName"]: each for each in answer["services"] if each.get("status") != "INACTIVE"}
        for name in names:
            if name not in told:
                raise self._gone(name)
        return {color: service_of(told[name]) for color, name in zip(colors, names, strict=True)}

    def _update(self, name: str, what: str, **changed: Any) -> None:
        from botocore.exceptions import ClientError

        with aws_errors(what):
            try:
                self._client.update_service(cluster=self._pair.cluster, service=name, **changed)
            except ClientError as error:
                if code_of(error) not in ("ServiceNotFoundException", "ServiceNotActiveException"):
                    raise
                raise self._gone(name) from error

    def _gone(self, name: str) -> AwsError:
        return AwsError(
            f"ECS service {name} is gone: the cluster {self._pair.cluster} has none of that name",
            hint="Apply the Terraform again, or correct the `workload` that it writes into the deployment contract.",
        )
