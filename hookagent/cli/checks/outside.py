"""Checks of what `serve` will ask the machine for: ports, store, disk, tunnel."""

import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import unquote

from hookagent.cli.checks.finding import Finding, failed, good, warning
from hookagent.config.model import Config
from hookagent.errors import HookagentError
from hookagent.store.base import EventFilter, Store

DISK_LEAST = 256 * 1024 * 1024
"""Below this the store may soon have to answer 503."""
NGROK_INSPECTOR = ("127.0.0.1", 4040)
"""Where an ngrok agent shows every request to whoever asks on this machine (SECURITY I11)."""
CONNECT_SECONDS = 0.5


def store_file(config: Config) -> Path | None:
    """Return the file of the store, or None where it is not one."""
    rest = config.store.url.removeprefix("sqlite:///")
    return None if rest == config.store.url else config.folder / unquote(rest)


def is_served(config: Config) -> bool:
    """Whether another process serves from this store right now."""
    file = store_file(config)
    if file is None:
        return False
    try:
        import fcntl

        with file.with_name(file.name + ".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, ImportError):
        return False
    return False


def ports(config: Config, *, served: bool) -> Iterator[Finding]:
    """Check that both ports are free, or taken by our own agent."""
    wanted = [("listener", config.server.host, config.server.port, "server")]
    if config.inspector.enabled:
        wanted.append(("inspector", config.inspector.host, config.inspector.port, "inspector"))
    for name, host, port, section in wanted:
        reason = bind_problem(host, port)
        if reason is None:
            yield good("port", f"{name}: port {port or 'of its choice'} is free")
        elif served:
            yield good("port", f"{name}: port {port} is in use while `hookagent serve` runs")
        else:
            yield failed(
                "port",
                f"{name}: {host}:{port}: {reason}",
                f"end what uses it, or set another `port` under `[{section}]`",
            )


def bind_problem(host: str, port: int) -> str | None:
    """Return why a port cannot be listened on, or None where it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as attempt:
            if os.name == "posix":
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(address)
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


async def store(config: Config, now: int) -> AsyncIterator[Finding]:
    """Check that the store opens, is whole, and keeps up."""
    file = store_file(config)
    if file is not None and not file.exists():
        yield good("store", f"{file} is made on the first start")
        return
    try:
        async for finding in _opened_store(config, now):
            yield finding
    except HookagentError as error:
        yield failed("store", error.message, error.hint)


async def _opened_store(config: Config, now: int) -> AsyncIterator[Finding]:
    from hookagent.cli.checks.machine import clock
    from hookagent.store.registry import open_store

    opened = open_store(config.store.url, config.folder, mode="tool")
    await opened.open()
    try:
        stats = await opened.stats(since=now - 86_400_000)
        rotations = [one async for one in _rotations(config, opened)]
    finally:
        await opened.close()
    dead = stats.runs.get("dead", 0)
    yield good("store", f"{stats.events} events, {stats.size_bytes} bytes")
    if dead:
        yield warning("runs", f"{dead} dead runs wait for a decision", "hookagent dead")
    for finding in rotations:
        yield finding
    newest = max((one.last_received_at for one in stats.sources), default=0)
    for finding in clock(now, newest):
        yield finding


async def _rotations(config: Config, opened: Store) -> AsyncIterator[Finding]:
    """Say which of several secrets a source's newest event matched: when an old one may go."""
    for source in config.sources.values():
        if len(source.secrets) < 2:  # noqa: PLR2004 - one secret is not being rotated
            continue
        newest = await opened.events(EventFilter(source=source.name, origin="live", limit=1))
        record = await opened.event(newest[0].id) if newest else None
        index = record.event.verdict.secret_index if record else None
        if index is not None:
            yield good(
                "rotation",
                f"{source.name}: the newest event matched secret {index + 1}"
                f" of {len(source.secrets)}",
            )


def disk(config: Config) -> Iterator[Finding]:
    """Check that there is room for events."""
    file = store_file(config)
    folder = next((one for one in (file or config.folder).parents if one.is_dir()), None)
    if folder is None:
        return
    free = shutil.disk_usage(folder).free
    if free < DISK_LEAST:
        yield warning(
            "disk",
            f"{free // 1_048_576} MiB are free where the store is",
            "make room, or keep less: [store] retention",
        )
    else:
        yield good("disk", f"{free // 1_048_576} MiB are free where the store is")


async def tunnel(config: Config) -> AsyncIterator[Finding]:
    """Check that the tunnel could be opened, without opening it."""
    if config.tunnel.provider == "none":
        yield good("tunnel", "no tunnel is asked for")
        return
    from hookagent.pipeline.public import check_may_open, tunnel_options
    from hookagent.tunnel.registry import make

    try:
        check_may_open(config)
        ready = await make(config.tunnel.provider, tunnel_options(config)).check()
    except HookagentError as error:
        yield failed("tunnel", error.message, error.hint)
        return
    if ready.ready:
        yield good("tunnel", ready.detail)
    else:
        yield failed("tunnel", ready.detail, ready.hint)


def ngrok_inspector(address: tuple[str, int] | None = None) -> Iterator[Finding]:
    """Warn of an ngrok agent that shows its requests to everyone on this machine."""
    host, port = address or NGROK_INSPECTOR
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError:
        yield good("ngrok-inspector", "no ngrok agent shows requests on this machine")
    else:
        yield warning(
            "ngrok-inspector",
            f"an ngrok agent on {host}:{port} shows and replays requests to any"
            " program of this machine",
            "end it; the agent that hookagent starts shows nothing",
        )
