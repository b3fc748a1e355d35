"""Operators as processes: each runs one command of the engine, and may be killed or stopped in the middle of it.

A warm process has imported everything and forks one operator at a time, so that hundreds of them cost little. It is
told tasks as JSON lines on its standard input, and answers with two lines each: who began, and how it ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Self

from tests.benchmarks.accelerated import Time, scale_botocore
from tests.benchmarks.boundaries import Boundaries, Stroke
from tests.benchmarks.rollouts import STRATEGIES
from tests.support.provision import REGION
from toolkit.errors import BluegreenError, NoRollout

LIMIT_SECONDS = 120
"""No operator lives longer."""
_PR_SET_PDEATHSIG = 1
_EXITS_UNEXPECTED = 1


@dataclass(frozen=True, slots=True)
class Task:
    """What one operator does: `start` a strategy, `resume` or `rollback` a `service` in the AWS at `endpoint`.

    scratch: its home and working directory. begin: the monotonic time until which it waits once everything is wired;
    0 for at once. flaw: of `FLAWS`, to show that the benchmark notices.
    """

    doing: str
    service: str
    endpoint: str
    scratch: str
    strategy: str = "canary"
    time: Time = field(default_factory=Time)
    stroke: Stroke | None = None
    break_lease: bool = False
    begin: float = 0.0
    flaw: str = ""

    def to_json(self) -> dict[str, Any]:
        stroke = None if self.stroke is None else self.stroke.to_json()
        return asdict(self) | {"time": self.time.to_json(), "stroke": stroke}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Task:
        stroke = Stroke.of(document["stroke"])
        return cls(**{**document, "time": Time(**document["time"]), "stroke": stroke})


@dataclass(frozen=True, slots=True)
class Ended:
    """How an operator ended.

    signal: that killed it, 0 for none. exit_code: as the command line's. error, message: of what was raised.
    calls: the operations it asked of AWS, in order; empty where it was killed. trace: of what should never be raised.
    """

    signal: int = 0
    exit_code: int = 0
    error: str = ""
    message: str = ""
    calls: tuple[str, ...] = ()
    trace: str = ""

    @property
    def was_killed(self) -> bool:
        return self.signal == signal.SIGKILL


class Warm:
    """A warm process, and the operator that it runs now."""

    def __init__(self) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "BLUEGREEN_"))}
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.benchmarks.operators import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ | keys | {"AWS_REGION": REGION, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"},
        )
        self.pid = 0

    def begin(self, task: Task) -> int:
        """Its process id."""
        _pipe(self._process.stdin).write(json.dumps(task.to_json()).encode() + b"\n")
        _pipe(self._process.stdin).flush()
        self.pid = int(self._line()["pid"])
        return self.pid

    def wait(self) -> Ended:
        """How the operator that was begun has ended."""
        document = self._line()
        self.pid = 0
        return Ended(**{**document, "calls": tuple(document.get("calls", ()))})

    def run(self, task: Task) -> Ended:
        self.begin(task)
        return self.wait()

    def signal(self, number: int) -> None:
        """To the operator under way; nothing where it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _line(self) -> dict[str, Any]:
        line = _pipe(self._process.stdout).readline()
        if not line:
            raise RuntimeError("the warm process has ended")
        document: dict[str, Any] = json.loads(line)
        return document

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # the operator under way dies with it
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what it was not told yet has nobody to hear it
                _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("there is no pipe")
    return pipe


def main() -> None:
    """The warm process: answer until the standard input ends."""
    _die_with_parent()
    _warm_up()
    for line in sys.stdin.buffer:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _operator(Task.of(json.loads(line)), writer)
        os.close(writer)
        _say({"pid": pid})
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(pid, 0)
        _say(json.loads(said) if said else {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0})


def _say(document: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _warm_up() -> None:
    """Import all that an operator needs, and let botocore read its models once."""
    import boto3

    from toolkit import wiring  # noqa: F401
    from toolkit.aws import cloudwatch, dynamodb, elbv2, ssm, sts  # noqa: F401 - imported for what it costs
    from toolkit.runner import rollback, rollout, tell  # noqa: F401

    words = {"region_name": REGION, "endpoint_url": "http://127.0.0.1:1"}
    for service in ("elbv2", "dynamodb", "ssm", "sts"):
        boto3.client(service, **words)


def _die_with_parent() -> None:
    """Also where it is stopped: nobody is left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _operator(task: Task, writer: int) -> None:
    """This process's only work. Never returns."""
    code = 0
    try:
        _die_with_parent()
        signal.alarm(LIMIT_SECONDS)
        with os.fdopen(writer, "w") as pipe:
            json.dump(_done(task), pipe)
    except BaseException:  # noqa: BLE001 - nothing may reach the warm process's own loop
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)


def _done(task: Task) -> dict[str, Any]:
    boundaries = Boundaries(task.stroke)
    try:
        _command(task, boundaries)
    except BluegreenError as error:
        ended = {"exit_code": error.exit_code, "error": type(error).__name__, "message": error.message}
    except Exception as error:  # noqa: BLE001 - it is what the benchmark looks for
        said = {"error": type(error).__name__, "message": str(error), "trace": traceback.format_exc()}
        ended = {"exit_code": _EXITS_UNEXPECTED, **said}
    else:
        ended = {}
    return ended | {"calls": boundaries.names}


def _command(task: Task, boundaries: Boundaries) -> None:
    from toolkit.runner.rollout import Wanted, resume, start
    from toolkit.wiring import Options, wire

    os.environ.update({"XDG_CACHE_HOME": task.scratch, "XDG_STATE_HOME": task.scratch})
    os.chdir(task.scratch)
    scale_botocore(task.time.scale)
    boundaries.install()
    service = wire(task.service, Options(region=REGION, endpoint_url=task.endpoint), lambda _line: None)
    service.clock = task.time.clock()
    FLAWS[task.flaw](service)
    time.sleep(max(task.begin - time.monotonic(), 0.0))
    match task.doing:
        case "start":
            start(service, Wanted(strategy=STRATEGIES[task.strategy]))
        case "resume":
            resume(service, break_lease=task.break_lease)
        case "rollback":
            _roll_back(service, break_lease=task.break_lease)
        case unknown:
            raise ValueError(unknown)


def _roll_back(service: Any, *, break_lease: bool) -> None:
    """As the command does: whoever runs the rollout is told, and a lease is broken past them."""
    from toolkit.rollout.events import Word
    from toolkit.runner.rollback import rollback
    from toolkit.runner.tell import tell

    if break_lease:
        rollback(service, break_lease=True)
        return
    try:
        tell(service, Word.ROLLBACK)
    except NoRollout:
        rollback(service)


def _forgetful(service: Any) -> None:
    """Its store says yes to everything and keeps every third entry only."""
    append, asked = service.store.append, [0]

    def forget(*words: Any, **named: Any) -> None:
        asked[0] += 1
        if asked[0] % 3 == 0:
            append(*words, **named)

    service.store.append = forget


def _repeating(service: Any) -> None:
    """It writes twice whatever it writes."""
    write = service.router.write

    def twice(*words: Any, **named: Any) -> None:
        write(*words, **named)
        write(*words, **named)

    service.router.write = twice


FLAWS: dict[str, Callable[[Any], None]] = {"": lambda _service: None, "forgetful": _forgetful, "repeating": _repeating}
