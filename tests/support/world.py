"""A lab with a provisioned pair and sample apps behind it, all of it on loopback and gone at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.provision import Provisioned, provision
from toolkit.lab.app.processes import AppProcess, start_app
from toolkit.lab.app.site import Site
from toolkit.lab.dataplane.addresses import to_loopback
from toolkit.lab.handle import Lab, start_lab
from toolkit.lab.options import LabOptions
from toolkit.lab.rehearsal.targets import free_addresses, states, wait_for

__all__ = ["World", "free_addresses", "running_world", "states", "wait_for"]


@dataclass
class World:
    lab: Lab
    provisioned: Provisioned
    apps: Mapping[str, AppProcess]
    addresses: dict[str, list[str]]

    @property
    def url(self) -> str:
        """Where the load balancer answers."""
        return self.lab.listeners()[self.provisioned.listener_arn]


@contextmanager
def running_world(scratch: Path, *, targets: int = 2, time_scale: float = 0.05, **provisioning: Any) -> Iterator[World]:
    """A world of `targets` healthy targets a color. `scratch` takes the lab's state."""
    addresses = free_addresses(targets)
    with ExitStack() as stack:
        options = LabOptions(name="world", time_scale=time_scale)
        lab = stack.enter_context(start_lab(options, root=scratch / "lab"))
        port = 8080
        apps = {
            color: stack.enter_context(
                start_app([Site(to_loopback(address), port, color, f"{color}-1") for address in addresses[color]])
            )
            for color in addresses
        }
        world = World(
            lab, provision(lab.endpoint_url, targets=addresses, target_port=port, **provisioning), apps, addresses
        )
        for color in addresses:
            wait_for(world.provisioned, color, "healthy")
        yield world
