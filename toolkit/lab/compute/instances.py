"""The instances of Auto Scaling groups: launched in moto's EC2, each with a process of the sample app behind it."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from moto.autoscaling.models import ASG_NAME_TAG, InstanceState
from moto.core.exceptions import ServiceException

from toolkit.lab.app.site import Site
from toolkit.lab.compute.addresses import choose
from toolkit.lab.compute.asg_decide import Lifecycle, color_of
from toolkit.lab.compute.images import Behaviour, behaviour_of
from toolkit.lab.compute.pool import Exited, Pool, Running
from toolkit.lab.dataplane.addresses import to_loopback

log = logging.getLogger(__name__)

_FAILED: Final = "Launching EC2 instance failed."


class NoLaunch(Exception):
    """An instance could not be launched; the message is AWS's."""


class GroupInstance(InstanceState):
    """An instance of a group, as moto's answers show it, that remembers what it was launched from.

    moto tells of every instance the launch template version that is the default now.
    """

    def __init__(self, instance: Any, group: Any, source: "Source", now: float) -> None:
        super().__init__(
            instance,
            lifecycle_state=Lifecycle.PENDING.value,
            protected_from_scale_in=group.new_instances_protected_from_scale_in,
            autoscaling_group=group,
        )
        self.source = source
        self.launched = now
        self.image_id = source.image_id
        self.in_service_at: float | None = None
        self.sick_since: float | None = None
        self.leaves_at = 0.0
        self.found_by = "user"
        self.activity: Any = None

    @property
    def launch_template(self) -> dict[str, Any] | None:
        """The version that this very instance came from."""
        return self.source.specification


@dataclass(frozen=True, slots=True)
class Source:
    """What an instance is launched from.

    Attributes:
        image_id: of the AMI.
        behaviour: what the AMI's name says.
        version: of the launch template; 0 for a launch configuration.
        specification: the launch template and version as the answers name them.
    """

    image_id: str
    behaviour: Behaviour
    version: int = 0
    specification: dict[str, Any] | None = field(default=None, hash=False)


def source_of(group: Any) -> Source:
    """What the group launches from now.

    Raises:
        NoLaunch: its launch template or its AMI is not there.
    """
    image_id, number, specification = group.launch_config.image_id if group.launch_config else "", 0, None
    template = group.ec2_launch_template
    if template is not None:
        if template.id not in group.ec2_backend.launch_templates:
            raise NoLaunch(f"The specified launch template, with template ID {template.id}, does not exist. {_FAILED}")
        version = template.get_version(group.launch_template_version)
        image_id, number = version.image_id, version.number
        specification = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": str(number)}
    image = group.ec2_backend.amis.get(image_id)
    behaviour = behaviour_of(image.name or "") if image is not None else None
    if behaviour is None or not behaviour.pulls:
        raise NoLaunch(f"The image id '[{image_id}]' does not exist. {_FAILED}")
    return Source(image_id, behaviour, number, specification)


def subnets_of(group: Any) -> list[Any]:
    """The subnets that the group launches into, in its order; empty where it names zones alone."""
    named = [name.strip() for name in (group.vpc_zone_identifier or "").split(",") if name.strip()]
    known = {subnet.id: subnet for zone in group.ec2_backend.subnets.copy().values() for subnet in zone.values()}
    return [known[name] for name in named if name in known]


def ports_of(target_groups: Sequence[Any]) -> tuple[int, ...]:
    """Where an instance is asked: for traffic, and for health where that has a port of its own."""
    ports = {int(group.port) for group in target_groups if group.port is not None}
    checked = (group.health_check_port for group in target_groups)
    return tuple(sorted(ports | {int(port) for port in checked if str(port).isdigit()}))


def launch(group: Any, zone: str, ports: Sequence[int], start: int, now: float) -> GroupInstance:
    """Launch one instance in EC2, at a private address whose counterpart on loopback is free on all `ports`.

    Raises:
        NoLaunch: AWS would not launch it either, or no address is free.
    """
    source = source_of(group)
    subnet = next((one for one in subnets_of(group) if one.availability_zone == zone), None)
    address = None if subnet is None else _address(group.ec2_backend, subnet, ports, start)
    try:
        instance = _run(group, source, zone, subnet, address)
    except ServiceException as refused:
        raise NoLaunch(f"{refused.message} {_FAILED}") from refused
    instance.autoscaling_group = group
    return GroupInstance(instance, group, source, now)


def _address(ec2: Any, subnet: Any, ports: Sequence[int], start: int) -> str:
    taken = {eni.private_ip_address for eni in ec2.enis.copy().values()}
    found = choose([str(subnet.cidr)], ports, taken, start)
    if found is None:
        wanted = "to satisfy the requested number of instances"
        raise NoLaunch(f"There are not enough free addresses in subnet '{subnet.id}' {wanted}. {_FAILED}")
    return found[1]


