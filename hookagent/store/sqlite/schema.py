"""Bring a database to today's schema: numbered files, each in one transaction, a copy before.

`migrations/NNNN_name.sql` takes a database from version NNNN-1 to NNNN; the version stands in
`PRAGMA user_version`.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from hookagent.errors import OutsideError
from hookagent.store.migration import Migration, read_migrations
from hookagent.store.sqlite.connection import APPLICATION_ID, pragma
from hookagent.store.sqlite.files import FILE_MODE


def migrations() -> list[Migration]:
    """Read the migrations of this engine, in order."""
    return read_migrations("hookagent.store.sqlite")


def migrate(
    connection: sqlite3.Connection, path: Path, steps: Sequence[Migration] | None = None
) -> Path | None:
    """Apply what is missing; return the copy that was made before, if one was.

    Raises OutsideError for a database of another program or of a newer hookagent.
    """
    steps = migrations() if steps is None else steps
    version = pragma(connection, "user_version")
    newest = steps[-1].version
    _refuse_foreign(connection, path, version)
    if version > newest:
        raise OutsideError(
            f"the store `{path}` has schema {version}; this hookagent knows up to {newest}",
            hint="use the newer hookagent that made it, or set another `url` under `[store]`",
        )
    if version == newest:
        return None
    copy = _copy(connection, path, version) if version else None
    for step in steps:
        if step.version > version:
            _apply(connection, step)
    return copy


def _refuse_foreign(connection: sqlite3.Connection, path: Path, version: int) -> None:
    mark = pragma(connection, "application_id")
    if mark == APPLICATION_ID:
        return
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if mark or version or tables:
        raise OutsideError(
            f"the database `{path}` was not made by hookagent",
            hint="set another `url` under `[store]`; this file was left as it is",
        )


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    """Run one migration, unless another process did in the meantime."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        if pragma(connection, "user_version") < step.version:
            for statement in statements(step.sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={step.version}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def statements(script: str) -> list[str]:
    """Split a script into its statements; each ends at the end of a line."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    return found


def _copy(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    copy = path.with_name(f"{path.name}.schema-{version}.bak")
    copy.unlink(missing_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(copy, flags, FILE_MODE))
    connection.execute("VACUUM INTO ?", (str(copy),))
    return copy
