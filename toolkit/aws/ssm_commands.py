"""SSM Run Command: runs a document on one instance, and sees it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from toolkit.aws.session import aws_errors, code_of
from toolkit.aws.ssm_script import SCRIPTS, parameters
from toolkit.errors import AwsError, AwsUnreachable, Throttled
from toolkit.rollout.ports import Clock, Pulse
from toolkit.rollout.rolling import Member
from toolkit.rollout.steps import duration
from toolkit.rollout.updating import STOPPED, Attempt
from toolkit.settings import Update

if TYPE_CHECKING:
    from toolkit.aws.session import Session

LOOK_SECONDS = 2.0
UNSEEN_SECONDS = 60.0
"""From the sending until an invocation has to be seen."""
CANCEL_SECONDS = 30.0
"""From the wish to cancel until it is not waited for any more."""
_SLICE_SECONDS = 0.5
_INSTANCES = ("i-", "mi-")
_LEAST_DELIVERY, _LONGEST_DELIVERY = 30, 2_592_000
_LONGEST_COMMENT = 100
"""Source of these: SSM API reference, SendCommand."""
_SUCCESS = "Success"
_ENDED = {_SUCCESS, "Cancelled", "TimedOut", "Failed"}
_ENDINGS = {
    "DeliveryTimedOut": ("was not delivered in time; is it running, and its SSM agent connected?", True),
    "Undeliverable": ("cannot be delivered; is it running, and its SSM agent connected?", True),
    "ExecutionTimedOut": ("was not done within its execution timeout", True),
    "Terminated": ("was ended by SSM, since its command had too many errors", True),
    "Cancelled": ("was cancelled", False),
    "InvalidPlatform": ("is not for the platform of this instance", False),
    "AccessDenied": ("was denied access to this instance", False),
}
"""What a `StatusDetails` means, and whether another try may end otherwise. Source: SSM user guide, command statuses."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What SSM says of an invocation."""

    status: str = "Pending"
    details: str = ""
    code: int = -1
    output: str = ""


