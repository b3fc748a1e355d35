"""Serving one or several sites from one event loop, fast enough to be no bottleneck of a benchmark."""

import asyncio
import json
import random
import signal
import socket
import struct
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.web_request import BaseRequest

from toolkit.lab.app.faults import Faults
from toolkit.lab.app.site import Site

HEALTH_PATH = "/healthz"
FAULTS_PATH = "/_app/faults"
_SHUTDOWN_SECONDS = 5.0
# Longer than the load balancer's idle timeout (60 s), as AWS advises: the side that reuses closes first.
_KEEP_ALIVE_SECONDS = 75.0
_BACKLOG = 2048


class SampleApp:
    """The handler of one site. aiohttp's low-level server calls it for every request."""

    def __init__(self, site: Site, faults: Faults, chance: Callable[[], float] = random.random) -> None:
        self.site = site
        self.faults = faults
        self._chance = chance
        self._headers = {
            "X-Color": site.color,
            "X-Version": site.version,
            "X-Target": site.target,
            "Content-Type": "application/json",
        }
        identity = {"color": site.color, "version": site.version, "target": site.target}
        self._body = json.dumps(identity).encode()

    async def __call__(self, request: BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path == FAULTS_PATH:
            return await self._set_faults(request)
        faults = self.faults
        if request.can_read_body:
            await request.read()
        is_check = path == HEALTH_PATH
        struck = "" if is_check else faults.of_request(self._chance())
        wait_ms = faults.latency_ms + (faults.slow_ms if struck == "slow_rate" else 0.0)
        if wait_ms:
            await asyncio.sleep(wait_ms / 1000)
        if faults.hang or struck == "hang_rate":
            await asyncio.Event().wait()
        if faults.reset or struck == "reset_rate":
            _reset(request)
        if is_check:
            return self._answer(503 if faults.unhealthy else 200)
        return self._answer(500 if struck == "error_rate" else 200)

    def _answer(self, status: int) -> web.Response:
        return web.Response(status=status, body=self._body, headers=self._headers)

    async def _set_faults(self, request: BaseRequest) -> web.Response:
        """POST changes the faults it names; every answer shows all of them."""
        if request.method == "POST":
            try:
                changes = json.loads(await request.read())
                if not isinstance(changes, dict):
                    raise ValueError('send an object, such as {"error_rate": 0.5}')  # noqa: TRY004
                self.faults = self.faults.updated(changes)
            except ValueError as error:
                return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self.faults.as_json())


def _reset(request: BaseRequest) -> None:
    """Close with a TCP reset: with lingering off for 0 s the kernel sends RST, not FIN."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def serve(sites: Sequence[Site], faults: Faults, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; then accept nothing more and finish what is under way.

    Raises:
        OSError: an address cannot be bound.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    servers: list[tuple[asyncio.Server, web.Server]] = []
    try:
        for site in sites:
            protocol = web.Server(SampleApp(site, faults), keepalive_timeout=_KEEP_ALIVE_SECONDS, access_log=None)
            listener = await loop.create_server(protocol, site.address, site.port, backlog=_BACKLOG)
            servers.append((listener, protocol))
        ready()
        await stop.wait()
    finally:
        for listener, _ in servers:
            listener.close()
        await asyncio.gather(*(protocol.shutdown(_SHUTDOWN_SECONDS) for _, protocol in servers))
