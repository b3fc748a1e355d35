"""The data plane with a real Envoy, on what moto holds."""

import os
import signal
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from tests.lab.dataplane.rig import REGION, Rig, fixed, forward, site, target, until
from toolkit.errors import LabError
from toolkit.lab.app import start_app
from toolkit.lab.dataplane import DataPlane
from toolkit.lab.fidelity import Fidelity
from toolkit.lab.load import LoadPlan, LoadProcess

pytestmark = pytest.mark.lab


def split(rig: Rig, blue: int, green: int, sticky: int | None = None) -> dict[str, object]:
    return forward((rig.groups["blue"], blue), (rig.groups["green"], green), sticky=sticky)


def test_weights_decide_who_answers(rig: Rig) -> None:
    with rig.listening(split(rig, 100, 0)) as listener:
        assert rig.ask_many(listener, 50) == {"blue": 50}
        rig.shift(listener, split(rig, 0, 100))
        assert rig.ask_many(listener, 50) == {"green": 50}
        rig.shift(listener, split(rig, 3, 1))
        green = rig.ask_many(listener, 4000)["green"]
        # 1000 expected, deviation 27: six of them, so chance fails this once in a billion runs.
        assert abs(green - 1000) < 6 * 27.4
        rig.shift(listener, split(rig, 0, 0))
        assert rig.ask(listener).status == 503


def test_rules_are_tried_by_priority_and_every_condition_counts(rig: Rig) -> None:
    with rig.listening() as listener:
        rig.rule(listener, 30, fixed(230), path="/a*")
        rig.rule(listener, 10, fixed(210), path="/a/b")
        both = [
            {"Field": "path-pattern", "Values": ["/a/*"]},
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}},
        ]
        rig.rule(listener, 20, fixed(220), conditions=both)
        rig.rule(listener, 40, fixed(240), conditions=[
            {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2*"}]}},
        ])  # fmt: skip
        rig.rule(listener, 50, fixed(250), conditions=[
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["DELETE"]}},
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.0/8"]}},
        ])  # fmt: skip
        rig.rule(listener, 60, fixed(260), conditions=[
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Group", "Values": ["beta?"]}},
        ])  # fmt: skip
        rig.rule(listener, 70, fixed(270), conditions=[
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
        ])  # fmt: skip
        assert rig.ask(listener, "/a/b").status == 210
        assert rig.ask(listener, "/a/c", Host="x.example.com").status == 220
        assert rig.ask(listener, "/a/c").status == 230
        assert rig.ask(listener, "/?u=1&v=21").status == 240
        assert rig.ask(listener, "/", "DELETE").status == 250
        assert rig.ask(listener, "/", X_Group="BETA2").status == 260
        # The client's own header of that name must not stand for its address.
        assert rig.ask(listener, "/", X_Lab_Source_Ip="10.1.1.1").status == 404


def test_an_exact_cookie_is_found_however_it_is_sent(rig: Rig) -> None:
    cookie = {"HttpHeaderName": "Cookie", "RegexValues": ["^(.*;)? *beta=1 *(;.*)?$"]}
    # moto alone takes no rule with regular expressions.
    with Fidelity(health=None, on_change=lambda _region: None), rig.listening() as listener:
        rig.rule(listener, 10, fixed(210), conditions=[{"Field": "http-header", "HttpHeaderConfig": cookie}])
        found = {
            ("beta=1",): 210,
            ("a=2; beta=1; b=3",): 210,
            ("a=2;beta=1",): 210,
            ("a=2", "beta=1", "b=3"): 210,
            ("beta=10",): 404,
            ("a=2", "xbeta=1"): 404,
            ("BETA=1",): 404,
            (): 404,
        }
        assert {sent: ask_with_cookies(rig, listener, *sent) for sent in found} == found


def ask_with_cookies(rig: Rig, listener: str, *cookies: str) -> int:
    """The status, with a header field for each."""
    connection = HTTPConnection(rig.plane.listeners()[listener].partition("://")[2], timeout=5)
    try:
        connection.putrequest("GET", "/")
        for cookie in cookies:
            connection.putheader("Cookie", cookie)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_fixed_responses_and_redirects(rig: Rig) -> None:
    redirect = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443"}}
    moved = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302", "Path": "/v2/#{path}"}}
    with rig.listening(fixed(418, "teapot")) as listener:
        rig.rule(listener, 1, redirect, path="/secure/*")
        rig.rule(listener, 2, moved, path="/old/*")
        answer = rig.ask(listener)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (418, b"teapot", "text/plain")
        answer = rig.ask(listener, "/secure/x?y=1", Host="example.com")
        assert answer.status == 301
        assert answer.headers["location"] in (
            "https://example.com:443/secure/x?y=1",
            "https://example.com/secure/x?y=1",
        )
        answer = rig.ask(listener, "/old/x?y=1")
        assert answer.status == 302
        assert answer.headers["location"].endswith("/v2/old/x?y=1")


