"""ngrok through pyngrok, with a deadline, a kill and a private configuration of our own.

pyngrok waits for the agent's log in a blocking read without a timeout while it holds a lock, so it
runs in a daemon thread that may hang: what ends a hang is ending the agent's process group, and
for that its process id is known from the first moment (`ngrok_home`). Nothing here downloads an
agent: pyngrok would, when its path does not exist, so the path always exists.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator
from typing import Any

from hookagent.tunnel import ngrok_errors, ngrok_home, ngrok_setup
from hookagent.tunnel.base import (
    Down,
    Kind,
    Level,
    Log,
    Readiness,
    Starting,
    TunnelEvent,
    TunnelOptions,
)
from hookagent.tunnel.ngrok_leftovers import end_leftovers
from hookagent.tunnel.ngrok_log import Line, Opened, Refused, Said, Story
from hookagent.tunnel.process_group import end_group, wait_until

ENDPOINT = "hookagent"
LOOK_SECONDS = 0.1
"""Between two looks whether the agent still runs: pyngrok does not say when it dies."""
OLD_AGENT_SECONDS = 1.0
"""How long after its session an agent may take before its API is asked what it lacks."""
REQUEST_SECONDS = 8.0


class NgrokTunnel:
    """One ngrok agent with one endpoint."""

    name = "ngrok"
    kind = Kind.EXPOSE
    preserves_bytes = True
    stable_url = True
    """Every account has one domain that stays; see docs/tunnels.md."""

    def __init__(self, options: TunnelOptions) -> None:
        self._options = options
        self._token = ""
        self._home: ngrok_home.NgrokHome | None = None
        self._thread: threading.Thread | None = None
        self._said: asyncio.Queue[Said] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._story = Story()

    async def check(self) -> Readiness:
        """Look for the agent, ask it for its version, and look for a token."""
        return await ngrok_setup.check(self._options)

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Start an agent and follow it until it ends."""
        readiness = await self.check()
        if not readiness.ready:
            yield Down(code=readiness.code, message=readiness.detail, hint=readiness.hint)
            return
        yield Starting(detail=readiness.detail)
        if self._options.state_folder is not None:
            for pid in await end_leftovers(self._options.state_folder):
                line = f"ended an ngrok agent that outlived its hookagent (process {pid})"
                yield Log(level=Level.WARNING, line=line)
        try:
            self._launch(local_url)
        except OSError as error:
            yield Down(code="no-folder", message=f"cannot write ngrok's private files: {error}")
            return
        async for event in self._follow():
            yield event
            if isinstance(event, Down):
                return

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """End the agent's process group, then remove its files."""
        home, self._home = self._home, None
        thread = self._thread
        if home is None or thread is None:
            return
        await wait_until(lambda: home.pid() is not None or not thread.is_alive(), grace_seconds)
        pid = home.pid()
        if pid is not None:
            await end_group(pid, lambda: _is_running(home), grace_seconds)
        await wait_until(lambda: not thread.is_alive(), grace_seconds)
        home.remove()

    def _launch(self, local_url: str) -> None:
        binary = ngrok_setup.find_binary(self._options)
        assert binary is not None  # check() found it a moment ago
        self._token = ngrok_setup.find_token(self._options)
        self._home = ngrok_home.prepare(binary, self._token, self._options.state_folder)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._connect, args=(self._home, local_url), name="ngrok", daemon=True
        )
        self._thread.start()

    def _connect(self, home: ngrok_home.NgrokHome, local_url: str) -> None:
        """Let pyngrok start the agent and open the endpoint. Runs in its own thread."""
        from pyngrok import exception, ngrok
        from pyngrok.conf import PyngrokConfig

        _silence_pyngrok()
        config = PyngrokConfig(
            ngrok_path=str(home.launcher),
            config_path=str(home.config),
            log_event_callback=self._hear,
            startup_timeout=int(self._options.start_seconds) + 1,
            request_timeout=REQUEST_SECONDS,
            start_new_session=True,
        )
        config.auth_token = None  # it took NGROK_AUTHTOKEN, and would put it on a command line
        config.api_key = None
        wanted = {"url": f"https://{self._options.domain}"} if self._options.domain else {}
        try:
            opened = ngrok.connect(
                local_url, name=ENDPOINT, pyngrok_config=config, inspect=False, **wanted
            )
        except exception.PyngrokError as error:
            body = getattr(error, "body", "")
            self._say(Refused(self._clean(f"{error} {body}")))
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self._say(Refused(self._clean(f"{type(error).__name__}: {error}")))
        else:
            self._say(Opened(str(opened.public_url).rstrip("/")))

    def _hear(self, log: Any) -> None:
        """Take a line of the agent's log from pyngrok's thread."""
        self._say(
            Line(
                text=self._clean(str(log.line)),
                level=str(log.lvl),
                message=str(log.msg or ""),
                error=self._clean(str(log.err or "")),
                url=str(getattr(log, "url", "") or ""),
            )
        )

    def _say(self, said: Said) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._said.put_nowait, said)
        except RuntimeError:
            return  # the loop has ended, and with it whoever would have listened

    def _clean(self, text: str) -> str:
        return ngrok_errors.mask(text, self._token)

    async def _follow(self) -> AsyncGenerator[TunnelEvent, None]:
        """Pass on what the agent says; look at what it does not say."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.start_seconds
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    said = await self._said.get()
            except TimeoutError:
                down = await self._look(loop.time(), deadline)
                if down is not None:
                    yield down
                continue
            for event in self._story.read(said, loop.time()):
                yield event

    async def _look(self, now: float, deadline: float) -> Down | None:
        """Find out what the agent keeps silent about."""
        story = self._story
        if story.url:
            running = self._home is not None and _is_running(self._home)
            return None if running else story.died()
        if now > deadline:
            return story.too_slow(self._options.start_seconds)
        waited = now - story.session_at if story.session_at is not None else 0.0
        if waited > OLD_AGENT_SECONDS and await self._lacks_endpoints():
            return ngrok_errors.TOO_OLD
        return None

    async def _lacks_endpoints(self) -> bool:
        """Ask the agent for what pyngrok waits for; an old one answers 404 and never will."""
        import aiohttp

        assert self._home is not None
        url = f"http://127.0.0.1:{self._home.web_port}/api/endpoints"
        limit = aiohttp.ClientTimeout(total=1)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(url) as answer,
            ):
                return answer.status == NOT_FOUND
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


NOT_FOUND = 404


def _is_running(home: ngrok_home.NgrokHome) -> bool:
    """Whether the agent lives; collects its exit status when it does not."""
    from pyngrok import process

    return bool(process.is_process_running(str(home.launcher)))


def _silence_pyngrok() -> None:
    """Keep pyngrok's log, and the progress of downloads we never ask for, off the terminal.

    Its log repeats the agent's lines, and one of those can quote the token.
    """
    from pyngrok import installer

    installer._print_progress_enabled = False  # noqa: SLF001 - it prints to stdout, and has no other switch
    logging.getLogger("pyngrok").setLevel(logging.CRITICAL + 1)
