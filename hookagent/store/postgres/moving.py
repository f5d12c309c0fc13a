"""A PostgreSQL store as the source or the target of a copy.

One connection, used by one task at a time. `freeze` begins a transaction that locks the tables
against writers until the end: what another process would write waits and fails, and nothing is
promised meanwhile.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
import psycopg

from hookagent.errors import OutsideError
from hookagent.store.base import Run, StoreUnavailable
from hookagent.store.moving import IN_USE_HINT, PAGE_ROWS, Page, Part, Place, Row, Step
from hookagent.store.postgres import carrying
from hookagent.store.postgres.address import Address
from hookagent.store.postgres.names import Names
from hookagent.store.postgres.schema import migrate
from hookagent.store.postgres.session import Clock, Session, connect, system_clock
from hookagent.store.postgres.tables import (
    COUNTS,
    UNFINISHED,
    RunCursor,
    events_page,
    read,
    small_page,
)
from hookagent.store.postgres.trouble import unavailable
from hookagent.store.sharing import Node

SILENT_MS = 30_000
"""A node that has not reported for so long is taken to have ended."""
LOCK_MS = 10_000
"""So long a lock waits for transactions under way."""
_LOCKED = (
    "events", "keys", "unrouted", "runs", "docket", "states", "rejected", "kept", "stretches",
    "tally", "rule_versions",
)  # fmt: skip
_FREEZE = (
    "LOCK TABLE " + ", ".join(f"ONLY hook.{table}" for table in _LOCKED) + " IN EXCLUSIVE MODE"
)
_SETTLE = "LOCK TABLE ONLY hook.events, ONLY hook.runs IN SHARE MODE"
_HIGHEST = """
    SELECT coalesce((SELECT seq FROM hook.events ORDER BY seq DESC LIMIT 1), 0), coalesce(
        pg_sequence_last_value(pg_get_serial_sequence('hook.runs', 'seq')::regclass), 0)
"""
_IS_THERE = "SELECT to_regclass('hook.meta') IS NOT NULL"
_KEYED = """
    SELECT count(*) FROM hook.keys AS k JOIN hook.events AS e ON e.seq = k.seq AND e.id = k.id
