"""The load generator against servers that do one thing wrong, each."""

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from toolkit.errors import LabError
from toolkit.lab.load import LoadPlan, LoadProcess, LoadResult
from toolkit.lab.load.client import LoadRun

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
FLOWS: dict[str, Any] = {"scheme": "tcp", "keep_alive": False}
# Only where nothing comes is the end of patience what is tried.
PATIENCE = {"timeout": 0.2, "reset": 10.0, "protocol": 10.0}
OK = b"HTTP/1.1 200 OK\r\nX-Color: blue\r\nX-Version: v1\r\nContent-Length: 2\r\n\r\nok"


def run_against(serve: Serve, *, scheme: str = "http", **settings: object) -> tuple[LoadResult, int]:
    """The result, and how many connections the server saw."""
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

    async def main() -> LoadResult:
        server = await asyncio.start_server(session, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        plan = LoadPlan(**{"url": f"{scheme}://127.0.0.1:{port}/", "duration": 10.0, "connections": 2, **settings})  # type: ignore[arg-type]
        result = await LoadRun(plan).run()
        server.close()
        return result

    return asyncio.run(main()), connections


async def request_head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def good(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await request_head(reader)
        writer.write(OK)


async def one_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers once, then closes without a word when the next request comes."""
    await request_head(reader)
    writer.write(OK)
    await request_head(reader)


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_head(reader)
    writer.write(OK[:-1])


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_head(reader)
    await reader.read()


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_head(reader)
    writer.write(b"HELLO\r\n\r\n")
    await reader.read()


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_head(reader)
    writer.write(OK.replace(b"X-Color", b"Connection: close\r\nX-Color"))
    await writer.drain()


def test_exactly_the_requests_asked_for_on_kept_connections() -> None:
    result, connections = run_against(good, requests=101)
    assert (result.requests, result.failed, result.colors, connections) == (101, 0, {"blue": 101}, 2)


def test_a_connection_each_without_keep_alive() -> None:
    result, connections = run_against(good, requests=20, keep_alive=False)
    assert (result.requests, result.failed, connections) == (20, 0, 20)


def test_a_server_that_announces_its_close_fails_nothing() -> None:
    result, connections = run_against(closing, requests=10)
    assert (result.requests, result.failed, connections) == (10, 0, 10)


def test_a_dropped_keep_alive_connection_is_a_failure_and_is_not_retried() -> None:
    result, _ = run_against(one_each, requests=10, connections=1)
    assert (result.requests, result.failed, result.kinds["reset"]) == (10, 5, 5)


@pytest.mark.parametrize(("serve", "kind"), [(half, "reset"), (silent, "timeout"), (nonsense, "protocol")])
def test_what_goes_wrong_is_counted_by_kind(serve: Serve, kind: str) -> None:
    result, _ = run_against(serve, requests=4, timeout=PATIENCE[kind])
    assert (result.requests, result.failed, result.kinds[kind]) == (4, 4, 4)


async def reset_after_the_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_head(reader)
    writer.write(OK)
    await writer.drain()
    reset(writer)


async def kept_after_the_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await request_head(reader)
    writer.write(OK)
    await reader.read()


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def test_a_new_flow_is_a_connection_each_that_the_target_closes() -> None:
    result, connections = run_against(closing, **FLOWS, requests=20)
    assert (result.requests, result.failed, result.colors, connections) == (20, 0, {"blue": 20}, 20)


@pytest.mark.parametrize(
    ("serve", "kind"),
    [(half, "reset"), (silent, "timeout"), (reset_after_the_answer, "reset"), (kept_after_the_answer, "timeout")],
)
def test_a_new_flow_without_an_orderly_end_has_failed_and_is_not_retried(serve: Serve, kind: str) -> None:
    result, connections = run_against(serve, **FLOWS, requests=4, timeout=PATIENCE[kind])
    assert (result.requests, result.failed, result.kinds[kind], connections) == (4, 4, 4, 4)


def test_nobody_there_is_a_failure_each() -> None:
    result, _ = run_against(good, url="http://127.0.0.1:9/", requests=4)
    assert (result.failed, result.kinds["connect"]) == (4, 4)


def test_the_duration_ends_it() -> None:
    began = time.monotonic()
    result, _ = run_against(silent, duration=0.3)
    assert time.monotonic() - began < 15
    assert result.requests == 0


def test_the_rate_is_kept() -> None:
    began = time.monotonic()
    result, _ = run_against(good, requests=50, rate=100.0)
    assert result.requests == 50
    assert 0.45 <= time.monotonic() - began < 10


def test_the_process_answers_counts_and_ends_when_told() -> None:
    async def main() -> None:
        server = await asyncio.start_server(good, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.to_thread(drive, url)
        server.close()

    def drive(url: str) -> None:
        with LoadProcess(LoadPlan(url, connections=2, expected={"blue": "v1"})) as load:
            while (count := load.count())["requests"] < 100:
                assert count["failed"] == 0
            result = load.stop()
            assert result.requests >= 100
            assert load.count()["requests"] == result.requests
            assert load.stop() == result
        with LoadProcess(LoadPlan(url, requests=50)) as load:
            assert load.wait(20).requests == 50
        alone = subprocess.Popen(
            [sys.executable, "-m", "toolkit.lab.load", "--url", url], stdout=subprocess.PIPE, text=True
        )
        time.sleep(1.0)  # long enough to have begun on any machine; ending earlier would end it as well
        alone.send_signal(signal.SIGTERM)
        out, _ = alone.communicate(timeout=20)
        assert json.loads(out.splitlines()[-1])["failed"] == 0

    asyncio.run(main())


def test_a_process_without_a_result_says_why() -> None:
    with LoadProcess(LoadPlan("http://127.0.0.1:9/")) as load:
        os.kill(load.pid, signal.SIGKILL)
        with pytest.raises(LabError, match="ended without a result"):
            load.wait(20)
