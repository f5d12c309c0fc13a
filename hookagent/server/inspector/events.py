"""Events over the interface: lists by filter and key, and one in full."""

from typing import Any

import msgspec
from aiohttp import web

from hookagent.errors import NotFound, UsageError
from hookagent.eventfile import parse_time
from hookagent.located import parse_duration
from hookagent.pipeline.documents import event_document, event_row
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.parts import PARTS
from hookagent.store.base import EventFilter, EventRecord, Store

PAGE_MAX = 500
NAMES_SHOWN = 5


async def listed(request: web.Request) -> web.Response:
    """List one page; `next` is the `before` of the following one, absent at the end."""
    parts = request.app[PARTS]
    wanted = event_filter(request.query, parts.clock())
    found = await parts.store.events(wanted)
    answer: dict[str, Any] = {"events": [event_row(one) for one in found]}
    if len(found) == wanted.limit:
        answer["next"] = found[-1].seq
    return json(answer)


async def one(request: web.Request) -> web.Response:
    """Return one event in full."""
    parts = request.app[PARTS]
    record = await event_or_fail(parts.store, request.match_info["id"])
    return json(event_document(record, parts.config))


async def event_or_fail(store: Store, event_id: str) -> EventRecord:
    """Return an event. Raises NotFound with ids that begin alike."""
    record = await store.event(event_id)
    if record is None:
        near = await store.event_ids_like(event_id[:12], NAMES_SHOWN)
        raise NotFound.among("event", event_id[:80], near)
    return record


def event_filter(query: Any, now: int) -> EventFilter:
    """Make the store's filter from a query string. Raises UsageError."""
    limit = number(query, "limit", 100)
    if not 1 <= limit <= PAGE_MAX:
        raise UsageError(f"`limit` is not between 1 and {PAGE_MAX}")
    return EventFilter(
        source=query.get("source", ""),
        type=query.get("type", ""),
        status=query.get("status", ""),
        rule=query.get("rule", ""),
        origin=query.get("origin", ""),
        parent=query.get("parent", ""),
        text=query.get("text", ""),
        since=moment(query, "since", now),
        until=moment(query, "until", now),
        before=number(query, "before", 0),
        after=number(query, "after", 0),
        limit=limit,
    )


def number(query: Any, name: str, default: int) -> int:
    """Read a whole number of the query. Raises UsageError."""
    text = query.get(name, "")
    if not text:
        return default
    try:
        return msgspec.convert(text, int, strict=False)
    except msgspec.ValidationError:
        raise UsageError(f"`{name}` is not a whole number") from None


def moment(query: Any, name: str, now: int) -> int:
    """Read `2h` (ago), an RFC 3339 time or Unix milliseconds. Raises UsageError."""
    text = query.get(name, "").strip()
    if not text:
        return 0
    if text.isascii() and text.isdigit():
        return int(text[:15])
    duration = parse_duration(text)
    if duration is not None:
        return now - duration
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError(
            f"`{name}` is not a time", hint="write 30m, 2h, 7d, or a time such as 2026-01-31T12:00"
        ) from None


ROUTES = (
    web.get("/api/events", listed),
    web.get("/api/events/{id}", one),
)
