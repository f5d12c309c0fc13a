"""Remove what is old and finished: whole slices by dropping their partition, the rest by the row.

A slice that is old as a whole goes at once, however many events it has; the events in it that are
not finished are put back. Of a slice that is only partly old, events are deleted one by one where
it is small; a large one waits until it is old as a whole, so that retention never means to delete
millions of rows.
"""

from hookagent.store.base import Pruned
from hookagent.store.postgres.arrays import Bigs, bigs
from hookagent.store.postgres.intake import MINUTE_MS
from hookagent.store.postgres.pool import Pool
from hookagent.store.postgres.session import Session
from hookagent.store.postgres.slices import TABLES, bounds, current_slice
from hookagent.store.rows import DEAD, PENDING, RUNNING, WAITING

SMALL_SLICE = 50_000
"""Up to so many events a slice is pruned by the row."""
CHUNK = 500
"""Rows deleted in one commit."""
LOCK_MS = 500
"""So long a drop waits for those who use the partition: everybody else waits behind it."""

_UNFINISHED_STATES = f"({PENDING}, {RUNNING}, {WAITING}, {DEAD})"
"""Dead is not finished: a person has to say so."""
_IS_FINISHED = f"""
    NOT EXISTS (SELECT 1 FROM hook.unrouted AS u WHERE u.seq = e.seq)
    AND NOT EXISTS (SELECT 1 FROM hook.docket AS d WHERE d.seq = e.seq)
    AND NOT EXISTS (
        SELECT 1 FROM hook.runs AS r WHERE r.event_seq = e.seq AND r.state IN {_UNFINISHED_STATES}
    )
"""  # noqa: S608 - constants of ours
_UNFINISHED_IN = f"""
    SELECT seq FROM hook.unrouted WHERE seq BETWEEN $1 AND $2
    UNION SELECT seq FROM hook.docket WHERE seq BETWEEN $1 AND $2
    UNION SELECT event_seq FROM hook.runs WHERE event_seq BETWEEN $1 AND $2
        AND state IN {_UNFINISHED_STATES}
"""  # noqa: S608 - constants of ours
_REMOVE = f"""
    WITH g AS (
        DELETE FROM hook.events AS e WHERE e.seq IN (
            SELECT e.seq FROM hook.events AS e
            WHERE e.seq BETWEEN $1 AND $2 AND e.received_at < $3 AND {_IS_FINISHED}
            ORDER BY e.seq LIMIT $4
        ) AND e.seq BETWEEN $1 AND $2 RETURNING e.seq, e.id, e.kind_id
    ), k AS (
        DELETE FROM hook.keys AS k USING g WHERE k.id = g.id
    ), q AS (
        DELETE FROM hook.quiet AS q USING g WHERE q.kind_id = g.kind_id AND q.seq = g.seq
            AND q.seq BETWEEN $1 AND $2
    ), r AS (
        DELETE FROM hook.runs AS r USING g WHERE r.event_seq = g.seq RETURNING 1
    ), t AS (
        INSERT INTO hook.totals (name, writer, value)
        VALUES ('events', pg_backend_pid(), -(SELECT count(*) FROM g)),
            ('runs', pg_backend_pid(), -(SELECT count(*) FROM r))
        ON CONFLICT (name, writer) DO UPDATE SET value = totals.value + excluded.value
    )
    SELECT (SELECT count(*) FROM g), (SELECT count(*) FROM r)
"""  # noqa: S608 - constants of ours


_SLICES = """
    SELECT number, number < $1 FROM hook.slices
    WHERE number <= $1 AND coalesce(began_at, 0) < $2 ORDER BY number
"""
_SIZE = f"""
    SELECT count(*) FROM (
        SELECT 1 FROM hook.events WHERE seq BETWEEN $1 AND $2 LIMIT {SMALL_SLICE + 1}
    ) AS few
"""  # noqa: S608 - a constant of ours
_END = f"""
    UPDATE hook.slices SET last_at = coalesce(last_at, (
        SELECT (max(minute) + 1) * {MINUTE_MS} FROM hook.tally
        WHERE last_seq >= $2 AND first_seq <= $3
    ), (SELECT max(received_at) FROM hook.events WHERE seq BETWEEN $2 AND $3))
    WHERE number = $1 RETURNING last_at
"""  # noqa: S608 - a constant of ours
_FORGET_KEYS = """
    WITH g AS (
        SELECT seq, id FROM hook.events
        WHERE seq BETWEEN $1 AND $2 AND seq <> ALL($3::int8[]) ORDER BY seq LIMIT $4
    ), k AS (
        DELETE FROM hook.keys AS k USING g WHERE k.id = g.id
    ) SELECT count(*), max(seq) FROM g
"""
_FORGET_RUNS = """
    WITH d AS (
        DELETE FROM hook.runs WHERE id IN (
            SELECT id FROM hook.runs
            WHERE event_seq BETWEEN $1 AND $2 AND event_seq <> ALL($3::int8[]) LIMIT $4
        ) RETURNING 1
    ) SELECT count(*) FROM d
"""
_COUNT = """
    INSERT INTO hook.totals (name, writer, value) VALUES ($1, pg_backend_pid(), -$2::int8)
    ON CONFLICT (name, writer) DO UPDATE SET value = totals.value + excluded.value
"""
_FOLD_UNTIL = """
    SELECT s.id, (SELECT max(minute) - 60 FROM hook.tally AS t WHERE t.source_id = s.id)
    FROM hook.sources AS s
"""
_FOLD = """
    WITH d AS (
        DELETE FROM hook.tally
        WHERE writer <> 0 AND source_id = $1 AND minute BETWEEN $2::int8 - 20000 AND $2::int8
        RETURNING *
    )
    INSERT INTO hook.tally (minute, source_id, writer, events, duplicates, rejected, last_at,
        first_seq, last_seq)
    SELECT minute, source_id, 0, sum(events), sum(duplicates), sum(rejected), max(last_at),
        min(first_seq), max(last_seq) FROM d GROUP BY minute, source_id
    ON CONFLICT (source_id, minute, writer) DO UPDATE SET
        events = tally.events + excluded.events,
        duplicates = tally.duplicates + excluded.duplicates,
        rejected = tally.rejected + excluded.rejected,
        last_at = greatest(tally.last_at, excluded.last_at),
        first_seq = least(tally.first_seq, excluded.first_seq),
        last_seq = greatest(tally.last_seq, excluded.last_seq)
"""
_EVENTLESS = f"""
    WITH d AS (
        DELETE FROM hook.runs
        WHERE event_seq IS NULL AND ended_at < $1 AND state NOT IN {_UNFINISHED_STATES} RETURNING 1
    ), t AS (
        INSERT INTO hook.totals (name, writer, value)
        SELECT 'runs', pg_backend_pid(), -count(*) FROM d HAVING count(*) > 0
        ON CONFLICT (name, writer) DO UPDATE SET value = totals.value + excluded.value
    ) SELECT count(*) FROM d
"""  # noqa: S608 - constants of ours
_REFUSALS = """
    WITH d AS (DELETE FROM hook.rejected WHERE received_at < $1 RETURNING 1)
    SELECT count(*) FROM d
"""


