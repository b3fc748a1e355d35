"""The demo: what it prepares, and that nothing outlives it when it is interrupted. Its whole way is `make demo`."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.lab.demo import TARGETS, _copied, _free_port, _sick, _sites, terraform_tree
from toolkit.lab.processes import is_running
from toolkit.lab.state import StateDirectory, all_labs


def test_the_checkout_stays_clean(tmp_path: Path) -> None:
    directory = _copied(terraform_tree(), tmp_path)
    assert directory == tmp_path / "terraform" / "examples" / "lab"
    assert (directory / "main.tf").is_file()
    assert (directory / "../../modules/alb-route/main.tf").resolve().is_file()
    assert not list(tmp_path.rglob("*.tfstate*"))
    assert not list(tmp_path.rglob(".terraform"))


def test_a_port_is_free_on_every_address_of_the_targets() -> None:
    addresses = ["127.0.1.11", "127.0.2.13"]
    port = _free_port(addresses)
    for address in addresses:
        with socket.socket() as probe:
            probe.bind((address, port))


def test_targets_listen_where_the_lab_maps_their_addresses() -> None:
    sites = _sites(8080)
    assert len(sites) == sum(map(len, TARGETS.values()))
    assert {(site.address.split(".")[0], site.color, site.version) for site in sites} == {
        ("127", "blue", "v1"),
        ("127", "green", "v2"),
    }


def test_targets_that_are_not_healthy_are_named() -> None:
    targets = [{"id": "10.0.1.11", "state": "healthy"}, {"id": "10.0.1.12", "state": "initial"}]
    assert _sick({"colors": {"blue": {"targets": targets}, "green": {"targets": []}}}) == ["blue 10.0.1.12 initial"]


@pytest.mark.lab
@pytest.mark.terraform
def test_interrupted_while_it_provisions_it_leaves_nothing(lab_root: Path, tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "toolkit", "lab", "demo"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert demo.stderr is not None
    try:
        # Terraform begins to create: the lab, the targets and a command are under way.
        next(line for line in demo.stderr if line.startswith("Plan: "))
        (state,) = all_labs(lab_root)
        processes = state.processes()
        demo.send_signal(signal.SIGINT)
        said = demo.communicate(timeout=60)[1]
    finally:
        demo.kill()
        demo.communicate()
        for left in all_labs(lab_root):
            _stop(left)
    assert demo.returncode == 130
    assert said.splitlines()[-1].startswith(
        "bluegreen: the demo was interrupted; everything it had started is stopped."
    )
    assert {process.what for process in processes} >= {"lab", "envoy", "sample app", "bluegreen infra"}
    assert not any(is_running(process) for process in processes)
    assert not list(tmp_path.glob("bluegreen-demo-*"))
    assert all_labs(lab_root) == []


def _stop(state: StateDirectory) -> None:
    from toolkit.lab.handle import stop_lab

    stop_lab(state)
