"""Keep statistics: stretches of time, merged into wider ones as they grow old."""

import sqlite3
from collections.abc import Sequence

import msgspec

from hookagent.store.base import Merge, Stretch
from hookagent.store.sqlite.intake import MINUTE_MS
from hookagent.store.sqlite.writer import Transaction


class Widening(msgspec.Struct, frozen=True, kw_only=True):
    """Which stretches become wider ones."""

    span: int
    into: int
    before: int
    merge: Merge


def add(transaction: Transaction, stretches: Sequence[Stretch]) -> None:
    """Keep stretches beside those that are there."""
    transaction.connection.executemany(
        "INSERT INTO stretches (at, span, node, data) VALUES (?, ?, ?, ?)",
        [(one.at, one.span, one.node, one.data) for one in stretches],
    )


def overlapping(connection: sqlite3.Connection, since: int, until: int) -> list[Stretch]:
    """Return the stretches of which any moment lies within, oldest first."""
    return [
        Stretch(at=at, span=span, node=node, data=data)
        for at, span, node, data in connection.execute(
            "SELECT at, span, node, data FROM stretches"
            " WHERE at < ? AND at + span > ? ORDER BY at, span, id",
            (until, since),
        )
    ]


def widen(transaction: Transaction, wanted: Widening) -> int:
    """Merge the oldest wider stretch that is complete by `before`; return how many rows went."""
    execute = transaction.connection.execute
    span, into = wanted.span, wanted.into
    limit = wanted.before // into * into
    oldest = execute(
        "SELECT at FROM stretches WHERE span = ? AND at < ? ORDER BY at LIMIT 1", (span, limit)
    ).fetchone()
    if oldest is None:
        return 0
    begin = oldest[0] // into * into
    place = (span, begin, begin + into)
    rows = execute(
        "SELECT node, data FROM stretches WHERE span = ? AND at >= ? AND at < ? ORDER BY id", place
    ).fetchall()
    execute("DELETE FROM stretches WHERE span = ? AND at >= ? AND at < ?", place)
    nodes = {node for node, _ in rows}
    merged = Stretch(
        at=begin,
        span=into,
        node=nodes.pop() if len(nodes) == 1 else "",
        data=wanted.merge([data for _, data in rows]),
    )
    add(transaction, [merged])
    return len(rows)


def drop(transaction: Transaction, before: int) -> int:
    """Remove the stretches that ended by then; return how many.

    The counts by source and minute go with them, but for the last of each source.
    """
    transaction.connection.execute(
        "DELETE FROM tally WHERE minute < ? AND EXISTS (SELECT 1 FROM tally AS later"
        " WHERE later.source_id = tally.source_id AND later.minute > tally.minute"
        " AND later.last_at > 0)",
        (before // MINUTE_MS,),
    )
    return transaction.connection.execute(
        "DELETE FROM stretches WHERE at + span <= ?", (before,)
    ).rowcount
