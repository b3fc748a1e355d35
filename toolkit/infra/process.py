"""Running terraform: one process per command, its output read as it comes, our signals passed on to it.

python-terraform spells the command line. Starting the process stays here, because its own way inherits
stdin (and terraform then prompts), takes no environment, and leaves pipes unread. It also reads the state
file on its own account, unless it is told of one that does not exist.
"""

import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self, cast

import python_terraform

FLAG = python_terraform.IsFlagged
_NO_STATE = "no-such-file.tfstate"
_KEPT_LINES = 400  # of stderr: TF_LOG=trace writes without end


class CannotStart(Exception):
    """The program could not be started; the cause is the operating system's error."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended. `interrupts` counts those passed on to it."""

    code: int
    stderr: str
    interrupts: int


def run(
    command: str,
    *arguments: str,
    directory: Path,
    environ: Mapping[str, str],
    on_line: Callable[[str], None],
    program: str = "terraform",
    **options: Any,
) -> Finished:
    """Run `PROGRAM COMMAND -OPTIONS ARGUMENTS` in `directory`; `on_line` gets each line of stdout.

    While it runs, SIGINT, SIGTERM and SIGHUP to this process become one interrupt to terraform, which then
    finishes what is under way and saves its state. A second SIGINT is passed on too: terraform then stops
    at once. An exception from `on_line` interrupts terraform, waits for its end and goes on to the caller.

    Raises:
        CannotStart: there is no such program, or it cannot be run.
    """
    with _Signals() as signals:
        # One object per command: python-terraform's var files belong to the object.
        try:
            process = _Terraform(program, directory, environ).cmd(command, *arguments, synchronous=None, **options)[0]
        except OSError as error:
            raise CannotStart(str(error)) from error
        signals.follow(process)
        stdout, stderr = cast("IO[str]", process.stdout), cast("IO[str]", process.stderr)
        errors: deque[str] = deque(maxlen=_KEPT_LINES)
        # Read beside stdout: a full pipe would stop terraform.
        reader = threading.Thread(target=errors.extend, args=(stderr,), daemon=True)
        reader.start()
        try:
            for line in stdout:
                on_line(line)
        except BaseException:
            process.send_signal(signal.SIGINT)
            for _ in stdout:
                pass
            raise
        finally:
            code = process.wait()
            reader.join()
            stdout.close()
            stderr.close()
    return Finished(code, "".join(errors), signals.count)


class _Terraform(python_terraform.Terraform):  # type: ignore[misc]  # the library has no types
    def __init__(self, program: str, directory: Path, environ: Mapping[str, str]) -> None:
        super().__init__(working_dir=str(directory), state=_NO_STATE, terraform_bin_path=program)
        self._environ = dict(environ)

    def cmd(self, cmd: str, *args: str, synchronous: None, **kwargs: Any) -> tuple[subprocess.Popen[str], None, None]:
        """Start the command, in the shape that the library's own asynchronous `cmd` returns."""
        process = subprocess.Popen(
            self.generate_cmd_string(cmd, *args, **kwargs),
            cwd=self.working_dir,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            # Away from the terminal: its Ctrl-C reaches us alone, so terraform never counts it twice.
            start_new_session=True,
        )
        return process, synchronous, None


class _Signals:
    """Turns our signals into terraform's. Off the main thread, where Python takes none, it does nothing."""

    def __init__(self) -> None:
        self.count = 0
        self._process: subprocess.Popen[str] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a background job
                    self._before[number] = signal.signal(number, self._forward)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def follow(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        if self.count:  # it came while the process was being started
            process.send_signal(signal.SIGINT)

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if self.count and number != signal.SIGINT:
            return  # CI sends SIGTERM some seconds after SIGINT: that is no wish to lose the state
        self.count += 1
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