def test_a_cookie_beats_a_weight_of_zero_until_stickiness_is_off(rig: Rig) -> None:
    with rig.listening(split(rig, 100, 0, sticky=300)) as listener:
        first = rig.ask(listener)
        assert first.color == "blue"
        cookie = first.headers["set-cookie"].partition(";")[0]
        assert cookie.startswith("AWSALBTG=")
        rig.shift(listener, split(rig, 0, 100, sticky=300))
        assert rig.ask(listener).color == "green"
        assert rig.ask(listener, Cookie=cookie).color == "blue"
        rig.shift(listener, split(rig, 0, 100))
        assert rig.ask(listener, Cookie=cookie).color == "green"


def test_a_target_cookie_holds_a_client_at_one_target(rig: Rig) -> None:
    other = site(14, "blue", "v1")
    with start_app([other]):
        group = rig.group(rig.sites["blue"], other)
        rig.elbv2.modify_target_group_attributes(
            TargetGroupArn=group,
            Attributes=[
                {"Key": "stickiness.enabled", "Value": "true"},
                {"Key": "stickiness.type", "Value": "lb_cookie"},
                {"Key": "stickiness.lb_cookie.duration_seconds", "Value": "60"},
            ],
        )
        with rig.listening(forward((group, 1))) as listener:
            rig.wait_healthy(group, rig.sites["blue"], other)
            assert len({rig.ask(listener).headers["x-target"] for _ in range(10)}) == 2
            first = rig.ask(listener)
            cookie = first.headers["set-cookie"].partition(";")[0]
            assert cookie.startswith("AWSALB=")
            targets = {rig.ask(listener, Cookie=cookie).headers["x-target"] for _ in range(10)}
            assert targets == {first.headers["x-target"]}


def test_every_request_is_counted_once_though_the_log_is_rotated(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.lab.dataplane.records.ROTATE_BYTES", 20_000)
    with rig.listening(split(rig, 100, 0)) as listener:
        suffix = rig.groups["blue"].rpartition(":")[2]

        def counted() -> int:
            return sum(row.target_2xx for row in rig.plane.traffic(0) if row.target_group == suffix)

        before = counted()
        with LoadProcess(LoadPlan(rig.plane.listeners()[listener], requests=5000, rate=2000)) as load:
            result = load.wait(20)
        assert result.failed == 0
        until(lambda: counted() == before + result.requests)


def test_health_follows_the_target(rig: Rig) -> None:
    group, blue = rig.groups["blue"], rig.sites["blue"]
    assert rig.health_of(group, blue).reason == "Target.NotInUse"
    with rig.listening(split(rig, 100, 0)) as listener:
        rig.wait_healthy(group, blue)
        rig.app.set_faults(blue, unhealthy=True)
        until(lambda: rig.health_of(group, blue).state == "unhealthy")
        assert rig.health_of(group, blue).reason == "Target.ResponseCodeMismatch"
        assert rig.ask(listener).color == "blue"  # the only target: it fails open
        rig.app.set_faults(blue, unhealthy=False)
        rig.wait_healthy(group, blue)
    until(lambda: rig.health_of(group, blue).state == "unused")


def test_why_a_target_is_unhealthy(rig: Rig) -> None:
    hanging, nobody = site(9), site(10)
    with start_app([hanging], "--hang") as app:
        group = rig.group(hanging, nobody)
        with rig.listening(forward((group, 1))):
            until(lambda: rig.health_of(group, nobody).reason == "Target.FailedHealthChecks")
            until(lambda: rig.health_of(group, hanging).reason == "Target.Timeout")
        app.kill()


def test_a_group_without_targets_answers_503(rig: Rig) -> None:
    with rig.listening(forward((rig.group(), 1))) as listener:
        assert rig.ask(listener).status == 503


def test_a_target_that_refuses_resets_or_keeps_silent(rig: Rig) -> None:
    lone = site(11)
    with start_app([lone]) as app:
        group = rig.group(lone, HealthCheckIntervalSeconds=300)
        with rig.listening(forward((group, 1))) as listener:
            rig.wait_healthy(group, lone)
            began = time.time()
            rig.elbv2.modify_load_balancer_attributes(
                LoadBalancerArn=rig.balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}]
            )
            rig.plane.reconcile(REGION)
            app.set_faults(lone, reset=True)
            assert rig.ask(listener).status == 502
            app.set_faults(lone, reset=False, hang=True)
            assert rig.ask(listener).status == 504
            app.kill()
            assert rig.ask(listener).status == 502
            suffix = group.rpartition(":")[2]

            def counted() -> tuple[int, int, int, int]:
                rows = [row for row in rig.plane.traffic(began) if row.target_group == suffix]
                return (
                    sum(row.request_count for row in rows),
                    sum(row.elb_5xx for row in rows),
                    sum(row.target_5xx for row in rows),
                    sum(row.connection_errors for row in rows),
                )

            until(lambda: counted() == (3, 3, 0, 1))


