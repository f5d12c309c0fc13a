"""For machines: is it there, is it ready, and its numbers; and how a tunnel's probe knows it."""

from aiohttp import web

from hookagent.server.inspector.answers import json
from hookagent.server.inspector.guard import INSPECTOR_PATH
from hookagent.server.inspector.parts import PARTS
from hookagent.server.metrics import METRICS
from hookagent.store.base import StoreUnavailable

PROBE_KEY = "inspector.ready"


async def marked(_request: web.Request) -> web.Response:
    """Answer with nothing but the mark, which every answer at this path has."""
    return web.Response(status=204)


async def healthz(_request: web.Request) -> web.Response:
    """Say that the process answers."""
    return json({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Say whether events can be taken: the store answers and rules are loaded."""
    parts = request.app[PARTS]
    checks = {"rules": parts.rulebook() is not None}
    try:
        await parts.store.kept(PROBE_KEY)
        checks["store"] = True
    except StoreUnavailable:
        checks["store"] = False
    is_ready = all(checks.values())
    return json(
        {"status": "ready" if is_ready else "not-ready", "checks": checks},
        200 if is_ready else 503,
    )


async def metrics(request: web.Request) -> web.Response:
    """Answer in the text form that was asked for: Prometheus' or OpenMetrics."""
    from prometheus_client.exposition import choose_encoder

    encode, media = choose_encoder(request.headers.get("Accept", ""))
    registry = await request.app[METRICS].collected()
    return web.Response(body=encode(registry), headers={"Content-Type": media})


ROUTES = (
    web.get(INSPECTOR_PATH, marked),
    web.get("/healthz", healthz),
    web.get("/readyz", readyz),
    web.get("/metrics", metrics),
)
