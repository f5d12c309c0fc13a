"""The configuration as frozen values: what everything else is given instead of a file.

Sizes are bytes, times are milliseconds and say so in their names. A `Config` that exists is valid:
`load` reports every problem before it makes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from hookagent.config.telemetry import Telemetry
from hookagent.config.watching import Log, Watch
from hookagent.environment import Environment
from hookagent.errors import NotFound, Problem
from hookagent.providers.catalog import BUILT_IN, Catalog
from hookagent.providers.exchange import HandshakeRule
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family
from hookagent.subject import Reference

MIB = 1024 * 1024
DAY_MS = 86_400_000

Network = IPv4Network | IPv6Network

BodyFormat = Literal["json", "form", "json-or-form", "any"]
"""What a source's bodies are: the source says it, never the request (SECURITY P9)."""

TUNNELS = (
    "none", "auto", "ngrok", "cloudflared", "ssh", "command", "smee", "gosmee", "svix",
)  # fmt: skip
"""What `tunnel.provider` may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The public listener and its limits (SECURITY 3.1 says where each default comes from)."""

    host: str = "127.0.0.1"
    port: int = 8787
    """0 picks a free one."""
    max_body: int = MIB
    """In bytes; a source may set its own."""
    public_url: str | None = None
    """How the outside reaches the listener, no slash at the end; some schemes sign it."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose `X-Forwarded-For` is believed; empty: nobody's but our own tunnel's."""
    max_connections: int = 256
    max_bodies: int = 64
    """Bodies being read at once."""
    read_timeout_ms: int = 10_000
    """For the whole body."""
    keepalive_ms: int = 15_000
    """Also bounds how long a request's headers may take."""
    queue: int = 4_096
    """Deliveries that may wait for their commit before the answer is 503."""
    failures_per_minute: int = 600
    """Failed verifications of one address before it is answered 429; genuine events never count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """The page and interface for the operator: loopback only, never given to a tunnel."""

    port: int = 8788
    """0 picks a free one."""
    enabled: bool = True
    token: str | None = field(default=None, repr=False)
    """What opens it; None: drawn anew for each run."""
    host: str = field(default="127.0.0.1", init=False)
    """Fixed: an inspector elsewhere would show payloads to the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where events are kept, and for how long."""

    url: str
    """`sqlite:///` with a path; a relative one was resolved against the configuration's folder."""
    retention_ms: int | None = 30 * DAY_MS
    """Events older than this go; None keeps them for ever."""
    statistics_ms: int | None = 400 * DAY_MS
    """Statistics older than this go; they are small, so a year can be looked back on."""
    max_bytes: int | None = None
    """A cap on the store's size; None: only age counts."""
    max_rejected: int = 1_000
    """Rejected deliveries kept, in a ring of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """How runs are worked off."""

    concurrency: int = 64
    """Runs under way at once."""
    lease_ms: int = 60_000
    """A claim older than this belongs to a dead worker."""
    grace_ms: int = 10_000
    """What a stop waits for running steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelSettings:
    """How the outside reaches a laptop."""

    provider: str = "none"
    """One of `TUNNELS`."""
    domain: str | None = None
    authtoken: str | None = field(default=None, repr=False)
    binary: str | None = None
    """The provider's program, where it is not on PATH."""
    command: tuple[str, ...] = ()
    """For `command`: the program and its arguments; `{url}`, `{host}`, `{port}` are put in."""
    url_pattern: str | None = None
    """For `command`: a regular expression that finds the public URL in its output."""
    host: str | None = None
    """For `ssh`: the server."""
    key_file: str | None = None
    """For `ssh`: a private key."""
    known_hosts: str | None = None
    """For `ssh`: the file of host keys to trust."""
    remote_port: int = 0
    """For `ssh` to a server of one's own: the port to ask for there; 0 takes any."""
    channel: str | None = None
    """For relays: the channel's address or token."""
    path: str | None = None
    """For relays: the listener's path that gets the requests; None: that of the only source."""
    start_timeout_ms: int = 20_000
    """How long it may take until it is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a source says when it stored an event, where it is not the usual JSON."""

    status: int = 200
    body: str | None = None
    """None: `{"status":"accepted","id":"…"}`."""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A named place webhooks come from."""

    name: str
    path: str
    scheme: Scheme
    methods: tuple[str, ...] = ("POST",)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Resolved; any of them may match, the first signs. Empty for `none`, and where the provider
    hands one over in a handshake."""
    allow_ips: tuple[Network, ...] = ()
    max_body: int = MIB
    dedup: tuple[Reference, ...] = ()
    """Together the event's identity; empty: a hash of what was signed."""
    type: tuple[Reference, ...] = ()
    """Where the event's type is; the values are joined with `.`, missing ones left out."""
    body: BodyFormat = "json"
    answer: Answer = field(default_factory=Answer)
    tolerance_ms: int | None = None
    """How far a signed timestamp may be off, both ways, where the source says so; `scheme` has it
    already."""
    handshakes: tuple[HandshakeRule, ...] = ()
    """How the provider asks whether the address is wanted."""
    base_url: str | None = None
    """The public URL in front of `path`, for schemes that sign it; None: the server's."""
    provider: str | None = None
    """The catalogue's name of the scheme, where it came from there."""
    is_insecure: bool = False
    """Let through unverified, by `--insecure NAME`, for one run."""
    is_id_signed: bool = True
    """Whether the signature covers what `dedup` reads (SECURITY S10)."""
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """The scheme's `{config:NAME}` values, and those its handshakes name."""

    @property
    def is_verified(self) -> bool:
        """Whether a delivery must prove that it is genuine."""
        return not self.is_insecure and self.scheme.family is not Family.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything the operator decided."""

    file: Path | None
    """None: there is no configuration file, everything is default."""
    folder: Path
    """What relative paths in the file start from."""
    state_folder: Path
    """`.hookagent` in `folder`: store, made secrets, tracebacks."""
    server: Server
    inspector: Inspector
    store: StoreSettings
    worker: Worker
    tunnel: TunnelSettings
    sources: Mapping[str, Source]
    rules: tuple[Path, ...]
    """Folders and files of rules, absolute."""
    environment: Environment = field(repr=False)
    catalog: Catalog = BUILT_IN
    """The schemes that come with hookagent, and those of `schemes_dir`."""
    watch: Watch = field(default_factory=Watch)
    log: Log = field(default_factory=Log)
    telemetry: Telemetry = field(default_factory=Telemetry)
    warnings: tuple[Problem, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Where a setting came from, by its dotted name: `hookagent.toml:3`, `--port`, a variable."""

    def source(self, name: str) -> Source:
        """Return a source. Raises NotFound with the nearest name."""
        found = self.sources.get(name)
        if found is None:
            raise NotFound.among("source", name, self.sources)
        return found
