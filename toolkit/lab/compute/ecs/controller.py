"""The loop over the ECS services of moto: it keeps their tasks, and answers for them."""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ecs.models import ecs_backends

from toolkit.errors import LabError
from toolkit.lab.app import Site
from toolkit.lab.compute.addresses import choose
from toolkit.lab.compute.ecs.documents import Frame, Json, service_state, task_document
from toolkit.lab.compute.ecs.model import Task
from toolkit.lab.compute.ecs.reading import color_of, definition_of, frame_of, is_scheduled, wish_of
from toolkit.lab.compute.ecs.run import Effects, ServiceRun, World
from toolkit.lab.compute.ecs.scaling import Bounds, registered, scaled_in
from toolkit.lab.compute.ecs.targets import Targets, reports_of
from toolkit.lab.compute.ecs.tasks import Reports, behaviour
from toolkit.lab.compute.ecs.words import by_user
from toolkit.lab.compute.surroundings import Surroundings
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.fidelity.ecs_definitions import find
from toolkit.lab.fidelity.ecs_scaling import ECS_DIMENSION

log = logging.getLogger(__name__)

_SELDOM: Final = 1.0  # seconds between two looks at target health while nothing is under way


@dataclass(slots=True)
class _Kept:
    """A service of moto's and the scheduler's memory of it."""

    service: Any
    backend: Any
    run: ServiceRun
    looked: float = 0.0

    @property
    def is_there(self) -> bool:
        """Whether moto still has this very service: a reset takes all away."""
        key = f"{self.service.cluster_name}:{self.service.name}"
        there = ecs_backends[self.backend.account_id][self.backend.region_name].services.get(key)
        return there is self.service


