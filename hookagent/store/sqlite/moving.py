"""A SQLite store as the source or the target of a copy.

One connection, and one thread that works off what is asked of it in turn: what is cancelled in the
middle goes on to its end before the connection is closed. As a target it holds the lock of the one
who serves, so that no agent begins on half a store. As a source it is read like by any tool, until
`freeze` takes that lock and the database's own write lock.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from hookagent.durable import keep_name
from hookagent.errors import OutsideError
from hookagent.store.base import Run
from hookagent.store.moving import (
    IN_USE_HINT,
    Page,
    Part,
    Place,
    Row,
    Step,
)
from hookagent.store.sqlite import carrying
from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.files import ServeLock, make_private
from hookagent.store.sqlite.names import Names
from hookagent.store.sqlite.schema import migrate
from hookagent.store.sqlite.tables import COUNTS, page_of
from hookagent.store.sqlite.trouble import unavailable

CHECKPOINT_PAGES = 2_000
"""A log of so many pages is copied into the database: about 16 MiB."""

Answer = TypeVar("Answer")


class SqliteMovable:
    """One database file."""

    def __init__(self, path: Path) -> None:
        self.label = f"sqlite:///{path}"
        self._path = path
        self._lock = ServeLock(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-copy")
        self._connection: sqlite3.Connection | None = None
        self._names: Names | None = None

    async def open_source(self) -> None:
        """Open a database that is there. Raises OutsideError."""
        if not self._path.is_file():
            raise OutsideError(
                f"there is no store `{self._path}`", hint="name the store that is to be copied"
            )
        await self._do(lambda: self._open(is_target=False))

    async def open_target(self) -> None:
        """Open or make a database that nobody serves from. Raises OutsideError."""
        await self._do(lambda: self._open(is_target=True))

    def _open(self, *, is_target: bool) -> None:
        make_private(self._path)
        if is_target:
            self._lock.take()
            keep_name(self._path)
        try:
            self._connection = connect(self._path, Purpose.WRITE)
            self._connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            migrate(self._connection, self._path)
            self._names = Names(self._connection)
        except BaseException:
            self._close()
            raise

    async def close(self) -> None:
        """Let go of the file and its locks."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()

    async def freeze(self) -> None:
        """Let nobody write until `close`. Raises OutsideError where an agent serves from it."""

        def frozen() -> None:
            try:
                self._lock.take()
            except OutsideError as used:
                raise OutsideError(used.message, hint=IN_USE_HINT) from used
            self._open_connection.execute("BEGIN IMMEDIATE")

        await self._do(frozen)

    async def settled(self) -> dict[Part, Place]:
        """Return the highest numbers: one writer gives them out in the order of its commits."""
        return await self._do(lambda: carrying.highest(self._open_connection))

    async def count(self, part: Part) -> int:
        """Count the rows of a part."""
        return await self._do(lambda: self._one(COUNTS[part]))

    async def keyed(self) -> int:
        """Count the events that the table of keys leads to, or that are read at the start."""
        return await self._do(lambda: self._one(carrying.KEYED))

    async def export(self, part: Part, *, after: Place, until: Place = None) -> Page:
        """Read the next page of a part."""
        return await self._do(lambda: page_of(self._open_connection, part, after, until))

    async def read(self, part: Part, ids: Sequence[str]) -> Sequence[Row]:
        """Read these events or runs in the order of their numbers."""
        return await self._do(lambda: carrying.read(self._open_connection, part, ids))

    async def unfinished(self, *, after: Place) -> Page:
        """Read the next page of runs that are not in a final state."""
        return await self._do(lambda: carrying.unfinished(self._open_connection, after))

    async def adopt(self, part: Part, rows: Sequence[Row], mark: Step) -> None:
        """Append rows, with the mark, in one commit."""

        def append(connection: sqlite3.Connection) -> None:
            assert self._names is not None, "the store is not open"
            carrying.adopt(connection, self._names, part, rows)

        await self._marked(append, mark)

    async def amend(self, runs: Sequence[Run], mark: Step) -> None:
        """Write runs as they are now, with the mark, in one commit."""
        await self._marked(lambda connection: carrying.amend(connection, runs), mark)

    async def drop(self, part: Part, ids: Sequence[str], mark: Step) -> None:
        """Remove events or runs, with the mark, in one commit."""
        await self._marked(lambda connection: carrying.drop(connection, part, ids), mark)

    async def clear(self, part: Part) -> None:
        """Remove all rows of a small part."""
        await self._commit(lambda connection: carrying.clear(connection, part))

    async def derive(self) -> None:
        """Bring keys, quiet events and the order of runs up to date."""
        await self._commit(carrying.derive)

    async def kept(self, name: str) -> bytes | None:
        """Return a kept value."""

        def found() -> bytes | None:
            row = self._open_connection.execute(
                "SELECT value FROM kept WHERE name = ?", (name,)
            ).fetchone()
            return None if row is None else bytes(row[0])

        return await self._do(found)

    async def keep(self, name: str, value: bytes) -> None:
        """Keep a value."""
        await self._commit(lambda connection: carrying.keep(connection, name, value))

    @property
    def _open_connection(self) -> sqlite3.Connection:
        assert self._connection is not None, "the store is not open"
        return self._connection

    def _one(self, query: str) -> int:
        return int(self._open_connection.execute(query).fetchone()[0])

    async def _marked(self, work: Callable[[sqlite3.Connection], None], mark: Step) -> None:
        def whole(connection: sqlite3.Connection) -> None:
            carrying.swap_mark(connection, mark, self.label)
            work(connection)

        await self._commit(whole)

    async def _commit(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do work in a transaction, or within the one that holds the source still."""

        def whole() -> None:
            connection = self._open_connection
            if connection.in_transaction:
                work(connection)
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                work(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                if self._names is not None:
                    self._names.forget()
                raise

        await self._do(whole)

    async def _do(self, work: Callable[[], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise unavailable(error, self._path) from error
