import socket
from pathlib import Path

from toolkit.lab.dataplane.ports import Ports


def taken() -> socket.socket:
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server


def free_port() -> int:
    with taken() as server:
        return int(server.getsockname()[1])


def test_a_listener_keeps_its_own_port_where_it_is_free(tmp_path: Path) -> None:
    port = free_port()
    assert Ports(tmp_path / "ports.json").assign([("a", port)]) == {"a": port}


def test_a_taken_port_is_replaced_by_a_free_one_for_good(tmp_path: Path) -> None:
    with taken() as server:
        own = server.getsockname()[1]
        first = Ports(tmp_path / "ports.json").assign([("a", own)])["a"]
        assert first != own
    assert Ports(tmp_path / "ports.json").assign([("a", own)]) == {"a": first}


def test_two_listeners_on_one_port_number_get_different_ports(tmp_path: Path) -> None:
    port = free_port()
    given = Ports(tmp_path / "ports.json").assign([("a", port), ("b", port)])
    assert given["a"] == port != given["b"]


def test_a_port_that_was_lost_to_somebody_else_is_chosen_anew(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    own = free_port()
    ports.assign([("a", own)])
    with socket.socket() as server:
        server.bind(("127.0.0.1", own))
        server.listen()
        ports.reconsider(["a"])
        assert ports.assign([("a", own)])["a"] != own


def test_a_port_in_use_by_the_listener_itself_stays(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    with taken() as server:
        own = server.getsockname()[1]
        first = ports.assign([("a", own)])
        assert ports.assign([("a", own), ("b", own)])["a"] == first["a"]
        assert ports.assign([("b", own)]).keys() == {"b"}
