"""`bluegreen ab`: begun, left to itself, decided, reported and tidied up, on a service of fakes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.cli.conftest import Line
from tests.support.fakes import FakeWorld, a_world
from toolkit.analysis.series import Sample
from toolkit.errors import AwsUnreachable
from toolkit.rollout.diverting import Diversion
from toolkit.rollout.events import Diverted, DivertMeant, DivertRemoved, Ending, Promoted, RolloutEnded, ShiftVerified
from toolkit.rollout.metrics import Minutes
from toolkit.traffic import Color, Split

LINE = "ab web --header 'X-Beta: yes'"
DETACHED = f"{LINE} --detach"


def rules(world: FakeWorld) -> list[tuple[int, str, Color]]:
    return [(rule.priority, of, rule.color) for rule, of in world.diversions.rules.values()]


def test_it_is_left_to_itself_and_says_how_to_go_on(line: Line) -> None:
    world = a_world()
    ended = line(world, DETACHED)
    assert ended.code == 0
    assert ended.out.startswith(
        "web: matching requests go to green until 2026-01-09 12:00 UTC; nobody need stay here.\n"
    )
    for command in ("bluegreen ab web --report", "bluegreen promote web", "bluegreen rollback web"):
        assert command in ended.out
    assert rules(world) == [(94, "web-1", Color.GREEN)]
    assert world.split() == Split(blue=100, green=0)


def test_a_promotion_shifts_everything_before_the_rule_is_removed(line: Line) -> None:
    world = a_world(routes=2)
    line(world, DETACHED)
    assert line(world, "promote web").code == 0
    kinds = [type(event) for event in world.events()]
    order = [
        kinds.index(kind) for kind in (DivertMeant, Diverted, ShiftVerified, DivertRemoved, Promoted, RolloutEnded)
    ]
    assert order == sorted(order)
    assert (world.split(0), world.split(1)) == (Split(blue=0, green=100), Split(blue=0, green=100))
    assert rules(world) == []


@pytest.mark.parametrize("word", ["rollback", "abort"])
def test_a_way_back_removes_the_rule(line: Line, word: str) -> None:
    world = a_world()
    line(world, DETACHED)
    assert line(world, f"{word} web").code == 0
    assert rules(world) == []
    assert world.router.writes == []
    assert world.events()[-2:] == [DivertRemoved(1), RolloutEnded(Ending.ROLLED_BACK)]


def test_what_nobody_promoted_in_time_is_taken_back(line: Line) -> None:
    world = a_world()
    line(world, f"{DETACHED} --for 1h")
    world.clock.time += timedelta(hours=2)
    overdue = line(world, "doctor web")
    assert "web-1 was to end by 2026-01-02 13:00 UTC, and still diverts requests" in overdue.out
    ended = line(world, "resume web")
    assert ended.code == 32
    assert "nobody approved by 2026-01-02 13:00:00 UTC; nobody is diverted any more, all traffic stays on blue" in (
        ended.last_line
    )
    assert rules(world) == []


def test_a_preview_cannot_be_promoted_and_ends_where_it_began(line: Line) -> None:
    world = a_world()
    left = line(world, f"{DETACHED} --preview --for 1h")
    assert "bluegreen promote" not in left.out
    world.clock.time += timedelta(minutes=30)
    ended = line(world, "promote web")
    assert ended.code == 32
    assert "it was meant to last until 2026-01-02 13:00:00 UTC" in ended.last_line
    assert (rules(world), world.split()) == ([], Split(blue=100, green=0))


def test_a_color_that_falls_sick_is_left(line: Line) -> None:
    world = a_world()
    world.clock.on_sleep = lambda: world.health(Color.GREEN, "unhealthy")
    ended = line(world, LINE)
    assert ended.code == 32
    assert "green fell to 0 healthy targets, needs 1" in ended.last_line
    assert rules(world) == []


def test_a_rule_that_somebody_deletes_halts_the_test_and_a_rollback_ends_it(line: Line) -> None:
    world = a_world()
    world.clock.on_sleep = world.diversions.rules.clear
    ended = line(world, LINE)
    assert ended.code == 36
    assert "rule 94 before route route-0, which diverted requests to green, is gone" in ended.last_line
    assert line(world, "resume web").code == 36
    assert line(world, "rollback web").code == 0
    assert (rules(world), world.split()) == ([], Split(blue=100, green=0))


def test_a_rule_that_is_gone_while_nobody_watches_is_found_by_doctor_and_by_who_resumes(line: Line) -> None:
    world = a_world()
    line(world, DETACHED)
    assert "missing rule" not in line(world, "doctor web").out
    world.diversions.rules.clear()
    told = line(world, "doctor web")
    assert "rule 94 before route route-0, which diverted requests to green, is gone" in told.out
    world.clock.time += timedelta(minutes=1)
    assert line(world, "resume web").code == 36


def test_a_look_that_cannot_see_the_rules_says_so_and_halts_nothing(line: Line) -> None:
    world = a_world()
    line(world, f"{DETACHED} --for 1h")
    asked: list[str] = []

    def away(call: str) -> None:
        asked.append(call)
        if len(asked) == 1:
            raise AwsUnreachable(f"{call} was not answered")

    world.diversions.before = away
    world.clock.time += timedelta(minutes=1)
    ended = line(world, "resume web")
    assert ended.code == 32
    assert asked[0] == "standing"
    assert ended.err.count("warning: standing was not answered") == 1
    assert rules(world) == []


def test_a_priority_that_is_taken_meanwhile_gives_way_to_the_next(line: Line) -> None:
    world = a_world()

    def taken(call: str) -> None:
        if call == "make":
            world.diversions.taken.add(94)

    world.diversions.before = taken
    assert line(world, DETACHED).code == 0
    assert [priority for priority, _, _ in rules(world)] == [93]


def test_nothing_ends_while_its_rule_may_stand(line: Line) -> None:
    world = a_world()
    line(world, DETACHED)

    def away(call: str) -> None:
        raise AwsUnreachable(f"{call} was not answered")

    world.diversions.before = away
    ended = line(world, "rollback web")
    assert ended.code == 36
    assert "the rules that divert requests to green may stand yet" in ended.last_line
    assert not isinstance(world.events()[-1], RolloutEnded)
    world.diversions.before = lambda _call: None
    assert line(world, "rollback web").code == 0
    assert rules(world) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("", 2, "nothing says which requests are meant"),
        ("--cookie 'beta=a b'", 2, "is no cookie that a rule can match exactly"),
        ("--header X-Beta", 2, "has no name that a rule takes"),
        ("--source 10.0.0.1/8", 2, "is no block of addresses"),
        ("--query k", 2, "is no parameter of a query"),
        ("--header 'X-Beta: yes' --for 0", 2, "--for: it must last for a while"),
        ("--header 'X-Beta: yes' --for 7", 2, "--for: '7' is not a duration"),
        ("--cookie a=1 --cookie b=1 --cookie c=1 --cookie d=1 --cookie e=1", 14, "so leaves 4, and this asks for 5"),
        ("--header 'X-Beta: yes' --report", 2, "takes no conditions"),
        ("--report", 60, "no rollout is under way"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(line: Line, words: str, code: int, said: str) -> None:
    world = a_world()
    ended = line(world, f"ab web {words}")
    assert ended.code == code
    assert said in ended.line
    assert (rules(world), world.events()) == ([], [])


def test_a_side_without_a_healthy_target_and_a_balancer_without_rules_are_refused(line: Line) -> None:
    sick = line(a_world(green=0), LINE)
    assert (sick.code, "green has 0 healthy targets, and takes requests with 1" in sick.line) == (14, True)
    network = line(a_world(network=True), LINE)
    assert (network.code, "a Network Load Balancer has no rules" in network.line) == (11, True)


def test_a_contract_without_reserved_priorities_is_refused_with_what_to_write(line: Line) -> None:
    world = a_world()
    (route,) = world.service.contract.routes
    world.service.contract = replace(world.service.contract, routes=(replace(route, reserved_priorities=None),))
    ended = line(world, LINE)
    assert ended.code == 14
    assert "reserved_priorities = { first = 90, last = 94 }" in ended.line


def test_a_dry_run_says_that_nobody_knows_how_many_requests_match(line: Line) -> None:
    world = a_world()
    told = line(world, f"{LINE} --dry-run")
    assert told.code == 0
    assert "the requests that match, however many" in told.out
    assert (rules(world), world.events()) == ([], [])


def test_a_rule_of_a_rollout_that_is_over_is_found_and_removed(line: Line) -> None:
    world = a_world()
    orphan = Diversion("route-0", world.service.contract.routes[0].listener_arn, 90, (), Color.GREEN)
    world.diversions.rules["orphan"] = (orphan, "web-99")
    told = line(world, "doctor web")
    assert "rule 90 of route-0 still diverts requests for rollout web-99" in told.out
    assert "aws elbv2 delete-rule --rule-arn orphan" in told.out
    assert rules(world)
    assert "web: removed orphan" in line(world, "doctor web --remove-orphans").err
    assert rules(world) == []


def test_the_doctor_leaves_the_rule_of_a_rollout_under_way(line: Line) -> None:
    world = a_world()
    line(world, DETACHED)
    told = line(world, "doctor web --remove-orphans")
    assert "there is no orphan rule" in told.err
    assert rules(world)


def test_a_report_tells_both_variants_with_their_intervals(line: Line) -> None:
    world = a_world()
    line(world, DETACHED)
    first = int(world.clock.now().timestamp()) // 60 + 1
    world.clock.time += timedelta(minutes=20)
    samples = [Sample(first, Color.BLUE, 80, 48), Sample(first, Color.GREEN, 70, 56)]
    world.metrics.minutes = lambda *_, **__: Minutes(samples=tuple(samples))  # type: ignore[method-assign]
    told = line(world, "ab web --report")
    assert told.code == 0, told.err
    assert "requests: 80 on blue, 70 on green" in told.out
    assert "+20 points (+5.24 to +33.4)" in told.out
    document = line(world, "ab web --report -o json").json()
    (bad,) = document["compared"]
    assert (bad["live"], bad["new"]) == (48.0, 56.0)
    assert bad["rates"]["difference"]["is_told"] is True


def test_a_report_before_the_first_whole_minute_says_when_to_ask_again(line: Line) -> None:
    world = a_world()
    line(world, DETACHED)
    ended = line(world, "ab web --report")
    assert ended.code == 14
    assert "no whole minute since 12:00:00 UTC is settled" in ended.line
