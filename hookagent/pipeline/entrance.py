"""How our own commands reach the front door: its URL, and the key that says they are ours.

An agent on this machine comes first. On a shared store any receiver will do, and the key is in the
store, so that every node knows a replay of every other.
"""

import socket
from collections.abc import Sequence
from pathlib import Path
from secrets import token_bytes
from urllib.parse import urlsplit

import msgspec

from hookagent.config.model import Config
from hookagent.errors import OutsideError
from hookagent.pipeline.nodes import SILENT_MS, Role, label
from hookagent.pipeline.origin import KEY_BYTES, replay_key
from hookagent.pipeline.presence import listener_url, running
from hookagent.store.base import Store
from hookagent.store.registry import open_store
from hookagent.store.sharing import Node

KEY_NAME = "replay:key"
LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


class Entrance(msgspec.Struct, frozen=True, kw_only=True):
    """The front door as a command uses it."""

    url: str
    """No slash at the end."""
    key: bytes
    passes_on: bool = False
    """Whether whoever listens passes everything on instead of verifying it."""


async def entrance(config: Config, now: int, store: Store | None = None) -> Entrance:
    """Find the front door; `store` is the configured one where it is open already.

    Raises OutsideError where no receiver can be reached from here.
    """
    if store is not None:
        return await _entrance(config, now, store)
    made = open_store(config.store.url, config.state_folder, mode="tool")
    if not made.is_shared:
        return _local(config, replay_key(config.state_folder))
    await made.open()
    try:
        return await _entrance(config, now, made)
    finally:
        await made.close()


async def common_key(store: Store, state_folder: Path) -> bytes:
    """Return the key of replays: the store's where it is shared, else the folder's."""
    if not store.is_shared:
        return replay_key(state_folder)
    while (kept := await store.kept(KEY_NAME)) is None:
        await store.swap(KEY_NAME, None, token_bytes(KEY_BYTES))
    return kept


async def _entrance(config: Config, now: int, store: Store) -> Entrance:
    key = await common_key(store, config.state_folder)
    if not store.is_shared or running(config.state_folder) is not None:
        return _local(config, key)
    nodes = await store.nodes(since=now - SILENT_MS)
    url = reachable(nodes, socket.gethostname())
    if url is None:
        raise OutsideError(
            "no receiver on this store can be reached from here" + _told(nodes),
            hint="name one: `--to https://hooks.example.org/hooks/NAME`;"
            " or set `public_url` under [server] where the receivers run",
        )
    return Entrance(url=url, key=key)


def _local(config: Config, key: bytes) -> Entrance:
    found = running(config.state_folder)
    url = listener_url(config.state_folder, config.server.host, config.server.port)
    return Entrance(url=url, key=key, passes_on=found is not None and found.passes_on)


def reachable(nodes: Sequence[Node], host: str) -> str | None:
    """Return the URL of a receiver: one on this machine first, else one that says where it is."""
    receivers = [node for node in nodes if node.listener and node.role != Role.WORK]
    here = [node for node in receivers if node.name == host]
    far = [node for node in receivers if urlsplit(node.listener).hostname not in LOCAL]
    chosen = here or far
    return chosen[0].listener if chosen else None


def _told(nodes: Sequence[Node]) -> str:
    """Say why those there are will not do."""
    names = ", ".join(label(node) for node in nodes if node.listener)
    return f": {names} listen on loopback only" if names else ": none has reported lately"
