"""The PostgreSQL engine of the store: wires the writers, the pool and the bell.

Any number of processes may use one database at once. Accepting goes through one queue, work through
another, each in group commits; looking and rare writes go through a small pool.
"""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence

import psycopg

from hookagent.event import Event
from hookagent.job import RunState
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
    StoreUnavailable,
    Stretch,
)
from hookagent.store.postgres import counts, deciding, listing, lookups
from hookagent.store.postgres import stretches as kept_stretches
from hookagent.store.postgres.address import Address
from hookagent.store.postgres.bell import Bell
from hookagent.store.postgres.indexing import Indexing
from hookagent.store.postgres.intake import Arrival, Intake
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.pool import Pool
from hookagent.store.postgres.pruning import Pruning
from hookagent.store.postgres.routing import Route
from hookagent.store.postgres.schema import migrate
from hookagent.store.postgres.session import Clock, Session, connect, system_clock
from hookagent.store.postgres.sharing import PostgresSharing, keep
from hookagent.store.postgres.slices import Slices
from hookagent.store.postgres.trouble import unavailable
from hookagent.store.postgres.work import (
    ClaimEvents,
    ClaimRuns,
    Job,
    Record,
    Renew,
    write_jobs,
)
from hookagent.store.postgres.writer import Lane
from hookagent.store.rows import Claim
from hookagent.store.sharing import News

REFUSALS_WAITING_MAX = 100
"""A flood of refused deliveries costs no more than so many rows a commit."""
INTAKE_WIDTH = 1
"""Connections that accept: more of them measured no better, in throughput or in cost."""

LOOKING_WIDTH = 2
"""Connections that look: one slow search does not hold up a list."""
PULSE_S = 3.0
"""A heartbeat, on a connection that does nothing else, is given up after so long and sent anew."""


