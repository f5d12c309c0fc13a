"""Duties: what one node does for all, under a lease that another takes over when it falls silent.

    wanting ──hold──> holding: the work runs ──hold refused, store away too long──> wanting

The lease is short and the clocks of the nodes may differ, so for a moment two can think that they
hold a duty. What must not happen twice is fenced where it is written (`Store.judge`); the rest does
no harm twice: pruning, and alerts, whose keys make them one event.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from hookagent.store.base import Store, StoreUnavailable

LEASE_MS = 5_000
"""How long a duty is held without a word: so soon others take it over."""
RENEW_S = 1.0
"""How often it is prolonged, and how often others ask for it."""

PRUNE = "prune"
WATCH = "watch"


class Duties:
    """The duties of one node."""

    def __init__(self, store: Store, owner: str, clock: Callable[[], int]) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock

    async def hold(self, duty: str) -> bool:
        """Take or prolong a duty. Raises StoreUnavailable."""
        now = self._clock()
        return await self._store.hold(duty, self._owner, now=now, until=now + LEASE_MS)

    async def let_go(self, duty: str) -> None:
        """Give a duty back, so that another need not wait for it."""
        with suppress(StoreUnavailable):  # it runs out by itself
            await self._store.let_go(duty, self._owner)

    async def during(self, duty: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do some work while the duty is ours, again whenever it becomes so, until cancelled.

        On a store of one owner the work is simply done.
        """
        if not self._store.is_shared:
            await work()
            return
        try:
            while True:
                if await self._has(duty):
                    await self._do(duty, work)
                await asyncio.sleep(RENEW_S)
        finally:
            await self.let_go(duty)

    async def _has(self, duty: str) -> bool:
        try:
            return await self.hold(duty)
        except StoreUnavailable:
            return False

    async def _do(self, duty: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run the work until it ends or the duty is lost."""
        task = asyncio.ensure_future(work())
        try:
            while await self._has(duty):
                done, _ = await asyncio.wait({task}, timeout=RENEW_S)
                if done:
                    task.result()
                    return
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
