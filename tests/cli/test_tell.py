"""`bluegreen pause`, `resume`, `approve`, `promote`, `abort`, `rollback` while somebody else runs the rollout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import pytest

from tests.cli.conftest import Line
from tests.support.fakes import FakeWorld, a_world
from toolkit.rollout.codec import seal
from toolkit.rollout.events import (
    CommandTaken,
    Ending,
    Event,
    Kind,
    Prepared,
    RolloutEnded,
    RolloutStarted,
    RunnerPaused,
    ShiftIntended,
    ShiftVerified,
    Stuck,
    Word,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.ports import Holder, Lease
from toolkit.rollout.steps import Approve, Bake, Shift, Step
from toolkit.traffic import Color, Split

BOB = Holder("bob", "elsewhere", 7, "rollout canary")
CANARY = Split(blue=80, green=20)
HOME = Split(blue=100, green=0)
BAKES = (Shift(Fraction(1, 5)), Bake(600), Shift(Fraction(1)), Bake(600))
ASKS = (Shift(Fraction(1, 5)), Approve(600), Shift(Fraction(1)))


@dataclass
class Elsewhere:
    """A rollout that bob runs on another machine, at 80/20 in its second step."""

    world: FakeWorld
    lease: Lease

    def append(self, event: Event) -> None:
        head = self.world.service.record().head
        entry = seal("web", head, event, at=self.world.clock.now(), actor="bob", rollout="web-1")
        self.world.store.append("web", entry, lease=self.lease)

    def obeys(self, *after: Event) -> None:
        """Bob takes what lies in the inbox, and `after` it happens."""

        def look() -> None:
            self.lease = self.world.store.renew(self.lease, now=self.world.clock.now(), seconds=30)
            for command in self.world.store.pending("web"):
                self.append(CommandTaken(command.word, command.actor, command.id, command.reason))
                self.world.store.remove("web", [command.id])
                for event in after:
                    self.append(event)

        self.world.clock.on_sleep = look

    def hangs(self) -> None:
        """Bob renews his lease and takes nothing."""

        def look() -> None:
            self.lease = self.world.store.renew(self.lease, now=self.world.clock.now(), seconds=30)

        self.world.clock.on_sleep = look

    def goes_home(self) -> None:
        """Bob rolls back when he is asked to."""
        back = ShiftIntended(Kind.ROLLBACK, Color.BLUE, {"route-0": CANARY}, HOME)

        self.obeys(back, ShiftVerified(), RolloutEnded(Ending.ROLLED_BACK))
        taken = self.world.clock.on_sleep

        def look() -> None:
            taken()
            self.world.put(HOME)

        self.world.clock.on_sleep = look


@pytest.fixture
def elsewhere() -> Elsewhere:
    return running(BAKES)


def running(steps: tuple[Step, ...]) -> Elsewhere:
    world = a_world(split=CANARY)
    lease = world.store.acquire("web", BOB, now=world.clock.now(), seconds=30)
    rollout = Elsewhere(world, lease)
    rollout.append(RolloutStarted(Plan("web", "canary", Color.BLUE, steps, ("route-0",))))
    rollout.append(Prepared())
    rollout.append(ShiftIntended(Kind.ROLLOUT, Color.BLUE, {"route-0": HOME}, CANARY))
    rollout.append(ShiftVerified())
    return rollout


def words_of(world: FakeWorld) -> list[tuple[Word, str]]:
    return [(event.word, event.reason) for event in world.events() if isinstance(event, CommandTaken)]


def test_a_pause_is_taken_by_whoever_runs_it_with_its_reason(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.obeys()
    ended = line(elsewhere.world, "pause web --reason 'let me look'")
    assert ended.code == 0
    assert words_of(elsewhere.world) == [(Word.PAUSE, "let me look")]
    first, *following = ended.out.splitlines()
    assert first == "web-1: pause was taken; it is paused, step 2 of 4 (bake 10m), blue 80 / green 20."
    assert [words.split("   ")[-1].strip() for words in following] == ["bluegreen resume web", "bluegreen rollback web"]


def test_a_paused_rollout_that_somebody_runs_is_told_to_go_on(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.append(RunnerPaused("bob", leaves=False))
    elsewhere.obeys()
    ended = line(elsewhere.world, "resume web")
    assert ended.code == 0
    assert "resume was taken; it is baking" in ended.out


def test_a_paused_rollout_that_nobody_runs_is_run_from_here(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.append(RunnerPaused("Ctrl-C"))
    elsewhere.world.store.release(elsewhere.lease)
    ended = line(elsewhere.world, "resume web --reason 'had a look'")
    assert ended.code == 0
    assert "green is live" in ended.out
    assert words_of(elsewhere.world) == [(Word.RESUME, "had a look")]
    assert elsewhere.world.split() == Split(blue=0, green=100)


def test_a_rollout_whose_runner_died_elsewhere_is_run_from_here_once_the_lease_has_run_out(
    line: Line, elsewhere: Elsewhere
) -> None:
    ended = line(elsewhere.world, "resume web")
    assert ended.code == 0
    assert "waiting until it has run out" in ended.err
    assert elsewhere.world.clock.now() >= elsewhere.lease.expires
    assert elsewhere.world.split() == Split(blue=0, green=100)


def test_break_lease_takes_the_rollout_from_whoever_runs_it(line: Line, elsewhere: Elsewhere) -> None:
    ended = line(elsewhere.world, "resume web --break-lease")
    assert ended.code == 0
    assert "broke the lease of bob on elsewhere" in ended.err


def test_an_approval_lets_it_go_on_and_says_so(line: Line) -> None:
    waiting = running(ASKS)
    waiting.obeys()
    ended = line(waiting.world, "approve web -o json")
    assert ended.code == 0
    told = ended.json()
    assert (told["word"], told["taken"], told["obeyed"], told["phase"]) == ("approve", True, True, "shifting")


def test_an_approval_that_nobody_waits_for_says_that_it_changed_nothing(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.obeys()
    ended = line(elsewhere.world, "approve web")
    assert "came at the wrong time and changed nothing; it is baking" in ended.out


def test_promote_skips_what_is_left_before_the_promotion(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.obeys()
    ended = line(elsewhere.world, "promote web")
    assert "promote was taken; it is shifting, step 3 of 4 (shift 100 %)" in ended.out


@pytest.mark.parametrize("word", ["abort", "rollback"])
def test_a_way_back_is_waited_for_until_the_traffic_is_back(line: Line, elsewhere: Elsewhere, word: str) -> None:
    elsewhere.goes_home()
    ended = line(elsewhere.world, f"{word} web --reason 'the wrong image'")
    assert ended.code == 0
    assert f"web-1: {word} was taken; it is rolled back, blue 100 / green 0." in ended.out
    assert words_of(elsewhere.world) == [(Word(word), "the wrong image")]


def test_a_way_back_that_is_barred_ends_in_36(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.obeys(Stuck("blue has no healthy target"))
    ended = line(elsewhere.world, "abort web")
    assert ended.code == 36
    assert "blue has no healthy target" in ended.last_line


@pytest.mark.parametrize("word", ["pause", "resume", "approve", "promote"])
def test_a_word_that_nobody_takes_in_time_stays_in_the_inbox_and_ends_in_37(
    line: Line, elsewhere: Elsewhere, word: str
) -> None:
    elsewhere.hangs()
    ended = line(elsewhere.world, f"{word} web")
    assert ended.code == 37
    assert f"{word} lies in its inbox" in ended.last_line
    assert "bob on elsewhere" in ended.last_line
    assert "--break-lease" in ended.last_line
    assert [command.word.value for command in elsewhere.world.store.pending("web")] == [word]


def test_a_word_for_a_rollout_that_nobody_runs_waits_in_the_inbox_and_ends_in_38(
    line: Line, elsewhere: Elsewhere
) -> None:
    elsewhere.world.store.release(elsewhere.lease)
    ended = line(elsewhere.world, "promote web")
    assert ended.code == 38
    assert "nobody runs it now" in ended.line
    assert "bluegreen resume web" in ended.line


def test_a_rollback_where_nobody_runs_the_rollout_is_made_here_and_ends_it(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.world.store.release(elsewhere.lease)
    ended = line(elsewhere.world, "rollback web")
    assert ended.code == 0
    assert "blue 100 / green 0 on 1 route" in ended.out
    assert elsewhere.world.service.record().rollout is None


@pytest.mark.parametrize("more", ["--to blue", "--force", "--keep-sticky"])
def test_a_rollback_of_a_kind_that_cannot_be_asked_for_is_refused(line: Line, elsewhere: Elsewhere, more: str) -> None:
    ended = line(elsewhere.world, f"rollback web {more}")
    assert ended.code == 37
    assert "bob on elsewhere" in ended.line
    assert elsewhere.world.split() == CANARY


def test_a_rollback_may_break_the_lease(line: Line, elsewhere: Elsewhere) -> None:
    ended = line(elsewhere.world, "rollback web --break-lease")
    assert ended.code == 0
    assert elsewhere.world.split() == HOME


def test_a_rollback_that_meets_a_lease_of_no_rollout_says_who_holds_it(line: Line) -> None:
    world = a_world(split=CANARY)
    world.store.acquire("web", Holder("bob", "elsewhere", 7, "shift"), now=world.clock.now(), seconds=30)
    ended = line(world, "rollback web")
    assert ended.code == 37
    assert "bob on elsewhere" in ended.line


@pytest.mark.parametrize("word", ["pause", "resume", "approve", "promote", "abort"])
def test_without_a_rollout_every_word_ends_in_60(line: Line, word: str) -> None:
    ended = line(a_world(), f"{word} web")
    assert ended.code == 60
    assert "no rollout is under way" in ended.line


Look = Callable[[Elsewhere], None]


@pytest.mark.parametrize(
    ("happened", "phase", "may"),
    [
        (lambda _rollout: None, "baking", ["pause", "promote", "rollback"]),
        (lambda rollout: rollout.append(RunnerPaused("bob", leaves=False)), "paused", ["resume", "rollback"]),
        (lambda rollout: rollout.append(Stuck("nobody knows")), "halted", ["drift", "resume", "rollback"]),
    ],
)
def test_status_says_where_a_rollout_stands_and_what_may_be_done(
    line: Line, elsewhere: Elsewhere, happened: Look, phase: str, may: list[str]
) -> None:
    happened(elsewhere)
    text = line(elsewhere.world, "status web").out
    assert f"it is {phase}, step 2 of 4 (bake 10m), blue 80 / green 20, since 2026-01-02T12:00:00+00:00" in text
    assert "held by bob on elsewhere (process 7, rollout canary) since" in text
    told = line(elsewhere.world, "status web -o json").json()
    assert (told["rollout"]["rollout"], told["rollout"]["phase"]) == ("web-1", phase)
    assert (told["rollout"]["step"], told["rollout"]["steps"]) == (2, 4)
    assert told["rollout"]["splits"] == {"route-0": {"blue": 80, "green": 20}}
    assert [each["command"].split()[1] for each in told["rollout"]["may"]] == may
    assert all(each["command"] in text for each in told["rollout"]["may"])
    assert (told["lease"]["holder"]["name"], told["lease"]["held"]) == ("bob", True)


def test_status_says_that_a_lease_has_expired_and_who_may_take_over(line: Line, elsewhere: Elsewhere) -> None:
    elsewhere.world.clock.sleep(90)
    text = line(elsewhere.world, "status web").out
    assert "expired 60 s ago; bob on elsewhere (process 7, rollout canary) had it since" in text
    assert "go on from this terminal" in text
    assert line(elsewhere.world, "status web -o json").json()["lease"]["held"] is False


def test_status_outside_a_rollout_has_neither(line: Line) -> None:
    told = line(a_world(), "status web -o json").json()
    assert (told["rollout"], told["lease"]) == (None, None)
