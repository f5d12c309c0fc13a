"""Refused deliveries over the interface: the ring of the latest, and why each was refused."""

from aiohttp import web

from hookagent.errors import NotFound
from hookagent.eventfile import Captured
from hookagent.pipeline.documents import rejection_document, rejection_row
from hookagent.pipeline.masking import masked
from hookagent.pipeline.refusals import refusals
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import event_filter
from hookagent.server.inspector.bodies import body_info
from hookagent.server.inspector.looking import verdict_document
from hookagent.server.inspector.parts import PARTS


async def listed(request: web.Request) -> web.Response:
    """List refused deliveries by the filter for events, newest first."""
    parts = request.app[PARTS]
    found = await refusals(parts.store, event_filter(request.query, parts.clock()))
    return json({"rejected": [rejection_row(one) for one in found]})


async def one(request: web.Request) -> web.Response:
    """Return one refused delivery in full, and what would have made it pass."""
    parts = request.app[PARTS]
    rejected_id = request.match_info["id"]
    found = await parts.store.rejection(rejected_id)
    if found is None:
        raise NotFound(f"no refused delivery `{rejected_id[:80]}`", hint="only the latest are kept")
    captured = masked(
        Captured(request=found.request, id=found.id, source=found.source), parts.config
    )
    why = verdict_document(parts.config, found.source, found.request, found.verdict)
    return json(
        {
            **rejection_document(captured, found),
            "why": why,
            "body_info": body_info(parts.config.sources.get(found.source), found.request),
        }
    )


ROUTES = (
    web.get("/api/rejected", listed),
    web.get("/api/rejected/{id}", one),
)
