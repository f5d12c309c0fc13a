"""Is the database whole? A look that fits into a start, and a full one for `doctor`."""

import sqlite3
from pathlib import Path

from hookagent.errors import OutsideError
from hookagent.store.sqlite.trouble import SALVAGE_HINT

FULL_CHECK_BYTES = 32 * 1024 * 1024
"""Up to this size a start checks every page: well under half a second."""
SMALL_TABLES = ("sources", "kinds", "rules", "cells", "counters", "kept", "states", "spans")
NEWEST = 200
"""So many of the newest rows are read in a large database: what a crash could have hurt."""
PROBLEMS_MAX = 20


def check_at_start(connection: sqlite3.Connection, path: Path) -> None:
    """Raise OutsideError for a damaged database, as far as a second's look can tell.

    A write-ahead log makes damage by a crash of ours impossible and by the system unlikely, so a
    large database is not read whole: only its small tables and the newest rows are.
    """
    if path.stat().st_size <= FULL_CHECK_BYTES:
        problems = _quick_check(connection, "quick_check(1)")
    else:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        problems = [
            problem
            for table in SMALL_TABLES
            if table in tables
            for problem in _quick_check(connection, f"quick_check({table})")
        ]
        for table in tables & {"events", "runs"}:
            connection.execute(
                f"SELECT * FROM {table} ORDER BY seq DESC LIMIT {NEWEST}"  # noqa: S608 - constants of ours
            ).fetchall()
    if problems:
        raise OutsideError(
            f"the store `{path}` is unavailable: the database is damaged ({problems[0]})",
            hint=SALVAGE_HINT,
        )


def check_fully(connection: sqlite3.Connection) -> list[str]:
    """Read every page and return what is wrong; seconds for a large database."""
    return _quick_check(connection, f"quick_check({PROBLEMS_MAX})")


def _quick_check(connection: sqlite3.Connection, pragma: str) -> list[str]:
    rows = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}")]
    return [" ".join(row.split()) for row in rows if row != "ok"]