class Pruning:
    """Removes old events; one node at a time should ask it to."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def prune(self, *, before: int, limit: int) -> Pruned:
        """Remove events received before then: up to `limit` by the row, and whole slices."""
        events = runs = 0
        current = await self._pool.read(current_slice)
        for number, is_closed in await self._pool.fetch(_SLICES, current, before):
            if events >= limit:
                break
            gone = await self._prune_slice(number, before, limit - events, is_closed=is_closed)
            events += gone.events
            runs += gone.runs
        for source_id, minute in await self._pool.fetch(_FOLD_UNTIL):
            await self._pool.execute(_FOLD, source_id, minute)
        ((eventless,),) = await self._pool.execute(_EVENTLESS, before)
        ((rejected,),) = await self._pool.execute(_REFUSALS, before)
        return Pruned(events=events, runs=runs + eventless, rejected=rejected)

    async def _prune_slice(
        self, number: int, before: int, limit: int, *, is_closed: bool
    ) -> Pruned:
        ((size,),) = await self._pool.fetch(_SIZE, *bounds(number))
        if size > SMALL_SLICE:
            if is_closed and await self._end(number) <= before:
                return await self._remove_whole(number)
        elif size:
            return await self._remove_rows(number, before, limit)
        elif is_closed:
            await self._drop(number)
        return Pruned(0, 0, 0)

    async def _end(self, number: int) -> int:
        """Return when the last event of a finished slice arrived, to the end of its minute."""
        ((last,),) = await self._pool.execute(_END, number, *bounds(number))
        return int(last)

    async def _remove_rows(self, number: int, before: int, limit: int) -> Pruned:
        events = runs = 0
        while events < limit:
            ((gone, with_them),) = await self._pool.execute(
                _REMOVE, *bounds(number), before, min(CHUNK, limit - events)
            )
            events += gone
            runs += with_them
            if not gone:
                break
        return Pruned(events, runs, 0)

    async def _remove_whole(self, number: int) -> Pruned:
        """Forget what points to a slice's finished events, then free its pages at once."""
        low, high = bounds(number)
        rows = await self._pool.fetch(_UNFINISHED_IN, low, high)
        staying = bigs(sorted(seq for (seq,) in rows))
        events = runs = 0
        at = low
        while True:
            ((count, last),) = await self._pool.execute(_FORGET_KEYS, at, high, staying, CHUNK)
            if not count:
                break
            events += count
            at = last + 1
        while True:
            ((count,),) = await self._pool.execute(_FORGET_RUNS, low, high, staying, CHUNK)
            if not count:
                break
            runs += count
        if rows:
            await self._pool.write(lambda session: _empty(session, number, staying))
        else:
            await self._drop(number)
        await self._pool.execute(_COUNT, "events", events)
        await self._pool.execute(_COUNT, "runs", runs)
        return Pruned(events, runs, 0)

    async def _drop(self, number: int) -> None:
        await self._pool.write(lambda session: _drop(session, number))


async def _patiently(session: Session) -> None:
    """Rather try again than make everybody wait behind a lock that does not come."""
    await session.fetch(f"SET LOCAL lock_timeout = {LOCK_MS}")


async def _drop(session: Session, number: int) -> None:
    await _patiently(session)
    for table in TABLES:
        await session.fetch(f"DROP TABLE IF EXISTS hook.{table}_{number}")
    await session.fetch("DELETE FROM hook.slices WHERE number = $1", number)


async def _empty(session: Session, number: int, staying: Bigs) -> None:
    """Leave only the events that are not finished."""
    await _patiently(session)
    await session.fetch(f"LOCK TABLE hook.events_{number} IN ACCESS EXCLUSIVE MODE")
    await session.fetch(
        f"CREATE TEMPORARY TABLE staying ON COMMIT DROP AS"  # noqa: S608 - a number
        f" SELECT * FROM hook.events_{number} WHERE seq = ANY($1::int8[])",
        staying,
    )
    await session.fetch(f"TRUNCATE hook.events_{number}, hook.quiet_{number}")
    await session.fetch(f"INSERT INTO hook.events_{number} SELECT * FROM staying")  # noqa: S608 - a number
