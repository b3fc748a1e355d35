"""SSM Run Command: each status, what is asked again, and what is cancelled.

How a command goes is scripted (tests/support/ssm.py), since moto ends every one with Success at once; what moto has is
asked too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from tests.support.hooks import Pulsing, QuickClock
from tests.support.provision import CREDENTIALS, REGION
from tests.support.ssm import HANG_UP, SHELL, Ssm, running_ssm
from tests.support.world import World
from toolkit.aws.session import Session
from toolkit.aws.ssm_commands import CANCEL_SECONDS, UNSEEN_SECONDS, SsmCommands
from toolkit.errors import AccessDenied, AwsError, AwsUnreachable, Throttled
from toolkit.rollout.ports import Pulse
from toolkit.rollout.rolling import Member
from toolkit.rollout.updating import Attempt
from toolkit.settings import AwsSettings, Update

A = Member("i-0a", 8080)
SCRIPT = Update(document=SHELL, parameters={"commands": ("./update.sh",)}, timeout_seconds=30)
OWN = Update(document="Update-web", parameters={"version": ("1.4.2",)}, timeout_seconds=30)
RUNS = {"Status": "InProgress", "StatusDetails": "InProgress"}
DONE = {"Status": "Success", "StatusDetails": "Success", "ResponseCode": 0, "StandardOutputContent": "all well\n"}
NOT_YET = (400, "InvocationDoesNotExist")
BUSY = (400, "ThrottlingException")


@pytest.fixture(scope="module", autouse=True)
def keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for key, value in CREDENTIALS.items():
            patch.setenv(key.upper(), value)
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ssm]:
    with running_ssm(tmp_path_factory.mktemp("ssm")) as running:
        yield running


@pytest.fixture
def ssm(server: Ssm) -> Ssm:
    server.forget()
    return server


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@cache
def session_at(url: str) -> Session:
    """One for all tests, since a client takes its time to make."""
    return Session(AwsSettings(region=REGION, endpoint_url=url))


def run(
    ssm: Ssm,
    clock: QuickClock,
    *,
    update: Update = SCRIPT,
    member: Member = A,
    pulse: Pulse | None = None,
    back: bool = False,
) -> Attempt:
    commands = SsmCommands(session_at(ssm.url), clock)
    words = {"BLUEGREEN_HOOK_ID": f"web-7/{'0' * 120}", "BLUEGREEN_VERSION": "1.4.2"}
    return commands.run(update, member, words, back=back, pulse=pulse or Pulsing())


def test_a_command_is_sent_to_one_instance_with_its_time_and_looked_at_until_it_ends(
    ssm: Ssm, clock: QuickClock
) -> None:
    ssm.looks = [
        [
            {"Status": "Pending", "StatusDetails": "Pending"},
            {"Status": "Delayed", "StatusDetails": "Delayed"},
            RUNS,
            DONE,
        ]
    ]
    made = run(ssm, clock)
    assert (made.passed, made.output) == (True, "all well\n")
    (sent,) = ssm.asked("SendCommand")
    assert (sent["InstanceIds"], sent["DocumentName"], sent["TimeoutSeconds"]) == (["i-0a"], SHELL, 30)
    assert sent["Parameters"]["executionTimeout"] == ["30"]
    assert sent["Parameters"]["commands"][-2:] == ["export BLUEGREEN_VERSION=1.4.2", "./update.sh"]
    assert sent["Comment"].startswith("bluegreen web-7/")
    assert len(ssm.asked("GetCommandInvocation")) == 4
    assert sum(clock.slept) == 3 * 2


def test_a_short_timeout_still_leaves_the_delivery_what_aws_asks_for(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks = [[DONE]]
    assert run(ssm, clock, update=Update(document="Update-web", timeout_seconds=5)).passed
    assert ssm.asked("SendCommand")[0]["TimeoutSeconds"] == 30


@dataclass(frozen=True)
class Ending:
    """What SSM says, and what is made of it."""

    status: str
    details: str
    said: str
    code: int = -1
    again: bool = True


ENDINGS = [
    Ending("Failed", "Failed", "ended with exit code 3", code=3),
    Ending("Failed", "", "ended with exit code 1", code=1),
    Ending("Failed", "Failed", "ended as Failed"),
    Ending("TimedOut", "Delivery Timed Out", "was not delivered in time"),
    Ending("TimedOut", "DeliveryTimedOut", "was not delivered in time"),
    Ending("TimedOut", "Execution Timed Out", "was not done within its execution timeout"),
    Ending("TimedOut", "TimedOut", "ended as TimedOut"),
    Ending("Failed", "Undeliverable", "cannot be delivered"),
    Ending("Failed", "Terminated", "had too many errors"),
    Ending("Failed", "InvalidPlatform", "is not for the platform", again=False),
    Ending("Failed", "AccessDenied", "was denied access to this instance", again=False),
    Ending("Cancelled", "Cancelled", "was cancelled", again=False),
    Ending("Failed", "Something New", "ended as SomethingNew"),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: f"{ending.details} {ending.code}")
@pytest.mark.parametrize("update", [SCRIPT, OWN], ids=["script", "document"])
def test_every_other_ending_fails_in_words(ssm: Ssm, clock: QuickClock, update: Update, ending: Ending) -> None:
    steps = [{"Name": "one", "ResponseCode": ending.code, "Output": "partly\n"}]
    whole = {"Status": ending.status, "StatusDetails": ending.details, "ResponseCode": ending.code}
    ssm.looks = [[RUNS, {**whole, "StandardErrorContent": "partly\n", "CommandPlugins": steps}]]
    made = run(ssm, clock, update=update)
    assert not made.passed
    assert ending.said in made.reason
    assert made.reason.startswith(f"{update.document} (")
    assert made.again is ending.again
    assert made.output.strip() == "partly"
    assert not ssm.asked("CancelCommand")


def test_output_and_errors_are_both_kept(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks = [[{**DONE, "StandardErrorContent": "a warning"}]]
    assert run(ssm, clock).output == "all well\n\na warning"


def test_a_document_of_several_steps_is_done_when_the_whole_is(ssm: Ssm, clock: QuickClock) -> None:
    first, second = (
        {"Name": "get", "Output": "got it", "ResponseCode": 0},
        {"Name": "run", "Output": "bad", "ResponseCode": 4},
    )
    failed = {"Status": "Failed", "StatusDetails": "Failed", "CommandPlugins": [first, second]}
    ssm.looks = [[{}, {**RUNS, "CommandPlugins": [first]}, failed]]
    made = run(ssm, clock, update=OWN)
    assert made.reason.endswith("ended with exit code 4")
    assert made.output == "got it\nbad"
    assert all(each["Details"] for each in ssm.asked("ListCommandInvocations"))
    assert not ssm.asked("GetCommandInvocation")


def test_an_invocation_that_is_not_there_yet_is_looked_for_again(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks, ssm.then = [[DONE]], {"GetCommandInvocation": [NOT_YET, NOT_YET]}
    assert run(ssm, clock).passed


def test_one_that_never_shows_is_given_up_and_cancelled(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks, ssm.then = [[DONE]], {"GetCommandInvocation": [NOT_YET] * 1000}
    made = run(ssm, clock, update=replace(SCRIPT, timeout_seconds=300))
    assert "was sent and is not seen: SSM does not know of it" in made.reason
    assert UNSEEN_SECONDS <= sum(clock.slept) <= UNSEEN_SECONDS + 2
    assert ssm.asked("CancelCommand")


@pytest.mark.parametrize("trouble", [BUSY, (500, "InternalServerError"), HANG_UP])
def test_a_look_that_fails_in_passing_is_not_the_end(ssm: Ssm, clock: QuickClock, trouble: tuple[int, str]) -> None:
    ssm.looks, ssm.then = [[RUNS, DONE]], {"GetCommandInvocation": [trouble, trouble]}
    assert run(ssm, clock).passed


def test_a_look_that_is_denied_says_that_the_command_may_run_on(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks, ssm.then = [[RUNS]], {"GetCommandInvocation": [(400, "AccessDeniedException")]}
    with pytest.raises(AccessDenied, match=r"reading how AWS-RunShellScript goes on i-0a: .* was sent and may run on"):
        run(ssm, clock)


def test_a_throttled_command_is_sent_again_and_any_other_error_passes(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks, ssm.then = [[DONE]], {"SendCommand": [BUSY, BUSY]}
    assert run(ssm, clock).passed
    assert len(ssm.asked("SendCommand")) == 3
    ssm.then = {"SendCommand": [BUSY] * 1000}
    with pytest.raises(Throttled):
        run(ssm, clock)
    ssm.then = {"SendCommand": [(400, "AccessDeniedException")]}
    with pytest.raises(AccessDenied, match="sending AWS-RunShellScript to i-0a"):
        run(ssm, clock)


def test_a_command_whose_answer_is_lost_is_not_sent_twice_unasked(ssm: Ssm, clock: QuickClock) -> None:
    ssm.then = {"SendCommand": [HANG_UP]}
    with pytest.raises(AwsUnreachable, match="it may run there all the same"):
        run(ssm, clock)
    assert len(ssm.asked("SendCommand")) == 1


def test_an_instance_that_ssm_does_not_manage_is_said_in_words(ssm: Ssm, clock: QuickClock) -> None:
    ssm.then = {"SendCommand": [(400, "InvalidInstanceId")]}
    with pytest.raises(AwsError, match="SSM does not manage i-0a now: is it running, with its agent"):
        run(ssm, clock)


@pytest.mark.parametrize("target", ["10.0.0.4", "arn:aws:lambda:eu-central-1:123456789012:function:web"])
def test_a_target_that_is_no_instance_is_refused_without_a_call(ssm: Ssm, clock: QuickClock, target: str) -> None:
    made = run(ssm, clock, member=Member(target, 80))
    assert (made.passed, made.again) == (False, False)
    assert made.reason == "SSM takes instances only (i-… or mi-…); update this target by a command"
    assert not ssm.calls


def test_an_instance_of_another_place_is_one_too(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks = [[DONE]]
    assert run(ssm, clock, member=Member("mi-0123456789abcdef0")).passed


def test_at_its_timeout_a_command_is_cancelled_and_seen_to_end(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks = [[RUNS]]
    made = run(ssm, clock)
    assert made.reason.endswith("was not done after 30s and was cancelled")
    assert made.again
    (cancelled,) = ssm.asked("CancelCommand")
    assert cancelled["InstanceIds"] == ["i-0a"]
    assert 30 <= sum(clock.slept) <= 34


def test_one_that_was_done_while_it_was_cancelled_is_done(ssm: Ssm, clock: QuickClock) -> None:
    cancelling = {"Status": "Cancelling", "StatusDetails": "Cancelling"}
    ssm.looks = [[RUNS] * 15 + [cancelling, cancelling, DONE]]
    assert run(ssm, clock).passed
    assert ssm.asked("CancelCommand")


def test_one_that_cannot_be_cancelled_may_run_on(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks, ssm.then = [[RUNS]], {"CancelCommand": [(400, "AccessDeniedException")]}
    made = run(ssm, clock)
    assert "was not done after 30s and may run on: cancelling the command " in made.reason
    clock.slept.clear()
    ssm.looks = [[{"Status": "Cancelling"}]]
    made = run(ssm, clock)
    assert made.reason.endswith("was not done after 30s and may run on, though SSM was told to cancel")
    assert sum(clock.slept) <= 30 + CANCEL_SECONDS + 4


def test_a_no_of_the_pulse_cancels_the_command(ssm: Ssm, clock: QuickClock) -> None:
    ssm.looks = [[RUNS]]
    made = run(ssm, clock, pulse=Pulsing(stop_after=20))
    assert (made.passed, made.reason, made.again) == (False, "stopped", False)
    assert len(ssm.asked("CancelCommand")) == 1


def test_a_no_of_the_pulse_before_it_was_sent_sends_nothing_more(ssm: Ssm, clock: QuickClock) -> None:
    ssm.then = {"SendCommand": [BUSY] * 1000}
    assert run(ssm, clock, pulse=Pulsing(stop_after=3)).reason == "stopped"
    assert not ssm.asked("CancelCommand")


def test_to_go_back_the_other_parameters_are_sent(ssm: Ssm, clock: QuickClock) -> None:
    update = Update(document="Update-web", parameters={"to": ("2",)}, take_back_parameters={"to": ("1",)})
    ssm.looks = [[DONE], [DONE]]
    assert run(ssm, clock, update=update).passed
    assert run(ssm, clock, update=update, back=True).passed
    assert [each["Parameters"] for each in ssm.asked("SendCommand")] == [{"to": ["2"]}, {"to": ["1"]}]


@pytest.mark.lab
def test_the_emulator_takes_a_script_as_it_is_sent(world: World, clock: QuickClock) -> None:
    session = Session(AwsSettings(region=REGION, endpoint_url=world.lab.endpoint_url))
    made = SsmCommands(session, clock).run(SCRIPT, A, {"BLUEGREEN_VERSION": "1.4.2"}, back=False, pulse=Pulsing())
    assert made.passed
    sent: list[dict[str, Any]] = session.client("ssm").list_commands(InstanceId="i-0a")["Commands"]
    assert sent[-1]["Parameters"]["commands"] == ["export BLUEGREEN_VERSION=1.4.2", "./update.sh"]
