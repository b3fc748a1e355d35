"""Has the targets of a batch run another version: by a command for each, or by an SSM document on each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Protocol

from toolkit.errors import AccessDenied, AwsError, CredentialsError
from toolkit.gates.output import labelled, readable, secrets_of
from toolkit.gates.waiting import SLICE_SECONDS, Beat, Stopped, Try, tried
from toolkit.rollout.ports import Clock, Hooks, Pulse, Result
from toolkit.rollout.rolling import Member
from toolkit.rollout.steps import Hook
from toolkit.rollout.updating import STOPPED, Attempt, reason_of, told
from toolkit.settings import Update

AT_ONCE = 8
"""Targets of a batch that are updated at the same time."""
_LOOK_SECONDS = SLICE_SECONDS / 2


class Documents(Protocol):
    """Runs SSM documents. Raises AwsError where one cannot be asked for."""

    def run(
        self, update: Update, member: Member, environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Attempt:
        """One try on one target. Several threads may call it."""


class TargetUpdates:
    """Runs what an update names for every target of a batch, tries included, several at the same time.

    Where one fails those under way are let finish, so that none is left half done, and no other is begun. Where the
    pulse says stop they are ended. An update that is resumed is run again from its beginning: it has to be harmless
    when it is repeated.
    """

    def __init__(self, *, hooks: Hooks, documents: Documents, clock: Clock, directory: Path) -> None:
        """directory: where commands start."""
        self._directory = directory
        self._hooks = hooks
        self._documents = documents
        self._clock = clock

    def update(
        self, update: Update, members: Sequence[Member], environment: Mapping[str, str], *, back: bool, pulse: Pulse
    ) -> Result:
        """As the port says. Only this thread asks `pulse`; what it raises passes, once everything is ended."""

        def one(member: Member, alive: Pulse) -> Result:
            words = told(member, environment)
            if update.document:
                return self._by_document(update, member, words, back=back, alive=alive)
            return self._by_command(update, words, back=back, alive=alive)

        batch = _Batch(members, one)
        return batch.result(back=back, stopped=not batch.ended_by_itself(Beat(pulse)))

    def unable(self, update: Update) -> str:
        """As the port says: a program that is not there, or may not be run."""
        missing = [each[0] for each in (update.command, update.take_back) if each and not self._is_program(each[0])]
        where = f"below {self._directory.absolute()}, nor on the PATH"
        return f"{' and '.join(dict.fromkeys(missing))}: no program that can be run {where}" if missing else ""

    def _is_program(self, name: str) -> bool:
        return shutil.which(self._directory.absolute() / name if "/" in name else name) is not None

    def _by_command(self, update: Update, words: Mapping[str, str], *, back: bool, alive: Pulse) -> Result:
        hook = Hook(
            _name(back=back),
            command=(update.take_back or update.command) if back else update.command,
            timeout_seconds=update.timeout_seconds,
            retries=update.retries,
        )
        return self._hooks.run(hook, words, pulse=alive)

    def _by_document(
        self, update: Update, member: Member, words: Mapping[str, str], *, back: bool, alive: Pulse
    ) -> Result:
        secrets = secrets_of(os.environ)

        def attempt(number: int) -> Try:
            numbered = {**words, "BLUEGREEN_HOOK": _name(back=back), "BLUEGREEN_TRY": str(number)}
            try:
                made = self._documents.run(update, member, numbered, back=back, pulse=alive)
            except AwsError as error:
                return Try(False, error.message, again=not isinstance(error, AccessDenied | CredentialsError))
            return Try(made.passed, made.reason, readable(made.output.encode(), secrets), again=made.again)

        try:
            return tried(attempt, retries=update.retries, clock=self._clock, beat=Beat(alive))
        except Stopped:
            return Result(False, STOPPED)


def _name(*, back: bool) -> str:
    return "take-back" if back else "update"


class _Batch:
    """The updates of a batch, each in a thread."""

    def __init__(self, members: Sequence[Member], one: Callable[[Member, Pulse], Result]) -> None:
        self._members = members
        self._one = one
        self._no_further = Event()
        self._end = Event()
        self._results: list[tuple[Member, Result | None]] = []

    def ended_by_itself(self, beat: Beat) -> bool:
        """Whether it did; False: the pulse ended it. All of it is over then, and so it is where `beat` raises."""
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="update") as pool:
            futures = [pool.submit(self._begin, member) for member in self._members]
            try:
                self._see_out(futures, beat)
            except Stopped:
                return False
            finally:
                self._no_further.set()
                self._end.set()
                self._results = [
                    (member, future.result()) for member, future in zip(self._members, futures, strict=True)
                ]
        return True

    def _see_out(self, futures: Sequence[Future[Result | None]], beat: Beat) -> None:
        pending = set(futures)
        while pending:
            pending = wait(pending, timeout=_LOOK_SECONDS).not_done
            if pending:
                beat()

    def _begin(self, member: Member) -> Result | None:
        """What became of it; None: it was not begun."""
        if self._no_further.is_set():
            return None
        try:
            result = self._one(member, lambda: not self._end.is_set())
        except BaseException:
            self._no_further.set()
            raise
        if not result.passed:
            self._no_further.set()
        return result

    def result(self, *, back: bool, stopped: bool) -> Result:
        """What became of all of them."""
        said = [(str(member), result.output) for member, result in self._results if result is not None]
        output = labelled(said)
        if stopped:
            return Result(False, STOPPED, output)
        reason = reason_of(
            done=[member for member, result in self._results if result is not None and result.passed],
            failed=[(member, result.reason) for member, result in self._results if result and not result.passed],
            unbegun=[member for member, result in self._results if result is None],
            back=back,
        )
        return Result(all(result is not None and result.passed for _, result in self._results), reason, output)
