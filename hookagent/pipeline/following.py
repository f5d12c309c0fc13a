"""What all nodes of a shared store do, as the one that watches sees it: read from the store.

Where one process does all, the feed tells the watches what happens. On a shared store the node that
has the duty follows the store instead: events by their sequence numbers, refusals by their ring,
dead runs by their list. Of most events the line of a list is enough; whole ones are read where an
expectation may be meant, and one of each source now and then for its signed time.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hookagent.event import Event, Origin, RawRequest
from hookagent.job import RunState
from hookagent.pipeline.feed import Delivered, Ran
from hookagent.pipeline.watching import Watching
from hookagent.store.base import (
    EventFilter,
    EventSummary,
    Rejected,
    Run,
    RunFilter,
    Store,
    StoreUnavailable,
)
from hookagent.verdict import Code, Verdict

EVERY_S = 1.0
PAGE = 500
REFUSALS_MAX = 200
"""Looked at in one turn: the ring holds no flood anyway."""
DEAD_MAX = 200
DEAD_SINCE_MS = 24 * 3_600_000
"""Of runs that began longer ago nobody is told anew."""


class Following:
    """Shows a watcher what every node does."""

    def __init__(
        self,
        store: Store,
        watcher: Watching,
        decoded: Callable[[Event], Event],
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._watcher = watcher
        self._decoded = decoded
        self._clock = clock
        self._seq = 0
        self._refused = ""
        self._dead: set[str] = set()
        self._has_begun = False

    async def run(self) -> None:
        """Follow until cancelled; a store that is away is asked again."""
        while True:
            with suppress(StoreUnavailable):  # the worker says that it is away
                await self.turn()
            await asyncio.sleep(EVERY_S)

    async def turn(self) -> None:
        """Show what is new since the last turn; the first only notes where to begin."""
        if not self._has_begun:
            await self._begin()
            self._has_begun = True
            return
        await self._events()
        for rejected in await self._refusals():
            self._watcher.take(_refused(rejected))
        for run in await self._newly_dead():
            self._watcher.take(_died(run))

    async def _begin(self) -> None:
        newest = await self._store.events(EventFilter(limit=1))
        self._seq = newest[0].seq if newest else 0
        refused = await self._store.rejected(limit=1)
        self._refused = refused[0].id if refused else ""
        self._dead = {run.id for run in await self._dead_runs()}

    async def _events(self) -> None:
        looked_at: set[str] = set()
        while found := await self._store.events(EventFilter(after=self._seq, limit=PAGE)):
            whole = [one.id for one in found if self._must_see(one, looked_at)]
            events = {one.id: one for one in await self._store.events_of(whole)} if whole else {}
            for summary in found:
                event = events.get(summary.id)
                self._watcher.saw(self._decoded(event) if event else _light(summary))
            self._seq = found[-1].seq
            if len(found) < PAGE:
                return

    def _must_see(self, summary: EventSummary, looked_at: set[str]) -> bool:
        """Whether the whole event is needed."""
        is_first = summary.source not in looked_at
        looked_at.add(summary.source)
        return is_first or self._watcher.expecting.concerns(_light(summary))

    async def _refusals(self) -> list[Rejected]:
        """Return refusals since the last turn, oldest first."""
        found = await self._store.rejected(limit=REFUSALS_MAX)
        fresh = []
        for rejected in found:
            if rejected.id == self._refused:
                break
            fresh.append(rejected)
        if found:
            self._refused = found[0].id
        return fresh[::-1]

    async def _newly_dead(self) -> list[Run]:
        found = await self._dead_runs()
        fresh = [run for run in found if run.id not in self._dead]
        self._dead = {run.id for run in found}
        return fresh[::-1]

    async def _dead_runs(self) -> list[Run]:
        since = self._clock() - DEAD_SINCE_MS
        return await self._store.runs(
            RunFilter(states=(RunState.DEAD,), since=since, limit=DEAD_MAX)
        )


def _light(summary: EventSummary) -> Event:
    """Return an event without its request: what a line of a list knows."""
    return Event(
        id=summary.id,
        source=summary.source,
        type=summary.type,
        request=RawRequest(received_at=summary.received_at),
        verdict=Verdict(valid=True, scheme="", code=Code.UNCHECKED),
        origin=Origin(summary.origin),
        parent=summary.parent,
    )


def _refused(rejected: Rejected) -> Delivered:
    code, _, reason = rejected.error.partition(": ")
    verdict = rejected.verdict
    return Delivered(
        at=rejected.request.received_at,
        outcome="rejected",
        status=rejected.status,
        source=rejected.source,
        id=rejected.id,
        code=code,
        detail=reason or (verdict.detail if verdict else ""),
    )


def _died(run: Run) -> Ran:
    return Ran(
        at=run.ended_at,
        id=run.event_id,
        run=run.id,
        rule=run.rule,
        state=str(run.state),
        ms=max(run.ended_at - run.created_at, 0),
        error=run.reason,
    )
