"""The scheduler of ECS over time: deployments, failures, replacements."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.lab.compute.ecs.sim import BAD, GOOD, GROUP, WISH, Sim
from toolkit.lab.compute.ecs.model import Breaker, Health, Phase, Rollout, Stop
from toolkit.lab.compute.ecs.words import USER_STOPPED, by_user
from toolkit.lab.compute.pool import Exited


def served(sim: Sim, image: str = GOOD) -> Sim:
    """The service with its first deployment done."""
    sim.deploy(image)
    sim.until(lambda: sim.is_done)
    return sim


def test_a_service_comes_up_registered_and_says_so() -> None:
    sim = served(Sim())
    assert len(sim.registered) == 2
    first, second = sim.running
    assert sim.messages == [
        f"(service web-blue) has started 2 tasks: (task {first.id}) (task {second.id}).",
        f"(service web-blue) (deployment {first.deployment}) deployment completed.",
        "(service web-blue) has reached a steady state.",
    ]
    primary = sim.run.deployments.primary
    assert primary is not None
    assert primary.reason == f"ECS deployment {primary.id} completed."


def test_a_task_is_registered_only_when_its_process_listens() -> None:
    sim = Sim()
    sim.deploy(GOOD)
    sim.tick()
    assert {task.phase for task in sim.run.alive} == {Phase.PENDING}
    assert not sim.registered
    sim.tick()
    assert {task.phase for task in sim.run.alive} == {Phase.ACTIVATING}
    assert len(sim.registered) == 2


def test_a_new_revision_replaces_the_tasks_one_healthy_one_for_each_old_one() -> None:
    sim = served(Sim())
    before = {task.id for task in sim.running}
    sim.deploy(BAD, revision=2)
    while not sim.is_done:
        sim.tick()
        assert sum(task.is_ready for task in sim.run.alive) >= 2
        assert len(sim.tasks(Phase.PENDING, Phase.ACTIVATING, Phase.RUNNING)) <= 4
    assert not before & {task.id for task in sim.running}
    assert [one.rollout for one in sim.run.deployments] == [Rollout.COMPLETED]


def test_a_task_drains_before_its_process_ends() -> None:
    sim = served(Sim())
    sim.scale(1)
    sim.tick()
    (leaving,) = sim.tasks(Phase.DEACTIVATING)
    assert leaving.address not in sim.registered
    assert sim.stops[leaving.key] == sim.now + 10.0
    assert leaving.stop == Stop(
        "ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {leaving.deployment})"
    )
    sim.until(lambda: sim.run.tasks[leaving.id].phase is Phase.STOPPED)
    assert sim.run.tasks[leaving.id].exit_code == 0


def test_scaling_starts_no_deployment() -> None:
    sim = served(Sim())
    primary = sim.run.deployments.primary
    sim.scale(4)
    sim.until(lambda: len(sim.running) == 4)
    assert sim.run.deployments.primary is primary
    assert primary is not None
    assert primary.rollout is Rollout.COMPLETED


def test_a_process_that_dies_is_deregistered_and_replaced() -> None:
    sim = served(Sim())
    victim = sim.running[0]
    sim.die(victim, -9)
    sim.tick()
    ended = sim.run.tasks[victim.id]
    assert (ended.phase, ended.exit_code) == (Phase.STOPPED, 137)
    assert ended.stop == Stop("EssentialContainerExited", "Essential container in task exited")
    assert len(sim.registered) == 1
    sim.until(lambda: sim.is_done)
    assert sim.messages[-1] == "(service web-blue) has reached a steady state."


def test_an_image_that_crashes_is_tried_with_growing_pauses_and_never_given_up_without_a_breaker() -> None:
    sim = served(Sim())
    sim.deploy(f"{BAD}-crash", revision=2)
    sim.tick(4 * 600)
    launches = sorted({task.created for task in sim.run.tasks.values() if task.exit_code == 1})
    pauses = [round(later - earlier) for earlier, later in pairwise(launches)]
    assert pauses == [5, 10, 20, 40, 80, 160]
    primary = sim.run.deployments.primary
    assert primary is not None
    assert (primary.rollout, primary.failed) == (Rollout.IN_PROGRESS, 14)
    assert len(sim.running) == 2, "the old tasks stay"
    assert sum("unable to consistently start tasks" in message for message in sim.messages) == 1


def test_an_image_that_is_missing_cannot_be_pulled() -> None:
    sim = Sim()
    sim.deploy("registry.example/web:missing")
    sim.tick(2)
    (reason,) = {task.stop for task in sim.tasks(Phase.STOPPED)}
    assert reason is not None
    assert reason.code == "TaskFailedToStart"
    assert reason.reason.startswith("CannotPullContainerError: ")
    assert {task.exit_code for task in sim.tasks(Phase.STOPPED)} == {None}


def test_a_task_that_fails_its_health_checks_is_stopped_and_another_started() -> None:
    sim = served(Sim(sick={BAD}))
    sim.deploy(BAD, revision=2)
    sim.until(lambda: any("is unhealthy in" in message for message in sim.messages))
    (stop,) = {task.stop for task in sim.run.tasks.values() if task.stop is not None}
    assert stop == Stop("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {GROUP})")
    begun = len(sim.run.tasks)
    sim.tick(12)
    assert len(sim.run.tasks) > begun
    assert sum(task.is_ready for task in sim.run.alive) == 2, "the old tasks stay"


def test_sickness_of_a_moment_replaces_nobody() -> None:
    sim = served(Sim())
    for _ in range(3):
        sim.sick = {GOOD}
        sim.tick(7)
        assert not any(task.is_ready for task in sim.run.alive)
        sim.sick = set()
        sim.tick()
    assert len(sim.run.tasks) == 2


def test_sickness_does_not_count_within_the_grace_period() -> None:
    sim = Sim(wish=replace(WISH, grace=30.0), sick={GOOD})
    sim.deploy(GOOD)
    sim.until(lambda: len(sim.running) == 2)
    begun = sim.now
    sim.until(lambda: any("is unhealthy in" in message for message in sim.messages))
    assert 31.0 <= sim.now - begun <= 33.0


def test_a_task_that_fails_its_own_check_is_stopped_without_a_load_balancer_too() -> None:
    sim = Sim(wish=replace(WISH, attachments=()))
    sim.deploy(f"{BAD}-unhealthy", found_sick=15.0)
    sim.until(lambda: any("failed container health checks" in message for message in sim.messages))
    ended = next(task for task in sim.run.tasks.values() if task.stop is not None)
    assert ended.stop == Stop("ServiceSchedulerInitiated", "Task failed container health checks")
    assert ended.started is not None
    assert sim.now - ended.started == 15.0
    assert not sim.run.deployments.is_settled


def test_a_task_with_a_check_of_its_own_is_ready_when_that_passes() -> None:
    sim = Sim()
    sim.deploy(GOOD, found_sick=15.0)
    sim.until(lambda: sim.is_done)
    assert {task.own_health for task in sim.running} == {Health.HEALTHY}


def test_the_breaker_gives_up_after_three_failures_and_starts_nothing_more() -> None:
    sim = served(Sim(wish=replace(WISH, breaker=Breaker())))
    sim.deploy(f"{BAD}-crash", revision=2)
    primary = sim.run.deployments.primary
    assert primary is not None
    sim.until(lambda: primary.rollout is Rollout.FAILED)
    assert primary.failed >= 3
    assert primary.reason == "ECS deployment circuit breaker: tasks failed to start."
    begun = len(sim.run.tasks)
    sim.tick(4 * 600)
    assert len(sim.run.tasks) == begun
    assert len(sim.running) == 2, "the old tasks stay"
    assert "(service web-blue) has reached a steady state." not in sim.messages[4:]


def test_the_breaker_counts_tasks_that_fail_their_health_checks() -> None:
    sim = served(Sim(wish=replace(WISH, breaker=Breaker()), sick={BAD}))
    sim.deploy(BAD, revision=2)
    primary = sim.run.deployments.primary
    assert primary is not None
    sim.until(lambda: primary.rollout is Rollout.FAILED)
    assert sum(task.is_ready for task in sim.run.alive) == 2


@pytest.mark.parametrize(("resets", "counted"), [(True, 0), (False, 2)])
def test_a_task_that_gets_healthy_lets_the_breaker_count_anew_unless_it_counts_all(resets: bool, counted: int) -> None:
    sim = served(Sim(wish=replace(WISH, breaker=Breaker(resets=resets)), sick={BAD}))
    sim.deploy(BAD, revision=2)
    primary = sim.run.deployments.primary
    assert primary is not None
    sim.until(lambda: primary.failed == 2)
    sim.sick = set()
    sim.until(lambda: any(task.is_ready and task.deployment == primary.id for task in sim.run.alive))
    assert (primary.rollout, primary.failed) == (Rollout.IN_PROGRESS, counted)


def test_bounds_under_which_nothing_can_be_replaced_are_told_of_once() -> None:
    sim = served(Sim(wish=replace(WISH, maximum_percent=100)))
    kept = {task.id for task in sim.running}
    sim.deploy(BAD, revision=2)
    sim.tick(40)
    assert {task.id for task in sim.running} == kept
    (told,) = [message for message in sim.messages if "unable to stop or start tasks during a deployment" in message]
    assert told.endswith("Update the minimumHealthyPercent or maximumPercent value and try again.")


def test_the_breaker_goes_back_to_the_last_deployment_that_completed() -> None:
    sim = served(Sim(wish=replace(WISH, breaker=Breaker(rollback=True))))
    good, kept = sim.run.deployments.primary, {task.id for task in sim.running}
    assert good is not None
    sim.deploy(f"{BAD}-crash", revision=2)
    failed = sim.run.deployments.primary
    assert failed is not None
    sim.until(lambda: failed.rollout is Rollout.FAILED)
    assert sim.run.deployments.primary is good
    assert f"(service web-blue) rolling back to deployment {good.id}." in sim.messages
    sim.until(lambda: sim.is_done)
    assert {task.id for task in sim.running} == kept


def test_a_rollback_starts_anew_what_has_gone_meanwhile() -> None:
    sim = served(Sim(wish=replace(WISH, breaker=Breaker(rollback=True))))
    good = sim.run.deployments.primary
    assert good is not None
    sim.deploy(f"{BAD}-crash", revision=2)
    failed = sim.run.deployments.primary
    for task in sim.running:
        sim.die(task, 1)
    sim.until(lambda: failed is not None and failed.rollout is Rollout.FAILED)
    again = sim.run.deployments.primary
    assert again is not None
    assert again.reason == f"ECS deployment circuit breaker: rolling back to deploymentId {good.id}."
    sim.until(lambda: sim.is_done)
    assert {task.definition for task in sim.running} == {good.definition}


def test_a_deployment_after_a_failed_one_starts_afresh() -> None:
    sim = served(Sim(wish=replace(WISH, breaker=Breaker())))
    sim.deploy(f"{BAD}-crash", revision=2)
    sim.until(lambda: sim.run.deployments.primary is not None and sim.run.deployments.primary.rollout is Rollout.FAILED)
    sim.deploy(BAD, revision=3)
    sim.until(lambda: sim.is_done)
    assert [one.failed for one in sim.run.deployments] == [0]


def test_a_stopped_task_tells_who_stopped_it_and_is_replaced() -> None:
    sim = served(Sim())
    victim = sim.running[0]
    sim.run.stop_task(victim.id, by_user(None))
    assert not sim.run.tasks[victim.id].is_wanted
    sim.until(lambda: sim.run.tasks[victim.id].phase is Phase.STOPPED)
    assert sim.run.tasks[victim.id].stop == Stop("UserInitiated", USER_STOPPED)
    sim.until(lambda: sim.is_done)


def test_a_task_whose_address_was_taken_gets_another_and_has_not_failed() -> None:
    sim = Sim()
    sim.deploy(GOOD)
    sim.tick()
    moved = sim.run.alive[0]
    sim.states[moved.key] = Exited(1, listened=False, said="the sample app cannot listen: address already in use")
    sim.until(lambda: sim.is_done)
    assert sim.run.tasks[moved.id].address != moved.address
    assert [one.failed for one in sim.run.deployments] == [0]


def test_a_task_without_a_place_is_told_of_once() -> None:
    sim = Sim(places=1)
    sim.deploy(GOOD)
    sim.tick(20)
    assert len(sim.running) == 1
    assert sum("was unable to place a task" in message for message in sim.messages) == 1


def test_a_task_without_an_address_of_its_own_needs_an_instance_that_the_lab_has_not() -> None:
    sim = Sim()
    sim.deploy(GOOD, mode="bridge")
    sim.tick(20)
    assert sim.messages == [
        "(service web-blue) was unable to place a task because no container instance met all of its requirements."
    ]


def test_ended_tasks_are_listed_for_an_hour() -> None:
    sim = served(Sim())
    victim = sim.running[0]
    sim.die(victim, 1)
    sim.tick()
    ended = sim.now
    sim.tick(60, seconds=60.0)
    assert sim.now - ended == 3600.0
    assert victim.id in sim.run.tasks
    sim.tick()
    assert victim.id not in sim.run.tasks


def test_nothing_is_quiet_while_something_is_under_way() -> None:
    sim = served(Sim())
    assert sim.run.is_quiet
    sim.scale(1)
    sim.tick()
    assert not sim.run.is_quiet
