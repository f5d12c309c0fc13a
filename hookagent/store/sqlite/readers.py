"""A few threads with a reading connection each, so that no read holds up the loop or the writer."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.trouble import unavailable

READERS = 2
"""Two: one slow search does not hold up a list."""

Answer = TypeVar("Answer")


class Readers:
    """Runs reads; connections are opened when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def read(self, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Run a query in one consistent view. Raises StoreUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, query)

    def close(self) -> None:
        """Wait for the reads under way and let go; blocks."""
        self._pool.shutdown()
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def _read(self, query: Callable[[sqlite3.Connection], Answer]) -> Answer:
        try:
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = connect(self._path, Purpose.READ)
            self._own.connection = connection
            self._opened.append(connection)
        return connection
