"""The whole lab: an ELBv2 made with boto3 routes real requests to real servers, and nothing outlives it."""

from collections import Counter
from collections.abc import Callable

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.lab.dataplane.tcp import Flow, echoing, name_of_one
from tests.lab.world import Pair, answering, client, fetch, make_pair, pair_on, wait_until
from toolkit.lab.handle import Lab
from toolkit.lab.processes import is_running

pytestmark = pytest.mark.lab
Start = Callable[..., Lab]
BLUE, GREEN = "10.77.1.10", "10.77.2.10"


def loopback(private: str) -> str:
    return private.replace("10.", "127.", 1)


def private(loopback: str) -> str:
    return loopback.replace("127.", "10.", 1)


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

        lab.settings(propagation_delay=4.0)
        pair.shift(blue=100, green=0)
        assert ask(url, 5) == {"green": 5}
        wait_until(lambda: ask(url, 1) == {"blue": 1}, seconds=20)
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


def test_flows_are_balanced_too_and_end_when_their_target_group_says_so(shared: Lab) -> None:
    ec2, elbv2 = client("ec2", shared.endpoint_url), client("elbv2", shared.endpoint_url)
    subnets = ec2.describe_subnets()["Subnets"][:2]
    made = elbv2.create_load_balancer(
        Name="flows", Type="network", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )["LoadBalancers"][0]  # fmt: skip
    with echoing("blue", 31) as blue, echoing("green", 32) as green:
        groups = {}
        for echo in (blue, green):
            groups[echo.name] = elbv2.create_target_group(
                Name=f"flows-{echo.name}",
                Protocol="TCP",
                Port=echo.port,
                VpcId=subnets[0]["VpcId"],
                TargetType="ip",
                HealthCheckIntervalSeconds=5,
                HealthCheckTimeoutSeconds=2,
                HealthyThresholdCount=2,
            )["TargetGroups"][0]["TargetGroupArn"]
            elbv2.register_targets(TargetGroupArn=groups[echo.name], Targets=[{"Id": private(echo.address)}])
        pair = Pair(elbv2, made["LoadBalancerArn"], "", "", groups)
        listener = elbv2.create_listener(
            LoadBalancerArn=pair.load_balancer,
            Port=9443,
            Protocol="TCP",
            DefaultActions=pair.forward(blue=100, green=0),
        )["Listeners"][0]["ListenerArn"]
        for color in groups:
            wait_until(lambda color=color: set(pair.states(color).values()) == {"healthy"})  # type: ignore[misc]
        url = shared.listeners()[listener]
        assert url.startswith("tcp://127.0.0.1:")
        flow = Flow(url)
        elbv2.modify_listener(ListenerArn=listener, DefaultActions=pair.forward(blue=0, green=100))
        assert {name_of_one(url) for _ in range(20)} == {"green"}
        assert (flow.name, flow.lives) == ("blue", True)

        attributes = {
            "deregistration_delay.timeout_seconds": "20",
            "deregistration_delay.connection_termination.enabled": "true",
        }
        elbv2.modify_target_group_attributes(
            TargetGroupArn=groups["blue"],
            Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()],
        )
        elbv2.deregister_targets(TargetGroupArn=groups["blue"], Targets=[{"Id": private(blue.address)}])
        assert set(pair.states("blue").values()) == {"draining"}
        assert flow.ended()
        assert pair.states("blue") == {}
        flow.close()
        assert shared.status()["failures"] == []


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
