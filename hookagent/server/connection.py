"""One connection of the public port: aiohttp's HTTP parser under a protocol of our own.

aiohttp's application layers cost three times what parsing does; a webhook needs none of them. So
each connection feeds aiohttp's C parser (its limits, its strictness about framing) and hands whole
requests to `Ingest`. What comes whole and plain does not even go through the parser (`plain`),
until something else comes on the same connection. One request of a connection is answered at a
time, in order. Of requests sent without waiting for answers a few are parsed ahead; then the
others' turn comes, and a sender that does not take its answers is not read from.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import ClientPayloadError
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from hookagent.event import Headers, RawRequest
from hookagent.pipeline.answer import NOT_FOUND, TOO_LARGE, UNAVAILABLE, Answer, refusal
from hookagent.pipeline.gate import Gate
from hookagent.server.crowd import Reading
from hookagent.server.plain import Plain, read_plain
from hookagent.server.rendering import CONTINUE, render

if TYPE_CHECKING:
    from hookagent.server.listener import Listener

READ_BUFFER = 64 * 1024
"""What aiohttp's reader takes before it makes the sender wait."""
FIELD_MAX = 8_190
"""Bytes in one request line or header field, as aiohttp's own servers."""
AHEAD_MAX = 8
"""Requests of one connection that are parsed before the first of them is answered."""
LINGER_S = 1.0
"""How long what nobody reads is thrown away before a connection is closed."""
OK = 200

BAD_REQUEST = refusal(400, "bad-request", "The request is not valid HTTP.", close=True)
TIMED_OUT = refusal(408, "timeout", "The request took too long to arrive.", close=True)
BAD_VERSION = refusal(505, "http-version", "Use HTTP/1.1.", close=True)
BUSY = UNAVAILABLE

PROBE_PREFIX = "/.well-known/hookagent/"
"""Answered with the path's last part, so that a tunnel can be probed from outside."""


class Connection(BaseProtocol):
    """One connection: parse, judge, answer, in order."""

    __slots__ = (
        "_ahead", "_is_head", "_is_plain", "_listener", "_parser", "_peer", "_reader", "_waiting",
        "deadline", "is_busy", "is_closing", "reading",
    )  # fmt: skip

    def __init__(self, listener: "Listener") -> None:
        super().__init__(listener.loop)
        self._listener = listener
        self._parser: HttpRequestParser | None = None
        self._waiting: deque[tuple[RawRequestMessage, StreamReader]] = deque()
        self._ahead = 0
        self._is_head = False
        self._is_plain = False
        """Whether the request under way came without the parser."""
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
        if self.is_closing:
            return
        if self._parser is None:
            if not self.is_busy and not self.writing_paused and self._take_plain(data):
                return
            self._parser = self._new_parser()
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError:
            self._refuse_rest()
            return
        if not messages:
            return
        self._ahead += len(messages)
        if self._ahead >= AHEAD_MAX:
            self._pause_reading_for_buffer()
        self._waiting.extend(messages)
        if not self.is_busy and not self.writing_paused:
            self._begin(*self._waiting.popleft())

    def _take_plain(self, data: bytes) -> bool:
        """Take in a delivery that came whole, without the parser; False for anything else."""
        plain = read_plain(data)
        if plain is None:
            return False
        ingest = self._listener.ingest
        gate = ingest.gate(plain.target.partition("?")[0])
        if gate is None or ingest.admit(gate, plain.method, ()) is not None:
            return False
        if len(plain.body) > gate.source.max_body:
            return False
        self.is_busy = self._is_plain = True
        self._judge(gate, plain, close=False)
        return True

    def _new_parser(self) -> HttpRequestParser:
        """Return the parser for all that follows: it alone knows where a message ends."""
        return HttpRequestParser(
            self,
            self._listener.loop,
            READ_BUFFER,
            max_line_size=FIELD_MAX,
            max_field_size=FIELD_MAX,
            payload_exception=ClientPayloadError,
            auto_decompress=False,
            max_msg_queue_size=AHEAD_MAX,
        )

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.is_busy and not self.is_closing:
            self._next()

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
        self._is_plain = False
        self._is_head = message.method == "HEAD"
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
                plain = Plain(message.method, message.path, headers, data)
                self._judge(gate, plain, close=_is_last(message))
            return
        if listener.bodies >= listener.limits.bodies and not listener.make_room_for_body():
            self._answer(BUSY, close=True, is_unread=True)
            return
        if _is_waiting(headers) and self.transport is not None:
            self.transport.write(CONTINUE)
        self._read_on()
        listener.bodies += 1
        self.deadline = float("inf")  # the reader keeps its own
        self._reader = listener.loop.create_task(self._read(gate, message, headers, body))
        self._reader.add_done_callback(self._read_ended)

    def _read_ended(self, reader: asyncio.Task[None]) -> None:
        """End a connection whose request met a bug of ours, rather than to keep it for ever."""
        if not reader.cancelled() and (error := reader.exception()) is not None:
            self._listener.loop.call_exception_handler(
                {"message": "a request met a bug", "exception": error}
            )
            self.abort()

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
            plain = Plain(message.method, message.path, headers, b"".join(parts))
            self._judge(gate, plain, close=_is_last(message))
        else:
            self._answer(problem, close=True, is_unread=True)

    def _judge(self, gate: Gate, whole: Plain, *, close: bool) -> None:
        """Hand a whole request to the ingest and send what it says, now or after the commit."""
        listener = self._listener
        request = RawRequest(
            method=whole.method,
            target=whole.target,
            headers=whole.headers,
            body=whole.body,
            received_at=listener.clock(),
            client_ip=listener.limits.client_ip(self._peer, whole.headers),
            base_url=listener.base_url(),
        )
        self.deadline = float("inf")  # from here on it is we who are slow
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
                self._rest()  # so long it may take to take its answer
                self.transport.close()
            return
        if self._parser is not None and not self._is_plain:
            self._parser.message_consumed()
        self._next()

    def _next(self) -> None:
        """Go on with what is there already, then with what was not parsed yet, else wait."""
        self._rest()
        if self.writing_paused:
            return  # it does not take its answers; it is gone on with when it does
        if self._waiting:
            self._begin(*self._waiting.popleft())
        elif self._ahead >= AHEAD_MAX:
            self._listener.loop.call_soon(self._parse_on)
        else:
            self._ahead = 0

    def _parse_on(self) -> None:
        """Parse what was left for later; the others had their turn."""
        self._ahead = 0
        self._buffer_paused = False
        self.data_received(b"")
        if not self._buffer_paused and not self._reading_paused:
            self._resume_transport_reading()

    def _read_on(self) -> None:
        """Read again, for the body of the last request that was parsed ahead."""
        self._ahead = 0
        if self._buffer_paused:
            self._resume_reading_for_buffer()

    def _write(self, answer: Answer, *, close: bool) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        transport.write(render(answer, close=close, is_head=self._is_head))
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
        """End a connection that idles, dribbles its headers or does not take its answers."""
        if self.transport is None or self.is_busy:
            return
        if self.writing_paused or self.transport.is_closing():
            self.abort()
            return
        self.is_closing = True
        self._rest()
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
