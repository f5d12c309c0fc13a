"""Bring a database to today's schema: numbered files, under a lock that several nodes may wait for.

`migrations/NNNN_name.sql` takes it from version NNNN-1 to NNNN; the version stands in `hook.meta`.
All that is missing is applied in one transaction: it is there whole or not at all.
"""

from collections.abc import Sequence

from hookagent.errors import OutsideError
from hookagent.store.migration import Migration, read_migrations
from hookagent.store.postgres.address import Address
from hookagent.store.postgres.session import Session

MARK = "hookagent"
_LOCK = "SELECT pg_advisory_xact_lock(1752133483, hashtext($1))"
"""The bytes `hook` as a number, and the schema's name."""
_TABLES = """
    SELECT count(*), count(*) FILTER (WHERE c.relname = 'meta')
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm')
"""


def migrations() -> list[Migration]:
    """Read the migrations of this engine, in order."""
    return read_migrations("hookagent.store.postgres")


async def migrate(
    session: Session, address: Address, steps: Sequence[Migration] | None = None
) -> None:
    """Apply what is missing, one node at a time.

    Raises OutsideError for a schema of another program or of a newer hookagent.
    """
    steps = migrations() if steps is None else steps
    newest = steps[-1].version
    if await _version(session, address) == newest:
        return
    async with session.transaction():
        await session.fetch(_LOCK, address.schema)
        version = await _version(session, address)
        if version > newest:
            raise OutsideError(
                f"the store `{address.label}` has schema {version}; this hookagent knows up to"
                f" {newest}",
                hint="use the newer hookagent that made it, or set another `url` under `[store]`",
            )
        if not version:
            await _begin(session, address)
        for step in steps:
            if step.version > version:
                await session.connection.execute(session.named(step.sql).encode())
        await session.fetch("UPDATE hook.meta SET version = $1", newest)


async def _begin(session: Session, address: Address) -> None:
    known = await session.fetch("SELECT 1 FROM pg_namespace WHERE nspname = $1", address.schema)
    if not known:
        await session.connection.execute(f'CREATE SCHEMA "{address.schema}"'.encode())
    await session.fetch("CREATE TABLE hook.meta (mark text NOT NULL, version integer NOT NULL)")
    await session.fetch("INSERT INTO hook.meta VALUES ($1, 0)", MARK)


async def _version(session: Session, address: Address) -> int:
    """Return the schema's version, 0 where there is nothing yet. Raises OutsideError."""
    ((tables, marks),) = await session.fetch(_TABLES, address.schema)
    if not tables:
        return 0
    if marks:
        rows = await session.fetch(
            "SELECT count(*) FROM information_schema.columns WHERE table_schema = $1"
            " AND table_name = 'meta' AND column_name IN ('mark', 'version')",
            address.schema,
        )
        if rows[0][0] == 2:  # noqa: PLR2004 - both of them
            found = await session.fetch("SELECT mark, version FROM hook.meta")
            if len(found) == 1 and found[0][0] == MARK:
                return int(found[0][1])
    raise OutsideError(
        f"the schema `{address.schema}` of the store `{address.label}` was not made by hookagent",
        hint="name another with `?schema=NAME` in the URL; this one was left as it is",
    )
