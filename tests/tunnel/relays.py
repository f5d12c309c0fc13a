"""Relays of our own that treat requests as the real ones do."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

Rewrite = Callable[[bytes], dict[str, Any]]


def as_smee(body: bytes) -> dict[str, Any]:
    """Take a body apart and put it together as JavaScript does: `1.0` becomes `1`."""

    def number(text: str) -> float | int:
        value = float(text)
        return int(value) if value.is_integer() else value

    return {"body": json.loads(body, parse_float=number)}


def as_gosmee(body: bytes) -> dict[str, Any]:
    """Keep the bytes in base64."""
    return {"bodyB": b64encode(body).decode()}


class EventRelay:
    """A relay that streams events: smee's and gosmee's."""

    def __init__(self, rewrite: Rewrite, stream_path: str = "/{channel}") -> None:
        self.rewrite = rewrite
        self.readers: list[asyncio.Queue[bytes | None]] = []
        self.connected = 0
        self.agents: list[str] = []
        self.app = web.Application()
        self.app.router.add_get("/new", self.new)
        self.app.router.add_get(stream_path, self.stream)
        self.app.router.add_post("/{channel}", self.publish)

    async def new(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://{request.host}/Ab3dEf6h1jKl"})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.agents.append(request.headers["User-Agent"])
        self.connected += 1
        reader: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.readers.append(reader)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"event: ready\ndata: {}\n\nevent: ping\ndata: {}\n\n")
        while (message := await reader.get()) is not None:
            await answer.write(message)
        return answer

    async def publish(self, request: web.Request) -> web.Response:
        message: dict[str, Any] = {name.lower(): text for name, text in request.headers.items()}
        message |= self.rewrite(await request.read())
        message["query"] = dict(request.query)
        message["timestamp"] = 1_769_860_800_000
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        for reader in self.readers:
            reader.put_nowait(f"id: 1\ndata: {text}\n\n".encode())
        return web.Response()

    def drop(self) -> None:
        """End every stream, as a restart of the service does."""
        readers, self.readers = self.readers, []
        for reader in readers:
            reader.put_nowait(None)


class SvixRelay:
    """Svix Play's relay: one reader per channel, answers carried back."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.taken: set[str] = set()
        self.answers: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.app = web.Application()
        self.app.router.add_get("/listen/", self.listen)

    async def listen(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        start = json.loads((await socket.receive()).data)
        token = start["data"]["token"]
        self.tokens.append(token)
        if token in self.taken:
            await socket.close(code=1008, message=b"This socket is already in use")
            return socket
        self.sockets.append(socket)
        await socket.send_str(json.dumps(start))
        async for frame in socket:
            if frame.type is WSMsgType.BINARY:
                self.answers.append(json.loads(frame.data))
        return socket

    async def send(self, body: bytes, headers: dict[str, str], method: str = "POST") -> None:
        data = {
            "id": "evt1",
            "body": b64encode(body).decode(),
            "headers": headers,
            "method": method,
        }
        text = json.dumps({"type": "event", "version": 1, "data": data})
        await self.sockets[-1].send_str(text)

    def answer_body(self) -> bytes:
        return b64decode(self.answers[-1]["data"]["body"])
