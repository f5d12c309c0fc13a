"""The parts of a store as pages: what a copy reads.

Events go by their number. Runs have no index by number, so a cursor sorts their ids once for a
whole pass. The small parts are tables with an order of their own; a page begins after its last
values.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

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
)
from hookagent.store.postgres.arrays import bigs, readable, texts
from hookagent.store.postgres.rows import EVENT_COLUMNS, RUNS, read_event, read_run
from hookagent.store.postgres.session import Session
from hookagent.store.rows import DISCARDED, DONE

_NAMES = ", ".join(f"'{name}'" for name in OWN_NAMES)


class Table(NamedTuple):
    """How the rows of a small part are read."""

    order: tuple[str, ...]
    types: tuple[str, ...]
    """Of the order's columns."""
    columns: str
    source: str
    condition: str = "TRUE"
    group: str = ""


TABLES = {
    Part.RULE_VERSIONS: Table(("hash",), ("text",), "hash, rule, steps", "hook.rule_versions"),
    Part.UNROUTED: Table(
        ("u.seq",), ("int8",), "e.id", "hook.unrouted AS u JOIN hook.events AS e ON e.seq = u.seq"
    ),
    Part.DUPLICATES: Table(("id",), ("text",), "id, duplicates", "hook.keys", "duplicates > 0"),
    Part.DOCKET: Table(("received_at", "id"), ("int8", "text"), "id, rules", "hook.docket"),
    Part.STATES: Table(("digest",), ("uuid",), "rule, key, value, due_at", "hook.states"),
    Part.REJECTED: Table(("n",), ("int8",), ", ".join(COLUMNS[Part.REJECTED]), "hook.rejected"),
    Part.KEPT: Table(("name",), ("text",), "name, value", "hook.kept", f"name NOT IN ({_NAMES})"),
    Part.STRETCHES: Table(("id",), ("int8",), "at, span, node, data", "hook.stretches"),
    Part.TALLY: Table(
        ("t.minute", "t.source_id"),
        ("int8", "int4"),
        "min(s.name), sum(t.events)::int8, sum(t.duplicates)::int8, sum(t.rejected)::int8,"
        " max(t.last_at)",
        "hook.tally AS t JOIN hook.sources AS s ON s.id = t.source_id",
        "(t.events > 0 OR t.duplicates > 0 OR t.rejected > 0)",
        "GROUP BY t.minute, t.source_id",
    ),
}

COUNTS = {
    part: f"SELECT count(*) FROM {table.source} WHERE {table.condition}"  # noqa: S608 - constants of ours
    for part, table in TABLES.items()
} | {
    Part.EVENTS: "SELECT count(*) FROM hook.events",
    Part.RUNS: "SELECT count(*) FROM hook.runs",
    Part.TALLY: "SELECT count(DISTINCT (t.minute, t.source_id)) FROM hook.tally AS t WHERE "  # noqa: S608 - as above
    + TABLES[Part.TALLY].condition,
}

_SIZES = """
    SELECT seq, octet_length(body) FROM hook.events WHERE seq > $1 AND seq <= $2
    ORDER BY seq LIMIT $3
"""
_EVENTS = f"SELECT {EVENT_COLUMNS} WHERE e.seq > $1 AND e.seq <= $2 ORDER BY e.seq"
_PLACES = "SELECT seq FROM hook.keys WHERE id = ANY($1::text[])"
_EVENTS_AT = (
    f"SELECT {EVENT_COLUMNS} WHERE e.seq = ANY($1::int8[]) AND e.seq BETWEEN $2 AND $3"
    " ORDER BY e.seq"
)
_RUNS = f"SELECT {RUNS} WHERE r.id = ANY($1::text[]) ORDER BY r.seq"
_CURSOR = """
    DECLARE runs_to_carry NO SCROLL CURSOR FOR
    SELECT seq, id FROM hook.runs WHERE seq > {after} AND seq <= {until} {condition} ORDER BY seq
"""
UNFINISHED = f"AND state NOT IN ({DONE}, {DISCARDED})"
_LAST = (1 << 63) - 1


async def events_page(session: Session, after: Place, until: Place) -> Page:
    """Read the next page of events."""
    begin = -1 if after is None else after
    end = None
    left = PAGE_BYTES
    for seq, size in await session.fetch(_SIZES, begin, _end(until), PAGE_ROWS):
        end = seq
        left -= size
        if left <= 0:
            break
    if end is None:
        return Page([], None)
    return Page([read_event(row) for row in await session.fetch(_EVENTS, begin, end)], end)


async def small_page(session: Session, part: Part, after: Place) -> Page:
    """Read the next page of a small part."""
    table = TABLES[part]
    order = ", ".join(table.order)
    given = ", ".join(f"${n}::{kind}" for n, kind in enumerate(table.types, 2))
    begins = "TRUE" if after is None else f"({order}) > ({given})"
    found = await session.fetch(
        f"SELECT {order}, {table.columns} FROM {table.source}"  # noqa: S608 - constants of ours
        f" WHERE {table.condition} AND {begins} {table.group} ORDER BY {order} LIMIT $1",
        PAGE_ROWS,
        *(after or ()),
    )
    width = len(table.order)
    # The minute is both of the order and of the row.
    first = 0 if part is Part.TALLY else width
    skipped = {1} if part is Part.TALLY else set()
    rows = [
        tuple(_plain(one) for at, one in enumerate(row[first:]) if at not in skipped)
        for row in found
    ]
    return Page(rows, list(found[-1][:width]) if found else None)


async def read(session: Session, part: Part, ids: Sequence[str]) -> Sequence[Row]:
    """Read these events or runs in the order of their numbers."""
    if not ids:
        return []
    if part is Part.RUNS:
        return [freed(read_run(row)) for row in await session.fetch(_RUNS, texts(ids))]
    seqs = [seq for (seq,) in await session.fetch(_PLACES, texts(ids))]
    if not seqs:
        return []
    rows = await session.fetch(_EVENTS_AT, bigs(seqs), min(seqs), max(seqs))
    return [read_event(row) for row in rows]


class RunCursor:
    """Walks through runs by number; on a connection of its own, as it needs a transaction."""

    def __init__(self, session: Session, condition: str = "") -> None:
        self._session = session
        self._condition = condition
        self._at: tuple[Place, Place] | None = None

    async def page(self, after: Place, until: Place) -> Page:
        """Read the next page of runs."""
        if self._at != (after, until):
            await self._begin(after, until)
        while found := await self._session.fetch(f"FETCH {PAGE_ROWS} FROM runs_to_carry"):
            last = found[-1][0]
            self._at = (last, until)
            rows = await read(self._session, Part.RUNS, [run_id for _, run_id in found])
            if rows:  # none where all of them were removed meanwhile
                return Page(rows, last)
        return Page([], None)

    async def _begin(self, after: Place, until: Place) -> None:
        execute = self._session.connection.execute
        await execute("ROLLBACK")
        await execute("BEGIN READ ONLY")
        query = _CURSOR.format(
            after=-1 if after is None else int(after),
            until=int(_end(until)),
            condition=self._condition,
        )
        await execute(self._session.named(query).encode())

    async def close(self) -> None:
        """Let go of the connection."""
        await self._session.close()


def _end(until: Place) -> Place:
    return _LAST if until is None else until


def _plain(value: Any) -> Any:
    return readable(value) if value.__class__ is str else value
