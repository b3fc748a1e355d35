"""Addresses for tasks and instances."""

import socket
from itertools import islice

from toolkit.lab.compute.addresses import candidates, choose, is_free


def test_the_subnets_take_turns() -> None:
    found = list(islice(candidates(["10.0.1.0/24", "10.0.2.0/24"], 0), 4))
    assert [index for index, _ in found] == [0, 1, 0, 1]


def test_every_address_of_a_subnet_comes_once_but_for_those_that_aws_keeps() -> None:
    addresses = [address for _, address in candidates(["10.0.1.0/28"], 7)]
    assert sorted(addresses) == sorted(f"10.0.1.{host}" for host in range(4, 15))


def test_other_starts_begin_elsewhere() -> None:
    firsts = {next(candidates(["10.0.1.0/24"], start)) for start in range(10)}
    assert len(firsts) == 10


def test_a_subnet_too_small_or_none_gives_nothing() -> None:
    assert list(candidates(["10.0.1.0/30"], 0)) == []
    assert choose([], [8080], (), 0) is None


def test_what_is_taken_or_in_use_is_passed_over() -> None:
    with socket.socket() as listener:
        listener.bind(("127.92.1.4", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not is_free("10.92.1.4", port)
        assert choose(["10.92.1.0/24"], [port], {"10.92.1.5"}, 0) == (0, "10.92.1.6")


def test_when_all_is_taken_there_is_none() -> None:
    taken = {f"10.92.1.{host}" for host in range(16)}
    assert choose(["10.92.1.0/28"], [8080], taken, 3) is None
