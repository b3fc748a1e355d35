"""A service with its ports filled: what stands in AWS, on this machine, and in this process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.contract import AsgPair, Contract, EcsPair
from toolkit.settings import ServiceSettings
from toolkit.wiring.homes import state_home
from toolkit.wiring.lazy import LazyDiversions, LazyHooks, LazyMetrics, LazyProbes, LazyRules, LazySinks, LazyUpdates
from toolkit.wiring.places import Place

if TYPE_CHECKING:
    from toolkit.aws.dynamodb import DynamoStore
    from toolkit.aws.session import Session
    from toolkit.journal.heads import Heads
    from toolkit.journal.sqlite import SqliteStore
    from toolkit.rollout.ports import Holder
    from toolkit.rollout.workload import Workload
    from toolkit.runner.service import Service


class SystemClock:
    """Clock on the machine's own."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def assemble(
    contract: Contract, settings: ServiceSettings, place: Place, note: Callable[[str], None], directory: Path
) -> Service:
    """directory: where the commands of hooks start."""
    from toolkit.aws.cloudwatch import Cloudwatch
    from toolkit.runner.service import Service

    session, clock, store = place.session, SystemClock(), _store(contract, place.session)
    hooks = LazyHooks(directory, clock)
    return Service(
        contract=contract,
        settings=settings,
        router=place.elbv2,
        targets=place.elbv2,
        flows=Cloudwatch(session),
        store=store,
        identities=place.caller,
        clock=clock,
        hooks=hooks,
        probes=LazyProbes(contract, settings, session, clock),
        holder=_holder(),
        metrics=LazyMetrics(session),
        rules=LazyRules(session),
        heads=_heads(contract, session, note),
        workload=_workload(contract, session),
        sinks=LazySinks(session),
        cursors=store,
        diversions=None if contract.is_network else LazyDiversions(session),
        updates=LazyUpdates(hooks, session, clock, directory),
        note=note,
    )


def _holder() -> Holder:
    """This process, as others are told who holds a lease."""
    import getpass

    from toolkit.runner.lease import this_process

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        name = f"user {os.getuid()}"
    return this_process(name, "")


def _workload(contract: Contract, session: Session) -> Workload | None:
    match contract.workload:
        case EcsPair() as pair:
            from toolkit.aws.ecs_workload import EcsWorkload

            return EcsWorkload(session, pair)
        case AsgPair() as pair:
            from toolkit.aws.autoscaling import AsgWorkload

            return AsgWorkload(session, pair, {color: group.arn for color, group in contract.target_groups.items()})
        case None:
            return None


def _heads(contract: Contract, session: Session, note: Callable[[str], None]) -> Heads:
    """Beside the journals; those of an emulator that is started anew are not taken for cut-off ones."""
    from toolkit.journal.heads import Heads

    table = contract.state_table.arn if contract.state_table else f"{contract.account_id}/{contract.region}"
    endpoint = session.settings.endpoint_of("dynamodb") or ""
    return Heads(state_home() / "heads.jsonl", place=f"{table} {endpoint}".rstrip(), say=note)


def _store(contract: Contract, session: Session) -> DynamoStore | SqliteStore:
    if contract.state_table is not None:
        from toolkit.aws.dynamodb import DynamoStore

        return DynamoStore(session, contract.state_table.name)
    from toolkit.journal.sqlite import SqliteStore

    return SqliteStore(state_home() / "journal.sqlite3", place=f"{contract.account_id}/{contract.region}")
