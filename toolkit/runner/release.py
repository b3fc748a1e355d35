"""Several services as one release: all in step, or one after the other; one that fails takes all of them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Lock

from toolkit.errors import BluegreenError, ReleaseFailed, RolledBack
from toolkit.rollout.state import RolloutState
from toolkit.runner.interrupts import Signals, heeded_signals
from toolkit.runner.rollback import rollback
from toolkit.runner.rollout import RolloutOutcome, Wanted, start
from toolkit.runner.service import Service
from toolkit.runner.write import splits_now

_POLL_SECONDS = 0.2


class InStep:
    """Peers that begin each shift together, and go back together. Shared by the runners' threads."""

    def __init__(self, services: Sequence[str]) -> None:
        self._lock = Lock()
        self._shifts = dict.fromkeys(services, -1)
        self._failed: dict[str, str] = {}

    def failure(self, service: str) -> str:
        """Why another service of the release goes back; empty while none does."""
        with self._lock:
            return next((f"{name} failed: {why}" for name, why in self._failed.items() if name != service), "")

    def has_arrived(self, service: str, shifts: int) -> bool:
        """Say that `service` has so many shifts behind it and begins the next; whether every other one is as far."""
        with self._lock:
            self._shifts[service] = max(self._shifts[service], shifts)
            return all(behind >= shifts for behind in self._shifts.values())

    def fail(self, service: str, reason: str) -> None:
        """Let every other one go back."""
        with self._lock:
            self._failed.setdefault(service, reason)


def start_release(services: Sequence[Service], wanted: Wanted, *, together: bool) -> list[RolloutOutcome]:
    """Run a rollout of each service as one release; returns where all were promoted.

    together: every service waits before each shift until all are as far. Else one after the other, and when one fails
    those before it are rolled back.

    Raises:
        ReleaseFailed: one failed. The message says of each service what became of it, and how to finish by hand where
            it could not be taken back.
        BluegreenError: as `start`, where it was refused before anything of the release was written.
    """
    names = tuple(service.name for service in services)
    wanted = replace(wanted, release=names)
    for service in services:
        service.ask = None  # Ctrl-C is one for all of them: it pauses, and a second one rolls back
    with heeded_signals() as signals:
        run = _in_step if together else _in_order
        ended = run(services, wanted, signals)
    failed = {name: end for name, end in ended.items() if isinstance(end, BluegreenError)}
    if failed:
        raise _release_failed(services, ended, failed)
    return [end for end in ended.values() if isinstance(end, RolloutOutcome)]


_Ends = Mapping[str, RolloutOutcome | BluegreenError | None]


def _in_step(services: Sequence[Service], wanted: Wanted, signals: Signals) -> _Ends:
    peers = InStep([service.name for service in services])

    def run(service: Service) -> RolloutOutcome | BluegreenError:
        watch = service.watch

        def watching(entry: object, state: RolloutState) -> None:
            watch(entry, state)  # type: ignore[arg-type]
            if state.back:
                peers.fail(service.name, state.reason)

        service.watch = watching
        try:
            return start(service, wanted, peers=peers, signals=signals)
        except BluegreenError as error:
            peers.fail(service.name, error.message)
            return error

    with ThreadPoolExecutor(max_workers=len(services)) as pool:
        runs: dict[str, Future[RolloutOutcome | BluegreenError]] = {
            service.name: pool.submit(run, service) for service in services
        }
        while wait(runs.values(), timeout=_POLL_SECONDS).not_done:
            pass  # the main thread stays awake for signals
    return {name: future.result() for name, future in runs.items()}


def _in_order(services: Sequence[Service], wanted: Wanted, signals: Signals) -> _Ends:
    ended: dict[str, RolloutOutcome | BluegreenError | None] = dict.fromkeys(service.name for service in services)
    for number, service in enumerate(services):
        try:
            ended[service.name] = start(service, wanted, signals=signals)
        except BluegreenError as error:
            ended[service.name] = error
            for earlier in reversed(services[:number]):
                ended[earlier.name] = _taken_back(earlier, ended[earlier.name], service.name)
            break
    return ended


def _taken_back(
    service: Service, outcome: RolloutOutcome | BluegreenError | None, because: str
) -> RolloutOutcome | BluegreenError | None:
    if not isinstance(outcome, RolloutOutcome) or outcome.state is None:
        return outcome
    service.note(f"{service.name}: going back, because {because} failed")
    try:
        rollback(service, outcome.state.plan.base)
    except BluegreenError as error:
        return ReleaseFailed(error.message, hint=error.hint)
    return RolledBack(f"{service.name}: all traffic is back on {outcome.state.plan.base}")


def _release_failed(services: Sequence[Service], ended: _Ends, failed: Mapping[str, BluegreenError]) -> BluegreenError:
    """What became of each; where nothing was written at all, the first refusal itself."""
    first = next(iter(failed.values()))
    if all(end is None or (isinstance(end, BluegreenError) and end.exit_code < _WRITTEN) for end in ended.values()):
        return first
    told, by_hand = [], []
    for service in services:
        end = ended[service.name]
        if end is None:
            told.append(f"{service.name} was not begun")
        elif isinstance(end, RolledBack):
            told.append(end.message)
        elif isinstance(end, BluegreenError):
            held = "; ".join(f"{route} holds {split}" for route, split in splits_now(service).items())
            now = "" if "Now: " in end.message else f" (now: {held or 'its routes cannot be read'})"
            told.append(f"{end.message.removesuffix('.')}{now}")
            if end.exit_code >= _WRITTEN:
                by_hand.append(f"bluegreen rollback {service.name}")
        else:
            told.append(f"{service.name}: promoted")
    hint = f"To finish by hand: {'; '.join(by_hand)}." if by_hand else "See `bluegreen show` of each rollout."
    return ReleaseFailed(f"the release failed. {'. '.join(told)}", hint=hint)


_WRITTEN = 30
"""Exit codes from here on are of what may have been written (errors.py)."""
