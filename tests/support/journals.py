"""Entries and holders in a line, and Hypothesis strategies for what a journal may hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import strategies as st

from toolkit.contract import Stickiness
from toolkit.rollout.codec import seal
from toolkit.rollout.diverting import Diversion
from toolkit.rollout.events import (
    BatchMoved,
    CommandTaken,
    Diverted,
    DivertMeant,
    DivertRemoved,
    DriftAccepted,
    Ending,
    Entry,
    Event,
    GateFailed,
    Head,
    HooksRan,
    Kind,
    Prepared,
    Promoted,
    Refused,
    ReleasePut,
    ReleaseRestored,
    RestSkipped,
    RolloutEnded,
    RolloutStarted,
    RunnerPaused,
    RunnerTookOver,
    ShiftFailed,
    ShiftIntended,
    ShiftVerified,
    StepPassed,
    Stuck,
    SuspendedStickiness,
    Word,
    WorkloadHeld,
    WorkloadLetGo,
    WorkloadSeen,
    WorldDiffers,
)
from toolkit.rollout.plan import Plan
from toolkit.rollout.ports import Holder
from toolkit.rollout.preview import Condition
from toolkit.rollout.rolling import Act, Member, Rolling
from toolkit.rollout.steps import (
    Analyze,
    Approve,
    Bake,
    Batch,
    Deploy,
    Divert,
    Gate,
    Hook,
    Probe,
    Retire,
    Roll,
    Scale,
    Shift,
    Step,
    Via,
)
from toolkit.rollout.workload import Capacity, Change, Release, Side
from toolkit.settings import HookPoint, Inconclusive, OnFailure, Update
from toolkit.traffic import Color, Split

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def holder(name: str = "alice", doing: str = "canary") -> Holder:
    return Holder(name, "desk", 4711, doing)


def chained(
    events: Iterable[Event],
    *,
    service: str = "web",
    head: Head | None = None,
    at: datetime = NOON,
    actor: str = "alice",
) -> list[Entry]:
    """The entries of `events` after `head`, sealed; each belongs to the rollout that is under way, if one is."""
    made: list[Entry] = []
    end, rollout = head or Head(), None
    for event in events:
        entry = seal(service, end, event, at=at, actor=actor, rollout=rollout)
        made.append(entry)
        end = entry.head
        rollout = None if isinstance(event, RolloutEnded) else entry.rollout
    return made


weights = st.integers(0, 999)
splits = st.builds(Split, blue=weights, green=st.integers(1, 999))
names = st.text(min_size=1, max_size=8)
words = st.text(max_size=20)
by_route = st.dictionaries(names, splits, max_size=3)
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
actors = st.none() | words
seconds = st.floats(0, 1e6)
suspended = st.builds(
    SuspendedStickiness,
    stickiness=st.builds(Stickiness, enabled=st.just(True), duration_seconds=st.integers(1, 604_800)),
    until=times,
)
intents = st.builds(
    ShiftIntended,
    kind=st.sampled_from(Kind),
    base=st.none() | st.sampled_from(Color),
    before=by_route,
    to=splits,
    suspended=st.dictionaries(names, suspended, max_size=2),
    restores=st.lists(names, max_size=2).map(tuple),
)
shares = st.fractions(Fraction(1, 1000), 1, max_denominator=1000)
commands = st.lists(words, min_size=1, max_size=3).map(tuple)
points = st.none() | st.sampled_from(HookPoint)
hooks = st.builds(
    Hook, name=names, command=commands, timeout_seconds=seconds, retries=st.integers(0, 9), at=points
) | st.builds(Hook, name=names, url=names, timeout_seconds=seconds, retries=st.integers(0, 9))
probes = st.builds(
    Probe,
    path=words,
    via=st.sampled_from(Via),
    status=st.none() | st.integers(100, 599),
    within_seconds=st.none() | seconds,
    header=st.none() | st.tuples(names, words),
    body=st.none() | words,
    count=st.integers(1, 9),
    timeout_seconds=seconds,
    retries=st.integers(0, 9),
)
gates: st.SearchStrategy[Gate] = hooks | probes
changes = st.builds(Change, image=words, container=st.none() | words, task_definition=st.none() | words) | st.builds(
    Change, ami=st.none() | words, template_version=st.integers(1, 99)
)
conditions = st.builds(
    Condition,
    names,
    values=st.lists(words, max_size=2).map(tuple),
    expressions=st.lists(words, max_size=1).map(tuple),
    header=words,
    pairs=st.lists(st.tuples(st.none() | words, words), max_size=2).map(tuple),
)
several_conditions = st.lists(conditions, max_size=2).map(tuple)
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Divert, several_conditions),
    st.builds(Deploy, changes),
    st.builds(Scale, for_share=shares),
    st.builds(Shift, shares),
    st.builds(Bake, seconds),
    st.builds(Analyze),
    st.builds(Approve, seconds, words),
    hooks,
    probes,
    st.builds(Scale, targets=st.integers(0, 99)),
    st.builds(Scale, of_live=st.fractions(0, 3, max_denominator=100)),
    st.builds(Retire, st.integers(0, 9)),
)
several_words = st.lists(words, max_size=2).map(tuple)
parameters = st.dictionaries(names, several_words, max_size=2)
updates = st.builds(
    Update,
    command=several_words,
    take_back=several_words,
    document=words,
    parameters=parameters,
    take_back_parameters=parameters,
    timeout_seconds=seconds,
    retries=st.integers(0, 9),
)
rollings = st.builds(
    Rolling,
    update=st.none() | updates,
    min_healthy=st.integers(0, 9),
    on_failure=st.sampled_from(OnFailure),
    version=words,
)
members = st.builds(Member, names, st.none() | st.integers(1, 65535), st.none() | words)
batch_steps = st.builds(
    Batch, st.integers(1, 9), st.integers(1, 9), st.lists(members, min_size=1, max_size=3).map(tuple)
)
_in_place = st.fixed_dictionaries(
    {
        "steps": st.lists(
            batch_steps | st.builds(Bake, seconds) | st.builds(Roll, changes) | hooks, max_size=3
        ).flatmap(lambda some: batch_steps.map(lambda last: (*some, last))),
        "rolling": rollings,
    }
)
_beside = st.fixed_dictionaries(
    {"steps": st.lists(steps, max_size=4).map(lambda some: (*some, Shift(Fraction(1)))), "rolling": st.none()}
)
plans = st.builds(
    lambda way, **words: Plan(**way, **words),
    _beside | _in_place,
    service=names,
    strategy=words,
    base=st.sampled_from(Color),
    routes=st.lists(names, max_size=3).map(tuple),
    gates=st.lists(gates, max_size=2).map(tuple),
    settle_seconds=seconds,
    release=st.lists(names, max_size=2).map(tuple),
    force=st.booleans(),
    gate_seconds=seconds,
    inconclusive=st.none() | st.sampled_from(Inconclusive),
    on_rollback=st.lists(hooks, max_size=1).map(tuple),
    on_end=st.lists(hooks, max_size=1).map(tuple),
)
numbers = st.integers(0, 99)
releases = st.builds(Release, words, words, words)
capacities = st.builds(
    Capacity,
    desired=numbers,
    running=numbers,
    minimum=st.none() | numbers,
    maximum=st.none() | numbers,
    suspended=st.lists(words, max_size=2).map(tuple),
)
sides = st.builds(Side, capacities, st.none() | releases)
diversions = st.lists(
    st.builds(Diversion, names, words, numbers, several_conditions, st.sampled_from(Color), words), max_size=2
).map(tuple)
rollout_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(RolloutStarted, plans),
    st.builds(Prepared, st.lists(words, max_size=3).map(tuple)),
    st.builds(Refused, words, st.integers(1, 99)),
    st.builds(StepPassed, numbers, words, words),
    st.builds(WorkloadSeen, st.dictionaries(st.sampled_from(Color), sides, max_size=2)),
    st.builds(WorkloadHeld),
    st.builds(RestSkipped, numbers, words),
    st.builds(HooksRan, st.sampled_from(HookPoint), words, words),
    st.builds(ReleasePut, numbers, releases),
    st.builds(WorkloadLetGo, words),
    st.builds(DivertMeant, diversions),
    st.builds(Diverted, numbers, diversions),
    st.builds(DivertRemoved, numbers),
    st.builds(BatchMoved, numbers, st.sampled_from(Act), words, words),
    st.builds(ReleaseRestored, words),
    st.builds(GateFailed, numbers, words, words, words),
    st.builds(CommandTaken, st.sampled_from(Word), words, words, words),
    st.builds(RunnerPaused, words, st.booleans()),
    st.builds(RunnerTookOver, words, words, st.booleans()),
    st.builds(WorldDiffers, words, by_route),
    st.builds(Stuck, words),
    st.builds(RolloutEnded, st.sampled_from(Ending)),
)
events: st.SearchStrategy[Event] = st.one_of(
    intents,
    st.builds(ShiftVerified),
    st.builds(ShiftFailed, st.text(max_size=20), by_route),
    st.builds(Promoted, st.sampled_from(Color)),
    st.builds(DriftAccepted, by_route),
    rollout_events,
)
entries = st.builds(
    Entry, st.integers(1, 10**9), times, events, actor=actors, rollout=st.none() | names, previous=words
)
