"""The application under test, whatever it is written in, as something a request can be given to.

ASGI, WSGI and aiohttp applications are called in this process; a URL is sent to. ASGI's lifespan
and aiohttp's start-up run once, before the first request.
"""

import asyncio
import inspect
import io
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from hookagent.errors import OutsideError, UsageError
from hookagent.event import RawRequest

ANSWER_S = 30.0
"""How long an application may take to answer."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the application said."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def is_taken(self) -> bool:
        """Whether it took the webhook: a 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's success

    @property
    def is_refused(self) -> bool:
        """Whether it refused it as the sender's fault: a 4xx."""
        return 400 <= self.status < 500  # noqa: PLR2004 - HTTP's client errors

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON. Raises msgspec.DecodeError."""
        return msgspec.json.decode(self.body)


class Application(Protocol):
    """Something that answers requests."""

    async def start(self) -> None:
        """Get ready; called once."""

    async def send(self, request: RawRequest) -> Answer:
        """Answer one request."""

    async def stop(self) -> None:
        """End; called once."""


def application_of(found: Any) -> Application:
    """Return what a fixture gave as an application. Raises UsageError for what is none."""
    if isinstance(found, str):
        return Remote(found)
    if "aiohttp.web" in sys.modules and isinstance(found, sys.modules["aiohttp.web"].Application):
        return Aiohttp(found)
    if not callable(found):
        raise UsageError(
            f"`webhook_app` gave a {type(found).__name__}, which is no application",
            hint="give an ASGI, WSGI or aiohttp application, or a URL",
        )
    called = found if inspect.isfunction(found) else type(found).__call__
    if inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(called):
        return Asgi(found)
    return Wsgi(found)


class Asgi:
    """An ASGI 3 application (asgi.readthedocs.io): FastAPI, Starlette, Django, Litestar, Quart."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app
        self._lifespan: asyncio.Task[None] | None = None
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._state: dict[str, Any] = {}

    async def start(self) -> None:
        """Run the start-up of the lifespan; an application without one is fine."""
        self._lifespan = asyncio.ensure_future(self._live())
        await self._say("lifespan.startup")

    async def _live(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self._state}
        with suppress(Exception):  # by the specification: lifespan is not supported, go on
            await self._app(scope, self._to_app.get, self._from_app.put)

    async def _say(self, what: str) -> None:
        assert self._lifespan is not None
        await self._to_app.put({"type": what})
        answer = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait({answer, self._lifespan}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
        elif answer.result()["type"].endswith(".failed"):
            reason = answer.result().get("message", "")
            raise OutsideError(f"the application's {what} failed: {reason}")

    async def send(self, request: RawRequest) -> Answer:
        """Call the application with one request."""
        came: list[dict[str, Any]] = [
            {"type": "http.request", "body": request.body, "more_body": False}
        ]
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return came.pop() if came else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        async with asyncio.timeout(ANSWER_S):
            await self._app(_asgi_scope(request, self._state), receive, send)
        starts = [one for one in said if one["type"] == "http.response.start"]
        if not starts:
            raise OutsideError("the application gave no answer")
        return Answer(
            status=starts[0]["status"],
            headers=tuple(
                (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
                for name, value in starts[0].get("headers", ())
            ),
            body=b"".join(
                one.get("body", b"") for one in said if one["type"] == "http.response.body"
            ),
        )

    async def stop(self) -> None:
        """Run the shutdown of the lifespan."""
        if self._lifespan is None:
            return
        if not self._lifespan.done():
            await self._say("lifespan.shutdown")
        self._lifespan.cancel()
        await asyncio.gather(self._lifespan, return_exceptions=True)


def _asgi_scope(request: RawRequest, state: dict[str, Any]) -> dict[str, Any]:
    parts = urlsplit(request.base_url)
    https = parts.scheme == "https"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme or "http",
        "path": unquote(request.path),
        "raw_path": request.path.encode("latin-1", "replace"),
        "query_string": request.query.encode("latin-1", "replace"),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in _fields(request)],
        "client": ("127.0.0.1", 50_000),
        "server": (parts.hostname or "testserver", parts.port or (443 if https else 80)),
        "state": dict(state),
    }


def _fields(request: RawRequest) -> list[tuple[bytes, bytes]]:
    """Return the headers as they arrive: with the host and the length."""
    host = urlsplit(request.base_url).netloc or "testserver"
    fields = [pair for pair in request.headers.pairs if pair[0].lower() != b"content-length"]
    if "host" not in request.headers:
        fields.insert(0, (b"Host", host.encode("latin-1", "replace")))
    return [*fields, (b"Content-Length", b"%d" % len(request.body))]


class Wsgi:
    """A WSGI application (PEP 3333): Flask, Django, Bottle, Pyramid."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    async def start(self) -> None:
        """There is nothing to start."""

    async def send(self, request: RawRequest) -> Answer:
        """Call the application with one request."""
        said: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _: Any = None
        ) -> Callable[[bytes], None]:
            said.append((status, headers))
            return written.append

        result = self._app(_environ(request), start_response)
        try:
            written += result
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        if not said:
            raise OutsideError("the application gave no answer")
        status, headers = said[-1]
        return Answer(status=int(status.split()[0]), headers=tuple(headers), body=b"".join(written))

    async def stop(self) -> None:
        """There is nothing to stop."""


def _environ(request: RawRequest) -> dict[str, Any]:
    parts = urlsplit(request.base_url)
    https = parts.scheme == "https"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(request.path, "latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": parts.hostname or "testserver",
        "SERVER_PORT": str(parts.port or (443 if https else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme or "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in _fields(request):
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


class Remote:
    """An application that listens somewhere: its URL, whose path is used where it has one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._sender: Any = None

    async def start(self) -> None:
        """Open the client."""
        from hookagent.actions.sender import Sender

        self._sender = await Sender().__aenter__()

    async def send(self, request: RawRequest) -> Answer:
        """Send one request. Raises OutsideError when nothing answers."""
        parts = urlsplit(self._url)
        target = request.target if parts.path in {"", "/"} else parts.path
        reply = await self._sender.send(request, f"{parts.scheme}://{parts.netloc}{target}")
        return Answer(status=reply.status, headers=reply.headers, body=reply.body)

    async def stop(self) -> None:
        """Close the client."""
        await self._sender.__aexit__(None, None, None)


class Aiohttp:
    """An aiohttp application, served on a free port of this machine while it is needed."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._runner: Any = None
        self._remote: Remote | None = None

    async def start(self) -> None:
        """Start the application and listen."""
        from aiohttp import web

        self._runner = web.AppRunner(self._app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._remote = Remote(f"http://{host}:{port}")
        await self._remote.start()

    async def send(self, request: RawRequest) -> Answer:
        """Send one request."""
        assert self._remote is not None
        return await self._remote.send(request)

    async def stop(self) -> None:
        """Stop listening and clean up."""
        if self._remote is not None:
            await self._remote.stop()
        await self._runner.cleanup()
