from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.lab.dataplane.addresses import PRIVATE, to_loopback

octets = st.integers(0, 255)


@given(octets, octets, octets)
def test_ten_keeps_its_last_three_octets(a: int, b: int, c: int) -> None:
    assert to_loopback(f"10.{a}.{b}.{c}") == f"127.{a}.{b}.{c}"


@given(st.sampled_from(PRIVATE), st.data())
def test_every_private_address_lands_on_loopback(block: IPv4Network, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, block.num_addresses - 1))
    private = block.network_address + offset
    mapped = IPv4Address(to_loopback(str(private)))
    assert mapped.is_loopback
    assert mapped.packed[1:] == private.packed[1:]


@given(st.ip_addresses(v=4))
def test_no_other_address_is_mapped(address: IPv4Address) -> None:
    if any(address in block for block in PRIVATE):
        return
    with pytest.raises(ValueError, match="no private"):
        to_loopback(str(address))
