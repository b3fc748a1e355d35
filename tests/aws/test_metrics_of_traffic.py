"""Real requests through the lab's load balancer, as its CloudWatch counts them. Takes until the minute is over."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.provision import CREDENTIALS, REGION, Provisioned
from tests.support.world import World, wait_for
from toolkit.aws.metrics import CloudwatchMetrics
from toolkit.aws.session import Session
from toolkit.contract import from_document
from toolkit.rollout.metrics import Latency, MetricsWanted, Minutes
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

pytestmark = pytest.mark.lab
_LONGEST_SECONDS = 90


@pytest.fixture
def prompt(world: World) -> Iterator[World]:
    """The world with a CloudWatch that is neither late nor ever wrong."""
    late = {name: getattr(world.lab.published.options, name) for name in ("metrics_delay", "metrics_revision")}
    world.lab.settings(metrics_delay=0.0, metrics_revision=0.0)
    yield world
    world.lab.settings(**late)
    faults(world)


def faults(world: World, **wanted: float | bool) -> None:
    app = world.apps["green"]
    for site in app.sites:
        app.set_faults(site, **{"error_rate": 0.0, "latency_ms": 0.0, "reset": False, **wanted})


def ask(url: str, times: int) -> list[int]:
    """The status of each answer."""
    found = []
    for _ in range(times):
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found.append(answer.status)
        except urllib.error.HTTPError as error:
            found.append(error.code)
            error.close()
    return found


def test_errors_resets_and_slow_answers_are_those_of_the_color_that_gave_them(
    prompt: World, pair: Callable[..., Provisioned], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = pair()
    for color in ("blue", "green"):
        wait_for(made, color, "healthy")
    url, since = prompt.lab.listeners()[made.listener_arn], datetime.now(UTC)
    assert set(ask(url, 40)) == {200}
    made.set_weights(blue=0, green=100)
    assert set(ask(url, 12)) == {200}
    faults(prompt, error_rate=1.0)
    assert set(ask(url, 7)) == {500}
    faults(prompt, latency_ms=1500)
    assert set(ask(url, 3)) == {200}
    faults(prompt, reset=True)
    assert set(ask(url, 5)) == {502}  # of the load balancer: no target answered

    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    metrics = CloudwatchMetrics(Session(AwsSettings(region=REGION, endpoint_url=made.endpoint_url)))
    contract, wanted = from_document(made.contract, source="the lab"), MetricsWanted(slow_over=1)
    deadline = time.monotonic() + _LONGEST_SECONDS
    while True:
        minutes = metrics.minutes(contract, wanted, since=since, until=datetime.now(UTC) + timedelta(seconds=1))
        if total(minutes, Color.GREEN)[0] >= 27:
            break
        assert time.monotonic() < deadline, minutes
        time.sleep(0.5)
    assert total(minutes, Color.BLUE) == (40, 0, 0)
    assert total(minutes, Color.GREEN) == (27, 7 + 5, 3)
    assert sum(minute.errors for minute in minutes.balancer) == 5
    assert sum(minute.requests for minute in minutes.balancer) == 40 + 27
    assert minutes.latency is Latency.COUNT


def total(minutes: Minutes, color: Color) -> tuple[int, int, int]:
    """Requests, errors and slow ones."""
    samples = [sample for sample in minutes.samples if sample.color is color]
    return (
        sum(sample.requests for sample in samples),
        sum(sample.errors for sample in samples),
        sum(sample.slow or 0 for sample in samples),
    )
