"""Partitions of events: a new one is begun each day, so that retention is dropping the oldest.

A slice is 2^38 sequence numbers. They come from the cluster's count of transactions, which does not
reach the end of a slice for months; so a day's slice is ended by moving all later numbers on to the
next one (`shift` in `hook.counters`). The next one is always there beforehand: a store whose nodes
all sleep through midnight goes on in the old one, and one that runs over its end finds room.
"""

from hookagent.store.postgres.pool import Pool
from hookagent.store.postgres.session import Session

SLICE_BITS = 38
SLICE_MS = 24 * 3_600_000
"""How long a slice is written to."""
AHEAD = 2
"""Slices that are there before they are needed."""

_LOCK = "SELECT pg_advisory_xact_lock('hook.events'::regclass::oid::int, 1)"
"""Waits for those who accept, and makes those who want to wait."""
_CURRENT = f"SELECT (hook.horizon() >> {SLICE_BITS})::int"
_MOVE_ON = """
    UPDATE hook.counters SET value = value + (($1::int8 - hook.horizon()) >> 10) + 1
    WHERE name = 'shift'
"""
TABLES = ("events", "quiet")
"""What is cut into slices."""


class Slices:
    """Which slice is written to, and when the next is begun."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._number = -1
        self._began_at: int | None = None

    async def open(self) -> None:
        """See that the numbers to come are higher than those given out, and have a place.

        They are not where the database was copied into another cluster, which counts its
        transactions from the start.
        """
        await self._pool.write(_raise_numbers)
        await self.keep_ahead()

    def is_over(self, received_at: int) -> bool:
        """Tell whether the current slice has lasted its time at this arrival."""
        return self._began_at is None or received_at - self._began_at >= SLICE_MS

    async def keep_ahead(self) -> None:
        """See that there are slices for what comes next."""
        await self._pool.write(_make_ahead)

    async def turn(self, received_at: int) -> None:
        """Begin the next slice, unless another node did; note when the first began."""

        async def turned(session: Session) -> tuple[int, int | None]:
            return await _turn(session, received_at)

        self._number, self._began_at = await self._pool.write(turned)
        await self.keep_ahead()


def bounds(number: int) -> tuple[int, int]:
    """Return the first and last sequence number of a slice."""
    return number << SLICE_BITS, ((number + 1) << SLICE_BITS) - 1


async def current_slice(session: Session) -> int:
    """Return the number of the slice that new events go to."""
    ((number,),) = await session.fetch(_CURRENT)
    return int(number)


async def _raise_numbers(session: Session) -> None:
    await session.fetch(_LOCK)
    rows = await session.fetch(
        "SELECT coalesce(max(seq), -1), hook.horizon() FROM (SELECT seq FROM hook.events"
        " ORDER BY seq DESC LIMIT 1) AS newest"
    )
    highest, horizon = rows[0]
    if highest >= horizon:
        await session.fetch(
            "UPDATE hook.counters SET value = value + $1::int8 WHERE name = 'shift'",
            ((highest - horizon) >> 10) + 1,
        )


async def _make_ahead(session: Session) -> None:
    current = await current_slice(session)
    wanted = set(range(current, current + AHEAD + 1))
    known = {number for (number,) in await session.fetch("SELECT number FROM hook.slices")}
    if wanted <= known:
        return
    await session.fetch("LOCK TABLE hook.slices IN SHARE ROW EXCLUSIVE MODE")
    known = {number for (number,) in await session.fetch("SELECT number FROM hook.slices")}
    for number in sorted(wanted - known):
        await make_slice(session, number)


async def make_slice(session: Session, number: int) -> None:
    """Make a slice beside its parent and attach it: that does not hold up those who write."""
    low, high = number << SLICE_BITS, (number + 1) << SLICE_BITS
    for table in TABLES:
        await session.fetch(
            f"CREATE TABLE hook.{table}_{number}"
            f" (LIKE hook.{table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        )
        await session.fetch(
            f"ALTER TABLE hook.{table} ATTACH PARTITION hook.{table}_{number}"
            f" FOR VALUES FROM ({low}) TO ({high})"
        )
    await session.fetch("INSERT INTO hook.slices (number) VALUES ($1)", number)


async def _turn(session: Session, received_at: int) -> tuple[int, int | None]:
    await session.fetch(_LOCK)
    current = await current_slice(session)
    rows = await session.fetch("SELECT began_at FROM hook.slices WHERE number = $1", current)
    began_at = rows[0][0] if rows else None
    if began_at is None:
        began_at = received_at
    elif received_at - began_at >= SLICE_MS:  # what is imported may be older than the slice
        current, began_at = current + 1, received_at
        await session.fetch(_MOVE_ON, current << SLICE_BITS)
    await session.fetch(
        "UPDATE hook.slices SET began_at = $2 WHERE number = $1 AND began_at IS NULL",
        current,
        began_at,
    )
    return current, began_at
