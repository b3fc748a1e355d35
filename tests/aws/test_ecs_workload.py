"""A pair of ECS services on moto; what moto does not say, by botocore's Stubber, which checks the requests too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from tests.aws.ecs_rig import (
    ARN,
    BEGAN,
    CLUSTER,
    NAMES,
    Pair,
    a_container,
    a_deployment,
    a_service,
    a_stopped_task,
    heard,
    on_moto,
    some_session,
)
from toolkit.aws.ecs_workload import EcsWorkload
from toolkit.aws.session import Session
from toolkit.contract import EcsPair
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, PreflightRefused, Throttled, UsageError
from toolkit.rollout.workload import Capacity, Change, Progress, Release
from toolkit.traffic import Color

BLUE, GREEN = Color.BLUE, Color.GREEN
TO_2 = Change(image="web:2.0")


@pytest.fixture(scope="module")
def clients() -> Iterator[Session]:
    with some_session() as session:
        yield session


@pytest.fixture
def session(clients: Session) -> Iterator[Session]:
    with on_moto():
        yield clients


@pytest.fixture
def pair(session: Session) -> Pair:
    return Pair(session)


@pytest.fixture
def ecs(clients: Session) -> Iterator[Stubber]:
    with Stubber(clients.client("ecs")) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def scaling(clients: Session) -> Iterator[Stubber]:
    with Stubber(clients.client("application-autoscaling")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def workload(session: Session, container: str | None = None) -> EcsWorkload:
    return EcsWorkload(session, EcsPair(CLUSTER, NAMES, container))


def told(stub: Stubber, *services: dict[str, Any]) -> None:
    stub.add_response("describe_services", {"services": list(services)}, {"cluster": CLUSTER, "services": ANY})


# How much of it


def test_without_autoscaling_there_are_no_bounds_and_nothing_but_the_count_is_written(
    session: Session, pair: Pair
) -> None:
    ecs = workload(session)
    ecs.hold(GREEN)
    ecs.scale(GREEN, 9)
    ecs.let_go(GREEN, Capacity(0, 0, 1, 4, ("scheduled-scaling",)))
    capacity = ecs.capacity(GREEN)
    assert (capacity.desired, capacity.minimum, capacity.maximum, capacity.suspended) == (9, None, None, ())
    assert pair.scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


@pytest.mark.parametrize("targets", [1, 4])
def test_up_or_down_autoscaling_is_bound_before_the_count_is_written(
    clients: Session, ecs: Stubber, scaling: Stubber, targets: int
) -> None:
    order: list[str] = []
    count = "before-parameter-build.ecs.UpdateService"
    minimum = "before-parameter-build.application-auto-scaling.RegisterScalableTarget"
    bound = {
        "ServiceNamespace": "ecs",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ResourceId": "service/prod/web-green",
    }
    target = {**bound, "MinCapacity": 2, "MaxCapacity": 6, "RoleARN": "r", "CreationTime": BEGAN}
    scaling.add_response("describe_scalable_targets", {"ScalableTargets": [target]})
    scaling.add_response("register_scalable_target", {}, {**bound, "MinCapacity": targets})
    asked = {"cluster": CLUSTER, "service": "web-green", "desiredCount": targets}
    ecs.add_response("update_service", {"service": {}}, asked)
    with (
        heard(clients.client("ecs"), count, lambda **_: order.append("count")),
        heard(clients.client("application-autoscaling"), minimum, lambda **_: order.append("minimum")),
    ):
        workload(clients).scale(GREEN, targets)
    assert order == ["minimum", "count"]


def test_one_that_is_held_keeps_what_was_suspended_besides(session: Session, pair: Pair) -> None:
    pair.bind(BLUE, MinCapacity=1, MaxCapacity=6, SuspendedState={"DynamicScalingOutSuspended": True})
    ecs = workload(session)
    before = ecs.capacity(BLUE)
    ecs.hold(BLUE)
    every = ("dynamic-scaling-in", "dynamic-scaling-out", "scheduled-scaling")
    assert (ecs.capacity(BLUE).minimum, ecs.capacity(BLUE).suspended) == (2, every)
    ecs.let_go(BLUE, before)
    assert (ecs.capacity(BLUE).minimum, ecs.capacity(BLUE).suspended) == (1, ("dynamic-scaling-out",))


def test_one_that_has_more_than_its_maximum_is_not_held_since_aws_would_cut_it(session: Session, pair: Pair) -> None:
    pair.bind(BLUE, MinCapacity=1, MaxCapacity=4)
    ecs = workload(session)
    pair.api.update_service(cluster=CLUSTER, service=NAMES[BLUE], desiredCount=5)
    with pytest.raises(AwsError, match=r"asked for 5 tasks and its autoscaling allows 4 at most: .* It stays as it is"):
        ecs.hold(BLUE)
    written: list[Any] = []
    event = "before-parameter-build.application-auto-scaling.RegisterScalableTarget"
    with heard(pair.scaling, event, lambda params, **_: written.append(params)):
        ecs.let_go(BLUE, ecs.capacity(BLUE))
    assert (written, pair.bounds(BLUE)["MinCapacity"]) == ([], 1)


def test_a_minimum_above_the_maximum_of_now_becomes_that_maximum(session: Session, pair: Pair) -> None:
    pair.bind(GREEN, MinCapacity=0, MaxCapacity=4)
    workload(session).let_go(GREEN, Capacity(9, 9, 9, 12))
    assert pair.bounds(GREEN)["MinCapacity"] == 4


def test_autoscaling_that_came_meanwhile_keeps_its_minimum(session: Session, pair: Pair) -> None:
    pair.bind(GREEN, MinCapacity=1, MaxCapacity=4)
    workload(session).let_go(GREEN, Capacity(2, 2))
    assert pair.bounds(GREEN)["MinCapacity"] == 1


def test_autoscaling_that_may_not_be_seen_stops_everything_before_a_write(
    clients: Session, scaling: Stubber, ecs: Stubber
) -> None:
    scaling.add_client_error("describe_scalable_targets", "AccessDeniedException", "no", 400)
    with pytest.raises(AccessDenied) as denied:
        workload(clients).scale(GREEN, 2)
    assert "application-autoscaling:DescribeScalableTargets" in denied.value.hint


# Errors


def test_a_service_that_was_deleted_lately_is_gone(clients: Session, ecs: Stubber, scaling: Stubber) -> None:
    told(ecs, a_service(status="INACTIVE"))
    scaling.add_response("describe_scalable_targets", {"ScalableTargets": []})
    ecs.add_client_error("update_service", "ServiceNotActiveException", "no", 400)
    for call in (lambda: workload(clients).capacity(GREEN), lambda: workload(clients).scale(GREEN, 1)):
        with pytest.raises(AwsError, match="ECS service web-green is gone: the cluster prod has none") as caught:
            call()
        assert "workload" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", AccessDenied), ("ThrottlingException", Throttled)]
)
def test_what_aws_refuses_says_what_was_being_done(
    clients: Session, ecs: Stubber, code: str, error: type[AwsError]
) -> None:
    told(ecs, a_service())
    ecs.add_client_error("update_service", code, "no", 400)
    with pytest.raises(error, match="putting web:8 on the ECS service web-green"):
        workload(clients).put(GREEN, Release("web:8", "web:2.0"))


def test_no_answer_is_one_clear_error() -> None:
    with some_session("http://127.0.0.1:1") as nowhere:
        for call in (workload(nowhere).capacity, workload(nowhere).release):
            with pytest.raises(AwsUnreachable):
                call(GREEN)


# Which release


def test_a_release_is_told_with_the_digest_of_a_task_that_runs_it(clients: Session, ecs: Stubber) -> None:
    service = a_service(a_deployment("web:7", 1), a_deployment("web:6", 1, "ACTIVE"))
    told(ecs, service)
    definition = {"family": "web", "revision": 7, "containerDefinitions": [a_container(), a_container("log", "log:1")]}
    ecs.add_response(
        "describe_task_definition", {"taskDefinition": definition}, {"taskDefinition": "web:7", "include": ["TAGS"]}
    )
    arns = [f"{ARN}:task/prod/{number}" for number in (6, 7)]
    ecs.add_response("list_tasks", {"taskArns": arns}, {"cluster": CLUSTER, "serviceName": "web-green"})
    tasks = [
        {
            "taskArn": arn,
            "taskDefinitionArn": f"{ARN}:task-definition/web:{arn[-1]}",
            "containers": [
                {"name": "log", "imageDigest": "sha256:log"},
                {"name": "app", "imageDigest": f"sha256:{arn[-1]}"},
            ],
        }
        for arn in arns
    ]
    ecs.add_response("describe_tasks", {"tasks": tasks}, {"cluster": CLUSTER, "tasks": arns})
    assert workload(clients).release(GREEN) == Release("web:7", "web:1.0", "sha256:7")


def test_what_the_live_color_runs_already_is_foreseen_as_its_revision(session: Session, pair: Pair) -> None:
    assert workload(session).foresee(Change(image="web:1.0"), GREEN) == Release("web:1", "web:1.0")


def test_a_release_changes_one_image_and_nothing_else(session: Session, pair: Pair) -> None:
    container = a_container(environment=[{"name": "MODE", "value": "x"}], command=["serve", "--fast"])
    words: dict[str, Any] = {
        "tags": [{"key": "team", "value": "shop"}],
        "taskRoleArn": "arn:aws:iam::123456789012:role/web",
    }
    pair.register(container, a_container("log", "log:1", None), **words)
    pair.run(BLUE, "web:2")
    made = workload(session, "app").make(TO_2, GREEN)
    assert made == Release("web:3", "web:2.0")

    def described(name: str) -> dict[str, Any]:
        answer = pair.api.describe_task_definition(taskDefinition=name, include=["TAGS"])
        return {**answer["taskDefinition"], "tags": answer["tags"]}

    old, new = described("web:2"), described("web:3")
    assert [new["containerDefinitions"][0].pop("image"), old["containerDefinitions"][0].pop("image")] == [
        "web:2.0",
        "web:1.0",
    ]
    for each in (old, new):
        for name in ("taskDefinitionArn", "revision"):
            each.pop(name)
    assert new == old


def test_a_crash_between_registering_and_recording_makes_nothing_twice(session: Session, pair: Pair) -> None:
    first = workload(session).make(TO_2, GREEN)
    assert workload(session).foresee(TO_2, GREEN) == workload(session).make(TO_2, GREEN) == first
    assert pair.revisions() == ["web:1", "web:2"]


def test_a_newest_revision_that_says_something_else_is_not_taken(session: Session, pair: Pair) -> None:
    pair.register(a_container(image="web:2.0", environment=[{"name": "MODE", "value": "x"}]))
    assert workload(session).foresee(TO_2, GREEN).revision == ""
    assert workload(session).make(TO_2, GREEN).revision == "web:3"


def test_the_release_goes_by_a_revision_that_is_named(session: Session, pair: Pair) -> None:
    pair.register(a_container(image="web:1.5", environment=[{"name": "MODE", "value": "x"}]))
    ecs = workload(session)
    assert ecs.make(Change(task_definition="web:2"), GREEN) == Release("web:2", "web:1.5")
    assert ecs.make(Change(task_definition="web:2", image="web:2.0"), GREEN) == Release("web:3", "web:2.0")
    made = pair.api.describe_task_definition(taskDefinition="web:3")["taskDefinition"]["containerDefinitions"][0]
    assert made["environment"] == [{"name": "MODE", "value": "x"}]


def test_a_deregistered_revision_is_refused_where_it_is_named(clients: Session, ecs: Stubber) -> None:
    pair_told = [a_service(a_deployment("web:7"), serviceName=name) for name in NAMES.values()]
    definition = {"family": "web", "revision": 5, "status": "INACTIVE", "containerDefinitions": [a_container()]}
    told(ecs, *pair_told)
    ecs.add_response("describe_task_definition", {"taskDefinition": definition})
    with pytest.raises(PreflightRefused, match="web:5 was deregistered") as refused:
        workload(clients).foresee(Change(task_definition="web:5"), GREEN)
    assert "runs web:7" in refused.value.hint


def test_a_deregistered_revision_that_the_live_color_runs_is_copied(clients: Session, ecs: Stubber) -> None:
    told(ecs, *(a_service(a_deployment("web:5"), serviceName=name) for name in NAMES.values()))
    definition = {"family": "web", "revision": 5, "status": "INACTIVE", "containerDefinitions": [a_container()]}
    ecs.add_response("describe_task_definition", {"taskDefinition": definition})
    ecs.add_client_error(
        "describe_task_definition",
        "ClientException",
        "Unable to describe task definition.",
        400,
        None,
        {"taskDefinition": "web", "include": ["TAGS"]},
    )
    assert workload(clients).foresee(Change(image="web:1.0"), GREEN) == Release("", "web:1.0")


def test_what_cannot_be_released_is_refused_and_nothing_is_made(session: Session, pair: Pair) -> None:
    pair.register(a_container(), family="shop")
    ecs = workload(session)
    refusals: list[tuple[Change, type[Exception], str]] = [
        (Change(task_definition="shop:1"), PreflightRefused, "shop:1 is of the family shop, .* runs the family web"),
        (Change(task_definition="web:9"), PreflightRefused, "there is no task definition web:9"),
        (Change(task_definition="web"), UsageError, "no revision"),
        (Change(image="Web:2"), UsageError, "no reference to an image"),
        (Change(image="web:2", container="proxy"), UsageError, "--container is proxy"),
        (Change(ami="ami-1"), UsageError, "for an Auto Scaling group"),
    ]
    for change, kind, problem in refusals:
        for ask in (ecs.foresee, ecs.make):
            with pytest.raises(kind, match=problem):
                ask(change, GREEN)
    assert pair.revisions() == ["shop:1", "web:1"]


def test_families_of_their_own_are_refused_unless_one_is_named_to_go_by(session: Session, pair: Pair) -> None:
    pair.register(a_container(), family="shop")
    pair.run(GREEN, "shop:1")
    ecs = workload(session)
    with pytest.raises(PreflightRefused, match=r"family web, .* runs the family shop") as refused:
        ecs.foresee(TO_2, GREEN)
    assert "--task-definition shop:1" in refused.value.hint
    assert ecs.make(Change(image="web:2.0", task_definition="shop:1"), GREEN).revision == "shop:2"


@pytest.mark.parametrize("color", Color)
def test_a_pair_of_which_one_shifts_traffic_itself_is_refused(clients: Session, ecs: Stubber, color: Color) -> None:
    strategies = {each: "CANARY" if each is color else "ROLLING" for each in Color}
    services = [
        a_service(serviceName=NAMES[each], deploymentConfiguration={"strategy": strategy})
        for each, strategy in strategies.items()
    ]
    told(ecs, *services)
    with pytest.raises(PreflightRefused, match=f"{NAMES[color]} has the deployment strategy CANARY"):
        workload(clients).foresee(TO_2, GREEN)


# In place


def test_a_live_color_goes_by_its_own_revision_and_the_other_color_is_not_asked(session: Session, pair: Pair) -> None:
    pair.register(a_container(environment=[{"name": "MODE", "value": "x"}]))
    pair.run(BLUE, "web:2")
    ecs = workload(session)
    made = ecs.make(TO_2, BLUE, in_place=True)
    assert ecs.make(TO_2, BLUE, in_place=True) == made == Release("web:3", "web:2.0")
    told = pair.api.describe_task_definition(taskDefinition="web:3")["taskDefinition"]["containerDefinitions"][0]
    assert told["environment"] == [{"name": "MODE", "value": "x"}]
    pair.api.delete_service(cluster=CLUSTER, service=NAMES[GREEN], force=True)
    assert ecs.foresee(TO_2, BLUE, in_place=True) == made
    with pytest.raises(UsageError, match="for an Auto Scaling group"):
        ecs.foresee(Change(ami="ami-1"), BLUE, in_place=True)


def test_a_crash_after_it_was_put_foresees_the_same_revision(session: Session, pair: Pair) -> None:
    ecs = workload(session)
    made = ecs.make(TO_2, BLUE, in_place=True)
    pair.run(BLUE, made.revision)
    assert ecs.make(TO_2, BLUE, in_place=True) == made


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "is deployed by CODE_DEPLOY, not by ECS"),
        ({"deploymentController": {"type": "EXTERNAL"}}, "is deployed by EXTERNAL, not by ECS"),
        ({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}, "has the deployment strategy BLUE_GREEN"),
        ({"deploymentConfiguration": {"strategy": "LINEAR"}}, "has the deployment strategy LINEAR"),
    ],
)
def test_a_service_that_cannot_roll_is_refused(
    clients: Session, ecs: Stubber, words: dict[str, Any], problem: str
) -> None:
    for _ in range(2):
        told(ecs, a_service(serviceName="web-blue", **words))
    running = workload(clients)
    with pytest.raises(PreflightRefused, match=problem):
        running.foresee(TO_2, BLUE, in_place=True)
    with pytest.raises(PreflightRefused, match=problem):
        running.replacement(BLUE)


@pytest.mark.parametrize(
    ("words", "gives_up", "goes_back"),
    [
        ({}, False, False),
        ({"deploymentCircuitBreaker": {"enable": False, "rollback": True}}, False, False),
        ({"deploymentCircuitBreaker": {"enable": True, "rollback": False}}, True, False),
        ({"deploymentCircuitBreaker": {"enable": True, "rollback": True}}, True, True),
        ({"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}}, True, True),
    ],
)
def test_its_bounds_and_whether_it_goes_back_are_told(
    clients: Session, ecs: Stubber, words: dict[str, Any], gives_up: bool, goes_back: bool
) -> None:
    configuration = {"minimumHealthyPercent": 50, "maximumPercent": 150, **words}
    told(ecs, a_service(serviceName="web-blue", desired=3, deploymentConfiguration=configuration))
    how = workload(clients).replacement(BLUE)
    assert (how.desired, how.least, how.most, how.gives_up, how.goes_back) == (3, 2, 4, gives_up, goes_back)


# Putting it there


def test_a_release_is_put_without_a_word_on_how_many(clients: Session, ecs: Stubber) -> None:
    told(ecs, a_service(a_deployment("web:7")))
    ecs.add_response(
        "update_service", {"service": {}}, {"cluster": CLUSTER, "service": "web-green", "taskDefinition": "web:8"}
    )
    workload(clients).put(GREEN, Release("web:8", "web:2.0"))


def test_one_that_ecs_has_given_up_is_begun_anew(clients: Session, ecs: Stubber) -> None:
    told(ecs, a_service(a_deployment("web:8", rolloutState="FAILED")))
    asked = {"cluster": CLUSTER, "service": "web-green", "taskDefinition": "web:8", "forceNewDeployment": True}
    ecs.add_response("update_service", {"service": {}}, asked)
    workload(clients).put(GREEN, Release("web:8", "web:2.0"))


def test_while_all_tasks_run_one_call_tells_the_progress(clients: Session, ecs: Stubber) -> None:
    told(ecs, a_service(a_deployment("web:7", 2), desired=2))
    assert workload(clients).progress(GREEN, Release("web:7", "web:1.0"), BEGAN) == Progress(2, is_settled=False)


def test_a_task_that_has_ended_is_described_once(clients: Session, ecs: Stubber) -> None:
    task = a_stopped_task()
    ending = {**a_stopped_task(), "taskArn": task["taskArn"].replace("1a2b3c", "9f9f9f"), "lastStatus": "STOPPING"}
    arns = [task["taskArn"], ending["taskArn"]]
    listed = {"cluster": CLUSTER, "serviceName": "web-green", "desiredStatus": "STOPPED"}
    for asked in (arns, arns[1:]):
        told(ecs, a_service())
        ecs.add_response("list_tasks", {"taskArns": arns}, listed)
        held = [each for each in (task, ending) if each["taskArn"] in asked]
        ecs.add_response("describe_tasks", {"tasks": held}, {"cluster": CLUSTER, "tasks": asked})
    running = workload(clients)
    for _ in range(2):
        progress = running.progress(GREEN, Release("web:7", "web:1.0"), BEGAN)
        assert (progress.failures, len(progress.lines)) == (2, 2)


# Remarks


def test_a_pair_as_it_should_be_is_remarked_on_by_nothing(clients: Session, ecs: Stubber, scaling: Stubber) -> None:
    told(ecs, *(a_service(serviceName=name) for name in NAMES.values()))
    definition = {"family": "web", "revision": 7, "containerDefinitions": [a_container()]}
    ecs.add_response("describe_task_definition", {"taskDefinition": definition})
    scaling.add_response("describe_scalable_targets", {"ScalableTargets": []})
    assert workload(clients).remarks() == []
