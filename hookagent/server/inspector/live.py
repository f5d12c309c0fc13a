"""`/api/live`: server-sent events that resume where a browser left off."""

from contextlib import suppress

import msgspec
from aiohttp import web

from hookagent.server.inspector.answers import HEADERS
from hookagent.server.inspector.tail import PAGE, RESET, TAIL, Message, Reader, Tail, rows

BEAT_S = 15.0
"""A comment at least this often, so that a dead connection is noticed on both sides."""
LOOK_S = 1.0
"""How soon it is noticed that a browser has gone."""
RETRY_MS = 1_000
"""How soon a browser tries again after a break."""
RESUME_MAX = 2_000
"""Events that are sent again after a break; beyond that the list is read anew."""
STREAMS_MAX = 32


async def live(request: web.Request) -> web.StreamResponse:
    """Stream rows of new events, ids of changed ones, and what else happens."""
    tail = request.app[TAIL]
    if tail.readers >= STREAMS_MAX:
        raise web.HTTPServiceUnavailable(reason="Too many live streams")
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
    reader = tail.join()  # before what is stored is read, so that nothing falls between
    try:
        await response.prepare(request)
        await _told(request, response, reader)
    finally:
        tail.leave(reader)
    return response


async def _told(request: web.Request, response: web.StreamResponse, reader: Reader) -> None:
    """Write until either side ends it."""
    sent, missed = await _resumed(request.app[TAIL], request.headers.get("Last-Event-ID", ""))
    hello = Message("hello", msgspec.json.encode({"seq": sent}))
    first = b"retry: %d\n\n" % RETRY_MS + hello.wire()
    quiet_s = 0.0
    with suppress(ConnectionResetError):  # the browser has gone
        await response.write(first + b"".join(message.wire() for message in missed))
        while not reader.is_closed and request.transport is not None:
            news = await reader.batch(LOOK_S)
            fresh = [one for one in news if not one.seq or one.seq > sent]
            sent = max([sent, *(one.seq for one in fresh)])
            quiet_s = 0.0 if fresh else quiet_s + LOOK_S
            if fresh:
                await response.write(b"".join(one.wire() for one in fresh))
            elif quiet_s >= BEAT_S:
                quiet_s = 0.0
                await response.write(b": beat\n\n")
        await response.write_eof()


async def _resumed(tail: Tail, last: str) -> tuple[int, list[Message]]:
    """Return up to where the reader knows everything, and what it missed."""
    if not (last.isascii() and last.isdigit()):
        return await tail.newest(), []
    seq = int(last[:18])
    missed: list[Message] = []
    while found := await tail.after(seq):
        missed += rows(found)
        seq = found[-1].seq
        if len(missed) > RESUME_MAX:
            return await tail.newest(), [RESET]
        if len(found) < PAGE:
            break
    return seq, missed


ROUTES = (web.get("/api/live", live),)
