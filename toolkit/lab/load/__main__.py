"""`python -m toolkit.lab.load`: send HTTP requests or open TCP flows, retry none, and count what comes back.

The last line on stdout is the result, one JSON document. SIGTERM and SIGINT end the run early, with its result.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence

import uvloop

from toolkit.lab.load.client import LoadRun
from toolkit.lab.load.plan import MAX_REQUESTS, MAX_SECONDS, LoadPlan


def arguments(argv: Sequence[str]) -> tuple[LoadPlan, bool]:
    """The plan, and whether stdin is a control channel."""
    parser = argparse.ArgumentParser(prog="python -m toolkit.lab.load", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=int, default=MAX_REQUESTS, help="end after so many")
    parser.add_argument("--duration", type=float, default=MAX_SECONDS, help="end after so many seconds")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--post-share", type=float, default=0.0, help="share of POST among the requests, 0 to 1")
    parser.add_argument("--keep-alive", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--rate", type=float, help="begin at most so many a second; default: as fast as it goes")
    parser.add_argument("--standing", type=int, default=0, help="flows to open at the start and to keep")
    parser.add_argument("--standing-rate", type=float, default=1.0, help="messages a second on each of those")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds until a request counts as failed")
    parser.add_argument(
        "--expect", action="append", default=[], type=_pair("="), metavar="COLOR=VERSION",
        help="a color that may answer, with its version; repeat it; default: any",
    )  # fmt: skip
    parser.add_argument("--header", action="append", default=[], type=_pair(":"), metavar="NAME:VALUE")
    parser.add_argument("--bucket-ms", type=float, default=10.0, help="width of the buckets in the result")
    parser.add_argument(
        "--control", action="store_true",
        help="read commands from stdin: `count` prints how things stand, `stop` or its end ends the run",
    )  # fmt: skip
    chosen = parser.parse_args(argv)
    try:
        plan = LoadPlan(
            chosen.url,
            requests=chosen.requests,
            duration=chosen.duration,
            connections=chosen.connections,
            post_share=chosen.post_share,
            keep_alive=chosen.keep_alive,
            rate=chosen.rate,
            timeout=chosen.timeout,
            expected=dict(chosen.expect),
            headers=dict(chosen.header),
            bucket_seconds=chosen.bucket_ms / 1000,
            standing=chosen.standing,
            standing_rate=chosen.standing_rate,
        )
    except ValueError as error:
        parser.error(str(error))
    return plan, chosen.control


def _pair(separator: str) -> Callable[[str], tuple[str, str]]:
    def parse(text: str) -> tuple[str, str]:
        name, found, value = text.partition(separator)
        if not found:
            raise argparse.ArgumentTypeError(f"{text!r} lacks a {separator!r}")
        return name.strip(), value.strip()

    return parse


class _Control(asyncio.Protocol):
    """Commands on stdin, one a line."""

    def __init__(self, run: LoadRun) -> None:
        self._run = run
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line == b"count":
                print(json.dumps(self._run.count()), flush=True)
            elif line == b"stop":
                self._run.stop()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio names it
        """Whoever drove the load is gone."""
        self._run.stop()


async def _main(plan: LoadPlan, has_control: bool) -> None:
    run = LoadRun(plan)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, run.stop)
    if has_control:
        await loop.connect_read_pipe(lambda: _Control(run), sys.stdin)
    result = await run.run()
    print(json.dumps(result.as_json()), flush=True)


def main() -> None:
    plan, has_control = arguments(sys.argv[1:])
    uvloop.run(_main(plan, has_control))


if __name__ == "__main__":
    main()
