"""Stand-ins for the programs and servers that tunnels talk to."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hookagent.tunnel.base import Tunnel, TunnelEvent, TunnelOptions
from tests.patience import PATIENCE_S, eventually

TOKEN = "2fakeTOKENfakeTOKENfake_9876543210"


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that ended and waits to be collected does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class FakeProgram:
    """A Python script installed under a program's name, and what it wrote of itself."""

    def __init__(self, folder: Path, name: str, script: Path) -> None:
        self.folder = folder
        self.path = folder / name
        self.record_file = folder / f"{name}.record.json"
        self._go_file = Path(f"{self.record_file}.go")
        self.path.write_text(f"#!{sys.executable} -S\n{script.read_text()}")
        self.path.chmod(0o755)

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self.record_file.read_text())
        return record

    def go_on(self) -> None:
        """Let it do what its scenario has it do once it is up."""
        self._go_file.touch()

    def stay(self) -> None:
        """Let the next one wait for the word again."""
        self._go_file.unlink()

    async def has_started(self) -> None:
        await eventually(lambda: self.record_file.exists() and self.record_file.read_text())


@pytest.fixture
def fake_ngrok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProgram:
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = FakeProgram(folder, "ngrok", Path(__file__).with_name("fake_ngrok.py"))
    monkeypatch.setenv("FAKE_NGROK_RECORD", str(fake.record_file))
    monkeypatch.setenv("NGROK_AUTHTOKEN", TOKEN)
    return fake


@pytest.fixture
def ngrok_options(fake_ngrok: FakeProgram, tmp_path: Path) -> TunnelOptions:
    return TunnelOptions(
        provider="ngrok",
        authtoken=TOKEN,
        state_folder=tmp_path / "state",
        start_seconds=PATIENCE_S,
        environ={"PATH": str(fake_ngrok.folder), "HOME": str(tmp_path)},
    )


class Listening:
    """A started tunnel and everything it said so far."""

    def __init__(self, tunnel: Tunnel, local_url: str) -> None:
        self.tunnel = tunnel
        self.events: list[TunnelEvent] = []
        self._stream = tunnel.start(local_url)

    async def until(self, wanted: type | Callable[[TunnelEvent], bool]) -> Any:
        """Read on until an event of a type, or one that meets a condition."""
        matches = (lambda e: isinstance(e, wanted)) if isinstance(wanted, type) else wanted
        async with asyncio.timeout(PATIENCE_S):
            async for event in self._stream:
                self.events.append(event)
                if matches(event):
                    return event
        raise AssertionError(f"it ended before that: {self.events}")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read on for the time of the block."""
        task = asyncio.ensure_future(self.until(lambda _: False))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def close(self) -> None:
        await self._stream.aclose()
        await self.tunnel.stop(1.0)


@pytest.fixture
async def listen() -> AsyncIterator[Callable[..., Listening]]:
    """Start tunnels that are surely ended after the test."""
    started: list[Listening] = []

    def start(tunnel: Tunnel, local_url: str = "http://127.0.0.1:9") -> Listening:
        listening = Listening(tunnel, local_url)
        started.append(listening)
        return listening

    yield start
    for listening in started:
        await listening.close()


@pytest.fixture
def fake_cloudflared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeProgram:
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    return FakeProgram(folder, "cloudflared", Path(__file__).with_name("fake_cloudflared.py"))


@pytest.fixture
def cloudflared_options(
    fake_cloudflared: FakeProgram, tmp_path: Path
) -> Callable[..., TunnelOptions]:
    def options(scenario: str = "ok", **more: str) -> TunnelOptions:
        environ = {
            "PATH": str(fake_cloudflared.folder),
            "FAKE_CLOUDFLARED": scenario,
            "FAKE_CLOUDFLARED_RECORD": str(fake_cloudflared.record_file),
        }
        return TunnelOptions(provider="cloudflared", environ=environ, **more)  # type: ignore[arg-type]  # all are texts

    return options


@dataclass
class Arrival:
    """A request as the listener got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Listener:
    """A listener that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.statuses: list[int] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.arrivals.append(Arrival(request.method, request.path_qs, headers, body))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, text="stored", headers={"X-Answer": "yes"})


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """Start a listener."""
    made = Listener()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with TestServer(app) as server:
        made.url = f"http://127.0.0.1:{server.port}"
        yield made


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[web.Application], Awaitable[str]]]:
    """Serve applications on free ports; give their URLs."""
    servers: list[TestServer] = []

    async def start(app: web.Application) -> str:
        server = TestServer(app)
        servers.append(server)
        await server.start_server()
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server in servers:
        await server.close()
