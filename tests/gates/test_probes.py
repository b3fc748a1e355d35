"""A probe's requests are held against everything that the step says, and each difference is a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.hooks import A_SECOND, Pulsing, QuickClock
from tests.support.http_server import Reply, Server
from toolkit.errors import RouteUnusable, Throttled
from toolkit.gates.probes import HttpProbes
from toolkit.rollout.ports import Result
from toolkit.rollout.probing import Target
from toolkit.rollout.steps import Probe
from toolkit.traffic import Color


def send(
    probe: Probe,
    target: Target,
    *,
    took: float | None = None,
    clock: QuickClock | None = None,
    pulse: Callable[[], bool] | None = None,
) -> Result:
    """took: seconds that each answer takes by the timer; default: the real ones."""
    time = 0.0

    def timer() -> float:
        nonlocal time
        time += took or 0.0
        return time

    words = {} if took is None else {"timer": timer}
    probes = HttpProbes(lambda _probe, _color: target, clock=clock or QuickClock(), **words)
    return probes.probe(probe, Color.GREEN, pulse=pulse or Pulsing())


def test_an_answer_as_wanted_passes_and_is_told(server: Server) -> None:
    result = send(Probe("/"), Target(server.url("/healthz")), took=0.012)
    assert (result.passed, result.reason) == (True, f"GET {server.url('/healthz')} answered 200 in 12 ms")
    assert server.got[0].path == "/healthz"


def test_headers_method_and_address_are_those_of_the_target(server: Server) -> None:
    send(Probe("/"), Target("http://www.example.com/", "HEAD", {"X-Color": "s3cret"}, server.place))
    (got,) = server.got
    assert (got.method, got.headers["host"], got.headers["x-color"]) == ("HEAD", "www.example.com", "s3cret")


@pytest.mark.parametrize(
    ("probe", "wanted"),
    [
        (Probe(status=503), "answered 200 in 12 ms, wanted 503"),
        (Probe(within_seconds=0.011), "wanted it within 11 ms"),
        (Probe(header=("X-Version", "2")), "wanted X-Version: 2, not '1'"),
        (Probe(header=("X-Other", "2")), "wanted X-Other: 2, without that header"),
        (Probe(body="version 2"), "wanted 'version 2' in its body"),
    ],
)
def test_each_difference_fails_it_with_what_came(server: Server, probe: Probe, wanted: str) -> None:
    server.answers(Reply(200, b"version 1", {"X-Version": "1"}))
    result = send(probe, Target(server.url()), took=0.012)
    assert not result.passed
    assert result.reason.endswith(wanted)
    assert result.output == "version 1"


@pytest.mark.parametrize(
    "probe",
    [
        Probe(status=200, within_seconds=0.012, header=("x-VERSION", "1"), body="ersion"),
        Probe(status=None, within_seconds=None, header=None, body=None),
        Probe(header=("X-Version", "1"), body=""),
    ],
)
def test_what_is_met_or_not_asked_passes(server: Server, probe: Probe) -> None:
    server.answers(Reply(200, b"version 1", {"X-Version": "1"}))
    assert send(probe, Target(server.url()), took=0.012).passed


def test_any_status_passes_where_none_is_asked(server: Server) -> None:
    server.answers(Reply(500))
    assert send(Probe(status=None), Target(server.url())).passed


def test_a_text_of_other_letters_is_found_in_the_body(server: Server) -> None:
    server.answers(Reply(200, "grün".encode()))
    assert send(Probe(body="grün"), Target(server.url())).passed


def test_a_text_behind_the_first_megabyte_is_not_looked_for(server: Server) -> None:
    server.answers(Reply(200, b"." * 1_100_000 + b"version 2"))
    assert "in the first 1 MB of its body" in send(Probe(body="version 2"), Target(server.url())).reason


def test_as_many_requests_as_said_are_sent_each_on_its_own_connection(server: Server) -> None:
    result = send(Probe(count=5), Target(server.url()), took=0.002)
    assert result.reason == f"GET {server.url()} passed 5 times, the slowest in 2 ms"
    assert (len(server.got), server.connections) == (5, 5)


def test_one_bad_answer_among_many_fails_it(server: Server) -> None:
    server.answers(Reply(), Reply(), Reply(502), Reply())
    result = send(Probe(count=4), Target(server.url()))
    assert not result.passed
    assert result.reason.endswith("wanted 200 (request 3 of 4)")
    assert len(server.got) == 3


def test_the_whole_is_tried_again_after_a_pause(server: Server) -> None:
    clock = QuickClock()
    server.answers(Reply(), Reply(503), Reply(), Reply())
    result = send(Probe(count=2, retries=1), Target(server.url()), clock=clock)
    assert result.passed
    assert len(server.got) == 4
    assert sum(clock.slept) == 1


def test_redirects_are_answers_and_not_followed(server: Server) -> None:
    server.answers(Reply(302, headers={"Location": server.url("/login")}))
    assert send(Probe(status=302), Target(server.url())).passed
    assert len(server.got) == 1


def test_no_answer_in_time_is_a_failure(server: Server) -> None:
    server.answers(Reply(after=30))
    result = send(Probe(timeout_seconds=0.2), Target(server.url()))
    assert result.reason == f"GET {server.url()} was not answered within 0.2s"


def test_tls_is_checked_and_the_mend_is_told(trusted: Server) -> None:
    assert send(Probe(), Target(trusted.url())).passed
    result = send(Probe(), Target("https://web-1.elb.example/", connect_to=trusted.place))
    assert "certificate does not hold" in result.reason
    assert "`probe_host`" in result.reason


def test_what_a_rule_asks_for_and_nobody_can_promise_is_told_with_a_failure(server: Server) -> None:
    server.answers(Reply(404))
    result = send(Probe(), Target(server.url(), remarks=("only from 10.0.0.0/8",)))
    assert result.reason.endswith("wanted 200; of its rule: only from 10.0.0.0/8")


def test_a_way_that_does_not_exist_fails_it_and_one_that_cannot_be_read_is_raised() -> None:
    def missing(_probe: Probe, _color: Color) -> Target:
        raise RouteUnusable("web has no test route of green", hint="Add one.")

    def throttled(_probe: Probe, _color: Color) -> Target:
        raise Throttled("slow down")

    clock = QuickClock()
    result = HttpProbes(missing, clock=clock).probe(Probe(retries=3), Color.GREEN, pulse=Pulsing())
    assert (result.passed, result.reason) == (False, "web has no test route of green. Add one.")
    assert clock.slept == []
    with pytest.raises(Throttled):
        HttpProbes(throttled, clock=clock).probe(Probe(), Color.GREEN, pulse=Pulsing())


def test_the_pulse_is_asked_during_many_quick_requests_and_ends_them(server: Server) -> None:
    server.answers(Reply(after=0.05))
    pulse = Pulsing(stop_after=3)
    result = send(Probe(count=10_000), Target(server.url()), pulse=pulse)
    assert (result.passed, result.reason) == (False, "stopped")
    assert pulse.longest_silence(until_now=False) < A_SECOND


def test_the_pulse_ends_a_request_that_nobody_answers(server: Server) -> None:
    server.answers(Reply(after=30))
    assert send(Probe(timeout_seconds=30), Target(server.url()), pulse=Pulsing(stop_after=1)).reason == "stopped"
