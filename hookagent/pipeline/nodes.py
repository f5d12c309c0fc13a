"""The nodes on one store: what each says of itself, and whether they agree.

A node reports every few seconds; one that falls silent is told apart from one that ended, which
takes its report along. What a silent node had under way is given to the others, who need not wait
for its leases then.
"""

import asyncio
import hashlib
import math
import os
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from enum import StrEnum

import msgspec

from hookagent.config.model import Config
from hookagent.pipeline.leases import Leases
from hookagent.store.base import Store, StoreUnavailable
from hookagent.store.sharing import Node
from hookagent.version import hookagent_version

REPORT_S = 2.0
SILENT_MS = 10_000
"""A node that has not reported for so long is called silent, and its runs are taken over."""
GAP_MS = 5_000
"""Who has not looked for longer than this cannot tell how long another was silent."""
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


class Silence:
    """How long each node has been silent, as one observer hears it.

    Not by the clocks of the nodes, which may differ, but by its own: a node is silent when its
    report stayed the same while the observer looked again and again. An observer that could not
    look (the store was away, or it was frozen itself) begins anew, so that after an outage of the
    database nobody takes those for dead who come back a moment later.
    """

    def __init__(self) -> None:
        self._heard: dict[str, tuple[int, float]] = {}
        """What each node reported last as its time, and when that was first seen here."""
        self._looked_at = 0.0

    def look(self, nodes: Iterable[Node], now: float) -> list[Node]:
        """Return those that have just been silent for long enough; each once.

        `now` is any clock of the observer's that only goes forward, in milliseconds.
        """
        known = {} if now - self._looked_at > GAP_MS else self._heard
        self._looked_at = now
        self._heard, silent = {}, []
        for node in nodes:
            seen_at, since = known.get(node.id, (node.seen_at, now))
            if seen_at != node.seen_at:
                since = now
            if now - since >= SILENT_MS:
                silent.append(node)
                since = math.inf
            self._heard[node.id] = node.seen_at, since
        return silent


class Reporter:
    """Says every few seconds how this node is; one that works hears who is no more."""

    def __init__(
        self,
        store: Store,
        node: Node,
        load: Callable[[], Load],
        clock: Callable[[], int],
        leases: Leases | None = None,
    ) -> None:
        self._store = store
        self._node = node
        self._load = load
        self._clock = clock
        self._leases = leases
        """Of a node that works: they hold while it is heard of."""
        self._silence = Silence()
        self._lag_ms = 0

    async def run(self) -> None:
        """Report until cancelled, then take the report along."""
        try:
            await asyncio.gather(*(self._again(once) for once in (self._beat, self._measure)))
        finally:
            with suppress(StoreUnavailable):
                await self._store.forget_node(self._node.id)

    @staticmethod
    async def _again(once: Callable[[], Awaitable[None]]) -> None:
        while True:
            with suppress(StoreUnavailable):  # it is silence that tells of it
                await once()
            await asyncio.sleep(REPORT_S)

    async def _beat(self) -> None:
        """Report; take over from those who do so no more."""
        now = self._clock()
        await self.report(now)
        if self._leases is None:
            return
        self._leases.heard_of(now)
        silent = self._silence.look(
            await self._store.nodes(since=0), asyncio.get_running_loop().time() * 1000
        )
        if silent:
            await self._store.release(silent)

    async def _measure(self) -> None:
        """See how old the oldest event is; a slow answer holds up no report."""
        now = self._clock()
        self._lag_ms = max(now - (await self._store.docket(before=now, limit=0)).until, 0)

    async def report(self, now: int) -> None:
        """Report once. Raises StoreUnavailable."""
        load = self._load()
        await self._store.report(
            msgspec.structs.replace(
                self._node,
                seen_at=now,
                rules=load.rules,
                running=load.running,
                waiting=load.waiting + self._store.waiting,
                lag_ms=self._lag_ms,
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
