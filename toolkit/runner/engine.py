"""The loop of a rollout: ask the machine for the effect, carry it out, append what came of it, and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from toolkit.errors import JournalConflict, JournalError, LeaseLost
from toolkit.rollout.agenda import effect_of
from toolkit.rollout.events import CommandTaken, Entry, Event, GateFailed
from toolkit.rollout.machine import evolve
from toolkit.rollout.preflight import Observation
from toolkit.rollout.record import Record, after
from toolkit.rollout.routes import WRITE_TIMEOUT_SECONDS
from toolkit.rollout.state import RolloutState
from toolkit.runner.attention import Attention, Peers
from toolkit.runner.gates import Gates
from toolkit.runner.interpreter import Interpreter
from toolkit.runner.interrupts import Signals
from toolkit.runner.lease import Keeper
from toolkit.runner.recorder import Recorder
from toolkit.runner.service import Service
from toolkit.runner.states import state_of
from toolkit.runner.write import splits_now

STORE_SECONDS = 120.0
"""How long a rollout waits for a store that is away before it stops where it is."""
_RETRY_SECONDS = 2.0


class Engine:
    """One runner of one rollout, holding its lease.

    record, state: folds of the journal up to the recorder's head. Until `stale_until` a write of the one whose lease
    was taken may still arrive.
    """

    def __init__(
        self,
        service: Service,
        keeper: Keeper,
        recorder: Recorder,
        state: RolloutState,
        record: Record,
        *,
        signals: Signals,
        peers: Peers | None = None,
        observation: Observation | None = None,
        detaches: bool = False,
    ) -> None:
        self.state = state
        self._service = service
        self._keeper = keeper
        self._recorder = recorder
        self._unrecorded: list[Event] = []
        self._said = ""
        self._interpreter = Interpreter(
            service,
            recorder,
            Attention(service, keeper, signals, peers),
            Gates(service),
            record,
            peers=peers,
            stale_until=_stale_until(service, keeper),
            observation=observation,
            detaches=detaches,
        )

    def run(self) -> RolloutState:
        """To its end, or to where a person must decide.

        Raises:
            LeaseLost: somebody took the lease over; the message says what this process may have written.
            JournalError: the store was away until the lease ran out; the rollout stands where the journal says.
        """
        try:
            while (effect := effect_of(self.state)) is not None:
                self.happened(self._interpreter.carry_out(effect, self.state))
            self._record_the_way_back()
        except LeaseLost as error:
            raise self._lost(error) from error
        return self.state

    def happened(self, event: Event) -> None:
        """Append it and go on from there. Raises as `run`."""
        entry = self._append(event)
        if entry is None:
            return
        self._apply(entry)
        if isinstance(event, CommandTaken) and event.id:
            self._forget(event.id)

    def _append(self, event: Event) -> Entry | None:
        """Add it, and before it what could not be added earlier; None where somebody else was faster.

        A store that is away holds no way back up: what happens on it is kept and added later. Batches wait for it, for
        nobody could see at AWS which of them were taken back.
        """
        end = self._service.clock.now() + timedelta(seconds=STORE_SECONDS)
        while True:
            try:
                return self._append_one(event) if self._append_the_unrecorded() else None
            except JournalError as error:
                if (self.state.back or isinstance(event, GateFailed)) and not self.state.batches:
                    return self._kept(event, error)
                self._wait_for_the_store(error, until=end)

    def _append_the_unrecorded(self) -> bool:
        """False where somebody else was faster, and the journal has been followed."""
        while self._unrecorded:
            if self._append_one(self._unrecorded[0]) is None:
                return False
            self._unrecorded.pop(0)
        return True

    def _append_one(self, event: Event) -> Entry | None:
        """Add one entry. One that stands there already and says the same is ours, whose answer was lost.

        Raises:
            LeaseLost, JournalError
        """
        try:
            return self._recorder.append(event)
        except JournalConflict:
            found = self._service.store.since(self._service.name, self._recorder.head.sequence + 1)
        if found and (found[0].event, found[0].rollout) == (event, self.state.id):
            self._recorder.follow(found[0])
            return found[0]
        self._start_over(found)
        return None

    def _start_over(self, found: Sequence[Entry]) -> None:
        """Somebody appended without the lease, as a rollback may: the journal is what counts, not what we kept."""
        service = self._service
        service.note(f"{service.name}: somebody else has recorded something; going on from there")
        self._unrecorded.clear()
        self.state = state_of(service, self.state.id)
        self._interpreter.record = service.record()
        self._recorder.head = self._interpreter.record.head
        for entry in found:
            service.watch(entry, self.state)

    def _record_the_way_back(self) -> None:
        """The traffic is back; what could not be recorded on the way is tried a while longer."""
        end = self._service.clock.now() + timedelta(seconds=STORE_SECONDS)
        while self._unrecorded:
            try:
                self._append_the_unrecorded()
            except JournalError as error:
                self._wait_for_the_store(error, until=end)

    def _wait_for_the_store(self, error: JournalError, *, until: datetime) -> None:
        """Raises JournalError with how things stand, where it has been away for too long; LeaseLost."""
        if self._service.clock.now() >= until:
            raise self._away(error) from error
        if error.message != self._said:
            self._service.note(f"warning: {error.message}")
        self._said = error.message
        self._service.clock.sleep(_RETRY_SECONDS)
        self._keeper.renew_if_due()

    def _kept(self, event: Event, error: JournalError) -> Entry:
        self._service.note(f"warning: the way back is not recorded yet: {error.message}")
        self._unrecorded.append(event)
        return Entry(self._recorder.head.sequence, self._service.clock.now(), event, rollout=self.state.id)

    def _apply(self, entry: Entry) -> None:
        self.state = evolve(self.state, entry)
        if self.state.back:
            self._interpreter.service = self._service.urgently()
        self._interpreter.record = after(self._interpreter.record, entry)
        self._service.watch(entry, self.state)

    def _forget(self, command: str) -> None:
        try:
            self._service.store.remove(self._service.name, [command])
        except JournalError as error:
            self._service.note(f"warning: a command that was taken is still in the inbox: {error.message}")

    def _lost(self, error: LeaseLost) -> LeaseLost:
        intent = self.state.intent
        wrote = (
            f" This process may have written {intent.to} meanwhile" if intent else " This process wrote nothing since"
        )
        name = self._service.name
        return LeaseLost(
            f"{error.message}.{wrote}; it ends here.",
            hint=f"Whoever holds the lease goes on with {self.state.id}; see `bluegreen status {name}`.",
        )

    def _away(self, error: JournalError) -> JournalError:
        name, held = self._service.name, splits_now(self._service)
        stands = "; ".join(f"{route} holds {split}" for route, split in held.items()) or "the routes cannot be read"
        if self.state.away:
            stands += f"; {', '.join(map(str, self.state.away))} may be out"
        return JournalError(
            f"{name}: rollout {self.state.id} stops in phase {self.state.phase}, because nothing can be recorded: "
            f"{error.message}. Now: {stands}.",
            hint=f"When the store is back: bluegreen resume {name}. To go back at once: bluegreen rollback {name}.",
        )


def _stale_until(service: Service, keeper: Keeper) -> datetime | None:
    if keeper.broke is None:
        return None
    return service.clock.now() + timedelta(seconds=WRITE_TIMEOUT_SECONDS)
