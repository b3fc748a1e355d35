"""ECS as its API tells of it: what is refused, kept and reported."""

from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecs.models import ecs_backends

from tests.lab.compute.ecs.rig import REGION, Rig, client, rig
from toolkit.errors import LabError
from toolkit.lab.compute.ecs.model import Breaker, Threshold
from toolkit.lab.compute.ecs.reading import wish_of


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    with rig() as made:
        yield made


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_service_is_told_of_as_it_comes_up(world: Rig) -> None:
    created = world.create()
    (primary,) = created["deployments"]
    assert (primary["status"], primary["rolloutState"], primary["desiredCount"]) == ("PRIMARY", "IN_PROGRESS", 2)
    world.tick()
    service = world.service()
    assert (service["runningCount"], service["pendingCount"], service["desiredCount"]) == (2, 0, 2)
    assert service["deployments"][0]["rolloutState"] == "COMPLETED"
    assert service["events"][0]["message"] == "(service web-blue) has reached a steady state."
    assert len({event["id"] for event in service["events"]}) == len(service["events"]) >= 4
    cluster = world.ecs.describe_clusters(clusters=["c"])["clusters"][0]
    assert (cluster["runningTasksCount"], cluster["activeServicesCount"]) == (2, 1)


def test_a_task_is_told_of_as_it_runs(world: Rig) -> None:
    world.create()
    world.tick()
    tasks = world.tasks()
    assert {task["lastStatus"] for task in tasks} == {"RUNNING"}
    task = tasks[0]
    details = {one["name"]: one["value"] for one in task["attachments"][0]["details"]}
    (container,) = task["containers"]
    assert task["group"] == "service:web-blue"
    assert task["startedBy"] == world.service()["deployments"][0]["id"]
    assert details["privateIPv4Address"] == container["networkInterfaces"][0]["privateIpv4Address"]
    assert container["image"] == "registry.example/web:1.4.2"
    assert container["imageDigest"] == tasks[1]["containers"][0]["imageDigest"]
    assert world.targets() == {one["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for one in tasks}
    assert {details["subnetId"] for details in _details(tasks)} == set(world.subnets)


def _details(tasks: list[dict[str, object]]) -> list[dict[str, str]]:
    return [{one["name"]: one["value"] for one in task["attachments"][0]["details"]} for task in tasks]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "environment", "color"),
    [
        ("web-blue", [], "blue"),
        ("api", [], "blue"),  # by its target group
        ("api", [{"name": "COLOR", "value": "red"}], "blue"),
    ],
)
def test_the_color_is_that_of_the_names(world: Rig, name: str, environment: list[dict[str, str]], color: str) -> None:
    world.create(name, taskDefinition=world.registered(environment=environment))
    world.tick()
    assert {site.color for sites in world.pool.sites.values() for site in sites} == {color}


def test_without_a_color_in_its_names_a_task_has_that_of_its_environment(world: Rig) -> None:
    definition = world.registered(environment=[{"name": "COLOR", "value": "red"}])
    world.create("worker", loadBalancers=[], taskDefinition=definition)
    world.tick()
    assert {site.color for sites in world.pool.sites.values() for site in sites} == {"red"}


def test_only_a_check_of_its_own_tells_a_tasks_health(world: Rig) -> None:
    world.create()
    world.tick()
    assert {task["healthStatus"] for task in world.tasks()} == {"UNKNOWN"}
    checked = world.registered(healthCheck={"command": ["CMD", "true"], "interval": 5, "retries": 2})
    world.ecs.update_service(cluster="c", service="web-blue", taskDefinition=checked)
    world.tick(12)
    assert {task["healthStatus"] for task in world.tasks()} == {"HEALTHY"}


