"""The loop that plays the compute: every fraction of a second each controller looks and acts."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final, Protocol

from toolkit.lab.admin import Command
from toolkit.lab.compute.pool import Pool

log = logging.getLogger(__name__)

_BEAT: Final = 0.25  # seconds between two looks
_JOIN_SECONDS: Final = 10.0


class Controller(Protocol):
    """Who keeps one kind of workload as it is wished: ECS services, Auto Scaling groups."""

    def tick(self, now: float) -> None:
        """Take the next steps; `now` is seconds since the epoch. Must not wait for anything slow."""
        ...

    def reset(self) -> None:
        """Forget everything: what was wished is gone. Processes of this controller are to end at once."""
        ...


class Compute:
    """All controllers in one thread.

    Args:
        pool: the processes they share; closed when the compute stops.
        controllers: asked in this order.
        patches: what makes the emulated AWS leave the work to the controllers; see `installed`.
        commands: what tests can ask of the controllers through the lab's door, by path.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        pool: Pool,
        controllers: Sequence[Controller],
        *,
        patches: Sequence[AbstractContextManager[object]] = (),
        commands: Mapping[str, Command] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.commands = dict(commands or {})
        self._pool = pool
        self._controllers = tuple(controllers)
        self._patches = tuple(patches)
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures: dict[str, str] = {}

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong the last time that each controller looked."""
        return tuple(self._failures.values())

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The patches, in force for the block; before the emulated AWS answers anybody."""
        with ExitStack() as stack:
            for patch in self._patches:
                stack.enter_context(patch)
            yield

    def start(self) -> None:
        """Look at the workloads from now on, in a thread of its own."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="lab-compute", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and end every process. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
        self._pool.close()

    def tick(self, now: float) -> None:
        """One look. An error is logged, kept for `failures`, and does not keep the others from theirs."""
        self._pool.advance()
        for controller in self._controllers:
            name = type(controller).__name__
            try:
                controller.tick(now)
            except Exception as error:
                if name not in self._failures:
                    log.exception("%s could not do its work; it tries again", name)
                self._failures[name] = f"{name}: {type(error).__name__}: {error}"
            else:
                self._failures.pop(name, None)

    def reset(self) -> None:
        """Forget everything and end every process."""
        for controller in self._controllers:
            controller.reset()
        self._pool.clear()

    def _run(self) -> None:
        while not self._stopping.wait(_BEAT):
            self.tick(self._clock())
