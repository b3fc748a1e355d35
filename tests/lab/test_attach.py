"""The data plane attached to an endpoint that is not ours: a plain moto server in a process of its own."""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from tests.lab.dataplane.tcp import echoing, name_of_one
from tests.lab.world import Pair, answering, client, fetch, make_pair, wait_until
from toolkit.errors import LabError, UsageError
from toolkit.lab.attach_door import answer
from toolkit.lab.attach_notice import Notice
from toolkit.lab.attach_options import AttachOptions, options_from
from toolkit.lab.attach_watch import Readings
from toolkit.lab.dataplane import DataPlane, TargetHealth, plane
from toolkit.lab.dataplane.model import FixedResponse
from toolkit.lab.dataplane.reader import action_of
from toolkit.lab.handle import Lab, find_lab, start_lab, stop_lab
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import Recorded, is_running
from toolkit.lab.state import Published, StateDirectory

BLUE, GREEN = "10.78.1.10", "10.78.2.10"
_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


class Moto:
    """A plain moto server, without the lab's fidelity; it can go away and come back, empty."""

    def __init__(self) -> None:
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MOTO, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a line per request
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    server = Moto()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def attach(lab_root: Path) -> Iterator[Callable[..., Lab]]:
    """Attach a data plane; it is stopped when the test ends."""
    started: list[Lab] = []

    def attach(endpoint_url: str, **options: Any) -> Lab:
        chosen = {"time_scale": 0.05, "poll_interval": 0.1, **options}
        started.append(start_lab(AttachOptions(endpoint_url=endpoint_url, **chosen)))
        return started[-1]

    yield attach
    for lab in started:
        lab.stop()


def eventually(holds: Callable[[], bool]) -> None:
    wait_until(holds, seconds=30)  # on a machine that has much else to do


def loopback(private: str) -> str:
    return private.replace("10.", "127.", 1)


def ask(url: str, times: int = 20) -> Counter[str]:
    return Counter(fetch(url) for _ in range(times))


def states(lab: Lab, arn: str) -> dict[str, str]:
    return {target["id"]: target["state"] for target in lab.health(arn)}


def registered(endpoint_url: str, port: int, **words: Any) -> Pair:
    pair = make_pair(endpoint_url, port=port, **words)
    for color, address in (("blue", BLUE), ("green", GREEN)):
        pair.elbv2.register_targets(TargetGroupArn=pair.groups[color], Targets=[{"Id": address, "Port": port}])
    return pair


