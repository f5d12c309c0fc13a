"""Count what is stored."""

import sqlite3

from hookagent.store.base import SourceStats, StoreStats
from hookagent.store.sqlite.connection import pragma
from hookagent.store.sqlite.intake import MINUTE_MS
from hookagent.store.sqlite.rows import RUN_STATES

_SOURCES = """
    SELECT s.name,
        coalesce(sum(t.events) FILTER (WHERE t.minute >= ?1), 0),
        coalesce(sum(t.duplicates) FILTER (WHERE t.minute >= ?1), 0),
        coalesce(sum(t.rejected) FILTER (WHERE t.minute >= ?1), 0),
        coalesce(max(t.last_at), 0)
    FROM sources AS s LEFT JOIN tally AS t ON t.source_id = s.id
    GROUP BY s.id ORDER BY s.name
"""


def stats(connection: sqlite3.Connection, since: int) -> StoreStats:
    """Count everything; sources since then, to the full minute before."""
    runs = connection.execute("SELECT state, count(*) FROM runs GROUP BY state ORDER BY state")
    unrouted, first = connection.execute("SELECT count(*), min(seq) FROM unrouted").fetchone()
    oldest = connection.execute("SELECT received_at FROM events WHERE seq = ?", (first,)).fetchone()
    pages = pragma(connection, "page_count")
    return StoreStats(
        events=connection.execute("SELECT count(*) FROM events").fetchone()[0],
        runs={str(RUN_STATES[state]): count for state, count in runs},
        unrouted=unrouted,
        oldest_unrouted_at=oldest[0] if oldest else 0,
        size_bytes=pages * pragma(connection, "page_size"),
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