def test_a_failed_task_tells_its_reason(world: Rig) -> None:
    world.create(taskDefinition=world.registered("1.4.3-crash"))
    world.tick(2)
    stopped = world.tasks("STOPPED")[0]
    assert (stopped["stopCode"], stopped["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert stopped["containers"][0]["exitCode"] == 1
    assert world.service()["deployments"][0]["failedTasks"] == 2


def test_an_image_that_is_missing_tells_its_reason(world: Rig) -> None:
    world.create(taskDefinition=world.registered("missing"))
    world.tick(4)
    stopped = world.tasks("STOPPED")[0]
    assert stopped["stopCode"] == "TaskFailedToStart"
    assert stopped["stoppedReason"].startswith("CannotPullContainerError: ")
    assert stopped["containers"][0]["reason"] == stopped["stoppedReason"]
    assert "imageDigest" not in stopped["containers"][0]


def test_what_moto_left_out_of_an_answer_before_the_lab_is_told_in_it() -> None:
    with mock_aws():
        client("ecs").create_cluster(clusterName="c")
        client("ecs").describe_services(cluster="c", services=["web-blue"])
    with rig() as made:
        made.create(tags=[{"key": "team", "value": "web"}])
        assert made.service(include=["TAGS"])["tags"] == [{"key": "team", "value": "web"}]


def test_an_update_keeps_what_it_does_not_name(world: Rig) -> None:
    rolling = {
        "maximumPercent": 150,
        "minimumHealthyPercent": 50,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
    }
    world.create(
        deploymentConfiguration=rolling, healthCheckGracePeriodSeconds=7, enableExecuteCommand=True,
        availabilityZoneRebalancing="ENABLED", tags=[{"key": "team", "value": "web"}],
    )  # fmt: skip
    world.tick()
    world.ecs.update_service(cluster="c", service="web-blue", taskDefinition=world.registered("1.4.3"))
    world.ecs.update_service(cluster="c", service="web-blue", deploymentConfiguration={"maximumPercent": 200})
    service = world.service(include=["TAGS"])
    kept = service["deploymentConfiguration"]
    assert (kept["maximumPercent"], kept["minimumHealthyPercent"]) == (200, 50)
    assert kept["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service["healthCheckGracePeriodSeconds"] == 7
    assert service["enableExecuteCommand"] is True
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    assert service["desiredCount"] == 2
    assert service["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == world.subnets
    assert service["tags"] == [{"key": "team", "value": "web"}]
    assert "tags" not in world.service()


def test_bounds_that_block_every_deployment_are_refused_and_change_nothing(world: Rig) -> None:
    world.create(deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100})
    both = {"maximumPercent": 100, "minimumHealthyPercent": 100}
    with pytest.raises(ClientError, match="this will block deployments"):
        world.create("web-green", deploymentConfiguration=both)
    with pytest.raises(ClientError, match="this will block deployments"):
        world.ecs.update_service(cluster="c", service="web-blue", deploymentConfiguration={"maximumPercent": 100})
    assert world.service()["deploymentConfiguration"]["maximumPercent"] == 200
    assert len(world.ecs.list_services(cluster="c")["serviceArns"]) == 1


def test_the_circuit_breaker_takes_its_threshold_from_the_service(world: Rig) -> None:
    breaker = {
        "enable": True,
        "rollback": False,
        "resetOnHealthyTask": False,
        "thresholdConfiguration": {"type": "COUNT", "value": 7},
    }
    told = world.create(deploymentConfiguration={"deploymentCircuitBreaker": breaker})
    assert told["deploymentConfiguration"]["deploymentCircuitBreaker"] == breaker
    kept = ecs_backends[DEFAULT_ACCOUNT_ID][REGION].services["c:web-blue"]
    assert wish_of(kept).breaker == Breaker(threshold=Threshold.COUNT, value=7, resets=False)


def test_what_was_not_given_has_the_defaults_of_ecs(world: Rig) -> None:
    service = world.create()
    assert service["deploymentConfiguration"]["maximumPercent"] == 200
    assert service["deploymentConfiguration"]["minimumHealthyPercent"] == 100
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    tight = world.create("web-green", deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 0})
    assert tight["availabilityZoneRebalancing"] == "DISABLED", "it does not fit"
    assert service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "DISABLED"


def test_a_new_revision_is_deployed_and_a_new_count_is_not(world: Rig) -> None:
    world.create()
    world.tick()
    first = world.service()["deployments"][0]["id"]
    world.ecs.update_service(cluster="c", service="web-blue", desiredCount=3)
    assert [one["id"] for one in world.service()["deployments"]] == [first]
    answer = world.ecs.update_service(cluster="c", service="web-blue", taskDefinition=world.registered("1.4.3"))
    assert [one["status"] for one in answer["service"]["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert answer["service"]["taskDefinition"].endswith(":2")
    world.tick(12)
    (primary,) = world.service()["deployments"]
    assert (primary["rolloutState"], primary["runningCount"]) == ("COMPLETED", 3)
    assert {one["containers"][0]["image"] for one in world.tasks()} == {"registry.example/web:1.4.3"}
    assert len(world.targets()) == 3


def test_a_forced_deployment_replaces_the_tasks(world: Rig) -> None:
    world.create()
    world.tick()
    before = {one["taskArn"] for one in world.tasks()}
    world.ecs.update_service(cluster="c", service="web-blue", forceNewDeployment=True)
    world.tick(12)
    assert len(world.tasks()) == 2
    assert not before & {one["taskArn"] for one in world.tasks()}


def test_a_family_means_its_latest_active_revision(world: Rig) -> None:
    first, second = world.registered("1"), world.registered("2")
    world.ecs.deregister_task_definition(taskDefinition=second)
    assert world.ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["taskDefinitionArn"] == first
    assert world.create(taskDefinition="web")["taskDefinition"] == first, "the second is inactive"
    world.ecs.deregister_task_definition(taskDefinition=first)
    assert refusal(lambda: world.create("web-green", taskDefinition="web")) == (
        "ClientException",
        "TaskDefinition not found.",
    )
    assert refusal(lambda: world.create("web-green", taskDefinition=first)) == (
        "ClientException",
        "TaskDefinition is inactive",
    )


def test_a_target_group_that_no_load_balancer_uses_is_refused(world: Rig) -> None:
    idle = [{"targetGroupArn": world.groups["idle"], "containerName": "web", "containerPort": 8080}]
    words = f"The target group with targetGroupArn {world.groups['idle']} does not have an associated load balancer."
    assert refusal(lambda: world.create(loadBalancers=idle)) == ("InvalidParameterException", words)
    world.create()
    call = lambda: world.ecs.update_service(cluster="c", service="web-blue", loadBalancers=idle)  # noqa: E731
    assert refusal(call) == ("InvalidParameterException", words)


def test_an_update_to_a_task_definition_without_the_port_is_refused_and_changes_nothing(world: Rig) -> None:
    before = world.create()["taskDefinition"]
    other = world.registered("1.4.3", port=9090)
    code, message = refusal(lambda: world.ecs.update_service(cluster="c", service="web-blue", taskDefinition=other))
    assert (code, message) == (
        "InvalidParameterException",
        "The container web did not have a container port 8080 defined.",
    )
    assert world.service()["taskDefinition"] == before


def test_a_second_service_of_the_name_is_refused(world: Rig) -> None:
    world.create()
    assert refusal(world.create) == ("InvalidParameterException", "Creation of service was not idempotent.")


def test_a_deleted_service_drains_and_is_then_inactive(world: Rig) -> None:
    world.create()
    world.tick()
    code, _ = refusal(lambda: world.ecs.delete_service(cluster="c", service="web-blue"))
    assert code == "InvalidParameterException"
    answer = world.ecs.delete_service(cluster="c", service="web-blue", force=True)
    assert answer["service"]["status"] == "DRAINING"
    assert refusal(lambda: world.ecs.delete_cluster(cluster="c"))[0] == "ClusterContainsTasksException"
    world.tick()
    assert world.service()["status"] == "INACTIVE"
    assert not world.ecs.list_services(cluster="c")["serviceArns"]
    assert not world.targets()
    assert not world.pool.states
    code, _ = refusal(lambda: world.ecs.update_service(cluster="c", service="web-blue", desiredCount=1))
    assert code == "ServiceNotActiveException"
    world.ecs.delete_cluster(cluster="c")
    assert world.ecs.describe_clusters(clusters=["c"])["clusters"][0]["status"] == "INACTIVE"


def test_a_stopped_task_is_replaced(world: Rig) -> None:
    world.create()
    world.tick()
    victim = world.tasks()[0]["taskArn"]
    answer = world.ecs.stop_task(cluster="c", task=victim, reason="by hand")
    assert (answer["task"]["desiredStatus"], answer["task"]["stopCode"]) == ("STOPPED", "UserInitiated")
    world.tick()
    assert len(world.tasks()) == 2
    (stopped,) = world.tasks("STOPPED")
    assert (stopped["taskArn"], stopped["stoppedReason"]) == (victim, "by hand")


def test_an_unknown_task_is_missing(world: Rig) -> None:
    answer = world.ecs.describe_tasks(cluster="c", tasks=["nobody"])
    assert [one["reason"] for one in answer["failures"]] == ["MISSING"]
    assert refusal(lambda: world.ecs.stop_task(cluster="c", task="nobody"))[0] == "InvalidParameterException"


def test_capacity_providers_take_the_launch_types_place(world: Rig) -> None:
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    definition = world.registered()
    answer = world.ecs.create_service(
        cluster="c", serviceName="spot", taskDefinition=definition, desiredCount=1, capacityProviderStrategy=strategy,
        networkConfiguration={"awsvpcConfiguration": {"subnets": world.subnets}},
    )  # fmt: skip
    assert "launchType" not in answer["service"]
    assert answer["service"]["capacityProviderStrategy"][0]["capacityProvider"] == "FARGATE_SPOT"
    world.tick()
    assert world.service("spot")["runningCount"] == 1


def test_a_raised_minimum_scales_out_and_a_lowered_maximum_in(world: Rig) -> None:
    world.create()
    world.scalable(MinCapacity=3, MaxCapacity=6)
    world.tick()
    assert world.service()["runningCount"] == 3
    world.scalable(MinCapacity=0)
    assert world.service()["desiredCount"] == 3
    world.scalable(MaxCapacity=1)
    world.tick()
    assert world.service()["runningCount"] == 1


def test_a_scalable_target_keeps_what_an_update_does_not_name(world: Rig) -> None:
    world.create()
    world.scalable(MinCapacity=1, MaxCapacity=6, Tags={"team": "web"})
    world.scalable(SuspendedState={"DynamicScalingInSuspended": True})
    world.scalable(MinCapacity=2)
    (target,) = world.scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }
    arn = target["ScalableTargetARN"]
    world.scaling.tag_resource(ResourceARN=arn, Tags={"stage": "test"})
    world.scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert world.scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"stage": "test"}
    code, message = refusal(lambda: world.scalable(MinCapacity=7))
    assert (code, "7 > 6" in message) == ("ValidationException", True)


def test_an_autoscaler_can_be_played_and_keeps_to_its_bounds(world: Rig) -> None:
    world.create(desiredCount=5)
    world.scalable(MinCapacity=2, MaxCapacity=6)
    asked = {"region": REGION, "cluster": "c", "service": "web-blue", "to": 0}
    assert world.controller.scale_in(asked)["desired_count"] == 2
    assert world.service()["desiredCount"] == 2
    world.scalable(MinCapacity=0, SuspendedState={"DynamicScalingInSuspended": True})
    assert world.controller.scale_in(asked) == {"desired_count": 2, "because": "scale-in is suspended"}
    with pytest.raises(LabError, match="nothing scales service/c/api"):
        world.controller.scale_in(asked | {"service": "api"})
    with pytest.raises(LabError, match="takes region, cluster, service and to"):
        world.controller.scale_in({"region": REGION})


def test_a_daemon_is_not_played(world: Rig) -> None:
    world.create(schedulingStrategy="DAEMON")
    world.tick()
    assert world.service()["runningCount"] == 0
    assert not world.pool.states


def test_a_reset_ends_every_process(world: Rig) -> None:
    world.create()
    world.tick()
    assert len(world.pool.states) == 2
    world.controller.reset()
    assert not world.pool.states
