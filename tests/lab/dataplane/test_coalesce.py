import threading

import pytest

from toolkit.lab.dataplane.coalesce import Coalescer


def test_callers_that_come_while_it_works_share_the_next_run() -> None:
    release, working = threading.Event(), threading.Event()
    runs: list[int] = []

    def work() -> None:
        runs.append(len(runs))
        working.set()
        assert release.wait(10)

    coalescer = Coalescer(work)
    first = threading.Thread(target=coalescer.run)
    first.start()
    assert working.wait(10)
    others = [threading.Thread(target=coalescer.run) for _ in range(5)]
    for other in others:
        other.start()
    # All five have asked before the first run ends: each waits for a run that began after it asked.
    while coalescer._waiting < 5:
        pass
    assert runs == [0]
    release.set()
    for thread in (first, *others):
        thread.join(10)
    assert runs == [0, 1]


def test_an_error_reaches_every_caller_of_that_run_and_no_other() -> None:
    fail = True

    def work() -> None:
        if fail:
            raise ValueError("no")

    coalescer = Coalescer(work)
    with pytest.raises(ValueError, match="no"):
        coalescer.run()
    fail = False
    coalescer.run()
