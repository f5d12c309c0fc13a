"""Writes what came of runs, many in one commit, and tells the feed afterwards.

Under load hundreds of runs end within one commit's time; each `await record(run)` returns when the
commit that holds it is on disk, whoever else is in it.
"""

import asyncio
from collections.abc import Callable

from hookagent.pipeline.feed import Feed, Happening
from hookagent.store.base import Run, Store, StoreUnavailable

BATCH_MAX = 512
"""Runs written in one commit."""
PAUSE_S = 0.5
"""How long to wait before writing again what the store refused."""


class Recorder:
    """The one place from which runs are written while they are ours."""

    def __init__(self, store: Store, feed: Feed, owner: str, clock: Callable[[], int]) -> None:
        self._store = store
        self._feed = feed
        self._owner = owner
        self.clock = clock
        self._queue: list[tuple[Run, asyncio.Future[bool]]] = []
        self._news = asyncio.Event()
        self._is_closing = False
        self._is_writing = False

    def record(self, run: Run) -> "asyncio.Future[bool]":
        """Write a run as it stands; resolves to whether its lease was still ours."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((run, written))
        self._news.set()
        return written

    def tell(self, happening: Happening) -> None:
        """Publish after a record."""
        self._feed.publish(happening)

    @property
    def has_listeners(self) -> bool:
        """Whether anybody wants to be told."""
        return self._feed.has_listeners

    async def run(self) -> None:
        """Write until closed."""
        while self._queue or not self._is_closing:
            if not self._queue:
                self._news.clear()
                await self._news.wait()
                continue
            batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
            try:
                ours = await self._store.record(self._owner, [run for run, _ in batch])
            except StoreUnavailable:
                self._queue = batch + self._queue
                if self._is_closing:
                    return  # the lease runs out and the next start takes it up
                await asyncio.sleep(PAUSE_S)
                continue
            for (_, written), is_ours in zip(batch, ours, strict=True):
                if not written.done():
                    written.set_result(is_ours)

    def close(self) -> None:
        """Let `run` end once everything is written."""
        self._is_closing = True
        self._news.set()
