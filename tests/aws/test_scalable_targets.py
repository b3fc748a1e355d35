"""Application Auto Scaling of ECS services, on moto; what moto does not say, by botocore's Stubber."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.stub import Stubber

from tests.aws.ecs_rig import CLUSTER, Pair, on_moto, some_session
from toolkit.aws.scalable_targets import Bounds, ScalableTargets
from toolkit.aws.session import Session
from toolkit.errors import AccessDenied, AwsError
from toolkit.traffic import Color

ALL = ("dynamic-scaling-in", "dynamic-scaling-out", "scheduled-scaling")


@pytest.fixture(scope="module")
def clients() -> Iterator[Session]:
    with some_session() as session:
        yield session


@pytest.fixture
def session(clients: Session) -> Iterator[Session]:
    with on_moto():
        yield clients


def test_of_a_pair_only_those_that_have_autoscaling_are_told(session: Session) -> None:
    pair = Pair(session)
    pair.bind(Color.GREEN, MinCapacity=1, MaxCapacity=6)
    assert ScalableTargets(session, CLUSTER).of("web-blue", "web-green") == {"web-green": Bounds(1, 6)}


def test_a_cluster_is_known_by_its_arn_too(session: Session) -> None:
    pair = Pair(session)
    pair.bind(Color.GREEN, MinCapacity=1, MaxCapacity=6)
    targets = ScalableTargets(session, f"arn:aws:ecs:eu-central-1:123456789012:cluster/{CLUSTER}")
    assert targets.of("web-green") == {"web-green": Bounds(1, 6)}


@pytest.mark.parametrize("suspended", [(), *((word,) for word in ALL), ALL])
def test_what_is_suspended_is_written_and_read_word_for_word(session: Session, suspended: tuple[str, ...]) -> None:
    pair = Pair(session)
    every = {"DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"}
    pair.bind(Color.GREEN, MinCapacity=1, MaxCapacity=6, SuspendedState=dict.fromkeys(every, not suspended))
    targets = ScalableTargets(session, CLUSTER)
    targets.bind("web-green", 2, suspended)
    assert targets.of("web-green") == {"web-green": Bounds(2, 6, suspended)}


def test_a_minimum_alone_leaves_what_is_suspended_as_it_is(session: Session) -> None:
    pair = Pair(session)
    pair.bind(Color.GREEN, MinCapacity=1, MaxCapacity=6, SuspendedState={"ScheduledScalingSuspended": True})
    targets = ScalableTargets(session, CLUSTER)
    targets.bind("web-green", 3)
    assert targets.of("web-green") == {"web-green": Bounds(3, 6, ("scheduled-scaling",))}


def test_a_denied_look_is_no_service_without_autoscaling(clients: Session) -> None:
    with Stubber(clients.client("application-autoscaling")) as stub:
        stub.add_client_error("describe_scalable_targets", "AccessDeniedException", "no", 400)
        with pytest.raises(AccessDenied, match="reading the autoscaling of web-blue and web-green") as caught:
            ScalableTargets(clients, CLUSTER).of("web-blue", "web-green")
    assert "application-autoscaling:DescribeScalableTargets" in caught.value.hint


def test_a_binding_waits_for_the_one_before_and_not_without_end(clients: Session) -> None:
    pauses: list[float] = []
    targets = ScalableTargets(clients, CLUSTER, sleep=pauses.append)
    with Stubber(clients.client("application-autoscaling")) as stub:
        stub.add_client_error("register_scalable_target", "ConcurrentUpdateException", "pending", 400)
        stub.add_response("register_scalable_target", {})
        targets.bind("web-green", 2)
        assert pauses == [1.0]
        for _ in range(4):
            stub.add_client_error("register_scalable_target", "ConcurrentUpdateException", "pending", 400)
        with pytest.raises(AwsError, match=r"binding the autoscaling of web-green to at least 2: .* pending"):
            targets.bind("web-green", 2)
        stub.assert_no_pending_responses()
