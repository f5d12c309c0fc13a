"""The one door for whoever wants a tunnel: `open_tunnel`, and a handle to stop it."""

import asyncio
from contextlib import suppress

from hookagent.tunnel.base import Down, Kind, TunnelEvent, TunnelOptions, Up, UrlChanged
from hookagent.tunnel.registry import make
from hookagent.tunnel.supervisor import OnEvent, Policy, Probe, Surroundings, supervise

LATE_SECONDS = 5.0
"""A tunnel that knows its own deadline says better than the supervisor why it was not up."""


class TunnelHandle:
    """A tunnel that is being kept up in the background."""

    def __init__(self, name: str, kind: Kind, *, preserves_bytes: bool) -> None:
        self.name = name
        self.kind = kind
        self.preserves_bytes = preserves_bytes
        self.url: str | None = None
        """The address announced last; None while there is none."""
        self._opened: asyncio.Future[Up | Down] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def opened(self) -> Up | Down:
        """Wait until it is up for the first time, or down for good."""
        return await asyncio.shield(self._opened)

    async def stop(self) -> None:
        """End the tunnel and everything it started. May be called twice."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    def notice(self, event: TunnelEvent) -> None:
        """Keep the address current; `open_tunnel` calls this before the reader hears of it."""
        match event:
            case Up(url=url) | UrlChanged(new=url):
                self.url = url
                self._first(Up(url=url, expires_at=event.expires_at))
            case Down():
                self.url = None
                self._first(event)
            case _:
                pass

    def run(self, task: asyncio.Task[None]) -> None:
        """Hold the work that keeps the tunnel up; a bug in it is not left unheard."""
        self._task = task
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._opened.done():
            return
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._opened.set_exception(error)
            self._opened.exception()  # also raised by `stop`, so it is heard in any case
        else:
            self._opened.cancel()

    def _first(self, event: Up | Down) -> None:
        if not self._opened.done():
            self._opened.set_result(event)


async def open_tunnel(
    options: TunnelOptions,
    local_url: str,
    on_event: OnEvent,
    *,
    probe: Probe | None = None,
    policy: Policy | None = None,
) -> TunnelHandle:
    """Start keeping a tunnel up and return at once.

    `on_event` is called in this loop for everything that happens; the last is a `Down` when it
    cannot go on, such as when something it needs is missing. Raises NotFound for an unknown
    provider.
    """
    tunnel = make(options.provider, options)
    handle = TunnelHandle(tunnel.name, tunnel.kind, preserves_bytes=tunnel.preserves_bytes)

    def hear(event: TunnelEvent) -> None:
        handle.notice(event)
        on_event(event)

    async def keep_up() -> None:
        await supervise(
            lambda: make(options.provider, options),
            local_url,
            hear,
            policy=policy or Policy(start_seconds=options.start_seconds + LATE_SECONDS),
            around=Surroundings(probe=probe),
        )

    handle.run(asyncio.get_running_loop().create_task(keep_up(), name=f"tunnel-{tunnel.name}"))
    return handle
