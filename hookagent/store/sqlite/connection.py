"""Connections and their settings.

`synchronous=FULL` makes a commit durable: the write-ahead log is synced before it returns.
Checkpoints are off the commit's path (`wal_autocheckpoint=0`): `checkpoint.py` does them.
"""

import sqlite3
from enum import StrEnum
from pathlib import Path
from types import NoneType
from urllib.parse import quote

APPLICATION_ID = 0x686F6F6B
"""The bytes `hook`, in the database's header: tells our store from any other SQLite file."""

PAGE_BYTES = 8 * 1024
"""Of a new database: an event of 10 KiB is two pages and not three, which is a fifth more of them a
second than with SQLite's own 4 KiB; from 16 KiB on, small events write more than they are."""
WRITE_CACHE_KIB = 16 * 1024
READ_CACHE_KIB = 4 * 1024
BUSY_TIMEOUT_MS = 2_000
"""How long to wait for another process's small write before saying that the store is locked."""
WAL_KEPT_BYTES = 16 * 1024 * 1024
"""What the write-ahead log is cut back to once it was copied into the database."""
STATEMENTS_CACHED = 256

# `sqlite3` looks for a way to adapt every value that is no number and no text, and looks in four
# places before it binds bytes and None as they are. The first place, taken, costs a third.
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(NoneType, {None: None}.get)


class Purpose(StrEnum):
    """What a connection is for."""

    WRITE = "write"
    READ = "read"
    CHECKPOINT = "checkpoint"
    SEARCH = "search"
    """The search file: derived, so a commit need not reach the disk before it returns."""


def connect(path: Path, purpose: Purpose) -> sqlite3.Connection:
    """Open a database that exists. Raises sqlite3.Error.

    Statements run in autocommit; transactions are written out as `BEGIN` and `COMMIT`.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    try:
        _set_up(connection, purpose)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, purpose: Purpose) -> None:
    cache = WRITE_CACHE_KIB if purpose is Purpose.WRITE else READ_CACHE_KIB
    for setting in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        f"page_size={PAGE_BYTES}",  # before the journal's mode, which writes the first page
        "journal_mode=WAL",
        "synchronous=FULL",
        "wal_autocheckpoint=0",
        f"journal_size_limit={WAL_KEPT_BYTES}",
        f"cache_size=-{cache}",
        "secure_delete=FAST",
        "trusted_schema=OFF",
        "cell_size_check=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {setting}")
    if purpose is Purpose.SEARCH:
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=1000")
    if purpose is Purpose.READ:
        connection.execute("PRAGMA query_only=ON")


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """Return a numeric setting or fact of the database."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
