"""Standing flows against servers that keep them, and against servers that lose them, each in its way."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.lab.load.test_client import FLOWS, OK, request_head, reset, run_against, silent
from toolkit.lab.load import LoadPlan, Standing
from toolkit.lab.load.client import LoadRun
from toolkit.lab.load.standing import StandingFlows

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Until = Callable[[StandingFlows], bool]
GREEN = OK.replace(b"blue", b"green")
ELSEWHERE = OK.replace(b"X-Color", b"X-Target: 127.0.0.2:1\r\nX-Color")


def stand(serve: Serve, *, until: Until, **settings: Any) -> tuple[Standing, int]:
    """What became of three standing flows at `serve` once the condition held, and how many connections they took."""
    connections = 0

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()

    async def main() -> Standing:
        server = await asyncio.start_server(session, "127.0.0.1", 0)
        url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        plan = LoadPlan(url, keep_alive=False, **{"standing": 3, "standing_rate": 200.0, **settings})
        flows = StandingFlows(plan, time.monotonic, None)
        flows.open()
        async with asyncio.timeout(10):
            while not until(flows):
                flows.time_out(time.monotonic() - plan.timeout)
                await asyncio.sleep(0.005)
        flows.close()
        server.close()
        return flows.result()

    return asyncio.run(main()), connections


def answers(*answer: bytes, last: Callable[[asyncio.StreamWriter], None] = lambda _: None) -> Serve:
    """Gives these answers one after the other; at one message more it does `last`, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for one in answer:
            await request_head(reader)
            writer.write(one)
        await request_head(reader)
        await writer.drain()
        last(writer)

    return serve


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keeps the connection, but for those who ask to have it closed."""
    while True:
        head = await request_head(reader)
        writer.write(OK)
        if b"Connection: close" in head:
            return


def all_lost(flows: StandingFlows) -> bool:
    return len(flows.lost) == 3


def test_a_standing_flow_is_one_connection_with_many_messages() -> None:
    standing, connections = stand(good, until=lambda flows: flows.result().messages >= 60)
    assert connections == 3
    assert (standing.asked, standing.opened, standing.lost) == (3, {"blue": 3}, ())


def test_messages_keep_their_rate() -> None:
    ends = time.monotonic() + 0.5
    standing, _ = stand(good, until=lambda _: time.monotonic() > ends, standing_rate=20.0)
    assert 3 * 6 <= standing.messages <= 3 * 11


def test_those_who_drive_it_learn_how_many_stand_and_since_when_all_were_heard() -> None:
    seen: list[float] = []

    def heard_twice(flows: StandingFlows) -> bool:
        counted = flows.count()
        if counted["open"] == {"blue": 3}:
            seen.append(counted["heard"])
        return bool(seen) and seen[-1] > seen[0]

    stand(good, until=heard_twice)


def test_new_flows_are_counted_apart() -> None:
    result, connections = run_against(good, **FLOWS, requests=50, standing=3, standing_rate=200.0, rate=200.0)
    assert (result.requests, result.failed, result.colors, connections) == (50, 0, {"blue": 50}, 53)
    assert (result.standing.opened, result.standing.lost) == ({"blue": 3}, ())
    assert result.standing.messages > 10


@pytest.mark.parametrize(
    ("serve", "kind", "detail", "messages"),
    [
        (answers(OK, OK), "closed", "an answer due", 2),
        (answers(OK, last=reset), "reset", "", 1),
        (answers(OK, GREEN), "changed", "blue", 2),
        (answers(ELSEWHERE, OK), "changed", "127.0.0.2:1", 2),
        (answers(OK, OK.replace(b"200 OK", b"503 No")), "status", "503", 2),
        (answers(b"HELLO\r\n\r\n"), "protocol", "", 0),
        (silent, "timeout", "no answer for 0.2 s", 0),
    ],
)
def test_each_loss_is_seen_once_with_its_kind(serve: Serve, kind: str, detail: str, messages: int) -> None:
    standing, connections = stand(serve, until=all_lost, timeout=0.2 if kind == "timeout" else 10.0)
    assert [each.kind for each in standing.lost] == [kind] * 3
    assert all(detail in each.detail for each in standing.lost)
    assert {each.messages for each in standing.lost} == {messages}
    assert connections == 3  # nothing is opened again


def test_a_wrong_version_is_a_loss() -> None:
    standing, _ = stand(good, until=all_lost, expected={"blue": "v2"})
    assert {each.kind for each in standing.lost} == {"unexpected"}


def test_nobody_there_is_a_loss_each() -> None:
    plan = LoadPlan("tcp://127.0.0.1:9", keep_alive=False, standing=2, requests=3)
    result = asyncio.run(LoadRun(plan).run())
    assert [each.kind for each in result.standing.lost] == ["connect", "connect"]
    assert (result.standing.opened, result.kinds["connect"]) == ({}, 3)
