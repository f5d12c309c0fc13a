"""What must be done now and then while the agent runs: what is old or too much goes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hookagent.config.model import StoreSettings
from hookagent.store.base import EventFilter, Store, StoreUnavailable

EVERY_S = 60.0
"""How often old events are looked for, and how large the store is."""
BATCH = 100
"""Events removed at once, so that nothing else waits long."""
BEGINNING = 1
"""The lowest sequence number; its event goes with the oldest that are listed after it."""
BREATH_S = 0.01
"""Between batches."""


class Upkeep:
    """Applies the retention and the cap on the store's size while the agent runs."""

    def __init__(self, store: Store, settings: StoreSettings, clock: Callable[[], int]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock

    async def run(self) -> None:
        """Go on until cancelled; a store that is away is tried again next time."""
        while True:
            with suppress(StoreUnavailable):  # the worker has said so; retention can wait
                await self.prune()
                await self.shrink()
            await asyncio.sleep(EVERY_S)

    async def prune(self) -> int:
        """Remove what is past its retention; return how many events went."""
        if self._settings.retention_ms is None:
            return 0
        before = self._clock() - self._settings.retention_ms
        total = 0
        while True:
            pruned = await self._store.prune(before=before, limit=BATCH)
            total += pruned.events
            if pruned.events < BATCH:
                return total
            await asyncio.sleep(BREATH_S)

    async def shrink(self) -> int:
        """Remove the oldest events until the store is within its cap; return how many went.

        What is not finished stays, however much there is of it.
        """
        most = self._settings.max_bytes
        if most is None:
            return 0
        total, after = 0, BEGINNING
        while (await self._store.stats(since=self._clock())).used_bytes > most:
            oldest = await self._store.events(EventFilter(after=after, limit=BATCH))
            if not oldest:
                break
            pruned = await self._store.prune(before=oldest[-1].received_at + 1, limit=BATCH)
            total += pruned.events
            if not pruned.events:
                after = oldest[-1].seq  # none of these may go yet
            await asyncio.sleep(BREATH_S)
        return total
