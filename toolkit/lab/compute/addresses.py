"""Private addresses for tasks and instances: inside a subnet, and free on this machine. Pure, but for the probe."""

import socket
from collections.abc import Container, Iterator, Sequence
from ipaddress import IPv4Network

from toolkit.lab.dataplane.addresses import to_loopback

_RESERVED_FIRST = 4  # AWS keeps the first four addresses of a subnet and the last (VPC user guide, subnet sizing)


def candidates(cidrs: Sequence[str], start: int) -> Iterator[tuple[int, str]]:
    """(index of the subnet, address): every address that a subnet can give, taking turns among the subnets.

    `start` turns the order around, so that two labs on one machine seldom ask for the same.
    """
    networks = [IPv4Network(cidr) for cidr in cidrs]
    sizes = [max(0, network.num_addresses - _RESERVED_FIRST - 1) for network in networks]
    for turn in range(max(sizes, default=0)):
        for offset in range(len(networks)):
            index = (start + offset) % len(networks)
            if turn < sizes[index]:
                host = _RESERVED_FIRST + (start + turn) % sizes[index]
                yield index, str(networks[index][host])


def is_free(private: str, port: int) -> bool:
    """Whether nobody listens at the loopback counterpart of a `private` address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((to_loopback(private), port))
        except OSError:
            return False
    return True


def choose(cidrs: Sequence[str], ports: Sequence[int], taken: Container[str], start: int) -> tuple[int, str] | None:
    """The first candidate that is neither `taken` nor in use on any of `ports`; None when there is none."""
    for index, address in candidates(cidrs, start):
        if address not in taken and all(is_free(address, port) for port in ports):
            return index, address
    return None
