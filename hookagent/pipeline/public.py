"""How the outside reaches the listener: the configured address, or a tunnel that is kept up."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hookagent.config.model import Config
from hookagent.errors import ConfigError, OutsideError, Problem
from hookagent.pipeline.feed import Feed, Tunnel
from hookagent.tunnel.base import (
    Down,
    Expiring,
    Kind,
    Level,
    Log,
    Reconnecting,
    Starting,
    TunnelEvent,
    TunnelOptions,
    Up,
    UrlChanged,
)

if TYPE_CHECKING:
    from hookagent.tunnel.opening import TunnelHandle


class PublicFace:
    """The public address as it is now, and what is said about it."""

    def __init__(self, config: Config, feed: Feed, clock: Callable[[], int]) -> None:
        self._config = config
        self._feed = feed
        self._clock = clock
        self.url: str | None = config.server.public_url
        self.state = "none"
        self._relayed_path: str | None = None
        self._handle: TunnelHandle | None = None

    def urls(self, base: str | None) -> dict[str, str]:
        """Return each source's URL: below a base, or the base itself where a relay leads to it."""
        if not base:
            return {}
        if self._relayed_path is not None and base == self.url:
            sources = self._config.sources.values()
            return {one.name: base for one in sources if one.path == self._relayed_path}
        return {name: base + source.path for name, source in self._config.sources.items()}

    @asynccontextmanager
    async def tunnel(self, listener_url: str, probes: set[str]) -> AsyncIterator[None]:
        """Keep the configured tunnel up for the time of the block; `opened` waits for it.

        Raises ConfigError where a source checks nothing.
        """
        if self._config.tunnel.provider == "none":
            yield
            return
        from hookagent.tunnel.opening import open_tunnel
        from hookagent.tunnel.probe import http_probe, new_nonce

        check_may_open(self._config)
        nonce = new_nonce()
        probes.add(nonce)
        options = tunnel_options(self._config)
        handle = await open_tunnel(options, listener_url, self._notice, probe=http_probe(nonce))
        self._relayed_path = options.path if handle.kind is Kind.RELAY else None
        self._handle = handle
        try:
            yield
        finally:
            await handle.stop()

    async def opened(self) -> None:
        """Wait until the tunnel is up for the first time, if one is asked for.

        Without a network that may take for ever. Raises OutsideError where it is down for good.
        """
        first = await self._handle.opened() if self._handle else None
        if isinstance(first, Down):
            raise OutsideError(first.message, hint=first.hint)

    def _notice(self, event: TunnelEvent) -> None:
        match event:
            case Up(url=url) | UrlChanged(new=url):
                self.url, self.state = url, "up"
                self._say("up" if isinstance(event, Up) else "changed", url)
            case Starting(detail=detail):
                self.state = "starting"
                self._say("starting", None, detail)
            case Reconnecting(code=code, reason=reason, hint=hint):
                self.state = "reconnecting"
                self._say("reconnecting", self.url, _with_hint(reason, hint), code=code)
            case Expiring(url=url, seconds_left=left):
                self._say("expiring", url, f"{left} s left")
            case Down(code=code, message=message, hint=hint):
                self.url, self.state = self._config.server.public_url, "down"
                self._say("down", None, _with_hint(message, hint), code=code)
            case Log(level=Level.WARNING | Level.ERROR, line=line):
                self._say("warning", self.url, line)
            case _:
                pass  # the rest of the tunnel's own log is chatter

    def _say(self, state: str, url: str | None, detail: str = "", *, code: str = "") -> None:
        sources = self.urls(url) if state in {"up", "changed"} else {}
        at = self._clock()
        self._feed.publish(
            Tunnel(at=at, state=state, url=url, code=code, detail=detail, sources=sources)
        )


def _with_hint(message: str, hint: str | None) -> str:
    """Return a message and what to do in one line."""
    return "; ".join(line.strip() for line in (message, *(hint or "").splitlines()))


def tunnel_options(config: Config) -> TunnelOptions:
    """Return what a tunnel is asked for: everything the configuration says about it."""
    wanted = config.tunnel
    return TunnelOptions(
        provider=wanted.provider,
        domain=wanted.domain or "",
        authtoken=wanted.authtoken or "",
        binary=wanted.binary or "",
        command=wanted.command,
        url_pattern=wanted.url_pattern or "",
        host=wanted.host or "",
        key_file=wanted.key_file or "",
        known_hosts=wanted.known_hosts or "",
        remote_port=wanted.remote_port,
        channel=wanted.channel or "",
        path=wanted.path or _only_path(config),
        start_seconds=wanted.start_timeout_ms / 1000,
        state_folder=config.state_folder,
    )


def _only_path(config: Config) -> str:
    """Return where a relay's requests go when nobody says: to the only source."""
    paths = [source.path for source in config.sources.values()]
    return paths[0] if len(paths) == 1 else "/"


def check_may_open(config: Config) -> None:
    """Refuse to open the world a door to a source that checks nothing.

    Raises ConfigError naming every such source; `--insecure NAME` lets one through for one run.
    """
    open_ones = [
        source
        for source in config.sources.values()
        if not source.is_verified and not source.is_insecure
    ]
    if not open_ones:
        return
    raise ConfigError(
        [
            Problem(
                code="unverified-source",
                message=f"source `{source.name}` has no verification, so no tunnel is opened to it",
                file=str(config.file) if config.file else None,
                hint="give it a scheme and a secret, or pass"
                f" `--insecure {source.name}` for this run",
            )
            for source in open_ones
        ]
    )
