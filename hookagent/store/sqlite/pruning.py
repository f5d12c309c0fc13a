"""Remove what is old and finished, a little at a time.

Freed pages are used again by new events; the file does not shrink by itself.
"""

import sqlite3

from hookagent.store.base import Pruned
from hookagent.store.rows import DEAD, PENDING, RUNNING, WAITING
from hookagent.store.sqlite.writer import Transaction

_UNFINISHED = f"({PENDING}, {RUNNING}, {WAITING}, {DEAD})"
"""Dead is not finished: a person has to say so."""

_IS_FINISHED = f"""
    NOT EXISTS (SELECT 1 FROM unrouted AS u WHERE u.seq = e.seq)
    AND NOT EXISTS (SELECT 1 FROM docket AS d WHERE d.seq = e.seq)
    AND NOT EXISTS (
        SELECT 1 FROM runs AS r WHERE r.event_seq = e.seq AND r.state IN {_UNFINISHED}
    )
"""  # noqa: S608 - constants of ours


def prunable(
    connection: sqlite3.Connection, after: int, before: int, limit: int
) -> list[tuple[int, int]]:
    """Return seq and kind of finished events received before then, beyond a sequence number."""
    found: list[tuple[int, int]] = []
    blocks = connection.execute(
        "SELECT block FROM spans WHERE block >= ? AND first_at < ? ORDER BY block",
        (after >> 10, before),
    )
    for (block,) in blocks:
        found += connection.execute(
            "SELECT e.seq, e.kind_id FROM events AS e WHERE e.seq > ? AND e.seq BETWEEN ? AND ?"  # noqa: S608 - a constant of ours
            f" AND e.received_at < ? AND {_IS_FINISHED} ORDER BY e.seq LIMIT ?",
            (after, block << 10, (block << 10) + 1023, before, limit - len(found)),
        )
        if len(found) >= limit:
            break
    return found


def remove(transaction: Transaction, events: list[tuple[int, int]]) -> Pruned:
    """Remove these events with their runs, unless one came to life in the meantime."""
    connection = transaction.connection
    still = [
        (seq, kind)
        for seq, kind in events
        if connection.execute(
            f"SELECT 1 FROM events AS e WHERE e.seq = ? AND {_IS_FINISHED}",  # noqa: S608 - a constant of ours
            (seq,),
        ).fetchone()
    ]
    seqs = [(seq,) for seq, _ in still]
    _remember_highest(connection)
    connection.executemany(
        "DELETE FROM keys WHERE seq = ?1"
        " AND fingerprint = (SELECT fingerprint FROM events WHERE seq = ?1)",
        seqs,
    )
    runs = connection.executemany("DELETE FROM runs WHERE event_seq = ?", seqs).rowcount
    removed = connection.executemany("DELETE FROM events WHERE seq = ?", seqs).rowcount
    connection.executemany("DELETE FROM duplicates WHERE seq = ?", seqs)
    connection.executemany(
        "DELETE FROM quiet WHERE kind_id = ? AND seq = ?", [(kind, seq) for seq, kind in still]
    )
    if still:
        _drop_empty_spans(connection, still[-1][0])
    return Pruned(events=max(removed, 0), runs=max(runs, 0), rejected=0)


def remove_what_has_no_event(transaction: Transaction, before: int) -> Pruned:
    """Remove refused deliveries received before then, and finished runs without an event."""
    execute = transaction.connection.execute
    runs = execute(
        "DELETE FROM runs WHERE event_seq IS NULL AND ended_at < ?"  # noqa: S608 - a constant of ours
        f" AND state NOT IN {_UNFINISHED}",
        (before,),
    ).rowcount
    rejected = execute("DELETE FROM rejected WHERE received_at < ?", (before,)).rowcount
    return Pruned(events=0, runs=runs, rejected=rejected)


def _remember_highest(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO counters SELECT 'events', coalesce(max(seq), 0) FROM events WHERE TRUE"
        " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
    )


def _drop_empty_spans(connection: sqlite3.Connection, last: int) -> None:
    connection.execute(
        "DELETE FROM spans WHERE block <= ? AND NOT EXISTS"
        " (SELECT 1 FROM events WHERE seq BETWEEN spans.block << 10 AND (spans.block << 10) + 1023)"
        " AND block < (SELECT max(block) FROM spans)",
        (last >> 10,),
    )