def test_a_deregistered_target_drains_and_its_request_ends_well(rig: Rig) -> None:
    slow = site(12, "slow")
    with start_app([slow], "--latency-ms", "900") as app:
        group = rig.group(slow)
        rig.elbv2.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "100"}]
        )
        with rig.listening(forward((group, 1))) as listener:
            rig.wait_healthy(group, slow)
            answers: list[str] = []
            under_way = threading.Thread(target=lambda: answers.append(rig.ask(listener).color))
            under_way.start()
            time.sleep(0.4)  # let it reach the target, which takes 0.9 s
            rig.elbv2.deregister_targets(TargetGroupArn=group, Targets=[target(slow)])
            rig.plane.reconcile(REGION)
            assert rig.health_of(group, slow).reason == "Target.DeregistrationInProgress"
            assert rig.ask(listener).status == 503
            under_way.join()
            assert answers == ["slow"]
            until(lambda: not rig.plane.health(group))  # 100 s at a time scale of 0.02
        app.kill()


def test_shifting_and_replacing_targets_under_load_drops_nothing(rig: Rig) -> None:
    sites = rig.sites
    with rig.listening(split(rig, 100, 0)) as listener:
        for color in ("blue", "green"):
            rig.wait_healthy(rig.groups[color], sites[color])
        url = rig.plane.listeners()[listener]
        expected = {"blue": "v1", "green": "v2"}
        plan = LoadPlan(url, duration=30, connections=8, post_share=0.5, expected=expected, rate=150)
        another = site(13, "green", "v2")
        anew = LoadPlan(url, duration=30, keep_alive=False, rate=150)
        with LoadProcess(plan) as keeping, LoadProcess(anew) as closing:
            while min(load.count()["requests"] for load in (keeping, closing)) < 500:
                for weights in [(100, 0), (50, 50), (0, 100), (90, 10)]:
                    rig.shift(listener, split(rig, *weights))
            rig.shift(listener, split(rig, 100, 0))
            with start_app([another]):
                rig.elbv2.register_targets(TargetGroupArn=rig.groups["green"], Targets=[target(another)])
                rig.plane.reconcile(REGION)
                rig.wait_healthy(rig.groups["green"], another)
                rig.shift(listener, split(rig, 50, 50))
                rig.elbv2.deregister_targets(TargetGroupArn=rig.groups["green"], Targets=[target(another)])
                rig.plane.reconcile(REGION)
                time.sleep(0.3)  # a graceful release lets go of the target after what it has in hand
            results = keeping.stop(), closing.stop()
        for result in results:
            assert (result.failed, result.failures) == (0, [])
            assert result.requests > 500
            assert result.colors.keys() == {"blue", "green"}


def test_no_old_answer_after_reconcile_has_returned(rig: Rig) -> None:
    with rig.listening(split(rig, 100, 0)) as listener:
        plan = LoadPlan(rig.plane.listeners()[listener], duration=20, connections=8)
        with LoadProcess(plan) as load:
            until(lambda: load.count()["requests"] > 100)
            rig.shift(listener, split(rig, 0, 100))
            shifted = time.monotonic()
            until(lambda: load.count()["at"] > shifted + 0.4)
            result = load.stop()
        assert result.colors["blue"] > 0
        assert result.started("blue", after=shifted + 0.1) == 0
        assert result.started("green", after=shifted + 0.1) > 0


