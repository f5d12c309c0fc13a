"""`[server]`, `[inspector]`, `[store]`, `[worker]` and `[tunnel]`: everything but the sources."""

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from hookagent.config.find import STATE_FOLDER
from hookagent.config.model import (
    MIB,
    TUNNELS,
    Inspector,
    Server,
    StoreSettings,
    TunnelSettings,
    Worker,
)
from hookagent.config.reader import Reader
from hookagent.errors import Severity

BODY_MAX = 25 * MIB
"""What GitHub caps its payloads at, the largest of the providers."""
PORT_MAX = 65_535
SECOND = 1_000
STORE_SCHEMES = ("sqlite",)
SHARED_STORE_SCHEMES = ("postgresql", "postgres")
"""Stores that are no file: the URL is the engine's to read."""
DEFAULT_STORE = f"sqlite:///{STATE_FOLDER}/hookagent.db"


def read_server(reader: Reader) -> Server:
    """Read `[server]`."""
    table, usual = reader.table, Server()
    server = Server(
        host=reader.text("host") or usual.host,
        port=table.integer("port", usual.port, most=PORT_MAX),
        max_body=reader.size("max_body", usual.max_body, most=BODY_MAX),
        public_url=reader.url("public_url", "http", "https"),
        trusted_proxies=reader.networks("trusted_proxies"),
        max_connections=table.integer(
            "max_connections", usual.max_connections, least=1, most=100_000
        ),
        max_bodies=table.integer("max_bodies", usual.max_bodies, least=1, most=100_000),
        read_timeout_ms=reader.duration("read_timeout", usual.read_timeout_ms, least=100),
        keepalive_ms=reader.duration("keepalive", usual.keepalive_ms, least=100),
        queue=table.integer("queue", usual.queue, least=1, most=1_000_000),
        failures_per_minute=table.integer(
            "failures_per_minute", usual.failures_per_minute, least=1, most=10_000_000
        ),
    )
    table.finish()
    return server


def read_inspector(reader: Reader) -> Inspector:
    """Read `[inspector]`."""
    table, usual = reader.table, Inspector()
    inspector = Inspector(
        port=table.integer("port", usual.port, most=PORT_MAX),
        enabled=table.boolean("enabled", default=usual.enabled),
        token=_inspector_token(reader),
    )
    if "host" in table:
        table.raw("host")
        table.report(
            "fixed-host",
            "the inspector is on the loopback address only",
            key="host",
            on_key=True,
            hint="reach it from elsewhere with: ssh -L 8788:127.0.0.1:8788 HOST",
        )
    table.finish()
    return inspector


INSPECTOR_TOKEN_MIN = 32
"""Characters below which a token could be guessed."""


def _inspector_token(reader: Reader) -> str | None:
    token = reader.text("token")
    if token is None:
        return None
    reader.environment.remember(token)
    if len(token) < INSPECTOR_TOKEN_MIN:
        reader.table.report(
            "short-token",
            f"the inspector's token is shorter than {INSPECTOR_TOKEN_MIN} characters",
            key="token",
            hint="make one: openssl rand -hex 32",
        )
    return token


def read_store(reader: Reader, folder: Path, cwd: Path, state: Path) -> StoreSettings:
    """Read `[store]`; a relative path in the file starts at its folder, in a flag where we are."""
    table = reader.table
    usual = StoreSettings(url=DEFAULT_STORE)
    from_outside = "url" in getattr(table, "origins", {})
    settings = StoreSettings(
        url=_store_url(reader, cwd if from_outside else folder) or _sqlite_url(state / _USUAL),
        retention_ms=_unless_forever(reader, "retention", usual.retention_ms),
        statistics_ms=_unless_forever(reader, "statistics", usual.statistics_ms),
        max_bytes=reader.size("max_size", 0, least=MIB) or None,
        max_rejected=table.integer("max_rejected", usual.max_rejected, most=1_000_000),
    )
    table.finish()
    return settings


_USUAL = "hookagent.db"


def _unless_forever(reader: Reader, key: str, usual: int | None) -> int | None:
    if reader.table.raw(key) == "forever":
        return None
    return reader.duration(key, usual or 0, least=60 * SECOND)


def _store_url(reader: Reader, folder: Path) -> str | None:
    text = reader.text("url")
    if text is None:
        return None
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if scheme in SHARED_STORE_SCHEMES:
        return text
    path = text.removeprefix("sqlite:///")
    if scheme not in STORE_SCHEMES or path == text or not path or "\0" in path:
        reader.table.report(
            "bad-store",
            f"`{_without_password(str(reader.table.raw('url')))}` is not a store",
            key="url",
            hint=f"such as `{DEFAULT_STORE}`",
        )
        return None
    return _sqlite_url(folder / unquote(path))


def _without_password(url: str) -> str:
    """Return a URL without what stands before its host."""
    return re.sub(r"://.*@", "://…@", url, flags=re.DOTALL)


def _sqlite_url(file: Path) -> str:
    """Return the URL of a file: three slashes and its absolute path."""
    return f"sqlite:///{quote(os.fsencode(file))}"


def read_worker(reader: Reader) -> Worker:
    """Read `[worker]`."""
    table, usual = reader.table, Worker()
    worker = Worker(
        concurrency=table.integer("concurrency", usual.concurrency, least=1, most=1_000),
        lease_ms=reader.duration("lease", usual.lease_ms, least=SECOND),
        grace_ms=reader.duration("grace", usual.grace_ms),
    )
    table.finish()
    return worker


def read_tunnel(reader: Reader, variables: "dict[str, str]") -> TunnelSettings:
    """Read `[tunnel]`; ngrok's own variable holds its token where the file does not."""
    table, usual = reader.table, TunnelSettings()
    provider = table.choice("provider", usual.provider, TUNNELS)
    token = reader.text("authtoken")
    if token is None and provider == "ngrok":
        token = variables.get("NGROK_AUTHTOKEN") or None
    if token is not None:
        reader.environment.remember(token)
    tunnel = TunnelSettings(
        provider=provider,
        domain=reader.text("domain"),
        authtoken=token,
        binary=reader.text("binary"),
        command=reader.texts("command"),
        url_pattern=reader.text("url_pattern"),
        host=reader.text("host"),
        key_file=reader.text("key_file"),
        known_hosts=reader.text("known_hosts"),
        remote_port=table.integer("remote_port", usual.remote_port, most=PORT_MAX),
        channel=reader.text("channel"),
        path=reader.text("path"),
        start_timeout_ms=reader.duration("start_timeout", usual.start_timeout_ms, least=SECOND),
    )
    _check_tunnel(reader, tunnel)
    table.finish()
    return tunnel


def _check_tunnel(reader: Reader, tunnel: TunnelSettings) -> None:
    table = reader.table
    if tunnel.provider == "command" and not tunnel.command:
        table.report(
            "missing-key",
            "tunnel provider `command` needs `command`",
            key="provider",
            hint='such as: command = ["my-tunnel", "--to", "{url}"]',
        )
    written = table.raw("authtoken")
    if isinstance(written, str) and written and "${" not in written:
        table.report(
            "plain-secret",
            "the tunnel's token stands here for everyone to read",
            key="authtoken",
            hint='move it to .env and write: authtoken = "${NGROK_AUTHTOKEN}"',
            severity=Severity.WARNING,
        )
