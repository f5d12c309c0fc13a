"""The public listener: aiohttp's HTTP parser under a protocol of our own.

aiohttp's application layers cost three times what parsing does; a webhook needs none of them. So
each connection feeds aiohttp's C parser (its limits, its strictness about framing) and hands whole
requests to `Ingest`. One request of a connection is answered at a time, in order.

What a stranger can hold on to is bounded: connections, bytes of one body, bodies being read, the
time a request may take to arrive, the time a connection may idle (SECURITY H3 to H8).
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from aiohttp import ClientPayloadError
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParserPy
from aiohttp.streams import StreamReader

from hookagent.errors import OutsideError
from hookagent.event import Headers, RawRequest
from hookagent.pipeline.answer import NOT_FOUND, TOO_LARGE, UNAVAILABLE, Answer, refusal
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.ingest import Ingest
from hookagent.server.crowd import Reading, longest_waiting, slowest_body
from hookagent.server.limits import Limits
from hookagent.server.rendering import CONTINUE, render

READ_BUFFER = 64 * 1024
"""What aiohttp's reader takes before it makes the sender wait."""
FIELD_MAX = 8_190
"""Bytes in one request line or header field, as aiohttp's own servers."""
LINGER_S = 1.0
"""How long what nobody reads is thrown away before a connection is closed."""
SWEEP_S = 0.5
"""How often idle and slow connections are looked for."""
BACKLOG = 1_024
OK = 200

BAD_REQUEST = refusal(400, "bad-request", "The request is not valid HTTP.", close=True)
TIMED_OUT = refusal(408, "timeout", "The request took too long to arrive.", close=True)
BAD_VERSION = refusal(505, "http-version", "Use HTTP/1.1.", close=True)
BUSY = UNAVAILABLE

