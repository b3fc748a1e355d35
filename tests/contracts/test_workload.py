"""What every Workload does: on the fake, on ECS services and on Auto Scaling groups in the lab."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.provision import CREDENTIALS, REGION, client
from tests.support.workload import FakeWorkload
from tests.support.world import World
from toolkit.aws.autoscaling import AsgWorkload
from toolkit.aws.ecs import EcsWorkload
from toolkit.aws.session import Session
from toolkit.errors import AwsError
from toolkit.rollout.workload import Capacity, Workload
from toolkit.settings import AwsSettings
from toolkit.traffic import Color

NAMES = {Color.BLUE: "web-blue", Color.GREEN: "web-green"}
GONE = {color: f"{name}-gone" for color, name in NAMES.items()}


@dataclass
class Case:
    """Blue was asked for 2, green for 0, and both may have 4. `gone`: a workload that is not there."""

    workload: Workload
    gone: Workload
    minimum: Callable[[int], None] | None = None


def fake(_request: pytest.FixtureRequest) -> Case:
    workload = FakeWorkload({Color.BLUE: Capacity(2, 2, 0, 4), Color.GREEN: Capacity(0, 0, 0, 4)})

    def minimum(count: int) -> None:
        workload.held[Color.GREEN] = Capacity(count, count, count, 4)

    return Case(workload, FakeWorkload({}), minimum)


def session_in(request: pytest.FixtureRequest) -> Session:
    """A session of the emptied lab."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    request.getfixturevalue("pair")  # which empties it
    world: World = request.getfixturevalue("world")
    for key, value in CREDENTIALS.items():
        monkeypatch.setenv(key.upper(), value)
    return Session(AwsSettings(region=REGION, endpoint_url=world.lab.endpoint_url))


def ecs(request: pytest.FixtureRequest) -> Case:
    session = session_in(request)
    api, cluster = client(str(session.settings.endpoint_url), "ecs"), "bluegreen-web"
    api.create_cluster(clusterName=cluster)
    request.addfinalizer(lambda: api.delete_cluster(cluster=cluster))
    api.register_task_definition(family="web", containerDefinitions=[{"name": "app", "image": "x", "memory": 64}])
    for name, count in (("web-blue", 2), ("web-green", 0)):
        api.create_service(cluster=cluster, serviceName=name, taskDefinition="web", desiredCount=count)
        request.addfinalizer(functools.partial(api.delete_service, cluster=cluster, service=name, force=True))
    return Case(EcsWorkload(session, cluster, NAMES), EcsWorkload(session, cluster, GONE))


def asg(request: pytest.FixtureRequest) -> Case:
    session = session_in(request)
    api, launch = (
        client(str(session.settings.endpoint_url), "autoscaling"),
        {"LaunchConfigurationName": "bluegreen-web"},
    )
    api.create_launch_configuration(**launch, ImageId="ami-12c6146b", InstanceType="t3.micro")
    request.addfinalizer(lambda: api.delete_launch_configuration(**launch))
    for name, count in (("web-blue", 2), ("web-green", 0)):
        bounds = {"MinSize": 0, "MaxSize": 4, "DesiredCapacity": count, "AvailabilityZones": [f"{REGION}a"]}
        api.create_auto_scaling_group(AutoScalingGroupName=name, **launch, **bounds)
        request.addfinalizer(
            functools.partial(api.delete_auto_scaling_group, AutoScalingGroupName=name, ForceDelete=True)
        )

    def minimum(count: int) -> None:
        api.update_auto_scaling_group(AutoScalingGroupName="web-green", MinSize=count, DesiredCapacity=count)

    return Case(AsgWorkload(session, NAMES), AsgWorkload(session, GONE), minimum)


MADE = {"fake": fake, "ecs": ecs, "asg": asg}
MARKED = [pytest.param(make, marks=() if make is fake else pytest.mark.lab, id=name) for name, make in MADE.items()]
WITH_BOUNDS = [each for each in MARKED if each.id != "ecs"]  # its bounds are Application Auto Scaling's


@pytest.fixture(params=MARKED)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param(request)
    return made


def test_what_was_asked_for_is_told_for_each_color(case: Case) -> None:
    assert {color: case.workload.capacity(color).desired for color in Color} == {Color.BLUE: 2, Color.GREEN: 0}


def test_a_color_is_scaled_up_and_down_and_the_other_stays(case: Case) -> None:
    for count in (3, 1, 0):
        case.workload.scale(Color.GREEN, count)
        green = case.workload.capacity(Color.GREEN)
        assert (green.desired, green.running) == (count, count)
        assert case.workload.capacity(Color.BLUE).desired == 2


def test_asking_twice_for_the_same_is_harmless(case: Case) -> None:
    for _ in range(2):
        case.workload.scale(Color.GREEN, 2)
    assert case.workload.capacity(Color.GREEN).desired == 2


def test_one_that_is_gone_is_an_error_that_names_it(case: Case) -> None:
    with pytest.raises(AwsError, match="is gone"):
        case.gone.capacity(Color.GREEN)
    with pytest.raises(AwsError, match="is gone"):
        case.gone.scale(Color.GREEN, 1)


@pytest.mark.parametrize("case", WITH_BOUNDS, indirect=True)
def test_more_than_its_maximum_is_refused_before_anything_is_written(case: Case) -> None:
    assert case.workload.capacity(Color.GREEN).maximum == 4
    with pytest.raises(AwsError, match=r"4 .*at most, and 5 are wanted\. Nothing was changed"):
        case.workload.scale(Color.GREEN, 5)
    assert case.workload.capacity(Color.GREEN).desired == 0


@pytest.mark.parametrize("case", WITH_BOUNDS, indirect=True)
def test_less_than_its_minimum_becomes_the_minimum(case: Case) -> None:
    assert case.minimum is not None
    case.minimum(1)
    case.workload.scale(Color.GREEN, 3)
    case.workload.scale(Color.GREEN, 0)
    capacity = case.workload.capacity(Color.GREEN)
    assert (capacity.desired, capacity.running, capacity.minimum) == (1, 1, 1)
