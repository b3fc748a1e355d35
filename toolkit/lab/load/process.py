"""The load generator as a child process, so that it and what it measures do not share an interpreter."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

from toolkit.errors import LabError
from toolkit.lab.load.plan import LoadPlan
from toolkit.lab.load.result import LoadResult

_STOP_SECONDS = 15.0
_COUNT_SECONDS = 15.0


class LoadProcess:
    """Load on its way. Leaving its `with` block ends it; so does the end of the process that started it.

    Raises:
        LabError: (from `count`, `wait`, `stop`) it ended without a result; the message holds what it said.
    """

    def __init__(self, plan: LoadPlan) -> None:
        self._process = subprocess.Popen(
            command(plan), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        self._documents: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, name="lab-load", daemon=True)
        self._reading.start()
        self._result: LoadResult | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    def count(self) -> dict[str, Any]:
        """How things stand: `at` (monotonic), `requests`, `failed`, `colors`. After the end, the final counts.

        While standing flows were asked for and it runs, `standing` too: `open` by color, `lost`, and `heard`, the time
        by which every open flow was answered last.
        """
        if self._result is None:
            self._tell("count")
            document = self._next(_COUNT_SECONDS)
            if "seconds" not in document:
                return document
            self._result = LoadResult.from_json(document)
        final = self._result
        at = final.began + final.seconds
        return {"at": at, "requests": final.requests, "failed": final.failed, "colors": dict(final.colors)}

    def wait(self, timeout: float | None = None) -> LoadResult:
        """The result, once the plan has come to its end.

        Raises:
            TimeoutError: it runs on after `timeout` seconds.
        """
        while self._result is None:
            document = self._next(timeout)
            if "seconds" in document:
                self._result = LoadResult.from_json(document)
        return self._result

    def stop(self) -> LoadResult:
        """End it now, and say what it met. Idempotent."""
        if self._result is None:
            self._tell("stop")
        return self.wait(_STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reading.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # a command that it did not live to read
                    pipe.close()

    def _tell(self, order: str) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101  a pipe was asked for
        # If it has ended by itself its result waits to be read.
        with contextlib.suppress(BrokenPipeError):
            stdin.write(f"{order}\n")
            stdin.flush()

    def _next(self, timeout: float | None) -> dict[str, Any]:
        try:
            document = self._documents.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"the load generator says nothing for {timeout} s") from None
        if document is None:
            self._documents.put(None)
            said = self._process.stderr.read().strip().splitlines() if self._process.stderr else []
            raise LabError(f"the load generator ended without a result: {said[-1] if said else 'it said nothing'}")
        return document

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101  a pipe was asked for
        for line in stdout:
            self._documents.put(json.loads(line))
        self._documents.put(None)


def command(plan: LoadPlan) -> list[str]:
    """The command line that carries out `plan` under control of its stdin."""
    words = [
        sys.executable, "-m", "toolkit.lab.load", "--control", "--url", plan.url,
        "--requests", str(plan.requests), "--duration", str(plan.duration),
        "--connections", str(plan.connections), "--post-share", str(plan.post_share),
        "--timeout", str(plan.timeout), "--bucket-ms", str(plan.bucket_seconds * 1000),
        "--standing", str(plan.standing), "--standing-rate", str(plan.standing_rate),
        "--keep-alive" if plan.keep_alive else "--no-keep-alive",
    ]  # fmt: skip
    if plan.rate is not None:
        words += ["--rate", str(plan.rate)]
    for color, version in plan.expected.items():
        words += ["--expect", f"{color}={version}"]
    for name, value in plan.headers.items():
        words += ["--header", f"{name}:{value}"]
    return words