PROBE_PREFIX = "/.well-known/hookagent/"
"""Answered with the path's last part, so that a tunnel can be probed from outside."""


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
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Begin to accept; return the port. Raises OSError when it cannot be had."""
        self._server = await self.loop.create_server(
            lambda: Connection(self), host, port, backlog=BACKLOG, ssl=tls
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
        if self.connections:
            self._emptied.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), grace_s)
        for connection in list(self.connections):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()

    def left(self, connection: "Connection") -> None:
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


class Connection(BaseProtocol):
    """One connection: parse, judge, answer, in order."""

    __slots__ = (
        "_listener", "_parser", "_peer", "_reader", "_waiting",
        "deadline", "is_busy", "is_closing", "reading",
    )  # fmt: skip

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener.loop)
        self._listener = listener
        self._parser: HttpRequestParser | None = None
        self._waiting: deque[tuple[RawRequestMessage, StreamReader]] = deque()
        self.is_busy = False
        self.reading: Reading | None = None
        self._reader: asyncio.Task[None] | None = None
        self._peer = ""
        self.deadline = 0.0
        self.is_closing = False

    # The transport's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        listener = self._listener
        is_full = len(listener.connections) >= listener.limits.connections
        if listener.is_stopping or (is_full and not listener.make_room()):
            self._write(BUSY, close=True)
            if len(listener.connections) < 2 * listener.limits.connections:
                self._linger()
            else:
                self.abort()
            return
        listener.connections.add(self)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        self._rest()
        self._parser = HttpRequestParser(
            self,
            listener.loop,
            READ_BUFFER,
            max_line_size=FIELD_MAX,
            max_field_size=FIELD_MAX,
            payload_exception=ClientPayloadError,
            auto_decompress=False,
        )

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._listener.left(self)
        self._waiting.clear()
        self.is_closing = True
        if self._parser is not None:
            with suppress(HttpProcessingError):  # the body it waits for will not come
                self._parser.feed_eof()
            self._parser = None
        if self._reader is not None:
            self._reader.cancel()

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self.is_closing:
            return
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError:
            self._refuse_rest()
            return
        for message, body in messages:
            self._parser.message_consumed()
            if self.is_busy:
                self._waiting.append((message, body))
            else:
                self._begin(message, body)

    def _refuse_rest(self) -> None:
        """Answer what is not HTTP; requests before it in the pipe get their answers first."""
        if not self.is_busy:
            self._write(BAD_REQUEST, close=True)
            self._linger()
        self.is_closing = True

    # One request.

    def _begin(self, message: RawRequestMessage, body: StreamReader) -> None:
        """Refuse by the head alone, or take the body in."""
        self.is_busy = True
        listener = self._listener
        headers = Headers(message.raw_headers)
        path = message.path.partition("?")[0]
        gate = listener.ingest.gate(path)
        early: Answer | None
        if message.version.major != 1:
            early = BAD_VERSION
        elif gate is None:
            early = self._probe(path) or NOT_FOUND
        else:
            encodings = message.headers.getall("Content-Encoding", ())
            early = listener.ingest.admit(gate, message.method, encodings) or self._too_large(
                gate, message.headers.get("Content-Length", "")
            )
        if gate is None or early is not None:
            early = early or NOT_FOUND
            if early.status != OK:
                listener.ingest.turned_away(early, message.method, path, gate)
            self._answer(early, close=_is_last(message), is_unread=not body.is_eof())
            return
        if body.is_eof():
            data = body.read_nowait(-1) if body.total_bytes else b""
            if len(data) > gate.source.max_body:
                self._answer(TOO_LARGE, close=True)
            else:
                self._judge(gate, message, headers, data)
            return
        if listener.bodies >= listener.limits.bodies and not listener.make_room_for_body():
            self._answer(BUSY, close=True, is_unread=True)
            return
        if _is_waiting(headers) and self.transport is not None:
            self.transport.write(CONTINUE)
        listener.bodies += 1
        self.deadline = float("inf")  # the reader keeps its own
        self._reader = listener.loop.create_task(self._read(gate, message, headers, body))

    def _probe(self, path: str) -> Answer | None:
        """Answer our own tunnel's health probe."""
        nonce = path.removeprefix(PROBE_PREFIX)
        if path.startswith(PROBE_PREFIX) and nonce in self._listener.probes:
            return Answer(200, nonce.encode(), "text/plain")
        return None

    @staticmethod
    def _too_large(gate: Gate, declared: str) -> Answer | None:
        """Refuse by the declared length; the parser has checked that it is a number."""
        if declared and int(declared) > gate.source.max_body:
            return TOO_LARGE
        return None

    async def _read(
        self, gate: Gate, message: RawRequestMessage, headers: Headers, body: StreamReader
    ) -> None:
        """Take in a body that did not come in one piece, within its time and size."""
        listener = self._listener
        parts: list[bytes] = []
        problem: Answer | None = None
        try:
            async with asyncio.timeout(listener.limits.read_s) as limit:
                self.reading = reading = Reading(listener.loop.time(), limit)
                while problem is None and (part := await body.readany()):
                    parts.append(part)
                    reading.size += len(part)
                    if reading.size > gate.source.max_body:
                        problem = TOO_LARGE
        except TimeoutError:
            problem = TIMED_OUT
        except (ClientPayloadError, HttpProcessingError):
            problem = BAD_REQUEST
        finally:
            listener.bodies -= 1
            self._reader = self.reading = None
        if problem is None:
            self._judge(gate, message, headers, b"".join(parts))
        else:
            self._answer(problem, close=True, is_unread=True)

    def _judge(self, gate: Gate, message: RawRequestMessage, headers: Headers, body: bytes) -> None:
        """Hand a whole request to the ingest and send what it says, now or after the commit."""
        listener = self._listener
        request = RawRequest(
            method=message.method,
            target=message.path,
            headers=headers,
            body=body,
            received_at=listener.clock(),
            client_ip=listener.limits.client_ip(self._peer, headers),
            base_url=listener.base_url(),
        )
        self.deadline = float("inf")  # from here on it is we who are slow
        close = _is_last(message)
        listener.ingest.receive(gate, request, lambda answer: self._answer(answer, close=close))

    def _answer(self, answer: Answer, *, close: bool, is_unread: bool = False) -> None:
        """Send one answer and go on with the next request of this connection.

        `is_unread` says that there is more of the request on the way, which nobody will read.
        """
        if self.transport is None:
            return
        self.is_busy = False
        stops = self.is_closing or self._listener.is_stopping
        ends = close or answer.close or is_unread or stops
        self._write(answer, close=ends)
        if ends:
            if is_unread:
                self._linger()
            else:
                self.transport.close()
            return
        if self._waiting:
            self._begin(*self._waiting.popleft())
        else:
            self._rest()

    def _write(self, answer: Answer, *, close: bool) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(render(answer, close=close))
        self.is_closing = self.is_closing or close

    def _linger(self) -> None:
        """End our side and throw away what still comes, for a moment.

        Closing at once with bytes unread would reset the connection, and the sender would see
        that instead of its answer.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self.is_closing = True
        self.deadline = self._listener.loop.time() + LINGER_S
        self._listener.connections.add(self)
        if transport.can_write_eof():
            transport.write_eof()
        transport.resume_reading()

    # Time.

    def _rest(self) -> None:
        """Wait for the next request, but not for ever."""
        self.deadline = self._listener.loop.time() + self._listener.limits.idle_s

    def time_out(self) -> None:
        """End a connection that idles or dribbles its headers."""
        if self.transport is not None and not self.is_busy:
            self.is_closing = True
            self.transport.close()

    def close_when_idle(self) -> None:
        """Close now unless a request is under way; its answer will close."""
        if not self.is_busy and self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close without waiting for anything."""
        if self.transport is not None:
            self.transport.abort()


def _is_last(message: RawRequestMessage) -> bool:
    """Whether the connection ends with this request; what follows an upgrade is not HTTP."""
    return message.should_close or message.upgrade


def _is_waiting(headers: Headers) -> bool:
    """Whether the sender waits for our word before it sends the body."""
    return any(value.strip().lower() == b"100-continue" for value in headers.all("expect"))
