"""Targets of a rehearsal: addresses that nobody has taken, and how the load balancer finds those behind them."""

from __future__ import annotations

import os
import socket
import time

from toolkit.errors import LabError
from toolkit.lab.rehearsal.provision import Provisioned

COLORS = ("blue", "green")
TARGET_PORT = 8080
HEALTHY_SECONDS = 30.0


def states(pair: Provisioned, color: str) -> list[str]:
    """The state of every target of `color`, in AWS's words."""
    answer = pair.client("elbv2").describe_target_health(TargetGroupArn=pair.group(color))
    return [item["TargetHealth"]["State"] for item in answer["TargetHealthDescriptions"]]


def wait_for(pair: Provisioned, color: str, state: str, *, seconds: float = HEALTHY_SECONDS) -> None:
    """Until every target of `color` is in `state`.

    Raises:
        LabError: it has not come to that after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while set(found := states(pair, color)) != {state}:
        if time.monotonic() > deadline:
            raise LabError(
                f"the targets of {color} are {', '.join(found) or 'none'}, not {state}, after {seconds:g} s.",
                hint="Does something answer their health checks on the loopback addresses that stand for them?",
            )
        time.sleep(0.05)


def registered(pair: Provisioned, color: str) -> list[tuple[str, int]]:
    """The private addresses and ports of the targets of `color`."""
    answer = pair.client("elbv2").describe_target_health(TargetGroupArn=pair.group(color))
    return [(item["Target"]["Id"], item["Target"]["Port"]) for item in answer["TargetHealthDescriptions"]]


def free_addresses(targets: int, port: int = TARGET_PORT) -> dict[str, list[str]]:
    """Private addresses whose loopback counterparts nobody listens on: worlds side by side do not meet.

    Raises:
        LabError: there are none.
    """
    from toolkit.lab.dataplane.addresses import to_loopback

    start = os.getpid() % 240
    for octet in (*range(start, 250), *range(1, start)):
        if octet == 0:  # 127.0.b.c are the addresses that people type
            continue
        addresses = {
            color: [f"10.{octet}.{third}.{10 + index}" for index in range(targets)]
            for third, color in enumerate(COLORS, start=1)
        }
        if all(_is_free(to_loopback(address), port) for listed in addresses.values() for address in listed):
            return addresses
    raise LabError(
        f"no loopback addresses are free for {targets} targets a color.",
        hint="The lab needs Linux, which answers on the whole of 127.0.0.0/8.",
    )


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
