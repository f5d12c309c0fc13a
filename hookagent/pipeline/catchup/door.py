"""Gives fetched events to the front door: the running agent's, or our own where none runs.

Either way they are judged, told apart and stored as any delivery is, under a mark that says how
they came.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from hookagent.actions.sender import Sender
from hookagent.config.model import Config, Source
from hookagent.event import RawRequest
from hookagent.pipeline.answer import Answer
from hookagent.pipeline.entrance import common_key, entrance
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.ingest import Ingest
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.pipeline.origin import mark_fetched
from hookagent.pipeline.presence import running
from hookagent.pipeline.reception import Reception
from hookagent.pipeline.replay import at_source
from hookagent.providers.verify import Verifier
from hookagent.store.registry import open_store

NONCE_BYTES = 8
REFUSED = 400


class Taken(msgspec.Struct, frozen=True):
    """What the front door said."""

    status: int
    body: bytes

    @property
    def word(self) -> str:
        """Return `accepted`, `duplicate` or `refused`."""
        if self.status >= REFUSED:
            return "refused"
        return "duplicate" if b'"duplicate"' in self.body else "accepted"


class Door(Protocol):
    """Takes fetched events."""

    async def take(self, request: RawRequest) -> Taken:
        """Give one in. Raises OutsideError where nothing answers."""


@asynccontextmanager
async def door(config: Config, source: Source, clock: Callable[[], int]) -> AsyncIterator[Door]:
    """Open the running agent's front door, or our own."""
    agent = running(config.state_folder)
    if agent is not None:
        door = await entrance(config, clock())
        async with Sender() as sender:
            yield _Agents(agent.listener, sender, source, door.key)
        return
    store = open_store(config.store.url, config.state_folder)
    await store.open()
    try:
        key = await common_key(store, config.state_folder)
        verifier = Verifier(
            source.scheme,
            source.secrets,
            tolerance_ms=source.tolerance_ms,
            settings=dict(source.settings),
            base_url=source.base_url or config.server.public_url or "",
        )
        gate = Gate(source, verifier, None)
        ingest = Ingest(
            {source.name: gate},
            store,
            Feed(),
            Reception(""),
            clock=clock,
            entropy=lambda: int.from_bytes(os.urandom(6)),
            replay_key=key,
            limiter=FailureLimiter(config.server.failures_per_minute),
        )
        yield _Ours(ingest, gate, key, clock)
    finally:
        await store.close()


def _marked(request: RawRequest, source: Source, key: bytes) -> RawRequest:
    return mark_fetched(at_source(request, source), nonce=os.urandom(NONCE_BYTES).hex(), key=key)


class _Agents:
    """The front door of the agent that runs."""

    def __init__(self, listener: str, sender: Sender, source: Source, key: bytes) -> None:
        self._listener = listener
        self._sender = sender
        self._source = source
        self._key = key

    async def take(self, request: RawRequest) -> Taken:
        """Send it there."""
        marked = _marked(request, self._source, self._key)
        reply = await self._sender.send(marked, self._listener + marked.target)
        return Taken(reply.status, reply.body)


class _Ours:
    """A front door of our own: the store is ours while no agent runs."""

    def __init__(self, ingest: Ingest, gate: Gate, key: bytes, clock: Callable[[], int]) -> None:
        self._ingest = ingest
        self._gate = gate
        self._key = key
        self._clock = clock

    async def take(self, request: RawRequest) -> Taken:
        """Judge and store it here; its rules run when an agent starts."""
        marked = _marked(request, self._gate.source, self._key)
        marked = msgspec.structs.replace(marked, received_at=self._clock())
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._ingest.receive(self._gate, marked, answered.set_result)
        answer = await answered
        return Taken(answer.status, answer.body)
