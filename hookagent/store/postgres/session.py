"""One connection, and how statements go over it.

Statements name tables as `hook.events`; `hook` becomes the schema of the store's URL, so that
nothing depends on a session's `search_path`. Between transactions a connection has no state but its
prepared statements, and behind a pooler not even those: see docs/store.md.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor

from hookagent.store.base import StoreUnavailable
from hookagent.store.postgres.address import Address
from hookagent.store.postgres.arrays import register

CHECK_S = 10.0
"""A database that lets us in and answers nothing for so long is given up."""
SKEW_MAX_MS = 5_000
"""Leases compare the clocks of all nodes: one that is further off than this is refused."""

logging.getLogger("psycopg").addHandler(
    logging.NullHandler()
)  # a lost connection we tell ourselves

Row = tuple[Any, ...]
Clock = Callable[[], int]
_OURS = re.compile(r"\bhook\.")

_CHECK = """
    SELECT extract(epoch FROM clock_timestamp()) * 1000, current_setting('synchronous_commit'),
        pg_is_in_recovery(), pg_backend_pid()
"""


class Statement(NamedTuple):
    """A query with `$1` … for its values."""

    query: str
    values: Sequence[Any] = ()


def system_clock() -> int:
    """Return Unix milliseconds."""
    return time.time_ns() // 1_000_000


class Session:
    """A connection in autocommit."""

    def __init__(self, connection: AsyncConnection[Any], address: Address) -> None:
        self.connection = connection
        self.keeps_prepared = bool(address.prepare)
        """Whether statements stay prepared here."""
        self._address = address
        self._queries: dict[str, str] = {}
        self.was_abandoned = False

    @property
    def is_broken(self) -> bool:
        """Whether it can no longer be used."""
        return self.connection.closed

    def named(self, query: str) -> str:
        """Return a query with our schema's name in it."""
        found = self._queries.get(query)
        if found is None:
            found = self._queries[query] = _OURS.sub(f'"{self._address.schema}".', query)
        return found

    async def fetch(self, query: str, *values: Any) -> list[Row]:
        """Run one statement; outside a transaction it is committed when this returns."""
        cursor = await self._execute(query, values)
        return await cursor.fetchall() if cursor.description else []

    async def run(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run statements as one transaction in one round trip, and return the rows of each."""
        if len(statements) == 1:
            return [await self.fetch(statements[0].query, *statements[0].values)]
        async with self.connection.pipeline():  # its end is the commit of all that is in it
            cursors = [await self._execute(query, values) for query, values in statements]
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Session"]:
        """Keep what is fetched within in one transaction."""
        async with self.connection.transaction():
            yield self

    async def close(self) -> None:
        """Let go."""
        await self.connection.close()

    def abandon(self) -> None:
        """Cut a connection on which somebody waits for an answer: the wait ends with an error."""
        self.was_abandoned = True
        with (
            contextlib.suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(self.connection.pgconn.socket)) as same,
        ):
            same.shutdown(socket.SHUT_RDWR)

    async def _execute(self, query: str, values: Sequence[Any]) -> AsyncRawCursor[Row]:
        cursor = AsyncRawCursor(self.connection)
        await cursor.execute(
            self.named(query), values or None, prepare=self.keeps_prepared, binary=True
        )
        return cursor


async def connect(address: Address, clock: Clock = system_clock) -> Session:
    """Connect and see that the database is fit for use.

    Raises psycopg.Error, and StoreUnavailable where it is not: the primary is elsewhere, commits
    are not durable, or its clock and ours are too far apart.
    """
    connection = await AsyncConnection.connect(
        **address.parameters,
        autocommit=True,
    )
    session = Session(connection, address)
    watch = asyncio.get_running_loop().call_later(CHECK_S, session.abandon)
    try:
        register(connection)
        await _check(session, address, clock)
    except psycopg.OperationalError as error:
        await connection.close()
        if session.was_abandoned:
            raise StoreUnavailable(
                f"the store `{address.label}` let us in and did not answer within {CHECK_S:g} s",
                hint="a pooler may have no connection left: raise `default_pool_size`",
            ) from error
        raise
    except BaseException:
        await connection.close()
        raise
    finally:
        watch.cancel()
    return session


async def _check(session: Session, address: Address, clock: Clock) -> None:
    before = clock()
    ((there, synchronous, is_standby, pid),) = await session.fetch(_CHECK)
    after = clock()
    if address.prepare is None:  # a pooler gives out numbers of its own
        session.keeps_prepared = pid == session.connection.info.backend_pid
    if is_standby:
        raise StoreUnavailable(
            f"the store `{address.label}` is a standby and takes no writes",
            hint="name all hosts in the URL: the one that is the primary is used",
        )
    if synchronous == "off":
        raise StoreUnavailable(
            f"the store `{address.label}` is set to `synchronous_commit = off`: it may lose what"
            " it confirmed",
            hint="set it to `on` for this user: `ALTER ROLE … SET synchronous_commit = on`",
        )
    skew = max(before - float(there), float(there) - after, 0)
    if skew > SKEW_MAX_MS:
        raise StoreUnavailable(
            f"this machine's clock and that of the store `{address.label}` are"
            f" {skew / 1000:.0f} seconds apart",
            hint="keep the clocks of all nodes and of the database by NTP: leases rely on them",
        )


def is_connection_lost(error: BaseException, session: Session) -> bool:
    """Tell whether the connection, not the statement, is what failed."""
    return session.is_broken or isinstance(error, psycopg.InterfaceError | OSError | TimeoutError)
