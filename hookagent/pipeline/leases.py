"""The leases of what is ours: prolonged in time, asked after where they may be another's by now.

A worker that was frozen or cut off may have been given up meanwhile: its leases ran out, or the
others heard no heartbeat (`nodes.py`) and took its runs over. It can record nothing for them any
more, and it must not act for them either. So before each try of a step the clock is held against
what the store said last; where that has run out the store is asked, for as long as it takes.
"""

import asyncio
from collections.abc import Callable

from hookagent.pipeline.hands import Hands
from hookagent.store.base import Run, Store, StoreUnavailable

RENEWALS_PER_LEASE = 3
"""Leases are prolonged when a third of their time has passed."""
SURE_MS = 8_000
"""So long after it was sent, a heartbeat keeps others from taking over: two seconds less than they
wait (`nodes.SILENT_MS`), for what happens between a look at the clock and the act."""
PAUSE_S = 0.5
"""How long to wait before asking again a store that is away."""
END = 1 << 62  # later than any moment


class Leases:
    """What is known of the leases of one worker's runs."""

    def __init__(self, store: Store, owner: str, lease_ms: int, clock: Callable[[], int]) -> None:
        self._store = store
        self._owner = owner
        self._lease_ms = lease_ms
        self._clock = clock
        self._alive_until = END
        """Until when nobody takes this node for dead: nobody can before its first heartbeat."""

    def heard_of(self, sent_at: int) -> None:
        """Note that a heartbeat sent at this moment is in the store."""
        self._alive_until = sent_at + SURE_MS

    async def keep_in_time(self, hands: Hands) -> None:
        """Wait until leases are to be prolonged, and do so. Raises StoreUnavailable."""
        await asyncio.sleep(self._lease_ms / 1000 / RENEWALS_PER_LEASE)
        await self.keep(hands)

    async def keep(self, hands: Hands) -> None:
        """Prolong the leases of all that is ours, drop what is not any more.

        Raises StoreUnavailable.
        """
        held = hands.held
        if not held:
            return
        until = self._clock() + self._lease_ms
        still = set(await self._store.renew(self._owner, held, lease_until=until))
        hands.renewed(still, until)
        hands.drop(run_id for run_id in held if run_id not in still)

    async def is_ours(self, run: Run) -> bool:
        """Say whether a run may act now; where that is in doubt its lease is prolonged first."""
        while self._clock() >= min(run.lease_until, self._alive_until):
            until = self._clock() + self._lease_ms
            try:
                if not await self._store.renew(self._owner, [run.id], lease_until=until):
                    return False
            except StoreUnavailable:
                await asyncio.sleep(PAUSE_S)
                continue
            run.lease_until = until
            return True
        return True
