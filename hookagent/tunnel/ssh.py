"""A port forwarded by an ssh server: localhost.run, pinggy, or a server of one's own.

asyncssh speaks the protocol in this process, so there is no program to find, no command line for a
token, and no output to keep off the terminal. A server whose key is not known is refused, never
trusted on first sight: whoever stands in the middle would read every delivery.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hookagent.tunnel.base import (
    Down,
    Kind,
    Level,
    Log,
    Readiness,
    Starting,
    TunnelEvent,
    TunnelOptions,
    Up,
    UrlChanged,
)
from hookagent.tunnel.ssh_errors import explain
from hookagent.tunnel.ssh_hosts import (
    PINGGY_FREE_SECONDS,
    Destination,
    Service,
    own_url,
    read_destination,
    url_in_answer,
    url_in_line,
)

if TYPE_CHECKING:
    import asyncssh

SSH_PORT = 22
KEEPALIVE_SECONDS = 15
KEEPALIVE_MISSES_MAX = 3
PINGGY_PORT = 4300
"""Where pinggy answers `/urls`, inside the connection."""
ASK_SECONDS = 3.0
ASK_PAUSE_SECONDS = 1.0


class SshTunnel:
    """One ssh connection with one forwarded port."""

    name = "ssh"
    kind = Kind.EXPOSE
    preserves_bytes = True

    def __init__(self, options: TunnelOptions, destination: Destination | None = None) -> None:
        """Take the server from the options, unless another one is given."""
        self._options = options
        self._destination = destination or read_destination(options)
        self.stable_url = bool(options.domain)
        self._connection: asyncssh.SSHClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._events: asyncio.Queue[TunnelEvent | BaseException] = asyncio.Queue()
        self._url = ""

    async def check(self) -> Readiness:
        """Look for asyncssh, and read the options; the server itself is not asked."""
        if find_spec("asyncssh") is None:
            return Readiness(
                ready=False,
                code="no-library",
                detail="ssh tunnels need asyncssh",
                hint="install it: pip install 'hookagent[ssh]'",
            )
        destination = self._destination
        if isinstance(destination, Readiness):
            return destination
        missing = _missing_file(self._options) or _unknown_service(self._options, destination)
        if missing is not None:
            return missing
        return Readiness(ready=True, detail=f"ssh to {destination.shown}")

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Connect, forward the port, and follow the connection until it ends."""
        readiness = await self.check()
        destination = self._destination
        if not readiness.ready or isinstance(destination, Readiness):
            yield Down(code=readiness.code, message=readiness.detail, hint=readiness.hint)
            return
        yield Starting(detail=readiness.detail)
        self._run(self._follow(destination, local_url))
        while True:
            event = await self._events.get()
            if isinstance(event, BaseException):
                raise event
            yield event
            if isinstance(event, Down):
                return

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """Close the connection, and with it the forwarded port."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.close()
        try:
            async with asyncio.timeout(grace_seconds):
                await connection.wait_closed()
        except TimeoutError:
            connection.abort()

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._task_ended)
        self._tasks.append(task)

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        """Hand a bug on to whoever follows the events."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._events.put_nowait(error)

    async def _follow(self, destination: Destination, local_url: str) -> None:
        """Connect and wait for the connection's end; every end becomes a `Down`."""
        import asyncssh

        try:
            async with asyncio.timeout(self._options.start_seconds):
                self._connection = await self._connect(destination)
                await self._forward(self._connection, destination, local_url)
            await self._connection.wait_closed()
            down = Down(
                code="connection-lost",
                message=f"the connection to `{destination.shown}` ended",
                retryable=True,
            )
        except (asyncssh.Error, asyncssh.ChannelListenError, OSError, ValueError) as error:
            down = await explain(error, destination)
        self._events.put_nowait(down)

    async def _connect(self, destination: Destination) -> "asyncssh.SSHClientConnection":
        import asyncssh

        asyncssh.set_log_level("CRITICAL")  # what matters comes back as an error
        return await asyncssh.connect(
            destination.host, **connect_settings(self._options, destination)
        )

    async def _forward(
        self, connection: "asyncssh.SSHClientConnection", destination: Destination, local_url: str
    ) -> None:
        local = urlsplit(local_url)
        listener = await connection.forward_remote_port(
            destination.bind, destination.remote_port, local.hostname or "", local.port or 80
        )
        if destination.service is Service.OWN:
            port = listener.get_port() or destination.remote_port
            self._found(own_url(destination, self._options.domain, port), None)
            return
        expires_at = None
        if destination.service is Service.PINGGY:
            if not self._options.authtoken:
                expires_at = round((time.time() + PINGGY_FREE_SECONDS) * 1000)
            self._run(self._ask_pinggy(connection, expires_at))
        await self._open_session(connection, destination.service, expires_at)

    async def _open_session(
        self, connection: "asyncssh.SSHClientConnection", service: Service, expires_at: int | None
    ) -> None:
        """Open the session in which the server tells its addresses, now and later."""
        import asyncssh

        command = "--output json" if service is Service.LOCALHOST_RUN else None
        session: asyncssh.SSHClientProcess[str] = await connection.create_process(
            command, stderr=asyncssh.STDOUT, encoding="utf-8", errors="replace"
        )

        async def read() -> None:
            with suppress(asyncssh.Error):
                async for line in session.stdout:
                    self._events.put_nowait(Log(level=Level.DEBUG, line=line.rstrip()))
                    url = url_in_line(service, line)
                    if url:
                        self._found(url, expires_at)

        self._run(read())

    async def _ask_pinggy(
        self, connection: "asyncssh.SSHClientConnection", expires_at: int | None
    ) -> None:
        """Ask pinggy for its address until it has one."""
        import aiohttp

        inner = await connection.forward_local_port("127.0.0.1", 0, "localhost", PINGGY_PORT)
        limit = aiohttp.ClientTimeout(total=ASK_SECONDS)
        url = f"http://127.0.0.1:{inner.get_port()}/urls"
        async with aiohttp.ClientSession(timeout=limit) as client:
            while not self._url:
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with client.get(url) as answer:
                        found = url_in_answer(await answer.text(errors="replace"))
                        if found:
                            self._found(found, expires_at)
                await asyncio.sleep(ASK_PAUSE_SECONDS)
        inner.close()

    def _found(self, url: str, expires_at: int | None) -> None:
        old, self._url = self._url, url
        if not old:
            if url.startswith("http://"):
                self._events.put_nowait(PLAIN_HTTP)
            self._events.put_nowait(Up(url=url, expires_at=expires_at))
        elif old != url:
            self._events.put_nowait(UrlChanged(old=old, new=url, expires_at=expires_at))


