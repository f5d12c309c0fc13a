"""What a tunnel is: how it is started and stopped, and everything it can say.

A tunnel gives the listener an address that the internet can reach. An *exposing* tunnel (ngrok,
cloudflared, ssh) forwards connections to the listener. A *relay* (smee, Svix Play) hands over
requests that were sent elsewhere, and we send them to the listener ourselves.

A tunnel never downloads anything, never writes to the terminal, and never puts a token on a command
line. What happens to it is a stream of frozen values, `TunnelEvent`; whoever reads the stream
decides what to say.
"""

import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Kind(StrEnum):
    """Who sends the requests to the listener."""

    EXPOSE = "expose"
    """The other end of the tunnel: the public URL stands for the whole listener."""
    RELAY = "relay"
    """We do: the public URL stands for one path of the listener."""


class Level(StrEnum):
    """How much a line of a tunnel's own log matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """The tunnel is being built; nothing is reachable yet."""

    detail: str = ""
    """What is being started: `ngrok 3.20.0`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """The listener can be reached from outside."""

    url: str
    """Without a slash at the end."""
    expires_at: int | None = None
    """When the provider will end this address, Unix milliseconds; None where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlChanged:
    """The listener is reachable at another address; every sender must be told."""

    old: str
    new: str
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """The provider will end this address soon."""

    url: str
    seconds_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnecting:
    """The listener cannot be reached right now; it is being mended without help."""

    code: str = "connection-lost"
    """As of a `Down`."""
    reason: str
    attempt: int
    """From 1, since the tunnel was last up."""
    hint: str | None = None
    """What a person could do meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """The tunnel has ended."""

    code: str
    """Stable, words joined by `-`; listed in `docs/tunnels.md`."""
    message: str
    """One sentence without a full stop."""
    hint: str | None = None
    """What a person can do."""
    retryable: bool = False
    """Whether trying again, with nothing changed, could help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A line worth keeping from the tunnel's own log. It is hostile text: escape it."""

    level: Level
    line: str


TunnelEvent = Starting | Up | UrlChanged | Expiring | Reconnecting | Down | Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether a tunnel could be started here, found out without starting or fetching anything."""

    ready: bool
    detail: str
    """What was found (`ngrok 3.20.0, /usr/bin/ngrok`) or what is missing, one sentence."""
    hint: str | None = None
    """How to get what is missing."""
    code: str = "ready"
    """As `Down.code`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelOptions:
    """Everything a person can set about a tunnel, as plain values; empty means not set."""

    provider: str
    """A name of `registry.TUNNELS`, or `auto`."""
    domain: str = ""
    """The public host name to ask for, where the provider lets one choose."""
    authtoken: str = field(default="", repr=False)
    binary: str = ""
    """The provider's program, where it is not on the search path."""
    command: tuple[str, ...] = ()
    """For `command`: the program and its arguments; `{url}`, `{host}` and `{port}` are put in."""
    url_pattern: str = ""
    """For `command`: a regular expression; its group 1, else the whole, is the public URL."""
    host: str = ""
    """For `ssh`: the server, `[USER@]HOST[:PORT]`, or `localhost.run`, or `pinggy`."""
    key_file: str = ""
    """For `ssh`: a private key; without it the agent's keys and the usual files are tried."""
    known_hosts: str = ""
    """For `ssh`: the file of host keys to trust; without it `~/.ssh/known_hosts`."""
    channel: str = ""
    """For relays: the address of the channel, or its token; without it a new one is made."""
    remote_port: int = 0
    """For `ssh` to a host of one's own: the port to ask for there; 0 takes any."""
    path: str = "/"
    """For relays: the listener's path that gets the requests."""
    start_seconds: float = 20.0
    """How long the tunnel may take until it is up."""
    state_folder: Path | None = None
    """Where private files may be written; without it a temporary folder."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)


class Tunnel(Protocol):
    """One way to be reachable. An instance is started once."""

    name: str
    kind: Kind
    preserves_bytes: bool
    """Whether bodies arrive exactly as sent; where not, signatures over them cannot be checked."""
    stable_url: bool
    """Whether the address stays the same from one start to the next."""

    async def check(self) -> Readiness:
        """Say whether it could be started here. Reads and asks locally; never downloads."""
        ...

    def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        """Start, and say what happens until it is down.

        The last value is a `Down`. `local_url` is the listener's, such as
        `http://127.0.0.1:8787`.
        """
        ...

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """End every process and connection of the tunnel. May be called at any time, and twice."""
        ...