def test_a_propagation_delay_lies_between_write_and_effect(rig: Rig) -> None:
    with rig.listening(split(rig, 100, 0)) as listener:
        rig.plane.propagation_delay = 0.5
        try:
            written = time.monotonic()
            rig.shift(listener, split(rig, 0, 100))
            until(lambda: rig.ask(listener).color == "green")
            assert time.monotonic() - written >= rig.plane.propagation_delay
        finally:
            rig.plane.propagation_delay = 0.0


def test_https_listeners_have_a_certificate_of_the_labs_own(rig: Rig) -> None:
    certificate = {"CertificateArn": rig.certificate()}
    with rig.listening(split(rig, 100, 0), Protocol="HTTPS", Certificates=[certificate]) as listener:
        url = rig.plane.listeners()[listener]
        assert url.startswith("https://")
        with LoadProcess(LoadPlan(url, requests=20, duration=10, connections=2)) as load:
            result = load.wait(20)
        assert (result.failed, result.colors) == (0, {"blue": 20})


def test_a_lambda_function_is_not_called(rig: Rig) -> None:
    made = rig.elbv2.create_target_group(Name="fn", TargetType="lambda")
    group = made["TargetGroups"][0]["TargetGroupArn"]
    function = "arn:aws:lambda:eu-central-1:123456789012:function:fn"
    rig.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": function}])
    with rig.listening({"Type": "forward", "TargetGroupArn": group}) as listener:
        assert rig.ask(listener).status == 503
        rig.shift(listener, forward((rig.groups["blue"], 1), (group, 0)))
        assert rig.ask_many(listener, 5) == {"blue": 5}


def test_the_poll_follows_a_change_that_nobody_announced(rig: Rig) -> None:
    with rig.listening(fixed(201)) as listener:
        rig.elbv2.modify_listener(ListenerArn=listener, DefaultActions=[fixed(202)])
        until(lambda: rig.ask(listener).status == 202)


def test_everything_is_on_loopback(rig: Rig) -> None:
    with rig.listening() as listener:
        assert rig.plane.listeners()[listener].startswith("http://127.0.0.1:")
        (pid,) = rig.plane.pids
        sockets = psutil.Process(pid).net_connections("inet")
        addresses = {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN}
        assert addresses == {"127.0.0.1"}


def test_it_stops_for_good_and_can_be_started_again(rig: Rig, tmp_path: Path) -> None:
    plane = DataPlane(endpoint_url=rig.plane.endpoint_url, directory=tmp_path)
    with pytest.raises(LabError, match="not running"):
        plane.reconcile(REGION)
    for _ in range(2):
        plane.start()
        (pid,) = plane.pids
        plane.stop()
        plane.stop()
        assert plane.pids == ()
        assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110


def test_an_envoy_that_has_ended_is_said(rig: Rig, tmp_path: Path) -> None:
    plane = DataPlane(endpoint_url=rig.plane.endpoint_url, directory=tmp_path)
    plane.start()
    try:
        plane.reconcile(REGION)
        os.kill(plane.pids[0], signal.SIGKILL)
        until(lambda: not plane._process.is_running)
        with pytest.raises(LabError, match="ended by itself"):
            plane.reconcile(REGION)
    finally:
        plane.stop()


def test_an_endpoint_that_does_not_answer_is_said(tmp_path: Path) -> None:
    plane = DataPlane(endpoint_url="http://127.0.0.1:9", directory=tmp_path)
    plane.start()
    try:
        with pytest.raises(LabError, match="could not be read"):
            plane.reconcile(REGION)
    finally:
        plane.stop()


def test_more_groups_than_can_be_watched_are_served_all_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.lab.dataplane.config.MAX_WATCHED", 0)
    blue, green = rig.sites["blue"], rig.sites["green"]
    group = rig.group(blue)
    with rig.listening(forward((group, 1))) as listener:
        rig.wait_healthy(group, blue)
        assert rig.ask_many(listener, 10) == {"blue": 10}
        rig.elbv2.register_targets(TargetGroupArn=group, Targets=[target(green)])
        rig.elbv2.deregister_targets(TargetGroupArn=group, Targets=[target(blue)])
        rig.plane.reconcile(REGION)
        rig.wait_healthy(group, green)
        assert rig.ask_many(listener, 10) == {"green": 10}
