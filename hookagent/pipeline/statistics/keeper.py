"""Keeps statistics in the store: a row every few seconds, merged as it grows old.

    collector ──> ten seconds ──after 2 min──> minutes ──after 2 h──> ten minutes
        ──after a day──> hours ──after 8 days──> six hours ──after 60 days──> days

What a crash can lose is what was not written yet: at most the last ten seconds of statistics, never
an event. Several agents on one store each write their own rows; nobody waits for anybody.
"""

import asyncio
import platform
from collections.abc import Callable
from contextlib import suppress

from hookagent.config.model import Config
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.statistics.collector import Collector
from hookagent.pipeline.statistics.figures import Figures, encode, merge
from hookagent.redact import Redactor
from hookagent.store.base import Store, StoreUnavailable, Stretch

SLOT_MS = 10_000
"""The shortest stretch, and how often what was counted is written."""
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WIDER = (
    (SLOT_MS, MINUTE_MS, 2 * MINUTE_MS),
    (MINUTE_MS, 10 * MINUTE_MS, 2 * HOUR_MS + 10 * MINUTE_MS),
    (10 * MINUTE_MS, HOUR_MS, 26 * HOUR_MS),
    (HOUR_MS, 6 * HOUR_MS, 8 * DAY_MS),
    (6 * HOUR_MS, DAY_MS, 60 * DAY_MS),
)
"""Stretches of the first length become ones of the second when they are older than the third."""
ADD_UP_S = 1.0
"""How often what was appended is added up; what is appended meanwhile counts for that slot."""
TIDY_MS = MINUTE_MS
BREATH_S = 0.05
"""Between the commits of a tidying."""
UNWRITTEN_MAX = 360
"""Slots kept in memory while the store is away; after that they are merged into one."""


def keeper(config: Config, store: Store, feed: Feed, clock: Callable[[], int]) -> "Keeper":
    """Begin to count what the feed's front door and runs do; returns what keeps it."""
    secrets = set(config.environment.secrets)
    secrets.update(secret for one in config.sources.values() for secret in one.secrets)
    feed.counts = Collector(Redactor(secrets).text)
    return Keeper(
        feed.counts, store, clock, node=platform.node(), keep_ms=config.store.statistics_ms
    )


class Keeper:
    """Writes what one agent counted, and tidies up."""

    def __init__(
        self,
        collector: Collector,
        store: Store,
        clock: Callable[[], int],
        *,
        node: str,
        keep_ms: int | None,
    ) -> None:
        self._collector = collector
        self._store = store
        self._clock = clock
        self._node = node
        self._keep_ms = keep_ms
        self._unwritten: dict[int, Figures] = {}
        self._flushed_at = clock()
        self._tidied_at = 0

    async def run(self) -> None:
        """Go on until cancelled; what was counted by then is written still."""
        try:
            while True:
                await asyncio.sleep(ADD_UP_S)
                await self.tick(self._clock())
        finally:
            await self.flush(self._clock())

    async def tick(self, now: int) -> None:
        """Add up; write and tidy when it is time."""
        self._collect(now)
        if abs(now - self._flushed_at) >= SLOT_MS:
            await self.flush(now)
        if abs(now - self._tidied_at) >= TIDY_MS:
            self._tidied_at = now
            with suppress(StoreUnavailable):  # next time
                await self.tidy(now)

    async def flush(self, now: int) -> None:
        """Write what was counted; a store that is away gets it next time."""
        self._flushed_at = now
        self._collect(now)
        if not self._unwritten:
            return
        rows = [
            Stretch(at=at, span=SLOT_MS, node=self._node, data=encode(figures))
            for at, figures in self._unwritten.items()
        ]
        with suppress(StoreUnavailable):  # the worker says that it is away
            await self._store.add_stretches(rows)
            self._unwritten.clear()

    async def tidy(self, now: int) -> int:
        """Merge what is old into wider stretches and drop what is too old; return commits made."""
        commits = 0
        for span, into, age in WIDER:
            while await self._store.widen_stretches(
                span=span, into=into, before=now - age, merge=merge
            ):
                commits += 1
                await asyncio.sleep(BREATH_S)
        if self._keep_ms is not None:
            await self._store.drop_stretches(before=now - self._keep_ms)
        return commits

    def current(self) -> list[Stretch]:
        """Return what is counted but not in the store yet."""
        self._collect(self._clock())
        return [
            Stretch(at=at, span=SLOT_MS, node=self._node, data=encode(figures))
            for at, figures in self._unwritten.items()
        ]

    def _collect(self, now: int) -> None:
        """Take what was counted into the slot it belongs to."""
        figures = self._collector.take()
        if not figures:
            return
        slot = now // SLOT_MS * SLOT_MS
        if slot not in self._unwritten and len(self._unwritten) >= UNWRITTEN_MAX:
            slot = next(reversed(self._unwritten))
        mine = self._unwritten.setdefault(slot, figures)
        if mine is not figures:
            mine.merge(figures)
