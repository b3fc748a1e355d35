"""On the lab: the benchmarks of crashes, faults and races notice what they are there to notice."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.benchmarks import crash, faults, race
from tests.benchmarks.bench import Bench, benches
from tests.benchmarks.boundaries import Stroke, When
from tests.benchmarks.faults import Systematic
from tests.benchmarks.race import ALICE, BOB, How, TakeOver
from tests.support.proxy import Harm
from toolkit.traffic import Split

pytestmark = pytest.mark.slow
HOME, TENTH = Split(blue=100, green=0), Split(blue=90, green=10)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with benches(tmp_path_factory.mktemp("bench"), 1, ("operator", ALICE, BOB)) as [one]:
        yield one


@pytest.fixture(scope="module")
def reference(bench: Bench) -> crash.Uncrashed:
    return crash.uncrashed(bench, "canary")


@pytest.mark.lab
def test_calls_are_counted_alike_inside_and_outside(bench: Bench, reference: crash.Uncrashed) -> None:
    assert len(reference.calls) == reference.outside > 20
    assert Counter(reference.calls) >= Counter({"ModifyRule": 6, "TransactWriteItems": 10, "GetCallerIdentity": 1})
    assert set(reference.final.held.values()) == {Split(blue=0, green=100)}


@pytest.mark.lab
@pytest.mark.parametrize("when", list(When))
def test_a_process_that_is_killed_at_a_write_is_dead_and_aws_holds_what_the_moment_says(
    bench: Bench, when: When
) -> None:
    bench.reset()
    ended = bench.run("start", stroke=Stroke(2, when, operation="ModifyRule"))
    assert ended.was_killed
    # Both writes of the shift may be under way at once, so before the second one nothing is said of the first.
    assert Counter(bench.post.splits().values()) <= Counter({HOME: 2, TENTH: 2})
    assert len(bench.ledger.writes) == Counter(bench.post.splits().values())[TENTH]
    assert len(bench.ledger.writes) >= (1 if when is When.AFTER else 0)


@pytest.mark.lab
@pytest.mark.parametrize("back", [False, True])
def test_a_crash_in_mid_shift_converges(bench: Bench, reference: crash.Uncrashed, back: bool) -> None:
    case = crash.Case("canary", Stroke(1, When.AFTER, operation="ModifyRule"), back=back)
    found = crash.crashed(bench, case, references={bench.post.name: reference})
    assert (found.fault, found.invalid, found.double_writes, found.hit) == ("", (), 0, True)


@pytest.mark.lab
def test_an_engine_that_forgets_what_it_records_does_not_converge(bench: Bench, reference: crash.Uncrashed) -> None:
    case = crash.Case("canary", Stroke(30, When.AFTER), flaw="forgetful")
    assert crash.crashed(bench, case, references={bench.post.name: reference}).fault


@pytest.mark.lab
def test_an_engine_that_writes_twice_is_seen(bench: Bench, reference: crash.Uncrashed) -> None:
    case = crash.Case("canary", Stroke(30, When.AFTER), flaw="repeating")
    assert crash.crashed(bench, case, references={bench.post.name: reference}).double_writes > 0


@pytest.mark.lab
def test_weights_that_nobody_meant_are_an_invalid_state(bench: Bench) -> None:
    bench.reset()
    bench.run("start", strategy="all-at-once")
    assert bench.invalid_states(bench.post.journal()) == []
    bench.post.pair.set_weights(70, 30)
    assert "holds blue 70 / green 30" in "".join(bench.invalid_states(bench.post.journal()))


@pytest.mark.lab
def test_a_write_that_committed_unheard_ends_as_the_journal_says(bench: Bench) -> None:
    plan = Systematic("canary", "ModifyRule", Harm.LATE, first=1, times=1)
    found = faults.harmed(bench, plan, scale=10)
    assert (found.fault, found.doubtful, found.harmed) == ("", True, 1)


@pytest.mark.lab
def test_of_two_who_start_at_once_one_runs(bench: Bench) -> None:
    found = race.started_at_once(bench, 0, scale=20)
    assert (found.both_ran, found.none_ran, found.fault) == (False, False, "")


@pytest.mark.lab
def test_a_stale_write_is_sent_and_seen(bench: Bench) -> None:
    """Stopped right before its first write, taken over by force, and going on after the other has ended."""
    stroke = Stroke(1, When.BEFORE, signal.SIGSTOP, "ModifyRule")
    for number in range(4):  # a connection that stood still too long is dropped, and with it the stale write
        found = race.taken_over(bench, TakeOver(number, "all-at-once", stroke, How.FORCED, pause=None), scale=5)
        assert found.took_over
        assert (found.undetected, found.both_ran, found.none_ran) == (0, False, False)
        if found.stale:
            return
    pytest.fail("no stale write arrived in four take-overs")
