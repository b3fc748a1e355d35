"""What Probes does for a step: it sends real requests, tells what came, and never loses the pulse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.hooks import A_SECOND, LONG, Pulsing, QuickClock
from tests.support.http_server import Reply, Server, running_server
from toolkit.errors import AwsUnreachable
from toolkit.gates.probes import HttpProbes
from toolkit.rollout.ports import Probes
from toolkit.rollout.probing import Target
from toolkit.rollout.steps import Probe, Via
from toolkit.traffic import Color


@dataclass
class Case:
    """Probes whose targets are paths of one server: `/route`, and `/green` by the test route."""

    probes: Probes
    server: Server


@pytest.fixture
def case() -> Iterator[Case]:
    with running_server() as server:

        def where(probe: Probe, color: Color) -> Target:
            return Target(server.url("/route" if probe.via is Via.ROUTE else f"/{color}"))

        yield Case(HttpProbes(where, clock=QuickClock()), server)


def test_the_route_is_asked_as_users_do_and_the_test_route_for_its_color(case: Case) -> None:
    case.probes.probe(Probe(), Color.GREEN, pulse=Pulsing())
    case.probes.probe(Probe(via=Via.TEST_ROUTE), Color.GREEN, pulse=Pulsing())
    assert [got.path for got in case.server.got] == ["/route", "/green"]


def test_a_result_is_one_sentence(case: Case) -> None:
    case.server.answers(Reply(200), Reply(503, b"a\nb"))
    for passed in (True, False):
        result = case.probes.probe(Probe(), Color.GREEN, pulse=Pulsing())
        assert result.passed is passed
        assert result.reason
        assert "\n" not in result.reason


def test_the_pulse_is_asked_every_second_and_its_no_is_obeyed(case: Case) -> None:
    case.server.answers(Reply(after=LONG))
    pulse = Pulsing()
    assert case.probes.probe(Probe(), Color.GREEN, pulse=pulse).passed
    assert len(pulse.asked) >= 2
    assert pulse.longest_silence() < A_SECOND
    case.server.answers(Reply(after=30))
    assert case.probes.probe(Probe(timeout_seconds=30), Color.GREEN, pulse=Pulsing(stop_after=0)).reason == "stopped"


def test_a_load_balancer_that_cannot_be_read_is_an_error_and_no_verdict() -> None:
    def where(_probe: Probe, _color: Color) -> Target:
        raise AwsUnreachable("no answer")

    with pytest.raises(AwsUnreachable):
        HttpProbes(where, clock=QuickClock()).probe(Probe(retries=5), Color.GREEN, pulse=Pulsing())