def _run(group: Any, source: Source, zone: str, subnet: Any | None, address: str | None) -> Any:
    ec2, template = group.ec2_backend, group.ec2_launch_template
    data: dict[str, Any] = template.get_version(source.version).data if template is not None else {}
    cards = data.get("NetworkInterfaces") or [{}]
    options: dict[str, Any] = {
        "instance_type": group.instance_type or "m1.small",
        "is_instance_type_default": False,
        "placement": zone,
        "region_name": group.region,
        "subnet_id": None if subnet is None else subnet.id,
        "private_ip": address,
        "associate_public_ip": cards[0].get("AssociatePublicIpAddress"),
        "security_group_ids": list(cards[0].get("Groups") or ()),
        "tags": {"instance": {**group.get_propagated_tags(), ASG_NAME_TAG: group.name}},
        "launch_config": group.launch_config,
    }
    if source.specification is not None:
        options["launch_template"] = {
            "LaunchTemplateId": source.specification["LaunchTemplateId"], "Version": source.version,
        }  # fmt: skip
    reservation = ec2.run_instances(source.image_id, 1, group.user_data, group.security_groups, **options)
    instance = reservation.instances[0]
    for card in instance.nics.values():
        card.delete_on_termination = True  # as AWS has it for the first one; moto would keep the address for ever
    if profile := data.get("IamInstanceProfile"):
        _give(instance, profile)
    return instance


def _give(instance: Any, profile: Mapping[str, str]) -> None:
    """Give it an instance profile. AWS looks for that first; moto has launched the instance by then."""
    named = {"iam_instance_profile_name": profile.get("Name"), "iam_instance_profile_arn": profile.get("Arn")}
    try:
        instance.ec2_backend.associate_iam_instance_profile(instance.id, **named)
    except ServiceException:
        instance.terminate()
        raise


class Phase(Enum):
    """How the processes of an instance are."""

    STARTING = "starting"
    UP = "up"
    DOWN = "down"
    """Ended, as a crash ends them: the instance runs on."""
    UNSTARTED = "unstarted"
    """Ended though they should have listened: the lab could not give them their address."""


@dataclass(slots=True)
class _Machine:
    instance: Any
    behaviour: Behaviour
    keys: list[str] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)


class Machines:
    """The processes behind the instances, one for each, which listens wherever it is asked."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: dict[str, _Machine] = {}

    def ensure(self, member: GroupInstance, ports: Sequence[int], names: Collection[str]) -> None:
        """Start what is not started yet. What has ended is not started again: an instance is replaced as a whole."""
        machine = self._held.setdefault(member.instance.id, _Machine(member.instance, member.source.behaviour))
        missing = [port for port in ports if port not in machine.ports]
        if not missing or member.instance.state != "running":
            return
        address, color = to_loopback(str(member.instance.private_ip)), color_of(*names)
        first, *more = [Site(address, port, color, machine.behaviour.version) for port in missing]
        # A target group attached later may have another port, and a process cannot be told of it.
        key = f"{member.instance.id}:{missing[0]}" if machine.keys else member.instance.id
        self._pool.start(key, first, machine.behaviour, *more)
        machine.keys.append(key)
        machine.ports.update(missing)

    def phase(self, member: GroupInstance) -> Phase:
        """How its processes are; UP where it needs none."""
        machine = self._held.get(member.instance.id)
        states = [] if machine is None else [self._pool.state(key) for key in machine.keys]
        if machine is not None and not machine.behaviour.crashes:
            unstarted = [state for state in states if isinstance(state, Exited) and not state.listened]
            if unstarted:
                log.warning("%s could not start: %s", member.instance.id, unstarted[0].said)
                return Phase.UNSTARTED
        if any(not isinstance(state, Running | Exited) for state in states):
            return Phase.STARTING
        return Phase.DOWN if any(isinstance(state, Exited) for state in states) else Phase.UP

    def sweep(self) -> None:
        """End the processes of instances that EC2 no longer has running, and forget those that have ended."""
        for name, machine in tuple(self._held.items()):
            if machine.instance.state == "running":
                continue
            for key in machine.keys:
                self._pool.stop(key)
            if all(isinstance(self._pool.state(key), Exited | None) for key in machine.keys):
                for key in machine.keys:
                    self._pool.forget(key)
                del self._held[name]

    def clear(self) -> None:
        """End everything at once."""
        for machine in self._held.values():
            for key in machine.keys:
                self._pool.forget(key)
        self._held.clear()