class SsmCommands:
    """One document on one instance a command, so that each can be told who it is, and be cancelled by itself.

    SSM knows no token for a command that was sent before. An update that is resumed, and a try whose answer was lost,
    send it again, perhaps while the earlier one still runs: the document has to bear that.
    """

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    @property
    def _client(self) -> Any:
        return self._session.client("ssm", single=True)  # the SDK would send a command twice by itself

    def run(
        self, update: Update, member: Member, environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Attempt:
        """One try: send it, look until it has ended, cancel it at its timeout or where the pulse says stop.

        Raises:
            AwsError: and its children: it could not be sent, or how it goes cannot be read.
        """
        if not member.id.startswith(_INSTANCES):
            told = "SSM takes instances only (i-… or mi-…); update this target by a command"
            return Attempt(False, told, again=False)
        sending = _Sending(update, parameters(update, environment, back=back), environment)
        end = self._clock.now() + timedelta(seconds=update.timeout_seconds)
        command = self._sent(sending, member.id, end, pulse)
        if command is None:
            return Attempt(False, STOPPED, again=False)
        try:
            return _Run(self, update, member.id, command).seen_out(end, pulse)
        except AwsError as error:
            raise type(error)(f"{error.message}; {command} was sent and may run on", hint=error.hint) from error

    def _sent(self, sending: _Sending, instance: str, end: datetime, pulse: Pulse) -> str | None:
        """The id of the command; None: the pulse said stop before."""
        what = f"sending {sending.document} to {instance}"
        while True:
            try:
                with aws_errors(what):
                    answer = self._client.send_command(InstanceIds=[instance], **sending.arguments)
                    return str(answer["Command"]["CommandId"])
            except Throttled:
                if self._clock.now() >= end:
                    raise
            except AwsUnreachable as error:
                raise AwsUnreachable(f"{error.message}; it may run there all the same", hint=error.hint) from error
            except AwsError as error:
                if code_of(error.__cause__ or error) == "InvalidInstanceId":
                    told = f"SSM does not manage {instance} now: is it running, with its agent and instance profile?"
                    raise AwsError(f"{what}: {told}") from error
                raise
            if not self.waited(LOOK_SECONDS, pulse):
                return None

    def look(self, document: str, instance: str, command: str) -> _Look | None:
        """How it goes; None where SSM does not show it yet. Raises AwsError."""
        from botocore.exceptions import ClientError

        with aws_errors(f"reading how {document} goes on {instance}"):
            # Of a document of several steps this call shows one, and its status may be ahead of the whole.
            if document not in SCRIPTS:
                found = self._client.list_command_invocations(CommandId=command, InstanceId=instance, Details=True)
                return next(map(_of_all_steps, found["CommandInvocations"]), None)
            try:
                return _of_one_step(self._client.get_command_invocation(CommandId=command, InstanceId=instance))
            except ClientError as error:
                if code_of(error) != "InvocationDoesNotExist":
                    raise
                return None

    def cancel(self, instance: str, command: str) -> None:
        """Ask for its end; SSM promises none. Raises AwsError."""
        with aws_errors(f"cancelling the command {command} on {instance}"):
            self._client.cancel_command(CommandId=command, InstanceIds=[instance])

    def waited(self, seconds: float, pulse: Pulse) -> bool:
        """Whether the pulse agreed all the time."""
        while seconds > 0:
            if not pulse():
                return False
            self._clock.sleep(min(_SLICE_SECONDS, seconds))
            seconds -= _SLICE_SECONDS
        return pulse()

    def now(self) -> datetime:
        return self._clock.now()


class _Sending:
    """What is sent to each instance."""

    def __init__(self, update: Update, given: Mapping[str, list[str]], environment: Mapping[str, str]) -> None:
        self.document = update.document
        delivery = min(max(math.ceil(update.timeout_seconds), _LEAST_DELIVERY), _LONGEST_DELIVERY)
        comment = f"bluegreen {environment.get('BLUEGREEN_HOOK_ID', '')}".strip()
        self.arguments: dict[str, Any] = {
            "DocumentName": update.document,
            "Parameters": given,
            "TimeoutSeconds": delivery,
            "Comment": comment[:_LONGEST_COMMENT],
        }


class _Run:
    """A command that was sent to an instance."""

    def __init__(self, commands: SsmCommands, update: Update, instance: str, command: str) -> None:
        self._commands = commands
        self._update = update
        self._instance = instance
        self._command = command
        self._last = _Look()
        self._unseen = ""

    def seen_out(self, end: datetime, pulse: Pulse) -> Attempt:
        visible_by = self._commands.now() + timedelta(seconds=UNSEEN_SECONDS)
        while self._commands.now() < end:
            if self._has_ended():
                return self._ended()
            if self._unseen and self._commands.now() >= visible_by and self._last == _Look():
                self._given_up()
                return Attempt(False, f"{self._named} was sent and is not seen: {self._unseen}")
            if not self._commands.waited(LOOK_SECONDS, pulse):
                self._given_up()
                return Attempt(False, STOPPED, self._last.output, again=False)
        return self._cancelled(pulse)

    def _has_ended(self) -> bool:
        """Look. What may pass is not the end of it."""
        try:
            seen = self._commands.look(self._update.document, self._instance, self._command)
        except (Throttled, AwsUnreachable) as error:
            self._unseen = error.message
            return False
        self._unseen = "" if seen else "SSM does not know of it"
        self._last = seen or self._last
        return self._last.status in _ENDED

    def _given_up(self) -> None:
        """Nobody waits for it any more. If it is not cancelled, SSM ends it at its execution timeout."""
        with suppress(AwsError):
            self._commands.cancel(self._instance, self._command)

    def _cancelled(self, pulse: Pulse) -> Attempt:
        """Its time is up: ask for its end, and wait for that a little, so that no other try meets it."""
        took = f"was not done after {duration(self._update.timeout_seconds)}"
        if self._unseen:
            took += f" ({self._unseen})"
        try:
            self._commands.cancel(self._instance, self._command)
        except AwsError as error:
            return Attempt(False, f"{self._named} {took} and may run on: {error.message}", self._last.output)
        until = self._commands.now() + timedelta(seconds=CANCEL_SECONDS)
        while self._commands.waited(LOOK_SECONDS, pulse):
            if self._has_ended():
                if self._last.status == _SUCCESS:
                    return self._ended()
                return Attempt(False, f"{self._named} {took} and was cancelled", self._last.output)
            if self._commands.now() >= until:
                break
        return Attempt(False, f"{self._named} {took} and may run on, though SSM was told to cancel", self._last.output)

    def _ended(self) -> Attempt:
        last, name = self._last, self._named
        if last.status == _SUCCESS:
            return Attempt(True, f"{name} succeeded", last.output)
        if last.details in _ENDINGS:
            told, again = _ENDINGS[last.details]
            return Attempt(False, f"{name} {told}", last.output, again=again)
        if last.details in ("", "Failed") and last.code > 0:
            return Attempt(False, f"{name} ended with exit code {last.code}", last.output)
        return Attempt(False, f"{name} ended as {last.details or last.status}", last.output)

    @property
    def _named(self) -> str:
        return f"{self._update.document} ({self._command})"


def _of_one_step(answer: Mapping[str, Any]) -> _Look:
    said = (answer.get("StandardOutputContent") or "", answer.get("StandardErrorContent") or "")
    return _Look(answer["Status"], _joined(answer), int(answer.get("ResponseCode", -1)), "\n".join(filter(None, said)))


def _of_all_steps(answer: Mapping[str, Any]) -> _Look:
    steps = answer.get("CommandPlugins") or ()
    output = "\n".join(step.get("Output") or "" for step in steps).strip("\n")
    code = max((int(step.get("ResponseCode", -1)) for step in steps), default=-1)
    return _Look(answer["Status"], _joined(answer), code, output)


def _joined(answer: Mapping[str, Any]) -> str:
    """`Execution Timed Out` and `ExecutionTimedOut`: AWS's documents and its answers differ."""
    return str(answer.get("StatusDetails") or "").replace(" ", "")
