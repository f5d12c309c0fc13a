"""The public listener: all connections of the public port, and who gives way when it is full.

What a stranger can hold on to is bounded: connections, bytes of one body, bodies being read, the
time a request may take to arrive, the time a connection may idle, requests of one connection that
wait, answers that nobody takes (SECURITY H3 to H8).
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

from aiohttp.http import HttpRequestParser
from aiohttp.http_parser import HttpRequestParserPy

from hookagent.errors import OutsideError
from hookagent.pipeline.ingest import Ingest
from hookagent.server.connection import Connection
from hookagent.server.crowd import longest_waiting, slowest_body
from hookagent.server.limits import Limits

SWEEP_S = 0.5
"""How often idle and slow connections are looked for."""
BACKLOG = 1_024
HANDSHAKE_S = 10.0
"""What a TLS handshake may take: until it is done a connection is not counted."""


def check_parser() -> None:
    """Refuse aiohttp's other parser, which lets more through (H1). Raises OutsideError."""
    if HttpRequestParser is HttpRequestParserPy:
        raise OutsideError(
            "aiohttp has no C parser here, and the other one lets hostile framing through",
            hint="unset AIOHTTP_NO_EXTENSIONS, or install aiohttp from a wheel",
        )


class Listener:
    """All connections of the public port."""

    def __init__(
        self,
        ingest: Ingest,
        limits: Limits,
        *,
        clock: Callable[[], int],
        base_url: Callable[[], str],
    ) -> None:
        self.ingest = ingest
        self.limits = limits
        self.clock = clock
        self.base_url = base_url
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self.bodies = 0
        self.is_stopping = False
        self.probes: set[str] = set()
        self._emptied = asyncio.Event()
        self._is_hurried = False
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Begin to accept; return the port. Raises OSError when it cannot be had."""
        self._server = await self.loop.create_server(
            lambda: Connection(self),
            host,
            port,
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_S if tls else None,
        )
        self._sweep = self.loop.call_later(SWEEP_S, self._look_for_slow_ones)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def stop_accepting(self) -> None:
        """Take no new connections and no new requests; answers under way are still sent."""
        self.is_stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.close_when_idle()

    async def close(self, grace_s: float) -> None:
        """Wait for answers under way, then close every connection."""
        self.stop_accepting()
        if self.connections and not self._is_hurried:
            self._emptied.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), grace_s)
        for connection in list(self.connections):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()

    def hurry(self) -> None:
        """Wait no longer for answers under way, now or at a later `close`."""
        self._is_hurried = True
        self._emptied.set()

    def left(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self.connections.discard(connection)
        if not self.connections:
            self._emptied.set()

    def _look_for_slow_ones(self) -> None:
        now = self.loop.time()
        for connection in list(self.connections):
            if connection.deadline < now:
                connection.time_out()
        self._sweep = self.loop.call_later(SWEEP_S, self._look_for_slow_ones)

    def make_room(self) -> bool:
        """End the connection that has waited longest without a request; False if there is none."""
        longest = longest_waiting(self.connections)
        if longest is not None:
            self.connections.discard(longest)
            longest.abort()
        return longest is not None

    def make_room_for_body(self) -> bool:
        """Time out the body that comes slowest; False if all have only just begun."""
        now = self.loop.time()
        slowest = slowest_body(self.connections, now)
        if slowest is not None:
            slowest.give_up(now)
        return slowest is not None
