"""Refused deliveries over the interface: the ring of the latest, and why each was refused."""

from typing import Any

from aiohttp import web

from hookagent.eventfile import Captured, format_time
from hookagent.pipeline.documents import rejection_document, rejection_row
from hookagent.pipeline.feed import Delivered
from hookagent.pipeline.ingest import NOWHERE
from hookagent.pipeline.refusals import REFUSED, reason_of, refusals
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import event_filter, refusal_or_fail, shown
from hookagent.server.inspector.bodies import body_info
from hookagent.server.inspector.looking import verdict_document
from hookagent.server.inspector.parts import PARTS
from hookagent.server.inspector.tail import TAIL
from hookagent.store.base import EventFilter


async def listed(request: web.Request) -> web.Response:
    """List refused deliveries by the filter for events, newest first.

    Those without an `id` were turned away at once (no such path, wrong method, too large): nothing
    of them is kept but that they came, and that only since the agent started.
    """
    parts = request.app[PARTS]
    wanted = event_filter(request.query, parts.clock())
    found = [rejection_row(one) for one in await refusals(parts.store, wanted)]
    found += [_row(one) for one in request.app[TAIL].turned_away if _passes(one, wanted)]
    found.sort(key=lambda row: str(row["received_at"]), reverse=True)
    return json({"rejected": found[: wanted.limit]})


def _row(one: Delivered) -> dict[str, Any]:
    return {
        "id": None,
        "source": one.source if one.source != NOWHERE else "",
        "received_at": format_time(one.at),
        "status": one.status,
        "reason": one.code,
        "error": one.code,
        "detail": one.detail,
    }


def _passes(one: Delivered, wanted: EventFilter) -> bool:
    """Whether a filter lets through what has neither body nor event."""
    unmet = (wanted.type, wanted.status, wanted.rule, wanted.parent, wanted.origin, wanted.text)
    return (
        not any(unmet)
        and wanted.verdict in {"", REFUSED}
        and wanted.source in {"", one.source}
        and wanted.since <= one.at
        and (not wanted.until or one.at <= wanted.until)
    )


async def one(request: web.Request) -> web.Response:
    """Return one refused delivery in full, and what would have made it pass."""
    parts = request.app[PARTS]
    found = await refusal_or_fail(parts.store, request.match_info["id"])
    captured = shown(
        Captured(request=found.request, id=found.id, source=found.source), parts.config
    )
    why = verdict_document(parts.config, found.source, found.request, found.verdict)
    return json(
        {
            **rejection_document(captured, found),
            "reason": reason_of(found),
            "error": found.error,
            "client_ip": found.request.client_ip or None,
            "why": why,
            "body_info": body_info(parts.config.sources.get(found.source), found.request),
        }
    )


ROUTES = (
    web.get("/api/rejected", listed),
    web.get("/api/rejected/{id}", one),
)
