"""A lab with a provisioned pair and sample apps behind it, all of it on loopback and gone at the end."""

from __future__ import annotations

import os
import socket
import time
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

HEALTHY_SECONDS = 30.0


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


def states(pair: Provisioned, color: str) -> list[str]:
    """The state of every target of `color`, in AWS's words."""
    answer = pair.client("elbv2").describe_target_health(TargetGroupArn=pair.group(color))
    return [item["TargetHealth"]["State"] for item in answer["TargetHealthDescriptions"]]


def wait_for(pair: Provisioned, color: str, state: str) -> None:
    """Until every target of `color` is in `state`."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while set(states(pair, color)) != {state}:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{color} is {states(pair, color)}, not {state}, after {HEALTHY_SECONDS} s")
        time.sleep(0.05)


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


def free_addresses(targets: int) -> dict[str, list[str]]:
    """Private addresses whose loopback counterparts nobody listens on: worlds side by side do not meet."""
    start = os.getpid() % 240
    for octet in (*range(start, 250), *range(1, start)):
        addresses = {
            color: [f"10.{octet}.{third}.{10 + index}" for index in range(targets)]
            for third, color in enumerate(("blue", "green"), start=1)
        }
        if all(_is_free(to_loopback(address)) for listed in addresses.values() for address in listed):
            return addresses
    raise RuntimeError("no free loopback addresses")


def _is_free(address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, 8080))
        except OSError:
            return False
    return True
