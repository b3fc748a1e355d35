"""Private addresses of targets and the loopback addresses that stand for them in the lab.

AWS takes only VPC and private addresses as `ip` targets, and the lab must not leave loopback. Linux answers on
the whole of 127.0.0.0/8, so a private address keeps its last three octets and trades the first for 127.
"""

from ipaddress import IPv4Address, IPv4Network

PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""What an ALB takes as ip targets: RFC 1918 and RFC 6598 (Elastic Load Balancing user guide, target type)."""

_LOW_24_BITS = 0x00FF_FFFF
_LOOPBACK = 127 << 24


def to_loopback(private: str) -> str:
    """The loopback address for a `private` one: 10.a.b.c -> 127.a.b.c.

    Other private ranges keep their last three octets too, so two of them could meet on one loopback address;
    only 10.0.0.0/8 maps one to one.

    Raises:
        ValueError: `private` is no private IPv4 address.
    """
    address = IPv4Address(private)
    if not any(address in block for block in PRIVATE):
        raise ValueError(f"{private} is no private IPv4 address; the lab maps 10.a.b.c to 127.a.b.c")
    return str(IPv4Address(_LOOPBACK | (int(address) & _LOW_24_BITS)))
