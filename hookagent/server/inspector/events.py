"""Events over the interface: lists by filter and key, and one in full."""

from typing import Any

from aiohttp import web

from hookagent.pipeline.documents import event_document, event_row
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import event_filter, event_or_fail
from hookagent.server.inspector.bodies import body_info
from hookagent.server.inspector.parts import PARTS
from hookagent.store.base import EventFilter, Store


async def listed(request: web.Request) -> web.Response:
    """List one page; `next` is the `before` of the following one, absent at the end.

    With `ends=1`, `oldest` is the lowest sequence number of all events.
    """
    parts = request.app[PARTS]
    wanted = event_filter(request.query, parts.clock())
    found = await parts.store.events(wanted)
    answer: dict[str, Any] = {"events": [event_row(one) for one in found]}
    if len(found) == wanted.limit:
        answer["next"] = found[-1].seq
    if request.query.get("ends") == "1":
        answer["oldest"] = await oldest(parts.store)
    return json(answer)


async def oldest(store: Store) -> int:
    """Return the lowest sequence number there is, 0 where there is none."""
    found = await store.events(EventFilter(after=1, limit=1))
    if not found:
        found = await store.events(EventFilter(limit=1))
        return found[0].seq if found else 0
    before = await store.events(EventFilter(before=found[0].seq, limit=1))
    return before[0].seq if before else found[0].seq


async def one(request: web.Request) -> web.Response:
    """Return one event in full."""
    parts = request.app[PARTS]
    record = await event_or_fail(parts.store, request.match_info["id"])
    source = parts.config.sources.get(record.event.source)
    more = {"seq": record.summary.seq, "body_info": body_info(source, record.event.request)}
    return json(event_document(record, parts.config) | more)


ROUTES = (
    web.get("/api/events", listed),
    web.get("/api/events/{id}", one),
)
