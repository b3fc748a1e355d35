"""What is asked of a workload, and how its autoscaling is bound once a rollout is over."""

from __future__ import annotations

import re

import pytest

from toolkit.errors import UsageError
from toolkit.rollout.workload import Capacity, Change, Progress, Release, let_go_of


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({}, "not said what to deploy"),
        ({"image": "web:2", "ami": "ami-1"}, "different kinds of workload"),
        ({"task_definition": "web:2", "template_version": 3}, "different kinds of workload"),
        ({"task_definition": "web:2", "container": "app"}, "--container names the container whose --image"),
    ],
)
def test_a_change_is_of_one_kind_and_says_something(words: dict[str, object], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        Change(**words)  # type: ignore[arg-type]


def test_a_change_is_told_in_words() -> None:
    assert str(Change(image="web:2", task_definition="web:7")) == "image web:2, task definition web:7"
    assert str(Change(ami="ami-1", template_version=3)) == "AMI ami-1, launch template version 3"
    assert str(Release("web:7", "web:2")) == "web:2 (web:7)"
    assert str(Release("", "web:2")) == "web:2"


@pytest.mark.parametrize(
    ("progress", "why"),
    [
        (Progress(0), ""),
        (Progress(0, failures=2, lines=("it ended",)), ""),
        (Progress(2, failures=3, lines=("it ended", "it ended again")), "3 of them .*: it ended again"),
        (Progress(0, failures=3), "AWS does not say why"),
        (Progress(0, given_up="no such image"), "^no such image$"),
    ],
)
def test_what_ends_three_times_or_is_given_up_is_not_worth_waiting_for(progress: Progress, why: str) -> None:
    assert bool(progress.hopeless) is bool(why)
    if why:
        assert re.search(why, progress.hopeless)


BASE, IDLE = Capacity(10, 10, 4, 20, ("own",)), Capacity(1, 1, 1, 12)
PLAIN = Capacity(3, 3)


def test_the_new_live_side_takes_over_the_minimum_and_keeps_its_own_maximum() -> None:
    bound = let_go_of(IDLE, BASE, is_live=True)
    assert (bound.minimum, bound.maximum, bound.suspended) == (4, 12, ())


def test_a_retired_side_may_go_as_low_as_what_is_kept_and_never_higher_than_before() -> None:
    assert let_go_of(BASE, BASE, kept=1, is_live=False).minimum == 1
    assert let_go_of(BASE, BASE, kept=7, is_live=False).minimum == 4
    assert let_go_of(BASE, BASE, kept=1, is_live=False).suspended == ("own",)


def test_a_side_that_was_not_touched_is_bound_as_before() -> None:
    assert let_go_of(IDLE, BASE, is_live=False) == IDLE
    assert let_go_of(BASE, BASE, is_live=True) == BASE


@pytest.mark.parametrize("is_live", [True, False])
def test_without_autoscaling_there_is_nothing_to_bind(*, is_live: bool) -> None:
    assert let_go_of(PLAIN, BASE, kept=0, is_live=is_live).minimum is None
    assert let_go_of(IDLE, PLAIN, is_live=True).minimum == 1
