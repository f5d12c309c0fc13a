"""Give finished slices an index of trigrams, where the extension pg_trgm may be used.

An index that is kept while events arrive would cost more than the events do. So it is made once a
slice is no longer written to, by whoever prunes; searches read the bodies of the newest slice.

pg_trgm: https://www.postgresql.org/docs/current/pgtrgm.html
"""

import psycopg

from hookagent.store.postgres.pool import Pool
from hookagent.store.postgres.search import BODY
from hookagent.store.postgres.session import Session
from hookagent.store.postgres.slices import current_slice

_WHERE = """
    SELECT quote_ident(n.nspname) FROM pg_extension AS e
    JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'
"""
_UNINDEXED = """
    SELECT number FROM hook.slices WHERE NOT is_searchable AND number < $1 ORDER BY number DESC
"""


class Indexing:
    """Makes the indexes that are missing."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._is_possible = True

    async def run(self) -> None:
        """Index every finished slice that is not yet; the newest first."""
        current = await self._pool.read(current_slice)
        rows = await self._pool.fetch(_UNINDEXED, current)
        if not rows or not self._is_possible:
            return
        operators = await self._operators()
        for (number,) in rows if operators else ():
            await self._pool.write(
                lambda session, number=number: _index(session, number, operators),  # type: ignore[misc] # bound now
                is_bounded=False,
            )

    async def _operators(self) -> str:
        """Return the name of the operators an index of trigrams needs; empty where it cannot be."""
        rows = await self._pool.fetch(_WHERE)
        if not rows:
            self._is_possible = await self._pool.read(_extended)
            rows = await self._pool.fetch(_WHERE)
        return f"{rows[0][0]}.gin_trgm_ops" if rows else ""


async def _extended(session: Session) -> bool:
    try:
        await session.fetch("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except psycopg.Error:  # not installed, not allowed, or another node was quicker
        return False
    return True


async def _index(session: Session, number: int, operators: str) -> None:
    await session.fetch(
        f"CREATE INDEX IF NOT EXISTS events_{number}_body ON hook.events_{number}"
        f" USING gin ({BODY} {operators})"
    )
    await session.fetch("UPDATE hook.slices SET is_searchable = true WHERE number = $1", number)
