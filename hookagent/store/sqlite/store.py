"""The SQLite engine of the store: wires the writer, the readers and the checkpoints.

Accepting and recording go through the writer's group commits; looking goes through the readers.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from hookagent.durable import keep_name
from hookagent.errors import OutsideError
from hookagent.event import Event
from hookagent.store.base import (
    REJECTED_MAX,
    Accepted,
    EventFilter,
    EventRecord,
    EventSummary,
    Merge,
    Minute,
    Pruned,
    Rejected,
    Routed,
    RuleVersion,
    Run,
    RunFilter,
    StateWrite,
    StoreStats,
    Stretch,
)
from hookagent.store.rows import Claim
from hookagent.store.sqlite import claiming, counts, listing, lookups, pruning, work
from hookagent.store.sqlite import stretches as kept_stretches
from hookagent.store.sqlite.checkpoint import Checkpoints, empty_log
from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.files import ServeLock, make_private
from hookagent.store.sqlite.indexing import Indexing
from hookagent.store.sqlite.readers import Readers
from hookagent.store.sqlite.schema import migrate
from hookagent.store.sqlite.search import SearchIndex
from hookagent.store.sqlite.sharing import SqliteSharing
from hookagent.store.sqlite.soundness import check_at_start, check_fully
from hookagent.store.sqlite.trouble import unavailable
from hookagent.store.sqlite.writer import Writer

PRUNE_CHUNK = 50
"""Events removed in one commit: keeps each to a few milliseconds beside its sync."""


class Mode(StrEnum):
    """How a process uses the store."""

    SERVE = "serve"
    """Accepts events: one process at a time."""
    TOOL = "tool"
    """Looks, and writes a little, beside a process that serves."""


class SqliteStore(SqliteSharing):
    """One database file."""

    def __init__(
        self,
        path: Path,
        *,
        queue_max: int = 4096,
        rejected_max: int = REJECTED_MAX,
        mode: Mode = Mode.SERVE,
    ) -> None:
        self.path = path
        self._mode = mode
        self._lock = ServeLock(path)
        self._readers = Readers(path)
        self._writer = Writer(
            path, queue_max=queue_max, wrote=self._wrote, rejected_max=rejected_max
        )
        self._checkpoints = Checkpoints(path, self._writer.commit_lock)
        self._search = SearchIndex(path)
        self._indexing = Indexing(path, self._search)
        self._pruned_to = (0, 0)
        self.accept = self._writer.accept if mode is Mode.SERVE else _refuse_accept
        self.reject = self._writer.reject

    def _wrote(self, rows: int) -> None:
        self._checkpoints.wrote(rows)
        self._indexing.wrote(rows)

    async def open(self) -> None:
        """Open or make the database, bring it to today's schema and start the threads."""
        loop = asyncio.get_running_loop()
        connection = await asyncio.to_thread(self._open)
        self._writer.start(connection, loop)
        self._checkpoints.start()
        if self._mode is Mode.SERVE:
            self._indexing.start()

    def _open(self) -> sqlite3.Connection:
        make_private(self.path)
        try:
            if self._mode is Mode.SERVE:
                self._lock.take()
                keep_name(self.path)
            return self._sound_connection()
        except BaseException as error:
            self._lock.release()
            if isinstance(error, (sqlite3.Error, OSError)):
                raise unavailable(error, self.path) from error
            raise

    def _sound_connection(self) -> sqlite3.Connection:
        connection = connect(self.path, Purpose.WRITE)
        try:
            if self._mode is Mode.SERVE:
                check_at_start(connection, self.path)
            migrate(connection, self.path)
            if self._mode is Mode.SERVE:
                empty_log(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Write what is queued, and let go of the file and the lock."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._indexing.stop()
        self._checkpoints.stop()
        self._readers.close()
        self._search.close()
        self._writer.stop()
        self._lock.release()

    async def take_over(self, owner: str) -> None:
        """End the leases of all others: only one agent serves from this store at a time."""
        await self._writer.do(lambda transaction: work.take_over(transaction, owner))

    async def claim_events(
        self, owner: str, *, now: int, lease_until: int, limit: int
    ) -> list[Event]:
        """Take stored events without a live lease, oldest first."""
        claim = Claim(owner=owner, now=now, lease_until=lease_until, limit=limit)
        taken: list[Event] = await self._writer.do(
            lambda transaction: claiming.claim_events(transaction, claim)
        )
        return taken

    async def route(self, owner: str, routed: Sequence[Routed]) -> list[bool]:
        """Record what matching found, all in one commit."""
        written: list[bool] = await self._writer.do(
            lambda transaction: work.route(transaction, owner, routed)
        )
        return written

    async def claim_runs(
        self,
        owner: str,
        *,
        now: int,
        lease_until: int,
        limit: int,
        limits: Mapping[str, int] | None = None,
    ) -> list[Run]:
        """Take runs that may be tried now: due retries and lost leases first, then pending."""
        claim = Claim(
            owner=owner,
            now=now,
            lease_until=lease_until,
            limit=limit,
            limits=limits or {},
        )
        taken: list[Run] = await self._writer.do(
            lambda transaction: claiming.claim_runs(transaction, claim)
        )
        return taken

    async def record(self, owner: str, runs: Sequence[Run]) -> list[bool]:
        """Write runs whose lease is still the owner's; False for the others."""
        written: list[bool] = await self._writer.do(
            lambda transaction: work.record(transaction, owner, runs)
        )
        return written

    async def renew(self, owner: str, run_ids: Sequence[str], *, lease_until: int) -> list[str]:
        """Prolong leases; return the ids still held."""
        held: list[str] = await self._writer.do(
            lambda transaction: work.renew(transaction, owner, run_ids, lease_until)
        )
        return held

    async def next_due(self) -> int | None:
        """Return when the next run or state falls due; 0 for at once."""
        return await self._readers.read(lookups.next_due)

    async def due_states(self, *, now: int, limit: int) -> list[StateWrite]:
        """Return over-time state whose time has come, earliest first."""
        return await self._readers.read(
            lambda connection: lookups.due_states(connection, now, limit)
        )

    async def states(self, rule: str = "") -> list[StateWrite]:
        """Return all over-time state, of one rule or of all."""
        return await self._readers.read(lambda connection: lookups.states(connection, rule))

    async def revive(self, run_id: str, *, now: int) -> Run | None:
        """Make a dead run pending again; None if it is not dead."""
        run: Run | None = await self._writer.do(
            lambda transaction: work.revive(transaction, run_id, now)
        )
        return run

    async def discard(self, run_id: str, *, now: int) -> Run | None:
        """Set a dead run aside; None if it is not dead."""
        run: Run | None = await self._writer.do(
            lambda transaction: work.discard(transaction, run_id, now)
        )
        return run

    async def events(self, wanted: EventFilter) -> list[EventSummary]:
        """List events."""

        def page(connection: sqlite3.Connection) -> list[EventSummary]:
            return lookups.summaries(
                connection, listing.event_seqs(connection, wanted, self._search)
            )

        return await self._readers.read(page)

    async def event(self, event_id: str) -> EventRecord | None:
        """Return one event in full, or None."""
        return await self._readers.read(lambda connection: lookups.event(connection, event_id))

    async def events_of(self, event_ids: Sequence[str]) -> list[Event]:
        """Return these events as they arrived; those that are gone are left out."""
        return await self._readers.read(lambda connection: lookups.events_of(connection, event_ids))

    async def event_ids_like(self, beginning: str, limit: int) -> list[str]:
        """Return ids of events that begin so."""
        return await self._readers.read(
            lambda connection: lookups.event_ids_like(connection, beginning, limit)
        )

    async def runs(self, wanted: RunFilter) -> list[Run]:
        """List runs, newest first."""
        return await self._readers.read(lambda connection: listing.runs(connection, wanted))

    async def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        return await self._readers.read(lambda connection: lookups.run(connection, run_id))

    async def rule_version(self, version: str) -> RuleVersion | None:
        """Return the recorded actions of a rule, or None."""
        return await self._readers.read(
            lambda connection: lookups.rule_version(connection, version)
        )

    async def rejected(self, *, limit: int, source: str = "") -> list[Rejected]:
        """List refused deliveries, newest first."""
        return await self._readers.read(
            lambda connection: lookups.rejected(connection, limit, source)
        )

    async def rejection(self, rejected_id: str) -> Rejected | None:
        """Return one refused delivery, or None."""
        return await self._readers.read(
            lambda connection: lookups.rejection(connection, rejected_id)
        )

    async def stats(self, *, since: int) -> StoreStats:
        """Count; sources since then, to the full minute before."""
        return await self._readers.read(lambda connection: counts.stats(connection, since))

    async def activity(self, *, since: int) -> list[Minute]:
        """Return the minutes since then in which something happened."""
        return await self._readers.read(lambda connection: counts.activity(connection, since))

    async def add_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Keep what was counted."""
        await self._writer.do(lambda transaction: kept_stretches.add(transaction, stretches))

    async def stretches(self, *, since: int, until: int) -> list[Stretch]:
        """Return the stretches that overlap, oldest first."""
        return await self._readers.read(
            lambda connection: kept_stretches.overlapping(connection, since, until)
        )

    async def widen_stretches(self, *, span: int, into: int, before: int, merge: Merge) -> int:
        """Make one of `into` out of the oldest ones of `span`; return how many went."""
        wanted = kept_stretches.Widening(span=span, into=into, before=before, merge=merge)
        taken: int = await self._writer.do(
            lambda transaction: kept_stretches.widen(transaction, wanted)
        )
        return taken

    async def drop_stretches(self, *, before: int) -> int:
        """Remove the stretches that ended by then; return how many."""
        removed: int = await self._writer.do(
            lambda transaction: kept_stretches.drop(transaction, before)
        )
        return removed

    async def prune(self, *, before: int, limit: int) -> Pruned:
        """Remove up to `limit` old finished events, a small commit at a time."""
        if self._pruned_to[0] != before:
            self._pruned_to = (before, 0)
        events = runs = 0
        while events < limit:
            chunk = await self._prunable(before, min(PRUNE_CHUNK, limit - events))
            if not chunk:
                self._pruned_to = (0, 0)
                break
            removed = await self._remove(chunk)
            self._pruned_to = (before, chunk[-1][0])
            events += removed.events
            runs += removed.runs
        beside: Pruned = await self._writer.do(
            lambda transaction: pruning.remove_what_has_no_event(transaction, before)
        )
        await self._readers.read(self._drop_search)
        return Pruned(events=events, runs=runs + beside.runs, rejected=beside.rejected)

    def _drop_search(self, connection: sqlite3.Connection) -> None:
        oldest = connection.execute("SELECT min(seq) FROM events").fetchone()[0]
        if oldest is not None:
            self._search.drop_before(connection, oldest)

    async def _prunable(self, before: int, limit: int) -> list[tuple[int, int]]:
        after = self._pruned_to[1]
        return await self._readers.read(
            lambda connection: pruning.prunable(connection, after, before, limit)
        )

    async def _remove(self, events: list[tuple[int, int]]) -> Pruned:
        removed: Pruned = await self._writer.do(
            lambda transaction: pruning.remove(transaction, events)
        )
        return removed

    async def index_bodies(self, *, limit: int) -> int:
        """Add up to so many bodies to the text search; return how many; 0 when all are in."""
        return await self._readers.read(lambda connection: self._search.add(connection, limit))

    async def check(self) -> list[str]:
        """Read every page and return what is damaged; takes seconds for a large database."""
        return await self._readers.read(check_fully)

    async def keep(self, name: str, value: bytes | None) -> None:
        """Keep a small named value; None forgets it."""
        await self._writer.do(lambda transaction: work.keep(transaction, name, value))

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value, or None."""
        return await self._readers.read(lambda connection: lookups.kept(connection, name))

    @property
    def waiting(self) -> int:
        """How many writes wait in the queue."""
        return self._writer.waiting


def _refuse_accept(
    event: Event, *, owner: str = "", lease_until: int = 0, is_quiet: bool = False
) -> "asyncio.Future[Accepted]":
    """Refuse: only the process that serves knows the newest keys, so only it may accept."""
    del event, owner, lease_until, is_quiet
    raise OutsideError(
        "this process does not serve from the store, so it cannot accept events",
        hint="send the event to the running `hookagent serve`",
    )