PLAIN_HTTP = Log(
    level=Level.WARNING,
    line="the address is plain HTTP: whoever is on the way can read and repeat deliveries",
)


def connect_settings(options: TunnelOptions, destination: Destination) -> dict[str, Any]:
    """Return what asyncssh is told beyond the host's name."""
    settings: dict[str, Any] = {
        "keepalive_interval": KEEPALIVE_SECONDS,
        "keepalive_count_max": KEEPALIVE_MISSES_MAX,
    }
    if destination.service is not Service.OWN:
        # A stranger's server gets no key of ours and no say from our ssh configuration.
        settings |= {"client_keys": None, "agent_path": None, "config": None, "password": ""}
    if options.key_file:
        settings["client_keys"] = [str(Path(options.key_file).expanduser())]
    if options.known_hosts:
        settings["known_hosts"] = str(Path(options.known_hosts).expanduser())
    if destination.port is not None:
        settings["port"] = destination.port
    if destination.user is not None:
        settings["username"] = destination.user
    return settings


def _missing_file(options: TunnelOptions) -> Readiness | None:
    named = {"key_file": options.key_file, "known_hosts": options.known_hosts}
    for option, file in named.items():
        if file and not Path(file).expanduser().is_file():
            return Readiness(
                ready=False,
                code="no-file",
                detail=f"`{option}` names `{file}`, which does not exist",
                hint=f"correct `{option}` under `[tunnel]`, or leave it out",
            )
    return None


def _unknown_service(options: TunnelOptions, destination: Destination) -> Readiness | None:
    """Say it where the key of a public service is not known yet; one's own hosts have aliases."""
    import asyncssh

    if destination.service is Service.OWN:
        return None
    usual = Path(options.environ.get("HOME", "~"), ".ssh/known_hosts")
    file = Path(options.known_hosts or usual).expanduser()
    port = destination.port or SSH_PORT
    try:
        known = asyncssh.match_known_hosts(str(file), destination.host, "", port)
    except (OSError, ValueError):
        known = None
    if known and (known[0] or known[1]):
        return None
    return Readiness(
        ready=False,
        code="unknown-host-key",
        detail=f"the key of `{destination.shown}` is not known here",
        hint=f"compare what it shows with what {destination.service} publishes, then: "
        f"ssh-keyscan -p {port} {destination.host} >> ~/.ssh/known_hosts",
    )
