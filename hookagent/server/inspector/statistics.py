"""What happened over any stretch of time, for the overview's plots and tables."""

import asyncio

from aiohttp import web

from hookagent.errors import UsageError
from hookagent.pipeline.statistics.report import document, report
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import moment
from hookagent.server.inspector.parts import PARTS

DAY_MS = 86_400_000
BARS = 60


async def statistics(request: web.Request) -> web.Response:
    """Answer with the report of a stretch of time, what is not in the store yet included."""
    parts = request.app[PARTS]
    now = parts.clock()
    until = moment(request.query, "until", now) or now
    since = moment(request.query, "since", now) or until - DAY_MS
    if until <= since:
        raise UsageError("the end is not after the beginning")
    stretches = [
        *await parts.store.stretches(since=since, until=until),
        *(one for one in parts.uncounted() if one.at < until and one.at + one.span > since),
    ]
    source = request.query.get("source", "")
    found = await asyncio.to_thread(
        report, stretches, since=since, until=until, bars=BARS, source=source
    )
    return json(document(found))


ROUTES = (web.get("/api/statistics", statistics),)
