"""The pool starts and ends processes without waiting for them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from toolkit.lab.app import Site
from toolkit.lab.compute import Behaviour, Exited, Pool, Running, Starting
from toolkit.lab.compute.addresses import choose

GOOD = Behaviour("1.4.2")
PATIENCE = 20.0


@dataclass
class Written:
    """A ledger in memory."""

    pids: dict[int, str] = field(default_factory=dict)

    def record(self, pid: int, what: str) -> None:
        self.pids[pid] = what

    def forget(self, pid: int) -> None:
        self.pids.pop(pid, None)


@pytest.fixture
def ledger() -> Written:
    return Written()


@pytest.fixture
def pool(ledger: Written) -> Iterator[Pool]:
    pool = Pool(ledger)
    yield pool
    pool.close()


@pytest.fixture
def site() -> Site:
    chosen = choose(["10.91.0.0/24"], [8080], (), start=os.getpid())
    assert chosen is not None
    return Site("127" + chosen[1].removeprefix("10"), 8080, "green", "1.4.2")


def until(pool: Pool, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        pool.advance()
        time.sleep(0.01)


def test_a_process_starts_listens_and_ends_and_is_written_down_meanwhile(
    pool: Pool, ledger: Written, site: Site
) -> None:
    pool.start("task", site, GOOD)
    assert pool.state("task") == Starting()
    assert list(ledger.pids.values()) == ["app task"]
    until(pool, lambda: isinstance(pool.state("task"), Running))
    pool.stop("task")
    until(pool, lambda: isinstance(pool.state("task"), Exited))
    assert pool.state("task") == Exited(0, listened=True, said="ready")
    until(pool, lambda: not ledger.pids)


def test_a_killed_process_is_seen_as_ended_by_its_signal(pool: Pool, site: Site) -> None:
    pool.start("task", site, GOOD)
    until(pool, lambda: isinstance(pool.state("task"), Running))
    os.kill(pool.pids()["task"], signal.SIGKILL)
    until(pool, lambda: isinstance(pool.state("task"), Exited))
    assert pool.state("task") == Exited(-signal.SIGKILL, listened=True, said="ready")


def test_a_crashing_image_exits_with_1_and_never_listens(pool: Pool, site: Site) -> None:
    pool.start("task", site, Behaviour("1", crashes=True))
    until(pool, lambda: isinstance(pool.state("task"), Exited))
    assert pool.state("task") == Exited(1, listened=False, said="")


def test_a_process_that_is_to_end_later_runs_until_then(ledger: Written, site: Site) -> None:
    now = [0.0]
    pool = Pool(ledger, clock=lambda: now[0])
    try:
        pool.start("task", site, GOOD)
        until(pool, lambda: isinstance(pool.state("task"), Running))
        pool.stop("task", after=10.0)
        now[0] = 9.9
        pool.advance()
        assert isinstance(pool.state("task"), Running)
        now[0] = 10.0
        until(pool, lambda: isinstance(pool.state("task"), Exited))
    finally:
        pool.close()


def test_what_cannot_listen_says_why(pool: Pool, site: Site) -> None:
    pool.start("first", site, GOOD)
    until(pool, lambda: isinstance(pool.state("first"), Running))
    pool.start("second", site, GOOD)
    until(pool, lambda: isinstance(pool.state("second"), Exited))
    state = pool.state("second")
    assert isinstance(state, Exited)
    assert not state.listened
    assert "cannot listen" in state.said


def test_a_key_has_one_process(pool: Pool, site: Site) -> None:
    pool.start("task", site, Behaviour("1", crashes=True))
    with pytest.raises(ValueError, match="task has a process already"):
        pool.start("task", site, Behaviour("1", crashes=True))
    pool.forget("task")
    assert pool.state("task") is None
    pool.start("task", site, Behaviour("1", crashes=True))


def test_closing_ends_every_process(pool: Pool, ledger: Written, site: Site) -> None:
    pool.start("task", site, GOOD)
    pid = pool.pids()["task"]
    pool.close()
    assert not ledger.pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
