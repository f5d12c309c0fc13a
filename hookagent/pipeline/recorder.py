"""Writes what came of runs, many in one commit, and tells the feed afterwards.

Under load hundreds of runs end within one commit's time; each `await record(run)` returns when the
commit that holds it is on disk, whoever else is in it.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from hookagent.job import RunState
from hookagent.pipeline.feed import Feed, Happening
from hookagent.pipeline.loops import tell_bug
from hookagent.store.base import Run, Store, StoreUnavailable

if TYPE_CHECKING:
    from hookagent.pipeline.statistics.collector import Collector
    from hookagent.pipeline.telemetry.tracing import Tracing

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
        self._most = BATCH_MAX

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
    def counts(self) -> "Collector | None":
        """What counts runs and tries, where statistics are kept."""
        return self._feed.counts

    @property
    def tracing(self) -> "Tracing | None":
        """What tells a collector, where there is one."""
        return self._feed.tracing

    def is_asked(self, run: Run) -> bool:
        """Whether anybody wants to be told of a run that came to a stop."""
        feed = self._feed
        return feed.wants_every or (feed.has_listeners and run.state is not RunState.DONE)

    async def run(self) -> None:
        """Write until closed."""
        while self._queue or not self._is_closing:
            if not self._queue:
                self._news.clear()
                await self._news.wait()
                continue
            batch, self._queue = self._queue[: self._most], self._queue[self._most :]
            try:
                await self._write(batch)
            except StoreUnavailable:
                self._queue = batch + self._queue
                if self._is_closing:
                    return  # the lease runs out and the next start takes it up
                await asyncio.sleep(PAUSE_S)

    async def _write(self, batch: "list[tuple[Run, asyncio.Future[bool]]]") -> None:
        """Write runs together; where that meets a bug of ours, each by itself."""
        try:
            ours = await self._store.record(self._owner, [run for run, _ in batch])
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one run that cannot be written ends no other
            if len(batch) > 1:
                self._queue = batch + self._queue
                self._most = 1
                return
            tell_bug(error, self._feed, self.clock)
            if not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, written), is_ours in zip(batch, ours, strict=True):
            if not written.done():
                written.set_result(is_ours)
        self._most = min(2 * self._most, BATCH_MAX)

    def close(self) -> None:
        """Let `run` end once everything is written."""
        self._is_closing = True
        self._news.set()
