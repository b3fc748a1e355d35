"""Which targets DescribeTargetHealth lists, and in which state."""

from toolkit.lab.fidelity.health import INITIAL, NOT_REGISTERED, STOPPED, UNUSED, Health, listed

A, B, GONE = ("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.9", 80)
HEALTHY = Health("healthy")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")


def test_registered_targets_have_what_the_source_says_and_draining_ones_follow() -> None:
    assert listed([A, B], {B: HEALTHY, GONE: DRAINING}, attached=True) == {A: INITIAL, B: HEALTHY, GONE: DRAINING}


def test_a_target_the_source_still_knows_is_gone_once_it_no_longer_drains() -> None:
    assert listed([A], {A: HEALTHY, GONE: HEALTHY}, attached=True) == {A: HEALTHY}


def test_without_a_listener_nothing_is_checked() -> None:
    assert listed([A], {A: HEALTHY}, attached=False) == {A: UNUSED}


def test_a_stopped_instance_is_unused() -> None:
    stopped = ("i-1", 80)
    assert listed([stopped], {stopped: HEALTHY}, attached=True, stopped=frozenset({"i-1"})) == {stopped: STOPPED}


def test_only_the_targets_asked_for_are_listed() -> None:
    health = listed([A, B], {A: HEALTHY, GONE: DRAINING}, attached=True, asked=[A, GONE, ("10.0.0.7", 1)])
    assert health == {A: HEALTHY, GONE: DRAINING, ("10.0.0.7", 1): NOT_REGISTERED}