@pytest.mark.lab
def test_weights_move_real_requests_health_is_served_and_down_leaves_nothing(
    moto: Moto, attach: Callable[..., Lab]
) -> None:
    with answering("blue", loopback(BLUE)) as port, answering("green", loopback(GREEN), port):
        pair = registered(moto.url, port)
        lab = attach(moto.url)  # what stands there already is served when it is up
        url = lab.listeners()[pair.listener]
        eventually(lambda: states(lab, pair.groups["green"]) == {GREEN: "healthy"})
        assert ask(url) == {"blue": 20}

        pair.shift(blue=0, green=100)
        eventually(lambda: ask(url, 1) == {"green": 1})
        assert ask(url) == {"green": 20}
        pair.shift(blue=50, green=50)
        eventually(lambda: len(ask(url)) == 2)

        assert lab.health(pair.groups["blue"]) == [
            {"id": BLUE, "port": port, "state": "healthy", "reason": None, "description": None}
        ]
        pair.elbv2.deregister_targets(TargetGroupArn=pair.groups["blue"], Targets=[{"Id": BLUE, "Port": port}])
        eventually(lambda: states(lab, pair.groups["blue"]) == {BLUE: "draining"})

        status = lab.status()
        assert status["failures"] == []
        assert status["reports_health"] is False  # moto takes the notice for a bucket that there is not
        assert status["endpoint_url"] == lab.exports["AWS_ENDPOINT_URL"] == moto.url

        processes = lab.state.processes()
        assert sorted(process.what for process in processes) == ["data plane", "envoy"]
        family = [psutil.Process(process.pid) for process in processes]
        listening = [c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert len(listening) >= 3  # the door, Envoy's admin, the listener
        assert all(ip.startswith("127.") for ip in listening)

        stopped = lab.stop()
        assert not any(one.killed for one in stopped)
        assert not any(is_running(process) for process in processes)
        assert find_lab("attached") is None
        with pytest.raises(ConnectionRefusedError):
            ask(url, 1)


@pytest.mark.lab
def test_flows_and_other_regions_are_served_too(moto: Moto, attach: Callable[..., Lab]) -> None:
    lab = attach(moto.url)
    ec2, elbv2 = (client(service, moto.url, region="us-west-2") for service in ("ec2", "elbv2"))
    subnets = ec2.describe_subnets()["Subnets"][:2]
    with echoing("blue", 33) as echo:
        group = elbv2.create_target_group(
            Name="flows", Protocol="TCP", Port=echo.port, VpcId=subnets[0]["VpcId"], TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        elbv2.register_targets(
            TargetGroupArn=group, Targets=[{"Id": echo.address.replace("127.", "10.", 1), "Port": echo.port}]
        )
        balancer = elbv2.create_load_balancer(
            Name="flows", Type="network", Subnets=[subnet["SubnetId"] for subnet in subnets]
        )["LoadBalancers"][0]["LoadBalancerArn"]  # fmt: skip
        listener = elbv2.create_listener(
            LoadBalancerArn=balancer, Port=9444, Protocol="TCP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )["Listeners"][0]["ListenerArn"]  # fmt: skip
        assert listener not in lab.listeners()
        assert lab.health(group) == []  # not known yet: but asked for, so its region is read from now on
        eventually(lambda: listener in lab.listeners())
        url = lab.listeners()[listener]
        assert url.startswith("tcp://127.0.0.1:")
        eventually(lambda: [one["state"] for one in lab.health(group)] == ["healthy"])
        assert name_of_one(url) == "blue"


@pytest.mark.lab
def test_traffic_goes_on_while_the_endpoint_is_away_and_what_comes_back_is_followed(attach: Callable[..., Lab]) -> None:
    moto = Moto()
    moto.start()
    try:
        with answering("blue", loopback(BLUE)) as port:
            before = registered(moto.url, port)
            lab = attach(moto.url)
            url = lab.listeners()[before.listener]
            eventually(lambda: ask(url, 1) == {"blue": 1})
            moto.kill()
            eventually(lambda: bool(lab.status()["failures"]))
            (failure,) = lab.status()["failures"]
            assert failure["region"] == "eu-central-1"
            assert "could not be read from" in failure["error"]
            assert ask(url) == {"blue": 20}

            moto.start()  # and remembers nothing
            eventually(lambda: lab.listeners() == {} and lab.status()["failures"] == [])
            after = registered(moto.url, port, name="again")
            eventually(lambda: after.listener in lab.listeners())
            eventually(lambda: ask(lab.listeners()[after.listener], 1) == {"blue": 1})
            log = lab.state.log.read_text()
            assert "could not be read from" in log
            assert "eu-central-1 is read again, after" in log
    finally:
        moto.kill()


@pytest.mark.lab
def test_where_nothing_answers_it_does_not_start_and_leaves_nothing(lab_root: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(LabError, match="could not be read from") as caught:
            start_lab(AttachOptions(endpoint_url=url))
    assert caught.value.hint.startswith("Start it first")
    assert find_lab("attached") is None


@pytest.mark.lab
def test_an_endpoint_that_hangs_does_not_hold_the_end_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane, "_JOIN_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        attached = DataPlane(endpoint_url=url, directory=tmp_path, regions=["eu-central-1"], poll_interval=0.05)
        attached.start()
        silent.settimeout(10)
        asking, _ = silent.accept()  # it reads, and waits for an answer
        began = time.monotonic()
        attached.stop()
        assert time.monotonic() - began < 10
        assert attached.pids == ()
        asking.close()


def test_only_endpoints_on_this_machine_are_taken() -> None:
    for url in ("http://127.0.0.1:4566/", "http://localhost:4566", "https://[::1]:4566", "http://aws.localhost"):
        assert AttachOptions(endpoint_url=url).endpoint_url == url.rstrip("/")
    for url in ("https://elasticloadbalancing.eu-central-1.amazonaws.com", "http://10.0.0.1:4566", "http://0.0.0.0:1"):
        with pytest.raises(UsageError, match="not on this machine"):
            AttachOptions(endpoint_url=url)
    for url in ("127.0.0.1:4566", "http://127.0.0.1:nonsense", "ftp://127.0.0.1", "http://127.0.0.1/path", ""):
        with pytest.raises(UsageError, match="not of the form"):
            AttachOptions(endpoint_url=url)


@pytest.mark.parametrize(
    "wrong", [{"poll_interval": 0.0}, {"poll_interval": float("nan")}, {"regions": ()}, {"regions": ("eu",)},
              {"name": "a/b"}, {"time_scale": 0.0}],
)  # fmt: skip
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(LabError):
        AttachOptions(endpoint_url="http://127.0.0.1:1", **wrong)


def test_both_kinds_of_options_are_found_again_as_what_they_were() -> None:
    for options in (
        AttachOptions(endpoint_url="http://127.0.0.1:1", regions=("eu-west-1", "us-east-1"), poll_interval=0.2),
        LabOptions(name="one", port=4566),
    ):
        assert options_from(json.loads(json.dumps(options.to_json()))) == options


def test_the_door_answers_for_one_target_group() -> None:
    sick = TargetHealth("unhealthy", "Target.Timeout", "Request timed out")

    def health(arn: str) -> dict[tuple[str, int], TargetHealth]:
        if arn == "dead":
            raise LabError("Envoy has ended")
        return {("10.0.1.11", 8080): sick} if arn == "known" else {}

    assert answer(health, "GET", "/health", {"target_group": ["known"]}) == (
        200,
        [
            {
                "id": "10.0.1.11",
                "port": 8080,
                "state": "unhealthy",
                "reason": "Target.Timeout",
                "description": "Request timed out",
            }
        ],
    )
    assert answer(health, "GET", "/health", {"target_group": ["other"]}) == (200, [])
    assert answer(health, "GET", "/health", {"target_group": ["dead"]}) == (503, {"error": "Envoy has ended"})
    assert answer(health, "GET", "/health", {})[0] == 400
    assert answer(health, "GET", "/health", {"target_group": ["a", "b"]})[0] == 400
    assert answer(health, "POST", "/health", {"target_group": ["known"]})[0] == 404
    assert answer(health, "GET", "/", {})[0] == 404


def test_a_forward_that_the_endpoint_has_emptied_serves_nobody_and_disturbs_no_other_rule() -> None:
    action = action_of([{"Type": "forward"}])
    assert isinstance(action, FixedResponse)
    assert (action.status, "names no target group" in action.body) == (503, True)


def test_trouble_is_said_once_and_kept_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    back: list[int] = []
    now = [100.0]
    readings = Readings(came_back=lambda: back.append(1), clock=lambda: now[0])
    readings("eu-west-1", None)
    with caplog.at_level(logging.INFO):
        for now[0] in (101.0, 102.0, 103.0):
            readings("eu-west-1", LabError("nobody answers"))
        readings("us-east-1", None)
        assert [(one.region, one.at, one.error) for one in readings.failures] == [
            ("eu-west-1", 101.0, "nobody answers")
        ]
        assert back == []
        now[0] = 106.0
        readings("eu-west-1", LabError("it answers nonsense"))
        assert readings.failures[0].at == 101.0
        now[0] = 111.0
        readings("eu-west-1", None)
    assert [record.message for record in caplog.records] == [
        "nobody answers; what was routed before stays, and it is tried again",
        "it answers nonsense; what was routed before stays, and it is tried again",
        "eu-west-1 is read again, after 10 s",
    ]
    assert back == [1]
    assert list(readings.failures) == []
    readings("eu-west-1", KeyError("Type"))
    assert readings.failures[0].error == "KeyError: 'Type'"


@contextlib.contextmanager
def endpoint(status: int, holder: str | None = None) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """What answers the notice's path with `status` and `holder`, all else with 404; its address, what it was asked."""
    asked: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            asked.append((self.command, json.loads(body) if body else None))
            answer = json.dumps({"url": holder}).encode()
            self.send_response(status if self.path == "/_bluegreen/data-plane" else 404)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


DOOR, OTHER = "http://127.0.0.1:5000", "http://127.0.0.1:5001"


def test_the_endpoint_is_told_of_the_data_plane_and_told_when_it_ends() -> None:
    with endpoint(200, holder=DOOR) as (url, asked):
        notice = Notice(url, DOOR)
        notice.give()
        assert notice.is_taken is True
        notice.renew()
        notice.withdraw()
    assert asked == [("PUT", {"url": DOOR}), ("GET", None), ("DELETE", {"url": DOOR})]


def test_an_endpoint_that_has_forgotten_is_told_again() -> None:
    with endpoint(200, holder=None) as (url, asked):
        notice = Notice(url, DOOR)
        notice.give()
        notice.renew()
        assert notice.is_taken is True
    assert [method for method, _ in asked] == ["PUT", "GET", "PUT"]


def test_a_data_plane_that_came_later_stays() -> None:
    with endpoint(200, holder=OTHER) as (url, asked):
        notice = Notice(url, DOOR)
        notice.give()
        notice.renew()
        assert notice.is_taken is False
        notice.renew()
        notice.withdraw()
    assert [method for method, _ in asked] == ["PUT", "GET"]


@pytest.mark.parametrize("status", [404, 405, 501, 500, 302])
def test_an_endpoint_that_takes_no_data_plane_is_left_alone_and_that_is_said_once(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with endpoint(status) as (url, asked), caplog.at_level(logging.INFO):
        notice = Notice(url, DOOR)
        notice.give()
        notice.give()  # as after it was away
        notice.renew()
        assert notice.is_taken is False
        notice.withdraw()
    assert [method for method, _ in asked] == ["PUT", "PUT"]
    assert [record.message for record in caplog.records] == [
        f"{url} takes no data plane (HTTP {status}): it keeps reporting its own target health"
    ]


def test_an_endpoint_that_is_away_when_the_data_plane_ends_is_no_error() -> None:
    with endpoint(204) as (url, _):
        notice = Notice(url, DOOR)
        notice.give()
    notice.give()
    assert notice.is_taken is True  # what it said before holds
    notice.withdraw()
    assert notice.is_taken is None


def test_down_takes_back_the_notice_of_a_data_plane_that_crashed(tmp_path: Path) -> None:
    state = StateDirectory.of("attached", tmp_path)
    state.create()
    crashed = Recorded(os.getpid(), "another-boot/1", "data plane")
    with endpoint(200) as (url, asked):
        state.publish(Published(url, AttachOptions(endpoint_url=url), crashed, door_url=DOOR))
        assert stop_lab(state) == []
        assert stop_lab(state) == []
    assert asked == [("DELETE", {"url": DOOR})]
    assert state.published() is None


class Command:
    """`bluegreen lab ...` in a process of its own."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def __call__(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.line(*words), env=self.environ, capture_output=True, text=True, check=False, timeout=60
        )

    def line(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "toolkit", "lab", *words]


@pytest.fixture
def command(lab_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    command = Command(dict(os.environ))
    yield command
    command("down", "--all")


@pytest.mark.lab
def test_attach_status_down_as_a_user_types_them(moto: Moto, command: Command) -> None:
    made = command("attach", "--endpoint-url", moto.url, "--poll-interval", "0.2", "--region", "eu-west-1")
    assert made.returncode == 0, made.stderr
    assert f"export AWS_ENDPOINT_URL={moto.url}" in made.stdout.splitlines()
    assert "export AWS_REGION=eu-west-1" in made.stdout.splitlines()
    assert "stop it with: bluegreen lab down --name attached" in made.stderr
    assert made.stderr.count("keeps reporting its own target health") == 1

    again = command("attach", "--endpoint-url", f"{moto.url}/")
    assert (again.returncode, "already" in again.stderr) == (0, True)
    for other in (("attach", "--endpoint-url", "http://127.0.0.1:1"), ("up", "--name", "attached")):
        refused = command(*other)
        assert refused.returncode == LabError.exit_code
        assert f" {moto.url}." in refused.stderr

    said = command("status", "--name", "attached").stdout
    assert said.startswith(f"'attached', attached to {moto.url}, up for ")
    assert "poll_interval 0.2" in said
    assert "regions eu-west-1; target health: the endpoint's own" in said

    down = command("down", "--name", "attached")
    assert down.returncode == 0
    assert "stopped data plane (pid" in down.stdout
    assert "stopped envoy (pid" in down.stdout


@pytest.mark.lab
def test_in_the_foreground_it_ends_with_ctrl_c(moto: Moto, command: Command) -> None:
    command.environ["AWS_ENDPOINT_URL"] = moto.url
    process = subprocess.Popen(
        command.line("attach", "--foreground", "--output", "json"),
        env=command.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if line == "}\n":
                break
        document = json.loads(said)
        assert (document["pid"], document["endpoint_url"]) == (process.pid, moto.url)
        assert json.loads(fetch(f"{document['door_url']}/_lab/status"))["pid"] == process.pid
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, log
    assert find_lab("attached") is None


def test_an_endpoint_elsewhere_and_none_at_all_are_usage_errors(command: Command) -> None:
    elsewhere = command("attach", "--endpoint-url", "https://elasticloadbalancing.eu-central-1.amazonaws.com")
    assert elsewhere.returncode == UsageError.exit_code
    assert elsewhere.stderr.count("\n") == 1
    assert "AWS has load balancers of its own" in elsewhere.stderr
    none = command("attach")
    assert none.returncode == UsageError.exit_code
    assert "--endpoint-url" in none.stderr
