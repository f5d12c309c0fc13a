"""The inspector's own server: binds, guards, routes; what it answers is in the modules beside.

It never shares a socket with the listener: a tunnel is given the listener's port only.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hookagent.errors import HookagentError, OutsideError, reason_of
from hookagent.server.inspector import (
    events,
    exporting,
    health,
    live,
    looking,
    making,
    overview,
    pages,
    qr,
    refused,
    sending,
    statistics,
    working,
)
from hookagent.server.inspector.answers import HEADERS, failed, json, turned_away
from hookagent.server.inspector.guard import PAGE, Asked, Door
from hookagent.server.inspector.parts import PARTS, Parts
from hookagent.server.inspector.tail import TAIL, Tail
from hookagent.server.inspector.visiting import visits
from hookagent.server.metrics import METRICS, Metrics
from hookagent.tunnel.probe import INSPECTOR_MARK

BODY_MAX = 4 * 1024 * 1024
"""Bytes of one request to the interface: an edited event, base64 included."""
SHUTDOWN_S = 1.0
"""How long a stop waits for answers under way; live streams are ended before."""
BACKLOG = 64


MODULES = (
    pages, health, events, live, looking, exporting, sending, working, refused, overview, making,
    qr, statistics,
)  # fmt: skip
"""Each has its `ROUTES`."""


class Inspector:
    """The page and the interface behind it, for the time of one run."""

    def __init__(self, parts: Parts, *, token: str | None = None) -> None:
        self._parts = parts
        self._token = token or parts.config.inspector.token

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve for the time of the block; yields the address with the token in it.

        Raises OutsideError when the port cannot be had.
        """
        wanted = self._parts.config.inspector
        bound = _bind(wanted.host, wanted.port)
        door = Door(bound.getsockname()[1], self._token)
        async with AsyncExitStack() as stack:
            application = await self._application(door, stack)
            runner = web.AppRunner(application, shutdown_timeout=SHUTDOWN_S)
            await runner.setup()
            assert runner.server is not None, "it was set up"
            stack.push_async_callback(runner.cleanup)
            loop = asyncio.get_running_loop()
            server = await loop.create_server(visits(runner.server), sock=bound, backlog=BACKLOG)
            stack.callback(server.close)
            stack.callback(application[TAIL].close)
            yield f"http://{wanted.host}:{door.port}/?token={quote(door.token, safe='')}"

    async def _application(self, door: Door, stack: AsyncExitStack) -> web.Application:
        parts = self._parts
        application = web.Application(middlewares=[guarded(door)], client_max_size=BODY_MAX)
        application[PARTS] = parts
        application[TAIL] = tail = Tail(parts.store, parts.feed)
        application[METRICS] = metrics = Metrics(parts.config, parts.store, parts.clock)
        for module in MODULES:
            application.add_routes(module.ROUTES)
        for work in (tail.run(), metrics.run(parts.feed)):
            task = asyncio.get_running_loop().create_task(work)
            stack.push_async_callback(_end, task)
        return application


def _bind(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise OutsideError(
            f"cannot listen on {host}:{port} for the inspector: {reason_of(error)}",
            hint="another `hookagent serve` may be running; choose another with"
            " `--inspector-port`, 0 for a free one, or go without: `--no-inspector`",
        ) from None


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def guarded(door: Door) -> Middleware:
    """Return the one middleware: who may pass, what errors look like, and every answer's head."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(door, request, handler)
        if not response.prepared:  # a live stream has sent its head already, with these
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            response.headers[INSPECTOR_MARK] = "1"
        return response

    return guard


async def _answer(door: Door, request: web.Request, handler: Handler) -> web.StreamResponse:
    offered = request.query.get("token") if request.path == PAGE else None
    if offered is not None and request.method == "GET":
        reason = door.refusal(_asked(request, cookie=door.session))
        if reason is not None:
            return turned_away(reason)
        if door.is_token(offered):
            return _session(door)
    reason = door.refusal(_asked(request, cookie=request.cookies.get(door.cookie, "")))
    if reason is not None:
        return pages.closed() if _wants_page(request, reason.status) else turned_away(reason)
    try:
        return await handler(request)
    except HookagentError as error:
        return failed(error)
    except web.HTTPException as error:
        return json({"error": _slug(error.reason), "message": error.reason}, error.status)


def _asked(request: web.Request, *, cookie: str) -> Asked:
    return Asked(
        method=request.method,
        path=request.path,
        headers=request.headers,
        hosts=tuple(request.headers.getall("Host", ())),
        cookie=cookie,
    )


def _session(door: Door) -> web.Response:
    """Swap the token for a cookie and drop it from the address; the way on is fixed."""
    response = web.Response(status=303, headers={"Location": PAGE})
    response.set_cookie(
        door.cookie,
        door.session,
        path="/",
        httponly=True,
        samesite="Strict",
    )
    return response


def _wants_page(request: web.Request, status: int) -> bool:
    is_unknown = status == web.HTTPUnauthorized.status_code
    return is_unknown and request.path == PAGE and "text/html" in request.headers.get("Accept", "")


def _slug(reason: str) -> str:
    return reason.lower().replace(" ", "-")
