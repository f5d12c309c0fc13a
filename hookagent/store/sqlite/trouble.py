"""What SQLite's errors mean to a person: one sentence and what to do.

SQLite's result codes: https://www.sqlite.org/rescode.html
"""

import errno
import sqlite3
from pathlib import Path

from hookagent.store.base import StoreUnavailable

SALVAGE_HINT = (
    "`hookagent doctor --salvage` saves every readable event into a new store;"
    " stop `hookagent serve` first"
)

_SENTENCES: tuple[tuple[str, str, str | None], ...] = (
    ("SQLITE_FULL", "the disk or the file-size limit is full", "make room; nothing else to do"),
    ("SQLITE_READONLY", "it cannot be written", "check its owner, its mode and the file system"),
    ("SQLITE_BUSY", "another program holds it locked", "end the other program or wait for it"),
    ("SQLITE_LOCKED", "another program holds it locked", "end the other program or wait for it"),
    ("SQLITE_NOTADB", "the file is no SQLite database", SALVAGE_HINT),
    ("SQLITE_CORRUPT", "the database is damaged", SALVAGE_HINT),
    ("SQLITE_CANTOPEN", "it cannot be opened", "check its folder, its owner and its mode"),
    ("SQLITE_PERM", "its mode forbids it", "check its owner and its mode"),
    ("SQLITE_IOERR", "the disk failed to read or write", "check the disk; see the system's log"),
    ("SQLITE_NOMEM", "there is no memory left", None),
    ("SQLITE_TOOBIG", "a value is larger than SQLite can hold", None),
)

_OF_THE_SYSTEM = {
    errno.ENOSPC: "SQLITE_FULL",
    errno.EDQUOT: "SQLITE_FULL",
    errno.EFBIG: "SQLITE_FULL",
    errno.EROFS: "SQLITE_READONLY",
    errno.EACCES: "SQLITE_PERM",
    errno.EPERM: "SQLITE_PERM",
    errno.EIO: "SQLITE_IOERR",
}
"""What SQLite would call an error of the system, met beside it."""

STAYS_USABLE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_CONSTRAINT")
"""After these the connection itself is sound; after others it is opened anew."""


def unavailable(error: Exception, path: Path) -> StoreUnavailable:
    """Turn an error of SQLite or the system into a sentence about this store."""
    if isinstance(error, StoreUnavailable):
        return error
    name = error_name(error)
    for beginning, sentence, hint in _SENTENCES:
        if name.startswith(beginning):
            return StoreUnavailable(f"the store `{path}` is unavailable: {sentence}", hint=hint)
    return StoreUnavailable(f"the store `{path}` is unavailable: {error}")


def error_name(error: Exception) -> str:
    """Return SQLite's name of an error (`SQLITE_FULL`), or an empty string."""
    if isinstance(error, OSError) and error.errno is not None:
        return _OF_THE_SYSTEM.get(error.errno, "")
    name = getattr(error, "sqlite_errorname", None)
    if isinstance(name, str):
        return name
    if isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error):
        return "SQLITE_CORRUPT"
    return ""
