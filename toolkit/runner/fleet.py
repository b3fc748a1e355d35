"""Many services taken back at once: side by side, reading together, and none waiting for another that fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from toolkit.errors import BluegreenError, Interrupted
from toolkit.rollout.ports import Router
from toolkit.runner.checked import Outcome
from toolkit.runner.interrupts import deferred_interrupts
from toolkit.runner.rollback import rollback
from toolkit.runner.service import Service
from toolkit.runner.shared_reads import SharedReads

WORKERS = 48
"""Services under way at once: more than enough that somebody always waits to write, so that no write AWS allows is
left unused. At three writes a second the last of them waits 16 s for its turn, well within its lease."""
_WINDOW_A_SERVICE_SECONDS, _LONGEST_WINDOW_SECONDS = 0.02, 1.0
"""How long a read waits for others: two services are hardly delayed, and a fleet's reads fill their calls."""
_WAIT = "bluegreen: finishing the services under way; no other one is begun"

Ended = Outcome | BluegreenError
"""What became of one service."""


def _unheard(_service: Service, _ended: Ended) -> None:
    """Nobody listens."""


def roll_back(
    services: Sequence[Service],
    go_back: Callable[[Service], Outcome] = rollback,
    *,
    ended: Callable[[Service, Ended], None] = _unheard,
) -> list[tuple[Service, Ended]]:
    """Take every service back, many side by side. Those whose router is one and the same are read together.

    go_back: what is done with each; every rule of a single rollback holds. It runs in a thread.
    ended: told each service when it is over, in the order in which they end, from the thread that ran it.

    Returns:
        What became of each, in the order of `services`. After Ctrl-C no further one is begun: theirs is Interrupted.
    """
    readers = _shared(services)
    with deferred_interrupts(_WAIT) as interrupts:

        def one(service: Service) -> Ended:
            end: Ended
            if interrupts.asked:
                end = Interrupted(f"{service.name}: interrupted before it was begun; nothing was changed")
            else:
                try:
                    end = go_back(replace(service.urgently(), router=readers[id(service.router)]))
                except BluegreenError as error:
                    end = error
            ended(service, end)
            return end

        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            return list(zip(services, pool.map(one, services), strict=True))


def _shared(services: Sequence[Service]) -> dict[int, Router]:
    """What each router is replaced by, by its identity."""
    sharing = Counter(id(each.router) for each in services)

    def reader(router: Router) -> Router:
        window = min(_WINDOW_A_SERVICE_SECONDS * sharing[id(router)], _LONGEST_WINDOW_SECONDS)
        return SharedReads(router.urgent, window_seconds=window) if sharing[id(router)] > 1 else router.urgent

    routers = {id(each.router): each.router for each in services}
    return {key: reader(router) for key, router in routers.items()}