"""

Answer = TypeVar("Answer")


class PostgresMovable:
    """One schema of one database."""

    def __init__(self, address: Address, *, clock: Clock = system_clock) -> None:
        self.label = address.label
        self._address = address
        self._clock = clock
        self._names = Names()
        self._turn = asyncio.Lock()
        self._held: Session | None = None
        self._cursors: dict[str, RunCursor] = {}

    async def open_source(self) -> None:
        """Open a store that is there. Raises OutsideError."""
        await self._open()
        ((is_there,),) = await self._do(lambda session: session.fetch(_IS_THERE))
        if not is_there:
            await self.close()
            raise OutsideError(
                f"there is no store in `{self.label}`", hint="name the store that is to be copied"
            )
        await self._do(lambda session: migrate(session, self._address))

    async def open_target(self) -> None:
        """Open or make a store that no node uses. Raises OutsideError."""
        await self._open()
        try:
            await self._do(lambda session: migrate(session, self._address))
            await self._do(self._refuse_nodes)
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> None:
        try:
            self._held = await connect(self._address, self._clock)
        except (psycopg.Error, OSError) as error:
            raise unavailable(error, self.label) from error

    async def close(self) -> None:
        """Let go of the connections, and with them of all locks."""
        async with self._turn:
            for cursor in self._cursors.values():
                with contextlib.suppress(psycopg.Error, OSError):
                    await cursor.close()
            self._cursors.clear()
            if self._held is not None:
                with contextlib.suppress(psycopg.Error, OSError):
                    await self._held.close()
                self._held = None

    async def freeze(self) -> None:
        """Let nobody write until `close`. Raises OutsideError while nodes use the store."""

        async def frozen(session: Session) -> None:
            await self._refuse_nodes(session)
            await session.fetch("BEGIN")
            await session.fetch(f"SET LOCAL lock_timeout = {LOCK_MS}")
            await session.fetch("SET LOCAL idle_in_transaction_session_timeout = 0")
            await session.fetch(_FREEZE)

        await self._do(frozen)

    async def _refuse_nodes(self, session: Session) -> None:
        since = self._clock() - SILENT_MS
        rows = await session.fetch("SELECT report FROM hook.nodes WHERE seen_at >= $1", since)
        nodes = [msgspec.json.decode(report, type=Node) for (report,) in rows]
        if nodes:
            names = ", ".join(sorted(f"{node.name} (pid {node.pid})" for node in nodes))
            raise OutsideError(
                f"{len(nodes)} nodes use the store `{self.label}`: {names}",
                hint=f"{IN_USE_HINT} (one that was killed is forgotten after"
                f" {SILENT_MS // 1000} seconds)",
            )

    async def settled(self) -> dict[Part, Place]:
        """Wait for the transactions under way, and return the highest numbers."""

        async def highest(session: Session) -> dict[Part, Place]:
            async with session.transaction():
                await session.fetch(f"SET LOCAL lock_timeout = {LOCK_MS}")
                await session.fetch(_SETTLE)
                ((events, runs),) = await session.fetch(_HIGHEST)
            return {Part.EVENTS: events, Part.RUNS: runs}

        return await self._do(highest)

    async def count(self, part: Part) -> int:
        """Count the rows of a part."""
        return await self._one(COUNTS[part])

    async def keyed(self) -> int:
        """Count the events that their key leads to."""
        return await self._one(_KEYED)

    async def export(self, part: Part, *, after: Place, until: Place = None) -> Page:
        """Read the next page of a part."""
        if part is Part.RUNS:
            return await self._runs("", after, until)
        if part is Part.EVENTS:
            return await self._do(lambda session: events_page(session, after, until))
        return await self._do(lambda session: small_page(session, part, after))

    async def read(self, part: Part, ids: Sequence[str]) -> Sequence[Row]:
        """Read these events or runs in the order of their numbers."""
        return await self._do(lambda session: read(session, part, ids))

    async def unfinished(self, *, after: Place) -> Page:
        """Read the next page of runs that are not in a final state."""
        return await self._runs(UNFINISHED, after, None)

    async def _runs(self, condition: str, after: Place, until: Place) -> Page:
        async def page(_: Session) -> Page:
            if condition not in self._cursors:
                session = await connect(self._address, self._clock)
                self._cursors[condition] = RunCursor(session, condition)
            return await self._cursors[condition].page(after, until)

        return await self._do(page)

    async def adopt(self, part: Part, rows: Sequence[Row], mark: Step) -> None:
        """Append rows, with the mark, in one commit."""
        await self._do(lambda session: carrying.learn(session, self._names, part, rows))
        await self._marked(lambda session: carrying.adopt(session, self._names, part, rows), mark)

    async def amend(self, runs: Sequence[Run], mark: Step) -> None:
        """Write runs as they are now, with the mark, in one commit."""
        await self._marked(lambda session: carrying.amend(session, runs), mark)

    async def drop(self, part: Part, ids: Sequence[str], mark: Step) -> None:
        """Remove events or runs, with the mark, in one commit."""
        await self._marked(lambda session: carrying.drop(session, part, ids), mark)

    async def clear(self, part: Part) -> None:
        """Remove all rows of a small part."""
        await self._do(lambda session: carrying.clear(session, part))

    async def derive(self) -> None:
        """Bring up to date what follows from the rows, and what the planner knows of them."""

        async def derived(session: Session) -> None:
            async with session.transaction():
                await carrying.derive(session, PAGE_ROWS)
            for table in carrying.ANALYZE:
                await session.fetch(f"ANALYZE hook.{table}")

        await self._do(derived)

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value."""
        rows = await self._do(
            lambda session: session.fetch("SELECT value FROM hook.kept WHERE name = $1", name)
        )
        return rows[0][0] if rows else None

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a value."""
        await self._do(lambda session: session.fetch(carrying.KEEP, name, value))

    async def _one(self, query: str) -> int:
        rows = await self._do(lambda session: session.fetch(query))
        return int(rows[0][0])

    async def _marked(self, work: Callable[[Session], Awaitable[None]], mark: Step) -> None:
        async def whole(session: Session) -> None:
            try:
                async with session.transaction():
                    await carrying.swap_mark(session, mark, self.label)
                    await work(session)
            except BaseException:
                self._names = Names()  # ids of the failed transaction were not kept
                raise

        await self._do(whole)

    async def _do(self, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
        async with self._turn:
            if self._held is None:
                raise StoreUnavailable(f"the store `{self.label}` was closed")
            try:
                return await work(self._held)
            except (psycopg.Error, OSError) as error:
                raise unavailable(error, self.label) from error
