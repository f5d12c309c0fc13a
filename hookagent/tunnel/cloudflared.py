"""cloudflared: a quick tunnel without an account, or a named one with a token and a domain.

The address and the state come from the agent's own interface (`/quicktunnel`, `/ready`), since its
log is written for people; the log only tells where that interface is, and why something failed.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from hookagent.tunnel import cloudflared_log
from hookagent.tunnel.base import (
    Down,
    Kind,
    Readiness,
    Reconnecting,
    Starting,
    TunnelEvent,
    TunnelOptions,
    Up,
)
from hookagent.tunnel.program import Program, find_program

LOOK_SECONDS = 0.25
"""Between two looks at the agent's state while it starts."""
WATCH_SECONDS = 5.0
"""Between two looks while it is up."""
ASK_SECONDS = 2.0
LINES_KEPT = 20
OK = 200
GET_AGENT = (
    "install it from https://developers.cloudflare.com/cloudflare-one/connections/"
    "connect-networks/downloads/ (`brew install cloudflared`), or set `binary` under `[tunnel]`"
)


class CloudflaredTunnel:
    """One cloudflared process."""

    name = "cloudflared"
    kind = Kind.EXPOSE
    preserves_bytes = True

    def __init__(self, options: TunnelOptions) -> None:
        self._options = options
        self._is_named = bool(options.authtoken and options.domain)
        self.stable_url = self._is_named
        self._program: Program | None = None
        self._reader: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[TunnelEvent] = asyncio.Queue()
        self._lines: list[str] = []
        self._metrics = ""
        self._shown = ""
        self._url = ""
        self._attempt = 0

    async def check(self) -> Readiness:
        """Look for the program."""
        options = self._options
        found = find_program("cloudflared", options.binary, options.environ)
        if found is None:
            return Readiness(
                ready=False, code="no-agent", detail="cloudflared is not installed", hint=GET_AGENT
            )
        if bool(options.authtoken) != bool(options.domain):
            return Readiness(
                ready=False,
                code="half-named",
                detail="a Cloudflare tunnel of your own needs both `authtoken` and `domain`",
                hint="set both under `[tunnel]`, or neither for a quick tunnel",
            )
        return Readiness(ready=True, detail=f"cloudflared, {found}")

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Start cloudflared and follow it until it ends."""
        readiness = await self.check()
        if not readiness.ready:
            yield Down(code=readiness.code, message=readiness.detail, hint=readiness.hint)
            return
        yield Starting(detail=readiness.detail)
        try:
            self._program = await self._run(local_url)
        except OSError as error:
            yield Down(code="no-agent", message=f"cloudflared cannot be run: {error.strerror}")
            return
        loop = asyncio.get_running_loop()
        self._reader = loop.create_task(self._read(self._program))
        while True:
            event = await self._news()
            if event is not None:
                yield event
            if isinstance(event, Down):
                return

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """End cloudflared's process group."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
        program, self._program = self._program, None
        if program is not None:
            await program.stop(grace_seconds)

    async def _run(self, local_url: str) -> Program:
        binary = find_program("cloudflared", self._options.binary, self._options.environ)
        assert binary is not None  # check() found it a moment ago
        # Without `--config` a file of the user's would turn the quick tunnel into something else.
        common = [str(binary), "tunnel", "--config", "/dev/null", "--no-autoupdate"]
        common += ["--metrics", "127.0.0.1:0"]
        if not self._is_named:
            return await Program.start([*common, "--url", local_url], self._options.environ)
        token = {"TUNNEL_TOKEN": self._options.authtoken}  # cloudflared's own way past the argv
        return await Program.start([*common, "run"], {**self._options.environ, **token})

    async def _read(self, program: Program) -> None:
        """Gather what the agent writes, and its end."""
        async for line in program.lines():
            self._lines = [*self._lines, line][-LINES_KEPT:]
            self._metrics = self._metrics or cloudflared_log.metrics_address(line)
            self._shown = self._shown or cloudflared_log.quick_url(line)
            log = cloudflared_log.as_log(line)
            if log is not None:
                self._events.put_nowait(log)
        await program.exit_code()
        self._events.put_nowait(cloudflared_log.reason(self._lines))

    async def _news(self) -> TunnelEvent | None:
        """Wait a little for the reader's word, then look at the agent's state."""
        pause = WATCH_SECONDS if self._url and not self._attempt else LOOK_SECONDS
        try:
            async with asyncio.timeout(pause):
                event: TunnelEvent | None = await self._events.get()
        except TimeoutError:
            if self._reader is not None and self._reader.done():
                self._reader.result()  # a bug in it would otherwise never be heard of
            event = await self._look()
        return event

    async def _look(self) -> TunnelEvent | None:
        if not self._metrics:
            return None
        ready = await self._ask("/ready") is not None
        if not ready and self._url:
            self._attempt += 1
            if self._attempt == 1:
                return Reconnecting(reason="no connection to Cloudflare is left", attempt=1)
            return None
        if not ready or (self._url and not self._attempt):
            return None
        self._attempt = 0
        self._url = self._url or await self._address()
        return Up(url=self._url) if self._url else None

    async def _address(self) -> str:
        if self._is_named:
            return f"https://{self._options.domain}"
        said = await self._ask("/quicktunnel")
        host = said.get("hostname") if isinstance(said, dict) else None
        return f"https://{host}" if isinstance(host, str) and host else self._shown

    async def _ask(self, path: str) -> Any:
        """Ask the agent's own interface; None where it says no or nothing."""
        import aiohttp

        limit = aiohttp.ClientTimeout(total=ASK_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(f"http://{self._metrics}{path}") as answer,
            ):
                return await answer.json(content_type=None) if answer.status == OK else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None
