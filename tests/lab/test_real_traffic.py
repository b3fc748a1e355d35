"""The whole lab: an ELBv2 made with boto3 routes real requests to real servers, and nothing outlives it."""

from collections import Counter
from collections.abc import Callable

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.lab.world import answering, fetch, make_pair, pair_on, wait_until
from toolkit.lab.handle import Lab
from toolkit.lab.processes import is_running

pytestmark = pytest.mark.lab
Start = Callable[..., Lab]
BLUE, GREEN = "10.77.1.10", "10.77.2.10"


def loopback(private: str) -> str:
    return private.replace("10.", "127.", 1)


def ask(url: str, times: int = 20) -> Counter[str]:
    return Counter(fetch(url) for _ in range(times))


def test_weights_move_real_requests_and_down_leaves_nothing(start: Start) -> None:
    lab = start(time_scale=0.05, metrics_delay=0.0, metrics_revision=0.0)
    with answering("blue", loopback(BLUE)) as port, answering("green", loopback(GREEN), port):
        pair = pair_on(lab, port)
        pair.elbv2.register_targets(TargetGroupArn=pair.groups["blue"], Targets=[{"Id": BLUE}])
        pair.elbv2.register_targets(TargetGroupArn=pair.groups["green"], Targets=[{"Id": GREEN}])
        for color in ("blue", "green"):
            wait_until(lambda color=color: set(pair.states(color).values()) == {"healthy"})  # type: ignore[misc]

        url = lab.listeners()[pair.listener]
        assert ask(url) == {"blue": 20}
        pair.shift(blue=0, green=100)
        assert ask(url) == {"green": 20}

        lab.settings(propagation_delay=1.0)
        pair.shift(blue=100, green=0)
        assert ask(url, 5) == {"green": 5}
        wait_until(lambda: ask(url, 1) == {"blue": 1}, seconds=5)
        lab.settings(propagation_delay=0)

        pair.elbv2.deregister_targets(TargetGroupArn=pair.groups["blue"], Targets=[{"Id": BLUE}])
        assert pair.states("blue") == {(BLUE, port): "draining"}
        assert lab.status()["failures"] == []

        processes = lab.state.processes()
        family = [psutil.Process(process.pid) for process in processes]
        listening = [c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert len(listening) >= 3  # the AWS endpoint, Envoy's admin, the listener
        assert all(ip.startswith("127.") for ip in listening)

        lab.stop()
        assert not any(is_running(process) for process in processes)
        with pytest.raises(ConnectionRefusedError):
            ask(url, 1)


def test_a_group_that_nothing_forwards_to_is_unused(shared: Lab) -> None:
    pair = make_pair(shared.endpoint_url, name="unused")
    pair.elbv2.register_targets(TargetGroupArn=pair.groups["green"], Targets=[{"Id": GREEN}])
    pair.shift(blue=100)
    assert pair.states("green") == {(GREEN, 8080): "unused"}


def test_what_aws_refuses_changes_no_traffic(shared: Lab) -> None:
    pair = make_pair(shared.endpoint_url, name="refused")
    with pytest.raises(ClientError, match="The weight for each target group must be between 0 and 999"):
        pair.shift(blue=1000, green=0)
    rule = pair.elbv2.describe_rules(RuleArns=[pair.rule])["Rules"][0]
    weights = {one["Weight"] for one in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]}
    assert weights == {100, 0}


def test_resetting_the_emulator_takes_the_listeners_away(shared: Lab) -> None:
    pair = make_pair(shared.endpoint_url, name="reset")
    assert pair.listener in shared.listeners()
    fetch(f"{shared.endpoint_url}/moto-api/reset", method="POST")
    assert shared.listeners() == {}
