"""The parts of a store as pages: what a copy reads.

The small parts are tables with an order of their own; a page begins after the order's last values.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from hookagent.event import Event
from hookagent.store.base import Run
from hookagent.store.moving import (
    COLUMNS,
    OWN_NAMES,
    PAGE_BYTES,
    PAGE_ROWS,
    Page,
    Part,
    Place,
    Row,
    freed,
    size_of,
)
from hookagent.store.rows import event_of, run_of
from hookagent.store.sqlite.rows import EVENT_COLUMNS, RUN_COLUMNS

_NAMES = ", ".join(f"'{name}'" for name in OWN_NAMES)


class Table(NamedTuple):
    """How the rows of a small part are read."""

    order: tuple[str, ...]
    columns: str
    source: str
    condition: str = "TRUE"


TABLES = {
    Part.RULE_VERSIONS: Table(("hash",), "hash, rule, steps", "rule_versions"),
    Part.UNROUTED: Table(("u.seq",), "e.id", "unrouted AS u JOIN events AS e ON e.seq = u.seq"),
    Part.DUPLICATES: Table(
        ("d.seq",), "e.id, d.count", "duplicates AS d JOIN events AS e ON e.seq = d.seq"
    ),
    Part.DOCKET: Table(("received_at", "id"), "id, rules", "docket"),
    Part.STATES: Table(("rule", "key"), "rule, key, value, due_at", "states"),
    Part.REJECTED: Table(("n",), ", ".join(COLUMNS[Part.REJECTED]), "rejected"),
    Part.KEPT: Table(("name",), "name, value", "kept", f"name NOT IN ({_NAMES})"),
    Part.STRETCHES: Table(("id",), "at, span, node, data", "stretches"),
    Part.TALLY: Table(
        ("t.minute", "t.source_id"),
        "t.minute, s.name, t.events, t.duplicates, t.rejected, t.last_at",
        "tally AS t JOIN sources AS s ON s.id = t.source_id",
        "(t.events > 0 OR t.duplicates > 0 OR t.rejected > 0)",
    ),
}

COUNTS = {
    Part.EVENTS: "SELECT count(*) FROM events",
    Part.RUNS: "SELECT count(*) FROM runs",
} | {
    part: f"SELECT count(*) FROM {table.source} WHERE {table.condition}"  # noqa: S608 - constants of ours
    for part, table in TABLES.items()
}

_EVENTS = f"SELECT e.seq, {EVENT_COLUMNS} WHERE e.seq > ? AND e.seq <= ? ORDER BY e.seq LIMIT ?"
_RUNS = f"SELECT r.seq, {RUN_COLUMNS} WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq LIMIT ?"
_LAST = (1 << 63) - 1


def page_of(connection: sqlite3.Connection, part: Part, after: Place, until: Place) -> Page:
    """Read the next page of a part."""
    place = _LAST if until is None else until
    if part is Part.EVENTS:
        return _cut(connection.execute(_EVENTS, (after or 0, place, PAGE_ROWS)), read_event)
    if part is Part.RUNS:
        return _cut(connection.execute(_RUNS, (after or 0, place, PAGE_ROWS)), read_run)
    return _small(connection, TABLES[part], after)


def read_event(row: tuple[Any, ...]) -> Event:
    """Read a row of `EVENT_COLUMNS`."""
    return event_of(row)


def read_run(row: tuple[Any, ...]) -> Run:
    """Read a row of `RUN_COLUMNS`, without its lease."""
    return freed(run_of(row))


def _cut(rows: Iterator[tuple[Any, ...]], read: Any) -> Page:
    """Take rows until there are enough bytes."""
    taken: list[Row] = []
    after = None
    size = 0
    for place, *columns in rows:
        row = read(tuple(columns))
        taken.append(row)
        after = place
        size += size_of(row)
        if size >= PAGE_BYTES:
            break
    return Page(taken, after)


def _small(connection: sqlite3.Connection, table: Table, after: Place) -> Page:
    order = ", ".join(table.order)
    marks = ", ".join("?" for _ in table.order)
    begins = "TRUE" if after is None else f"({order}) > ({marks})"
    found = connection.execute(
        f"SELECT {order}, {table.columns} FROM {table.source}"  # noqa: S608 - constants of ours
        f" WHERE {table.condition} AND {begins} ORDER BY {order} LIMIT ?",
        (*(after or ()), PAGE_ROWS),
    ).fetchall()
    width = len(table.order)
    rows = [row[width:] for row in found]
    return Page(rows, list(found[-1][:width]) if found else None)
