"""What docs/testing.md says a rehearsal can do, once each, in one session of pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from toolkit.lab.rehearsal.provision import client
from toolkit.lab.rehearsal.service import LabService
from toolkit.lab.rehearsal.targets import free_addresses

if TYPE_CHECKING:
    from toolkit.lab.handle import Lab

PORT = 18_081
ORDERS = {"terraform": "infra", "variables": {"port": PORT, "targets": free_addresses(1, PORT)}}
REGION = "us-east-1"


# The built-in pair


@pytest.mark.bluegreen(name="shop", targets=1)
def test_a_cutover_takes_itself_back_and_load_counts_failures(
    bluegreen_service: LabService,
) -> None:
    with bluegreen_service.started("cutover", "--bake", "60") as cutover:
        bluegreen_service.wait_for_weights(blue=0, green=100)
        bluegreen_service.set_unhealthy("green")
        cutover.wait(exit_code=32)
    assert bluegreen_service.weights() == {"blue": 100, "green": 0}
    assert bluegreen_service.status()["record"]["kind"] == "rollback"
    bluegreen_service.set_healthy("green")
    assert bluegreen_service.health("green") == ["healthy"]

    # Another way to be bad: health checks pass, requests do not.
    bluegreen_service.set_faults("green", error_rate=1)
    with bluegreen_service.load() as load:
        bluegreen_service.run("cutover", "--bake", "0")
    assert load.failed > 0
    assert load.failures[0].detail == "500"
    assert load.failed <= load.colors["green"] < load.requests
    assert bluegreen_service.answers(3) == {"failed": 3}


@pytest.mark.bluegreen(kind="nlb-listener", targets=1)
def test_standing_flows_outlive_a_cutover(bluegreen_service: LabService) -> None:
    assert bluegreen_service.url.startswith("tcp://127.0.0.1:")
    with bluegreen_service.load(standing=5, rate=100) as load:
        bluegreen_service.run("cutover", "--bake", "0", "--settle", "0")
        assert bluegreen_service.answers(5) == {"green": 5}
    assert load.failed == 0
    assert load.result.standing.kept("blue") == 5


@pytest.mark.bluegreen(apps=False, health_path="/up", targets=1)
def test_processes_of_the_teams_own_stand_behind_the_load_balancer(bluegreen_service: LabService) -> None:
    with listening(bluegreen_service, "blue"), listening(bluegreen_service, "green"):
        for color in ("blue", "green"):
            bluegreen_service.wait_for(color, "healthy")
        bluegreen_service.run("cutover", "--bake", "0")
        assert bluegreen_service.answers(5, by="X-Release") == {"release-green": 5}


@contextmanager
def listening(service: LabService, color: str) -> Iterator[None]:
    """A process that the team has anyway, at the address of the only target of `color`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("X-Release", f"release-{color}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    (address,) = service.targets(color)
    with ThreadingHTTPServer(address, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield
        server.shutdown()
        thread.join()


# Settings and environment


@pytest.mark.bluegreen(config="settings/bluegreen.toml", targets=1)
def test_the_teams_settings_count_and_sdks_and_scripts_are_led_to_the_lab(bluegreen_service: LabService) -> None:
    refused = bluegreen_service.run("cutover", "--bake", "0", exit_code=14)  # the file's endpoint answers nobody
    assert "needs 2" in refused.err

    found = boto3.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert bluegreen_service.contract["load_balancer"]["arn"] in [each["LoadBalancerArn"] for each in found]
    script = f"{sys.executable} -m toolkit shift {bluegreen_service.name} green=20"
    subprocess.run(["sh", "-ec", script], check=True, env=bluegreen_service.environ)
    assert bluegreen_service.weights() == {"blue": 80, "green": 20}


def test_afterwards_the_environment_is_as_it_was() -> None:
    assert os.environ["AWS_PROFILE"] == "of-the-team"
    assert "AWS_ENDPOINT_URL" not in os.environ


# Terraform of the team's own


@pytest.fixture(scope="session")
def shared_load_balancer(bluegreen_lab: Lab) -> None:
    """What another team provisions. Made by hand, it takes the moment that Terraform's would take a minute."""
    ec2, elbv2 = (client(bluegreen_lab.endpoint_url, service, REGION) for service in ("ec2", "elbv2"))
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    elbv2.create_load_balancer(Name="shared", Subnets=subnets)


@pytest.mark.usefixtures("shared_load_balancer")
class TestOrders:
    pytestmark = pytest.mark.bluegreen(**ORDERS)

    def test_it_is_released_as_terraform_has_made_it(self, bluegreen_service: LabService) -> None:
        assert bluegreen_service.name == "orders"
        assert bluegreen_service.contract["region"] == REGION
        with bluegreen_service.load(path="/orders/1") as load:
            bluegreen_service.run("cutover", "--bake", "0")
            assert bluegreen_service.answers(5, path="/orders/2") == {"green": 5}
        assert load.failed == 0

    def test_every_test_begins_with_all_on_blue_and_no_record(self, bluegreen_service: LabService) -> None:
        assert bluegreen_service.weights() == {"blue": 100, "green": 0}
        assert bluegreen_service.status()["record"] is None
        assert bluegreen_service.answers(1) == {"failed": 1}  # no rule takes this path

    def test_neither_state_nor_override_is_left_in_the_repository(self, bluegreen_service: LabService) -> None:
        here = Path(__file__).parent / "infra"
        assert sorted(path.name for path in here.iterdir()) == ["main.tf"]
        parameter = bluegreen_service.client("ssm").get_parameter(Name="/bluegreen/orders/deployment")["Parameter"]
        assert json.loads(parameter["Value"]) == bluegreen_service.contract
