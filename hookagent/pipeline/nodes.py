"""The nodes on one store: what each says of itself, and whether they agree.

A node reports every few seconds; one that falls silent is told apart from one that ended, which
takes its report along.
"""

import asyncio
import hashlib
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum

import msgspec

from hookagent.config.model import Config
from hookagent.store.base import Store, StoreUnavailable
from hookagent.store.sharing import Node
from hookagent.version import hookagent_version

REPORT_S = 2.0
SILENT_MS = 10_000
"""A node that has not reported for so long is called silent."""
SHOWN_MS = 600_000
"""Silent nodes are listed for so long."""


class Role(StrEnum):
    """What a process does of all there is to do."""

    ALL = "all"
    RECEIVE = "receive"
    """Accepts and stores."""
    WORK = "work"
    """Matches rules and acts."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a node is."""

    rules: str = ""
    running: int = 0
    waiting: int = 0


class Reporter:
    """Says every few seconds how this node is."""

    def __init__(
        self, store: Store, node: Node, load: Callable[[], Load], clock: Callable[[], int]
    ) -> None:
        self._store = store
        self._node = node
        self._load = load
        self._clock = clock

    async def run(self) -> None:
        """Report until cancelled, then take the report along."""
        try:
            while True:
                with suppress(StoreUnavailable):  # it is silence that tells of it
                    await self.report()
                await asyncio.sleep(REPORT_S)
        finally:
            with suppress(StoreUnavailable):
                await self._store.forget_node(self._node.id)

    async def report(self) -> None:
        """Report once. Raises StoreUnavailable."""
        now, load = self._clock(), self._load()
        oldest = (await self._store.docket(before=now, limit=0)).until
        await self._store.report(
            msgspec.structs.replace(
                self._node,
                seen_at=now,
                rules=load.rules,
                running=load.running,
                waiting=load.waiting + self._store.waiting,
                lag_ms=max(now - oldest, 0),
            )
        )


def this_node(config: Config, role: Role, owner: str, listener: str, now: int) -> Node:
    """Describe this process as its reports begin."""
    return Node(
        id=owner,
        name=socket.gethostname(),
        pid=os.getpid(),
        role=str(role),
        version=hookagent_version(),
        config=config_hash(config),
        listener=config.server.public_url or listener,
        started_at=now,
    )


def config_hash(config: Config) -> str:
    """Return a hash of what nodes must agree in: sources, worker, retention, expectations.

    Secrets are not in it: a value in the store tells nothing of them. Addresses, ports and folders
    are each node's own.
    """
    watch = config.watch
    said = (
        sorted((name, repr(source)) for name, source in config.sources.items()),
        repr(config.worker),
        repr((config.store.retention_ms, config.store.max_bytes)),
        repr((watch.enabled, watch.thresholds)),
        sorted(repr(one.spec) for one in watch.expectations),
        sorted(repr(one.spec) for one in watch.pairs),
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()[:12]


def differences(nodes: Iterable[Node], now: int) -> list[str]:
    """Return what a person should know: where nodes that are alive differ, and who is silent."""
    listed = list(nodes)
    return disagreements(listed, now) + [
        f"{label(node)} has been silent for {(now - node.seen_at) // 1000} s"
        for node in listed
        if now - node.seen_at >= SILENT_MS
    ]


def disagreements(nodes: Iterable[Node], now: int) -> list[str]:
    """Return in what nodes that are alive differ though they should agree."""
    alive = [node for node in nodes if now - node.seen_at < SILENT_MS]
    found = []
    for what, values in (
        ("versions", [(node.version, node) for node in alive]),
        ("configurations", [(node.config, node) for node in alive]),
        ("rules", [(node.rules, node) for node in alive if node.role != Role.RECEIVE]),
    ):
        groups: dict[str, list[str]] = {}
        for value, node in values:
            groups.setdefault(value, []).append(label(node))
        if len(groups) > 1:
            told = "; ".join(
                f"{value or 'none'} at {', '.join(at)}" for value, at in groups.items()
            )
            found.append(f"{what} differ: {told}")
    return found


def label(node: Node) -> str:
    """Return how people call a node."""
    return f"{node.name}:{node.pid}"
