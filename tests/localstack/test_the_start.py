"""What stands once LocalStack is up and a data plane is attached to it."""

from __future__ import annotations

import json
import urllib.request

import pytest

from localstack import host
from tests.localstack.conftest import Demo, Running

pytestmark = pytest.mark.localstack


def test_every_service_is_there(localstack: Running) -> None:
    with urllib.request.urlopen(f"{localstack.endpoint_url}/_localstack/health", timeout=10) as answer:
        states = json.load(answer)["services"]
    assert {"elbv2", "autoscaling", "ecs", "application-autoscaling", "dynamodb"} <= set(host.SERVICES)
    assert {name: states.get(name) for name in host.SERVICES if states.get(name) not in {"available", "running"}} == {}


def test_target_health_comes_from_the_attached_data_plane(localstack: Running) -> None:
    status = localstack.data_plane.status()
    assert status["endpoint_url"] == localstack.endpoint_url
    assert status["reports_health"] is True
    assert status["failures"] == []


def test_the_demo_is_under_way(demo: Demo) -> None:
    assert demo.process.poll() is None, demo.err.read_text()
