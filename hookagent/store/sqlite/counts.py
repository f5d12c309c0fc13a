"""Count what is stored."""

import sqlite3

from hookagent.store.base import Minute, SourceStats, StoreStats
from hookagent.store.rows import DONE, RUN_STATES
from hookagent.store.sqlite.connection import pragma
from hookagent.store.sqlite.intake import MINUTE_MS

_SOURCES = """
    WITH recent AS (
        SELECT source_id, sum(events) AS events, sum(duplicates) AS duplicates,
            sum(rejected) AS rejected
        FROM tally WHERE minute >= ?1 GROUP BY +source_id
    )
    SELECT s.name, coalesce(r.events, 0), coalesce(r.duplicates, 0), coalesce(r.rejected, 0),
        coalesce((
            SELECT t.last_at FROM tally AS t WHERE t.source_id = s.id AND t.last_at > 0
            ORDER BY t.minute DESC LIMIT 1
        ), 0)
    FROM sources AS s LEFT JOIN recent AS r ON r.source_id = s.id ORDER BY s.name
"""
"""A source is heard of last in its newest minute: costs what is recent, not what is stored. The `+`
keeps SQLite from walking the index by source instead of the range of minutes."""


_MINUTES = """
    SELECT s.name, t.minute, t.events, t.duplicates, t.rejected
    FROM tally AS t JOIN sources AS s ON s.id = t.source_id
    WHERE t.minute >= ? ORDER BY t.minute, s.name
"""


def activity(connection: sqlite3.Connection, since: int) -> list[Minute]:
    """Return the minutes since then in which something happened, oldest first."""
    return [
        Minute(
            source=source,
            at=minute * MINUTE_MS,
            events=events,
            duplicates=duplicates,
            rejected=rejected,
        )
        for source, minute, events, duplicates, rejected in connection.execute(
            _MINUTES, (since // MINUTE_MS,)
        )
    ]


def stats(connection: sqlite3.Connection, since: int) -> StoreStats:
    """Count everything; sources since then, to the full minute before."""
    unrouted, first = connection.execute("SELECT count(*), min(seq) FROM unrouted").fetchone()
    oldest = connection.execute("SELECT received_at FROM events WHERE seq = ?", (first,)).fetchone()
    pages, free = pragma(connection, "page_count"), pragma(connection, "freelist_count")
    page_size = pragma(connection, "page_size")
    return StoreStats(
        events=connection.execute("SELECT count(*) FROM events").fetchone()[0],
        runs=_runs(connection),
        unrouted=unrouted,
        oldest_unrouted_at=oldest[0] if oldest else 0,
        size_bytes=pages * page_size,
        used_bytes=(pages - free) * page_size,
        sources=[
            SourceStats(
                source=name,
                events=events,
                duplicates=duplicates,
                rejected=rejected,
                last_received_at=last,
            )
            for name, events, duplicates, rejected, last in connection.execute(
                _SOURCES, (since // MINUTE_MS,)
            )
        ],
    )


def _runs(connection: sqlite3.Connection) -> dict[str, int]:
    """Count runs by state: nearly all are done, so those are what is left of the total."""
    counts = dict.fromkeys(range(len(RUN_STATES)), 0)
    for (cell,) in connection.execute("SELECT id FROM cells").fetchall():
        for state in counts.keys() - {DONE}:
            counts[state] += connection.execute(
                "SELECT count(*) FROM runs WHERE cell_id = ? AND state = ?", (cell, state)
            ).fetchone()[0]
    total = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    counts[DONE] = total - sum(counts.values())
    return {str(RUN_STATES[state]): count for state, count in counts.items() if count}
