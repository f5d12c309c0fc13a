"""The edges of the process: its clock and chance, the store, the outside, the port."""

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hookagent.actions.base import Outside, Own
from hookagent.config.model import Config
from hookagent.errors import OutsideError, UsageError, reason_of
from hookagent.job import RunState
from hookagent.pipeline.feed import Feed, Logged
from hookagent.pipeline.nodes import Role
from hookagent.server.listener import Listener
from hookagent.store.base import Store
from hookagent.store.copying import is_unfinished
from hookagent.store.moving import MARK
from hookagent.store.registry import open_store

LEFT_TO_DO = (RunState.PENDING, RunState.RUNNING, RunState.WAITING)


def clock() -> int:
    """Return Unix milliseconds: the one place where the agent reads the time."""
    return time.time_ns() // 1_000_000


def entropy() -> int:
    """Return 48 random bits for an id."""
    return int.from_bytes(os.urandom(6))


def fast_entropy() -> Callable[[], int]:
    """Return a generator of 48-bit numbers for event ids, seeded from the system.

    Ids must be distinct, not secret: a call to the system for each request is not needed.
    """
    import random

    generator = random.Random(secrets.token_bytes(32))  # noqa: S311 - ids, not secrets
    return lambda: generator.getrandbits(48)


@asynccontextmanager
async def opened_store(config: Config, role: Role) -> AsyncIterator[Store]:
    """Open the store for as long as the block lasts.

    Raises UsageError where one of several nodes was asked for and the store has one owner, and
    OutsideError where the store is a copy that is not complete.
    """
    store = open_store(
        config.store.url,
        config.state_folder,
        queue_max=config.server.queue,
        rejected_max=config.store.max_rejected,
    )
    if role is not Role.ALL and not store.is_shared:
        raise UsageError(
            f"this store has one owner at a time, so it cannot be `{_word(role)}` alone",
            hint="run `hookagent serve`, or give [store] a `postgresql://` URL",
        )
    await store.open()
    try:
        if is_unfinished(await store.kept(MARK)):
            raise OutsideError(
                "this store is a copy that is not complete",
                hint="run `hookagent store copy` again: it goes on where it stopped",
            )
        yield store
    finally:
        await store.close()


async def keep_from_dry_run(store: Store) -> None:
    """Refuse to try rules out on real work. Raises OutsideError where some is left to do.

    A dry run ends what it takes up: as done, with nothing done.
    """
    found = await store.stats(since=clock())
    runs = sum(found.runs.get(str(state), 0) for state in LEFT_TO_DO)
    if found.unrouted or runs:
        raise OutsideError(
            f"this store has work left to do (runs: {runs}, events: {found.unrouted}), and a dry"
            " run would end it with nothing done",
            hint="let `hookagent serve` work it off first, or try things out on another store:"
            " --store sqlite:///.hookagent/dry-run.db",
        )


def _word(role: Role) -> str:
    return "serve --role receive" if role is Role.RECEIVE else "work"


@asynccontextmanager
async def made_outside(
    config: Config, own: Callable[[], Own], feed: Feed, allows: Callable[[str], bool] | None
) -> AsyncIterator[Outside]:
    """Make what actions share, for as long as the block lasts."""
    outside = Outside(
        folder=config.folder,
        state=config.state_folder,
        environment=config.environment,
        clock=clock,
        own=own,
        say=lambda line: feed.publish(Logged(at=clock(), line=line)),
        allows=allows,
    )
    try:
        yield outside
    finally:
        await outside.close()


async def bind(listener: Listener, host: str, port: int) -> str:
    """Listen; return the URL that reaches it from here. Raises OutsideError."""
    try:
        bound = await listener.start(host, port)
    except OSError as error:
        raise OutsideError(
            f"cannot listen on {host}:{port}: {reason_of(error)}",
            hint="another `hookagent serve` may be running; choose another with `--port`,"
            " or 0 for a free one",
        ) from None
    return f"http://{_host(host)}:{bound}"


def _host(host: str) -> str:
    """Write a host as a URL needs it; the unspecified ones are reached by loopback."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
