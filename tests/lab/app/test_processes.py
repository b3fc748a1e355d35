import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from toolkit.errors import LabError
from toolkit.lab.app import AppProcess, Faults, Site, start_app

pytestmark = pytest.mark.lab

NET = f"127.78.{os.getpid() % 256}"  # test runs side by side do not meet
BLUE, GREEN = Site(f"{NET}.1", 18081, "blue", "v1"), Site(f"{NET}.2", 18081, "green", "v2")


@pytest.fixture
def app() -> Iterator[AppProcess]:
    with start_app([BLUE, GREEN]) as app:
        yield app


def ask(
    site: Site, path: str = "/", body: str | None = None, *, seconds: float = 10
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(site.address, site.port, timeout=seconds)
    try:
        connection.request("POST" if body else "GET", path, body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_each_site_says_who_it_is(app: AppProcess) -> None:
    for site in app.sites:
        for body in (None, "x" * 100_000):
            status, headers, answer = ask(site, "/any/path?x=1", body)
            assert (status, headers["X-Color"], headers["X-Version"]) == (200, site.color, site.version)
            assert json.loads(answer) == {"color": site.color, "version": site.version, "target": site.target}
    assert ask(BLUE, "/healthz")[0] == 200


def test_faults_come_and_go_at_one_site_only(app: AppProcess) -> None:
    app.set_faults(BLUE, unhealthy=True)
    assert [ask(site, "/healthz")[0] for site in (BLUE, GREEN)] == [503, 200]
    assert ask(BLUE)[0] == 200
    app.set_faults(BLUE, unhealthy=False, error_rate=1)
    assert [ask(BLUE)[0], ask(BLUE, "/healthz")[0], ask(GREEN)[0]] == [500, 200, 200]
    app.set_faults(BLUE, error_rate=0, reset=True)
    with pytest.raises(ConnectionResetError):
        ask(BLUE)
    app.set_faults(BLUE, reset=False, latency_ms=200)
    began = time.monotonic()
    assert ask(BLUE)[0] == 200
    assert time.monotonic() - began >= 0.2


def test_a_rate_strikes_requests_and_spares_health_checks(app: AppProcess) -> None:
    app.set_faults(BLUE, reset_rate=1)
    with pytest.raises(ConnectionResetError):
        ask(BLUE)
    app.set_faults(BLUE, reset_rate=0, slow_rate=1, slow_ms=200)
    began = time.monotonic()
    assert ask(BLUE)[0] == 200
    assert time.monotonic() - began >= 0.2
    app.set_faults(BLUE, slow_rate=0, hang_rate=1)
    with pytest.raises(TimeoutError):
        ask(BLUE, seconds=0.3)
    assert ask(BLUE, "/healthz")[0] == 200


def test_an_unknown_fault_is_refused_and_changes_nothing(app: AppProcess) -> None:
    with pytest.raises(LabError, match="no fault is called 'slow'"):
        app.set_faults(BLUE, slow=True)
    assert ask(BLUE, "/_app/faults", "[]")[0] == 400
    assert app.set_faults(BLUE) == Faults().as_json()


def test_a_request_under_way_ends_well_when_the_app_is_told_to_end() -> None:
    told = HTTPConnection(BLUE.address, BLUE.port, timeout=10)
    with start_app([BLUE], "--latency-ms", "2000") as app, closing(told):
        told.request("GET", "/")
        time.sleep(1)  # it takes 2 s, so it is under way now
        app.stop()
        assert told.getresponse().status == 200
    assert app.process.returncode == 0


def test_a_taken_address_is_said_and_nothing_is_left_running(app: AppProcess) -> None:
    with pytest.raises(LabError, match="cannot listen"):
        start_app([BLUE])
    assert ask(BLUE)[0] == 200


def test_stopping_is_idempotent(app: AppProcess) -> None:
    app.stop()
    app.stop()
    assert not os.path.exists(f"/proc/{app.pid}")  # noqa: PTH110
    with pytest.raises(LabError, match="does not answer"):
        app.set_faults(BLUE, hang=True)


@pytest.mark.parametrize("option", [["--error-rate", "2"], ["--site", "nowhere"]])
def test_bad_options_are_refused(option: list[str]) -> None:
    with pytest.raises(LabError, match="did not start"):
        start_app([BLUE], *option)