class EcsController:
    """Keeps the tasks of every service, and is what `EcsFidelity` asks about them."""

    def __init__(self, surroundings: Surroundings, *, clock: Callable[[], float] = time.time) -> None:
        self._pool = surroundings.pool
        self._health = surroundings.health
        self._time_scale = surroundings.time_scale
        self._clock = clock
        self._lock = threading.RLock()
        self._kept: dict[int, _Kept] = {}
        self._turn = random.Random(os.getpid()).randrange(1 << 16)  # noqa: S311  labs begin at different addresses

    @property
    def lock(self) -> AbstractContextManager[object]:
        return self._lock

    def tick(self, now: float) -> None:
        """Take the next step of every service."""
        with self._lock:
            self._drop_gone()
            for backend in tuple(ecs_backends[DEFAULT_ACCOUNT_ID].values()):
                for service in tuple(backend.services.values()):
                    if is_scheduled(service) and service.status != "INACTIVE":
                        self._adopt(self._of(service, backend))
            kept = list(self._kept.values())
        for one in kept:
            self._step(one, now)

    def reset(self) -> None:
        """Forget every service, and end its tasks at once."""
        with self._lock:
            for kept in self._kept.values():
                self._end(kept)
            self._kept.clear()

    # What the API asks; the lock is held

    def changed(self, service: Any, *, redeploy: bool) -> None:
        """Take note of what a service wants now."""
        if not is_scheduled(service):
            if service.status == "DRAINING":
                service.status = "INACTIVE"
            return
        kept = self._of(service, ecs_backends[DEFAULT_ACCOUNT_ID][service.region_name])
        if redeploy:
            self._deploy(kept)
        if service.status == "DRAINING" and not kept.run.alive:
            self._finish(kept)

    def state(self, service: Any) -> Mapping[str, Any]:
        """What DescribeServices tells of the scheduler's work."""
        kept = self._kept.get(id(service))
        if kept is None:
            return _idle(service)
        state = service_state(kept.run, self._frame(kept))
        return state if service.status != "INACTIVE" else state | {"deployments": []}

    def tasks(self, backend: Any) -> Sequence[Json]:
        """Every task of a region, as DescribeTasks tells of it."""
        return [
            task_document(task, frame)
            for kept in self._kept.values()
            if kept.backend is backend
            for frame in (self._frame(kept),)
            for task in kept.run.tasks.values()
        ]

    def stop(self, backend: Any, task_id: str, reason: str | None) -> None:
        """Stop one task, as StopTask does."""
        for kept in self._kept.values():
            if kept.backend is backend and task_id in kept.run.tasks:
                kept.run.stop_task(task_id, by_user(reason))

    # What Application Auto Scaling asks

    def bounded(self, target: Any) -> None:
        """Let a scalable target's bounds act on its service at once."""
        with self._lock:
            service = self._scalable(target.applicationautoscaling_backend.region_name, target.resource_id)
            if service is not None:
                service.desired_count = registered(service.desired_count, _bounds(target)).desired

    def scale_in(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Play an autoscaler that wants only so many tasks of a service.

        Args:
            asked: {"region", "cluster", "service", "to"}.

        Returns:
            {"desired_count": its desired count now, "because": why it is that}.

        Raises:
            LabError: a member is missing, there is no such service, or nothing scales it.
        """
        try:
            region, resource = str(asked["region"]), f"service/{asked['cluster']}/{asked['service']}"
            to = int(asked["to"])
        except (KeyError, TypeError, ValueError) as error:
            raise LabError(f"a scale-in takes region, cluster, service and to: {error!r}.") from error
        with self._lock:
            found = self._scalable(region, resource)
            targets = applicationautoscaling_backends[DEFAULT_ACCOUNT_ID][region].targets.get(ECS_DIMENSION, {})
            if found is None or resource not in targets:
                raise LabError(
                    f"nothing scales {resource} in {region}.",
                    hint="Name the cluster and the service of a scalable target, and its region.",
                )
            scaled = scaled_in(found.desired_count, to, _bounds(targets[resource]))
            found.desired_count = scaled.desired
            return {"desired_count": scaled.desired, "because": scaled.because}

    def _scalable(self, region: str, resource: str) -> Any | None:
        """The active service that `service/CLUSTER/NAME` names."""
        _, cluster, name = resource.split("/", 2)
        found = ecs_backends[DEFAULT_ACCOUNT_ID][region].services.get(f"{cluster}:{name}")
        return found if found is not None and found.status == "ACTIVE" else None

    # The scheduler's own work

    def _of(self, service: Any, backend: Any) -> _Kept:
        kept = self._kept.get(id(service))
        if kept is None or kept.service is not service:
            kept = self._kept[id(service)] = _Kept(service, backend, ServiceRun(service.name))
        return kept

    def _adopt(self, kept: _Kept) -> None:
        """Deploy a service that came another way than through the API's CreateService."""
        if kept.run.deployments.primary is None and kept.service.status == "ACTIVE":
            self._deploy(kept)

    def _deploy(self, kept: _Kept) -> None:
        found = find(kept.backend, kept.service.task_definition)
        if found is not None:
            kept.run.deployments.begin(definition_of(found), kept.service.desired_count, self._clock())

    def _step(self, kept: _Kept, now: float) -> None:
        """Look outside the lock (health asks the load balancer), decide inside, act outside."""
        reports = self._reports(kept, now)
        with self._lock:
            if not kept.is_there:
                return
            effects = kept.run.step(wish_of(kept.service), self._world(kept, reports, now))
            primary = kept.run.deployments.primary
            if primary is not None:
                kept.service.task_definition = primary.definition.arn  # a rollback changes it
            if kept.service.status == "DRAINING" and not kept.run.alive:
                self._finish(kept)
        self._carry_out(effects, kept, now)

    def _reports(self, kept: _Kept, now: float) -> Mapping[str, Reports]:
        with self._lock:
            arns = {arn for task in kept.run.alive for arn, _ in task.targets}
            if not arns or (kept.run.is_quiet and now - kept.looked < _SELDOM):
                return {}
            kept.looked = now
        return reports_of(self._health, sorted(arns))

    def _world(self, kept: _Kept, reports: Mapping[str, Reports], now: float) -> World:
        targets = self._targets(kept)
        return World(
            now=now,
            state=self._pool.state,
            reports=reports,
            place=lambda subnets, ports: self._place(kept, subnets, ports),
            drain=lambda arn: targets.drain(arn) * self._time_scale,
            time_scale=self._time_scale,
        )

    def _place(self, kept: _Kept, subnets: Sequence[str], ports: Sequence[int]) -> tuple[str, str] | None:
        """(subnet, address) of a task; None if no subnet has a free one."""
        known = {one.id: one for one in self._subnets(kept)}
        usable = [subnet for subnet in subnets if subnet in known]
        taken = {task.address for one in self._kept.values() for task in one.run.alive}
        self._turn += 1
        found = choose([known[subnet].cidr_block for subnet in usable], ports, taken, self._turn)
        return None if found is None else (usable[found[0]], found[1])

    def _carry_out(self, effects: Effects, kept: _Kept, now: float) -> None:
        with self._lock:
            for task in effects.forget:
                self._pool.forget(task.key)
            # After a reset nobody would end them.
            for task in effects.start if kept.is_there else ():
                self._start(task, kept.service.name)
        targets = self._targets(kept)

        def tell(message: str) -> None:
            with self._lock:
                kept.run.tell(message, now)

        targets.register(effects.register, kept.run.say, tell)
        targets.deregister(effects.deregister, kept.run.say, tell)
        for task, delay in effects.stop:
            self._pool.stop(task.key, after=delay)

    def _start(self, task: Task, service: str) -> None:
        played = behaviour(task)
        if not played.pulls:
            return
        address, color = to_loopback(task.address), color_of(task, service)
        sites = [Site(address, port, color, played.version) for port in task.ports]
        try:
            self._pool.start(task.key, sites[0], played, *sites[1:])
        except OSError:
            log.exception("task %s of %s has no process", task.id, service)

    def _finish(self, kept: _Kept) -> None:
        """The last task of a deleted service has ended."""
        kept.service.status = "INACTIVE"

    def _drop_gone(self) -> None:
        for key, kept in tuple(self._kept.items()):
            if not kept.is_there:
                self._end(kept)
                del self._kept[key]

    def _end(self, kept: _Kept) -> None:
        for task in kept.run.alive:
            self._pool.forget(task.key)

    def _targets(self, kept: _Kept) -> Targets:
        return Targets(kept.backend.account_id, kept.backend.region_name)

    def _frame(self, kept: _Kept) -> Frame:
        zones = tuple((one.id, one.availability_zone) for one in self._subnets(kept))
        return frame_of(kept.service, kept.backend, zones)

    def _subnets(self, kept: _Kept) -> Iterator[Any]:
        by_zone = ec2_backends[kept.backend.account_id][kept.backend.region_name].subnets
        return (subnet for zone in tuple(by_zone.values()) for subnet in tuple(zone.values()))


def _bounds(target: Any) -> Bounds:
    suspended = (target.suspended_state or {}).get("DynamicScalingInSuspended", False)
    return Bounds(target.min_capacity, target.max_capacity, scale_in_suspended=bool(suspended))


def _idle(service: Any) -> Mapping[str, Any]:
    """A service that the lab does not play: nothing runs."""
    return {"runningCount": 0, "pendingCount": 0, "deployments": service.deployments, "events": service.events}
