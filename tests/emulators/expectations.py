"""What each emulator does other than AWS, so that a check fails there: every line of it is expected, and strictly so.

A check that passes although it stands here fails the run, and so does one that fails in other words than `said`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final


@dataclass(frozen=True, slots=True)
class Deviation:
    """One way in which an emulator is not AWS.

    `checks` are patterns for names such as "test_router.py::test_writing_the_same_twice_is_harmless[rules]"; a bracket
    is meant as it stands. `said` is what the failures say: a regular expression for a part of it.
    """

    reason: str
    said: str
    checks: tuple[str, ...]

    def covers(self, check: str) -> bool:
        return any(fnmatchcase(check, pattern.replace("[", "[[]")) for pattern in self.checks)

    def explains(self, failure: str) -> bool:
        return re.search(self.said, failure) is not None


_DEAD_TARGET: Final = "test_targets.py::test_a_target_that_nobody_answers_for_is_not_healthy_and_says_why"
_DEAD_COLOR: Final = "test_commands.py::test_doctor_refuses_a_cutover_to_a_color_without_a_healthy_target"

_ALWAYS_HEALTHY: Final = Deviation(
    "Every target is reported as healthy, whether or not anything answers there.",
    r"are healthy, not unhealthy|nothing is refused",
    (_DEAD_TARGET, _DEAD_COLOR),
)
_HEALTHY_UNLESS_ATTACHED: Final = Deviation(
    "Without an attached data plane (`bluegreen lab attach`), as in this column, every target is reported as healthy.",
    _ALWAYS_HEALTHY.said,
    _ALWAYS_HEALTHY.checks,
)
_NLB_NAMED_AS_ALB: Final = Deviation(
    "The ARN of a Network Load Balancer says `loadbalancer/app/`, which the module `nlb-route` refuses.",
    r"Write the ARN of a Network Load Balancer",
    tuple(
        f"test_examples.py::test_infra_{step}[nlb]"
        for step in ("apply_*", "output_*", "plan_is_empty_after_an_apply", "plan_is_empty_after_a_shift", "destroy_*")
    ),
)
_ROOT_CALLER: Final = Deviation(
    "STS says that the caller is the account's root (`arn:aws:iam::…:root`), not a role or user.",
    r"arn:aws:iam::\d+:root'",
    ("test_identities.py::test_the_caller_is_told_with_account_and_known_from_then_on[sts]",),
)
_DEPLOYMENT_STAYS: Final = Deviation(
    "UpdateService leaves an ECS service's deployment as it was, and none of its tasks is ever told as running.",
    r"^AssertionError: assert \('web:\d+', .*1\.0\.0'\) == \('web:\d+', .*1\.1\.0'\)|0 never became 1",
    tuple(f"test_workload.py::test_{rule}_*[ecs]" for rule in ("a_color_runs_the_release", "a_release_comes_to_run")),
)
_VERSION_OF_NOTHING: Final = Deviation(
    "A launch template's version inherits nothing of the one that it is based on.",
    r"differs in more than its AMI: InstanceType",
    tuple(
        f"test_workload.py::test_{rule}_*[asg]"
        for rule in ("the_same_change_makes", "a_color_runs_the_release", "a_release_comes_to_run")
    ),
)
_INSTANCE_OF_OLD: Final = Deviation(
    "The instance that takes the place of an ended one is told as one of the launch template's version before, "
    "although the Auto Scaling group launches it by the new one.",
    r"\(0, 1\) never became \(1, 0\)",
    ("test_workload.py::test_a_release_comes_to_run_*[asg]",),
)

_MINISTACK: Final = (
    Deviation(
        "A forward keeps neither its target groups nor their weights and stickiness: what is read back is "
        '`{"Type": "forward"}`.',
        r"no forward action|does not forward to exactly|Only a forward action|'state': 'unusable'|'ForwardConfig'"
        r"|^AssertionError: assert \{\} == \{'arn:|is_held_by|Stickiness\(en.*None\) == Stickiness",
        (
            "test_router.py::test_every_route_is_read_by_name_*",
            "test_router.py::test_what_is_written_is_read_back_*",
            "test_router.py::test_stickiness_is_written_*",
            "test_router.py::test_writing_the_same_twice_is_harmless*",
            "test_router.py::test_what_precedes_the_forward_*",
            "test_router.py::test_commands_name_the_route_*",
            "test_router.py::test_a_write_keeps_everything_*",
            "test_router.py::test_the_guard_is_asked_*",
            "test_router.py::test_the_router_of_a_rollback_*",
            "test_commands.py::test_status_*",
            "test_commands.py::test_doctor_*",
            "test_commands.py::test_shift_*",
            "test_commands.py::test_cutover_*",
            "test_commands.py::test_rollback_*",
            "test_commands.py::test_restore_stickiness_*",
            "test_commands.py::test_drift_*",
            "test_commands.py::test_sync_*",
            "test_commands.py::test_adopt_*",
            "test_examples.py::test_infra_plan_is_empty_after_a_shift[lab]",
            "test_examples.py::test_infra_plan_is_empty_after_a_shift[alb]",
        ),
    ),
    Deviation(_ALWAYS_HEALTHY.reason, _ALWAYS_HEALTHY.said, (_DEAD_TARGET,)),
    Deviation(
        "A target group does not tell its protocol version, so Terraform plans to replace both.",
        r"exit 42: .*AWS cannot change it in place: protocol_version",
        (
            "test_examples.py::test_infra_plan_is_empty_after_an_apply[lab]",
            "test_examples.py::test_infra_plan_is_empty_after_an_apply[alb]",
        ),
    ),
    _NLB_NAMED_AS_ALB,
    _ROOT_CALLER,
    Deviation(
        "Application Auto Scaling is not there: RegisterScalableTarget is answered with 400, so there is no pair of "
        "ECS services.",
        r"\(400\) when calling the RegisterScalableTarget operation",
        ("test_workload.py::test_*[ecs]",),
    ),
    Deviation(
        "An Auto Scaling group's processes can be neither suspended nor resumed.",
        r"Unknown AutoScaling action: (Suspend|Resume)Processes",
        (
            "test_workload.py::test_one_that_is_held_*[asg]",
            "test_workload.py::test_one_that_is_let_go_*[asg]",
            "test_workload.py::test_one_that_takes_over_a_minimum_*[asg]",
        ),
    ),
    Deviation(
        "UpdateAutoScalingGroup leaves a group's launch template version as it was.",
        r"Auto Scaling group web-\w+ was given lt-\w+:2, and AWS says that it launches lt-\w+:1",
        (
            "test_workload.py::test_a_color_runs_the_release_*[asg]",
            "test_workload.py::test_a_release_comes_to_run_*[asg]",
        ),
    ),
)

EXPECTED: Final[dict[str, Sequence[Deviation]]] = {
    "moto": (_ALWAYS_HEALTHY, _NLB_NAMED_AS_ALB, _DEPLOYMENT_STAYS, _VERSION_OF_NOTHING),
    "lab": (),
    "localstack": (_HEALTHY_UNLESS_ATTACHED, _ROOT_CALLER, _DEPLOYMENT_STAYS, _INSTANCE_OF_OLD),
    "ministack": _MINISTACK,
    "licensed": (),
}
"""Column -> how its emulator deviates."""


def deviation_of(column: str, check: str) -> Deviation | None:
    """Why this check is expected to fail there; None where it is expected to pass."""
    return next((each for each in EXPECTED.get(column, ()) if each.covers(check)), None)


def stale(column: str, checks: Iterable[str]) -> list[str]:
    """Patterns of the column that none of its checks has: the check is gone or has another name."""
    run = list(checks)
    patterns = [pattern for each in EXPECTED.get(column, ()) for pattern in each.checks]
    return [pattern for pattern in patterns if not any(Deviation("", "", (pattern,)).covers(check) for check in run)]