class PostgresStore(PostgresSharing):
    """One schema of one database."""

    def __init__(
        self,
        address: Address,
        *,
        queue_max: int = 4096,
        rejected_max: int = REJECTED_MAX,
        clock: Clock = system_clock,
    ) -> None:
        self.address = address
        self._clock = clock
        self._names = Names()
        self._versions: set[str] = set()
        self._intake = Intake(self._names, self._arrived, rejected_max)
        self._pool = Pool(self._connect, address.label, width=LOOKING_WIDTH)
        self._control = Pool(self._connect, address.label, width=1)
        self._upkeep = Pool(self._connect, address.label, width=1)
        self._pulse = Pool(self._connect, address.label, width=1, answer_s=PULSE_S)
        self._bell = Bell(self._control, self._connect, address.schema, secrets.token_hex(8))
        self._slices = Slices(self._control)
        self._pruning = Pruning(self._upkeep)
        self._indexing = Indexing(self._upkeep)
        self._accepting: Lane[Arrival] = Lane(
            self._connect,
            self._intake.write,
            label=address.label,
            width=INTAKE_WIDTH,
            queue_max=queue_max,
        )
        self._work: Lane[Job] = Lane(self._connect, write_jobs, label=address.label, width=1)
        self._refusals: deque[Rejected] = deque(maxlen=REFUSALS_WAITING_MAX)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def _connect(self) -> Session:
        return await connect(self.address, self._clock)

    async def open(self) -> None:
        """Make the schema or bring it to today's, and see that there is room for events."""
        try:
            session = await self._connect()
            try:
                await migrate(session, self.address)
            finally:
                await session.close()
        except (psycopg.Error, OSError) as error:
            raise unavailable(error, self.address.label) from error
        await self._slices.open()

    async def close(self) -> None:
        """Write what is queued, and let go."""
        await self._accepting.close()
        await self._work.close()
        if "index" in self._tasks:
            self._tasks["index"].cancel()
        for task in list(self._tasks.values()):
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._bell.close()
        for pool in (self._pool, self._control, self._upkeep, self._pulse):
            await pool.close()

    async def take_over(self, owner: str) -> None:
        """Do nothing: the others may be alive."""

    # The accept path.

    def accept(
        self, event: Event, *, owner: str = "", lease_until: int = 0, is_quiet: bool = False
    ) -> "asyncio.Future[Accepted]":
        """Queue an event. Raises StoreFull when the queue is at its bound."""
        return self._accepting.put(Arrival(event, owner, lease_until, is_quiet))

    def reject(self, rejected: Rejected) -> None:
        """Queue a refusal; under a flood the oldest waiting one gives way."""
        self._refusals.append(rejected)
        self._in_background("refusals", self._write_refusals)

    def _arrived(self, received_at: int, is_free: bool) -> None:
        if is_free:
            self._bell.ring(News.EVENTS)
        if self._slices.is_over(received_at):
            self._in_background("turn", lambda: self._slices.turn(received_at))

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._accepting.waiting + self._work.waiting

    # Work.

    async def claim_events(
        self, owner: str, *, now: int, lease_until: int, limit: int
    ) -> list[Event]:
        """Take stored events without a live lease, oldest first."""
        claim = Claim(owner=owner, now=now, lease_until=lease_until, limit=limit)
        taken: list[Event] = await self._work.put(ClaimEvents(claim))
        return taken

    async def route(self, owner: str, routed: Sequence[Routed]) -> list[bool]:
        """Record what matching found, all in one commit."""
        if not routed:
            return []
        job = Route(owner, routed, self._names, self._intake, self._versions)
        written: list[bool] = await self._work.put(job)
        runs = [run for outcome in routed for run in outcome.runs]
        if any(run.state is not RunState.RUNNING for run in runs):
            self._bell.ring(News.RUNS)
        if any(outcome.left_to_judge for outcome in routed):
            self._bell.ring(News.DOCKET)
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
            owner=owner, now=now, lease_until=lease_until, limit=limit, limits=limits or {}
        )
        taken: list[Run] = await self._work.put(ClaimRuns(claim, self._names))
        return taken

    async def record(self, owner: str, runs: Sequence[Run]) -> list[bool]:
        """Write runs whose lease is still the owner's; False for the others."""
        if not runs:
            return []
        written: list[bool] = await self._work.put(Record(owner, runs, self._names))
        self._bell.ring(News.RUNS)
        return written

    async def renew(self, owner: str, run_ids: Sequence[str], *, lease_until: int) -> list[str]:
        """Prolong leases; return the ids still held."""
        held: list[str] = await self._work.put(Renew(owner, run_ids, lease_until))
        return held

    async def next_due(self) -> int | None:
        """Return when the next run or state falls due; 0 for at once."""
        return await self._pool.read(lookups.next_due)

    async def due_states(self, *, now: int, limit: int) -> list[StateWrite]:
        """Return over-time state whose time has come, earliest first."""
        return await self._pool.read(lambda session: lookups.due_states(session, now, limit))

    async def states(self, rule: str = "") -> list[StateWrite]:
        """Return all over-time state, of one rule or of all."""
        return await self._pool.read(lambda session: lookups.states(session, rule))

    async def revive(self, run_id: str, *, now: int) -> Run | None:
        """Make a dead run pending again; None if it is not dead."""
        run = await self._control.write(
            lambda session: deciding.revive(session, self._names, run_id, now)
        )
        self._bell.ring(News.RUNS)
        return run

    async def discard(self, run_id: str, *, now: int) -> Run | None:
        """Set a dead run aside; None if it is not dead."""
        run = await self._control.write(
            lambda session: deciding.discard(session, self._names, run_id, now)
        )
        self._bell.ring(News.RUNS)
        return run

    # Looking.

    async def events(self, wanted: EventFilter) -> list[EventSummary]:
        """List events."""

        async def page(session: Session) -> list[EventSummary]:
            return await lookups.summaries(session, await listing.event_seqs(session, wanted))

        return await self._pool.read(page)

    async def event(self, event_id: str) -> EventRecord | None:
        """Return one event in full, or None."""
        return await self._pool.read(lambda session: lookups.event(session, event_id))

    async def events_of(self, event_ids: Sequence[str]) -> list[Event]:
        """Return these events as they arrived; those that are gone are left out."""
        return await self._pool.read(lambda session: lookups.events_of(session, event_ids))

    async def event_ids_like(self, beginning: str, limit: int) -> list[str]:
        """Return ids of events that begin so."""
        return await self._pool.read(
            lambda session: lookups.event_ids_like(session, beginning, limit)
        )

    async def runs(self, wanted: RunFilter) -> list[Run]:
        """List runs, newest first."""
        return await self._pool.read(lambda session: listing.runs(session, wanted))

    async def run(self, run_id: str) -> Run | None:
        """Return one run, or None."""
        return await self._pool.read(lambda session: lookups.run(session, run_id))

    async def rule_version(self, version: str) -> RuleVersion | None:
        """Return the recorded actions of a rule, or None."""
        return await self._pool.read(lambda session: lookups.rule_version(session, version))

    async def rejected(self, *, limit: int, source: str = "") -> list[Rejected]:
        """List refused deliveries, newest first."""
        return await self._pool.read(lambda session: lookups.rejected(session, limit, source))

    async def rejection(self, rejected_id: str) -> Rejected | None:
        """Return one refused delivery, or None."""
        return await self._pool.read(lambda session: lookups.rejection(session, rejected_id))

    async def stats(self, *, since: int) -> StoreStats:
        """Count; sources since then, to the full minute before."""
        return await self._pool.read(lambda session: counts.stats(session, since))

    async def activity(self, *, since: int) -> list[Minute]:
        """Return the minutes since then in which something happened."""
        return await self._pool.read(lambda session: counts.activity(session, since))

    # Statistics.

    async def add_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Keep what was counted."""
        await self._control.write(lambda session: kept_stretches.add(session, stretches))

    async def stretches(self, *, since: int, until: int) -> list[Stretch]:
        """Return the stretches that overlap, oldest first."""
        return await self._pool.read(
            lambda session: kept_stretches.overlapping(session, since, until)
        )

    async def widen_stretches(self, *, span: int, into: int, before: int, merge: Merge) -> int:
        """Make one of `into` out of the oldest ones of `span`; return how many went."""
        return await self._control.write(
            lambda session: kept_stretches.widen(
                session, span=span, into=into, before=before, merge=merge
            )
        )

    async def drop_stretches(self, *, before: int) -> int:
        """Remove the stretches that ended by then; return how many."""
        return await self._control.write(lambda session: kept_stretches.drop(session, before))

    # Upkeep.

    async def prune(self, *, before: int, limit: int) -> Pruned:
        """Remove old finished events: whole slices, and of small ones up to `limit` by the row."""
        await self._slices.keep_ahead()
        pruned = await self._pruning.prune(before=before, limit=limit)
        self._in_background("index", self._indexing.run)
        return pruned

    async def keep(self, name: str, value: bytes | None) -> None:
        """Keep a small named value; None forgets it."""
        await self._control.write(lambda session: keep(session, name, value))

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value, or None."""
        return await self._pool.read(lambda session: lookups.kept(session, name))

    # In the background.

    def _in_background(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do something once at a time, soon and without promise."""
        if name in self._tasks:
            return

        async def done() -> None:
            try:
                with contextlib.suppress(StoreUnavailable):
                    await work()
            finally:
                del self._tasks[name]

        self._tasks[name] = asyncio.get_running_loop().create_task(done())

    async def _write_refusals(self) -> None:
        while self._refusals:
            refusals = [self._refusals.popleft() for _ in range(len(self._refusals))]

            async def write(session: Session, refusals: list[Rejected] = refusals) -> None:
                query, values = await self._intake.refusals(session, refusals)
                await session.fetch(query, *values)

            await self._control.write(write)
