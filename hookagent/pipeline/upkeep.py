"""What must be done now and then while the agent runs: retention, the search index."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hookagent.config.model import StoreSettings
from hookagent.store.base import Store, StoreUnavailable

EVERY_S = 600.0
"""How often old events are looked for."""
BATCH = 500
"""Events removed at once, so that nothing else waits long."""
BREATH_S = 0.05
"""Between batches."""


class Upkeep:
    """Applies the retention while the agent runs."""

    def __init__(self, store: Store, settings: StoreSettings, clock: Callable[[], int]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock

    async def run(self) -> None:
        """Go on until cancelled; a store that is away is tried again next time."""
        while True:
            with suppress(StoreUnavailable):  # the worker has said so; retention can wait
                await self.prune()
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
