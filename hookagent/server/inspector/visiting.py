"""Connections to the inspector: how many, for how long, and what one that is not HTTP is told.

Every user of the machine reaches a loopback port. What they could take from the agent (open files,
processor time by packed bodies, lines of its log) is bounded before any check of a token.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from hookagent.server.inspector.answers import HEADERS, json

CONNECTIONS_MAX = 128
"""Beyond, new ones are closed at once: open files they take would be missing at the public door."""
IDLE_S = 20.0
"""How long a connection may idle or take to say what it wants."""
LINGER_S = 1.0
"""How long what nobody reads is thrown away before a connection is closed."""


class Visit(web.RequestHandler):
    """One connection; its errors say nothing that came from it, and only our bugs are logged."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's, with the sender's bytes in it
    ) -> web.StreamResponse:
        is_theirs = isinstance(exc, HttpProcessingError)
        if not is_theirs:
            self.log_exception("the inspector met a bug", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun already")
        error = ("bad-request", "The request is not valid HTTP.") if is_theirs else _OUR_BUG
        response = json({"error": error[0], "message": error[1]}, status)
        response.headers.update(HEADERS)
        response.force_close()
        return response


_OUR_BUG = ("internal", "The inspector met a bug; the terminal of `hookagent serve` says which.")


class _Closed(asyncio.Protocol):
    """What a connection gets for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()


def visits(server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
    """Return what makes the protocol of a new connection."""
    loop = asyncio.get_running_loop()

    def protocol() -> asyncio.BaseProtocol:
        if len(server.connections) >= CONNECTIONS_MAX:
            return _Closed()
        return Visit(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # as `AppRunner` passes it on: no log
            keepalive_timeout=IDLE_S,
            lingering_time=LINGER_S,
            auto_decompress=False,
        )

    return protocol
