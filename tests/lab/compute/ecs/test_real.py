"""ECS services on a real lab: processes behind its load balancer."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.world import Pair, client, fetch, make_pair, wait_until
from toolkit.lab.handle import Lab, start_lab, stop_lab
from toolkit.lab.options import LabOptions
from toolkit.lab.processes import birth_of

pytestmark = pytest.mark.lab

PATIENCE = 30.0


class Web:
    """A pair of services in cluster `c`, blue with `count` tasks and green with none."""

    def __init__(self, lab: Lab, count: int = 2) -> None:
        self.lab = lab
        self.pair: Pair = make_pair(lab.endpoint_url)
        for target_group in self.pair.groups.values():  # else every task that leaves drains for six seconds here
            self.pair.elbv2.modify_target_group_attributes(
                TargetGroupArn=target_group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "10"}]
            )
        self.ecs = client("ecs", lab.endpoint_url)
        subnets = [one["SubnetId"] for one in client("ec2", lab.endpoint_url).describe_subnets()["Subnets"]][:2]
        self.ecs.create_cluster(clusterName="c")
        definition = self.revision("1.4.2")
        for color, desired in (("blue", count), ("green", 0)):
            group = {"targetGroupArn": self.pair.groups[color], "containerName": "web", "containerPort": 8080}
            self.ecs.create_service(
                cluster="c", serviceName=f"web-{color}", taskDefinition=definition, desiredCount=desired,
                launchType="FARGATE", loadBalancers=[group],
                networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
            )  # fmt: skip
        self.until_settled("blue", count)

    def revision(self, tag: str) -> str:
        container = {
            "name": "web",
            "image": f"registry.example/web:{tag}",
            "portMappings": [{"containerPort": 8080}],
        }
        answer = self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[container],
        )  # fmt: skip
        arn: str = answer["taskDefinition"]["taskDefinitionArn"]
        return arn

    def update(self, color: str, **changes: Any) -> None:
        self.ecs.update_service(cluster="c", service=f"web-{color}", **changes)

    def service(self, color: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ecs.describe_services(cluster="c", services=[f"web-{color}"])["services"][0]
        return found

    def until_settled(self, color: str, count: int) -> None:
        def holds() -> bool:
            service = self.service(color)
            states = [one["rolloutState"] for one in service["deployments"]]
            return states == ["COMPLETED"] and service["runningCount"] == count

        wait_until(holds, PATIENCE)
        assert sorted(self.pair.states(color).values()).count("healthy") == count

    def answer(self) -> dict[str, str]:
        (url,) = self.lab.listeners().values()
        said: dict[str, str] = json.loads(fetch(f"{url}/"))
        return said

    def pids(self) -> set[int]:
        """The processes of tasks, as the lab has them written down."""
        return {child["pid"] for child in self.lab.status()["children"] if child["what"].startswith("app task/")}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One for both tests, of which the last one has it crash."""
    with start_lab(LabOptions(name="ecs", time_scale=0.02), root=tmp_path_factory.mktemp("labs")) as lab:
        yield lab


def test_tasks_end_with_a_reset_of_the_emulated_aws(lab: Lab) -> None:
    pids = Web(lab, count=1).pids()
    assert len(pids) == 1
    assert fetch(f"{lab.endpoint_url}/moto-api/reset", method="POST") == '{"status": "ok"}'
    assert not any(map(birth_of, pids))
    assert lab.status()["compute_failures"] == []
    assert [child["what"] for child in lab.status()["children"]] == ["envoy"]


def test_a_service_lives_through_releases_deaths_and_scaling_and_leaves_nothing_after_a_crash(lab: Lab) -> None:
    web = Web(lab)
    said = web.answer()
    assert (said["color"], said["version"]) == ("blue", "1.4.2")

    web.update("green", taskDefinition=web.revision("1.5.0"), desiredCount=1)
    web.until_settled("green", 1)
    web.pair.shift(blue=0, green=100)
    said = web.answer()
    assert (said["color"], said["version"]) == ("green", "1.5.0")

    before = web.pids()
    assert len(before) == 3
    os.kill(max(before), signal.SIGKILL)
    wait_until(lambda: len(web.pids()) == 3 and web.pids() != before, PATIENCE)
    stopped = web.ecs.list_tasks(cluster="c", desiredStatus="STOPPED")["taskArns"]
    (ended,) = web.ecs.describe_tasks(cluster="c", tasks=stopped)["tasks"]
    assert (ended["stopCode"], ended["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)

    web.update("blue", taskDefinition=web.revision("1.6.0-crash"))
    wait_until(lambda: web.service("blue")["deployments"][0]["failedTasks"] > 0, PATIENCE)
    assert web.service("blue")["runningCount"] == 2, "the tasks of the release before stay"

    web.update("blue", desiredCount=0)
    web.until_settled("blue", 0)
    wait_until(lambda: len(web.pids()) == 1, PATIENCE)
    (last,) = web.pids()
    os.kill(lab.pid, signal.SIGKILL)
    assert birth_of(last) is not None
    stop_lab(lab.state)
    assert birth_of(last) is None
